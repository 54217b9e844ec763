/* SPDX-License-Identifier: BSD-2-Clause */
/* lang/bt/probe_args.c - what `args` and `retval` of a place are.
 *
 *	tracepoint          the record: fields of its format text, else of struct
 *trace_event_raw_NAME rawtracepoint       words of the context, by the prototype of typedef
 *btf_trace_NAME fentry, fexit       words of the context, by the function's prototype; the result
 *behind them uprobe              registers, by the function's prototype in DWARF iter struct
 *bpf_iter__NAME
 */
#include "btf/btf.h"
#include "lang/bt/probe_priv.h"
#include "lang/cdecl/cdecl.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIELDS_MAX = 256 };

/* A struct in the context of fields that are there. */
static const struct stype *args_struct(struct sema *s, const char *name,
				       const struct stype_field *fields, u32 n, u32 size)
{
	struct stype *t = arena_alloc(sema_types(s), sizeof(*t));
	struct stype_field *copy = arena_alloc(sema_types(s), (n + 1) * sizeof(*copy));

	memcpy(copy, fields, n * sizeof(*fields));
	*t = (struct stype){.kind = ST_STRUCT,
			    .name = arena_strdup(sema_types(s), name),
			    .fields = copy,
			    .n_fields = n,
			    .size = size,
			    .space = SS_CTX};
	return t;
}

/* A pointer's type with its target in that space; others are as they were. */
static const struct stype *in_space(struct sema *s, const struct stype *t, enum stype_space space)
{
	return t->kind == ST_PTR ? stype_in_space(sema_types(s), t, space) : t;
}

/* ---- tracepoints ---- */

static bool take_number(const char *line, const char *end, const char *key, u32 *out)
{
	const char *at = memmem(line, (size_t)(end - line), key, strlen(key));

	if (!at)
		return false;
	*out = (u32)strtoul(at + strlen(key), NULL, 10);
	return true;
}

bool tp_next(const char **at, struct tp_decl *out)
{
	const char *line, *end;

	for (line = *at; *line; line = end + (*end == '\n')) {
		const char *decl;
		u32 is_signed = 0;

		end = line + strcspn(line, "\n");
		if (strncmp(line, "\tfield:", 7) != 0)
			continue;
		decl = line + 7;
		out->text = decl;
		out->len = (u32)strcspn(decl, ";\n");
		if (!take_number(decl, end, "offset:", &out->off) ||
		    !take_number(decl, end, "size:", &out->size))
			continue;
		take_number(decl, end, "signed:", &is_signed);
		out->is_signed = is_signed;
		*at = end + (*end == '\n');
		return true;
	}
	*at = line;
	return false;
}

/* A declaration without its name: words of the base type, '*' counted. */
struct decl {
	char base[128], name[128];
	u32 stars;
	bool is_array, is_loc;
};

static bool is_word_char(char c)
{
	return isalnum((u8)c) || c == '_';
}

/* "__data_loc char[] name", "const char * name", "unsigned long args[6]" */
static bool decl_parse(const struct tp_decl *d, struct decl *out)
{
	const char *p = d->text, *end = p + d->len, *word = NULL;
	size_t word_len = 0, n = 0;

	*out = (struct decl){0};
	while (p < end) {
		if (is_word_char(*p)) {
			const char *from = p;

			while (p < end && is_word_char(*p))
				p++;
			/* the word before the last one belongs to the type */
			if (word && n + word_len + 2 < sizeof(out->base)) {
				bool drop = !strncmp(word, "const ", 6) ||
					    !strncmp(word, "volatile ", 9) ||
					    !strncmp(word, "__data_loc", 10) ||
					    !strncmp(word, "__rel_loc", 9);

				out->is_loc |= !strncmp(word, "__data_loc", 10);
				if (!drop)
					n += (size_t)snprintf(out->base + n, sizeof(out->base) - n,
							      "%s%.*s", n ? " " : "", (int)word_len,
							      word);
			}
			word = from;
			word_len = (size_t)(p - from);
			continue;
		}
		out->stars += *p == '*';
		out->is_array |= *p == '[';
		if (*p == '[')
			p += strcspn(p, "]");
		p++;
	}
	if (!word || word_len >= sizeof(out->name))
		return false;
	memcpy(out->name, word, word_len);
	return true;
}

static const struct stype *base_type(struct sema *s, const char *name)
{
	if (!strcmp(name, "char"))
		return stype_int(1, true);
	return s->ctypes && *name ? ctypes_find(s->ctypes, name) : NULL;
}

static const struct stype *tp_field_type(struct sema *s, const struct tp_decl *d,
					 const struct decl *decl, enum stype_space space)
{
	const struct stype *t = base_type(s, decl->base);
	bool is_char = !strcmp(decl->base, "char") && !decl->stars;

	for (u32 i = 0; i < decl->stars; i++)
		t = stype_ptr(sema_types(s), t ? t : stype_void(), space);
	if (decl->is_loc)
		return stype_ptr(sema_types(s), t ? t : stype_int(1, false), SS_KERNEL);
	if (decl->is_array && is_char)
		return stype_str(sema_types(s), d->size);
	if (decl->is_array) {
		if (!t || !t->size || d->size % t->size)
			t = stype_int(1, false);
		return stype_array(sema_types(s), t, d->size / t->size);
	}
	if (t && t->size == d->size)
		return t;
	if (d->size == 1 || d->size == 2 || d->size == 4 || d->size == 8)
		return stype_int(d->size, d->is_signed);
	return stype_array(sema_types(s), stype_int(1, false), d->size);
}

static const struct stype *tracepoint_args(struct sema *s, const struct script_attach *a)
{
	enum stype_space space = !strcmp(a->target, "syscalls") ? SS_USER : SS_KERNEL;
	struct stype_field fields[FIELDS_MAX];
	char name[256], *text = NULL;
	const char *at;
	struct tp_decl d;
	u32 n = 0, size = 0;

	if (s->w->tracepoint(s->w->arg, a->target, a->fn, NULL, &text))
		return NULL;
	for (at = text; n < FIELDS_MAX && tp_next(&at, &d);) {
		struct decl decl;

		if (!decl_parse(&d, &decl) || !strncmp(decl.name, "common_", 7))
			continue;
		fields[n] = (struct stype_field){.name = arena_strdup(sema_types(s), decl.name),
						 .off = d.off,
						 .type = tp_field_type(s, &d, &decl, space),
						 .data_loc = decl.is_loc};
		size = MAX(size, d.off + d.size);
		n++;
	}
	free(text);
	snprintf(name, sizeof(name), "struct _tracepoint_%s_%s", a->target, a->fn);
	return args_struct(s, name, fields, n, size);
}

/* The kernel's own struct of the record, where tracefs may not be read. */
static const struct stype *tracepoint_btf_args(struct sema *s, const struct script_attach *a)
{
	struct stype_field fields[FIELDS_MAX];
	const struct stype *t;
	char name[256];
	u32 n = 0;

	if (!s->ctypes || (size_t)snprintf(name, sizeof(name), "struct trace_event_raw_%s",
					   a->fn) >= sizeof(name))
		return NULL;
	t = ctypes_find(s->ctypes, name);
	t = t ? ctypes_complete(s->ctypes, t) : NULL;
	if (!t || t->kind != ST_STRUCT || t->is_fwd)
		return NULL;
	for (u32 i = 0; i < t->n_fields && n < FIELDS_MAX; i++) {
		struct stype_field f = t->fields[i];

		if (!f.name || f.off < 8 || !strcmp(f.name, "__data"))
			continue;
		if (!strncmp(f.name, "__data_loc_", 11)) {
			f.name += 11;
			f.data_loc = true;
			f.type = stype_ptr(sema_types(s), stype_int(1, true), SS_KERNEL);
		}
		f.type = in_space(s, f.type, SS_KERNEL);
		fields[n++] = f;
	}
	return args_struct(s, t->name, fields, n, t->size);
}

/* ---- functions ---- */

static u32 proto_of(const struct btf *btf, const char *prefix, const char *name, u32 kind)
{
	char full[512];
	u32 id;

	if (!btf || (size_t)snprintf(full, sizeof(full), "%s%s", prefix, name) >= sizeof(full))
		return 0;
	id = btf_find_own(btf, full, kind);
	id = id ? btf_type(btf, id)->type : 0;
	if (id && btf_kind(btf_type(btf, id)) == BTF_PTR)
		id = btf_type(btf, id)->type;
	return btf_kind(btf_type(btf, id)) == BTF_FUNC_PROTO ? id : 0;
}

/* A raw tracepoint's own typedef has no names of parameters; the functions that call its probes
 * have. */
u32 probe_proto(const struct btf *btf, enum script_hook hook, const char *fn, u32 *first)
{
	u32 id;

	*first = hook == HOOK_RAWTRACEPOINT;
	if (!*first)
		return proto_of(btf, "", fn, BTF_FUNC);
	id = proto_of(btf, "__traceiter_", fn, BTF_FUNC);
	id = id ? id : proto_of(btf, "__probestub_", fn, BTF_FUNC);
	return id ? id : proto_of(btf, "btf_trace_", fn, BTF_TYPEDEF);
}

/* Words that a parameter takes; 0: it is not passed in words. */
static u32 param_words(const struct btf *btf, u32 type)
{
	const struct btf_type *t = btf_resolve(btf, type);
	s64 size = btf_size(btf, type);

	if (btf_kind(t) == BTF_FLOAT || size <= 0)
		return 0;
	return size <= 8 ? 1 : size <= 16 ? 2 : 0;
}

/* The parameters of a prototype from number `first` on. */
static const struct stype *proto_args(struct sema *s, struct probe_place *p, const struct btf *btf,
				      u32 proto, u32 first)
{
	const struct btf_type *t = btf_type(btf, proto);
	const struct btf_param *params = btf_params(t);
	bool in_regs = p->a.hook == HOOK_UPROBE;
	enum stype_space space = in_regs ? SS_USER : SS_KERNEL;
	struct stype_field fields[FIELDS_MAX];
	u32 n = 0, word = 0;
	char name[256];

	for (u32 i = first; i < btf_vlen(t) && n < FIELDS_MAX; i++) {
		const char *pname = btf_str(btf, params[i].name_off);
		u32 words = params[i].type ? param_words(btf, params[i].type) : 0;
		s64 off = in_regs ? bt_arg_reg(word) : 8 * (s64)word;
		const struct stype *type;

		if (!params[i].type)
			break;
		word += words;
		if (words != 1 || off < 0)
			continue;
		type = ctypes_of_btf(s->ctypes, btf, params[i].type);
		if (!type)
			continue;
		/* an enum of a program is a number, its values have no names to the script */
		if (in_regs && type->kind == ST_ENUM)
			type = stype_int(type->size, type->is_signed);
		if (!*pname)
			pname = arena_printf(sema_types(s), "arg%u", i - first);
		fields[n++] = (struct stype_field){.name = arena_strdup(sema_types(s), pname),
						   .off = off,
						   .type = in_space(s, type, space),
						   .slot = true};
	}
	if (p->a.hook == HOOK_FEXIT && t->type && param_words(btf, t->type) == 1) {
		const struct stype *ret = ctypes_of_btf(s->ctypes, btf, t->type);
		struct stype_field *f = arena_alloc(sema_types(s), sizeof(*f));

		if (ret) {
			*f = (struct stype_field){.name = "retval",
						  .off = 8 * (s64)word,
						  .slot = true,
						  .type = in_space(s, ret, SS_KERNEL)};
			p->ret_field = f;
			p->retval = f->type;
		}
	}
	snprintf(name, sizeof(name), "struct _%s_%.200s", script_hook_text(p->a.hook), p->a.fn);
	return args_struct(s, name, fields, n, in_regs ? 168 : 8 * word);
}

static const struct stype *function_args(struct sema *s, struct probe_place *p)
{
	const struct btf *btf = NULL;
	u32 first, proto;

	if (!s->ctypes)
		return NULL;
	if (p->a.hook == HOOK_UPROBE)
		btf = *p->a.ns && strcmp(p->a.ns, "cpp") ? NULL
							 : s->w->dwarf_btf(s->w->arg, p->a.target);
	else if (*p->a.target && strcmp(p->a.target, "vmlinux") != 0)
		btf = s->w->module_btf(s->w->arg, p->a.target);
	else
		btf = world_btf(s->w);
	proto = probe_proto(btf, p->a.hook, p->a.fn, &first);
	return proto ? proto_args(s, p, btf, proto, first) : NULL;
}

void probe_args(struct sema *s, struct probe_place *p)
{
	switch (p->a.hook) {
	case HOOK_TRACEPOINT:
		p->args = tracepoint_args(s, &p->a);
		if (!p->args)
			p->args = tracepoint_btf_args(s, &p->a);
		break;
	case HOOK_RAWTRACEPOINT:
	case HOOK_FENTRY:
	case HOOK_FEXIT:
	case HOOK_UPROBE:
		p->args = function_args(s, p);
		break;
	default:
		break;
	}
}
