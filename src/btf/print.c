/* SPDX-License-Identifier: BSD-2-Clause */
/* btf/print.c - types as C.
 *
 * A declarator is built from the inside out: the name, then what is applied to it:
 *
 *	PTR -> ARRAY(4) -> CONST -> INT, name p:   p   *p   (*p)[4]   const int (*p)[4]
 */
#include "btf/print.h"
#include "base/hash.h"
#include "btf/image.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	OUT_MAX = 64 << 20,
	NEST_MAX = 128,      /* definitions inside definitions */
	GAP_ARRAY_BITS = 8192,
};

enum type_state { UNSEEN, BUSY, DONE, DECLARED = 4 /* or'ed: "struct x;" was written */ };

struct printer {
	const struct btf *btf;
	struct str *out;
	u32 indent;
	u32 nest;
	/* For all types: what was written so far.  NULL when single types are printed. */
	u8 *state;
	u32 *nth;             /* number of the name among its duplicates, 0: not asked yet */
	struct strmap tags;   /* struct, union and enum names -> how many */
	struct strmap idents; /* typedef and enumerator names -> how many */
	bool too_big;
};

static void print_def(struct printer *p, u32 id);

static void tabs(const struct printer *p, u32 more)
{
	for (u32 i = 0; i < p->indent + more; i++)
		str_addc(p->out, '\t');
}

static bool full(struct printer *p)
{
	p->too_big |= p->out->len > OUT_MAX;
	return p->too_big;
}

static u32 count_name(struct strmap *names, const char *name)
{
	u32 n = 0;

	strmap_get(names, name, &n);
	strmap_set(names, name, n + 1);
	return n + 1;
}

/* The type's name; the second of that name gets ___2. */
static void add_name(struct printer *p, u32 id)
{
	const struct btf_type *t = btf_type(p->btf, id);
	const char *name = btf_str(p->btf, t->name_off);

	str_add(p->out, name);
	if (!p->nth || btf_kind(t) == BTF_FWD)
		return;
	if (!p->nth[id])
		p->nth[id] = count_name(btf_kind(t) == BTF_TYPEDEF ? &p->idents : &p->tags, name);
	if (p->nth[id] > 1)
		str_addf(p->out, "___%u", p->nth[id]);
}

static const char *tag_word(const struct btf_type *t)
{
	switch (btf_kind(t)) {
	case BTF_STRUCT:
		return "struct";
	case BTF_UNION:
		return "union";
	case BTF_ENUM:
	case BTF_ENUM64:
		return "enum";
	}
	return btf_kflag(t) ? "union" : "struct"; /* FWD */
}

/* A type that has no declarator of its own. */
static void add_base(struct printer *p, u32 id)
{
	const struct btf_type *t = btf_type(p->btf, id);

	switch (btf_kind(t)) {
	case BTF_VOID:
		str_add(p->out, "void");
		break;
	case BTF_STRUCT:
	case BTF_UNION:
	case BTF_ENUM:
	case BTF_ENUM64:
		if (!*btf_str(p->btf, t->name_off)) {
			print_def(p, id);
			break;
		}
		/* fall through */
	case BTF_FWD:
		str_addf(p->out, "%s ", tag_word(t));
		add_name(p, id);
		break;
	case BTF_TYPEDEF:
		add_name(p, id);
		break;
	default:
		str_add(p->out, btf_str(p->btf, t->name_off));
	}
}

static void print_decl(struct printer *p, u32 id, const char *name);

static char *params_text(struct printer *p, const struct btf_type *proto)
{
	struct str text = {0}, *out = p->out;

	p->out = &text;
	for (u32 i = 0; i < btf_vlen(proto) && !full(p); i++) {
		const struct btf_param *param = &btf_params(proto)[i];

		str_add(&text, i ? ", " : "");
		if (!param->type)
			str_add(&text, "...");
		else
			print_decl(p, param->type, btf_str(p->btf, param->name_off));
	}
	if (!btf_vlen(proto))
		str_add(&text, "void");
	p->out = out;
	return str_take(&text);
}

/* Wraps what is declared so far: before and after it. */
static void wrap(struct str *inner, const char *before, const char *after)
{
	struct str s = {0};

	str_add(&s, before);
	str_add(&s, str_text(inner));
	str_add(&s, after);
	str_free(inner);
	*inner = s;
}

static const char *qualifier(u32 kind)
{
	switch (kind) {
	case BTF_CONST:
		return "const ";
	case BTF_VOLATILE:
		return "volatile ";
	case BTF_RESTRICT:
		return "restrict ";
	}
	return "";
}

/* '*', and in brackets when an array or a function is pointed to. */
static void wrap_pointer(const struct printer *p, struct str *inner, const char *quals, u32 target)
{
	const struct btf_type *t = btf_type(p->btf, target);
	struct str before = {0};
	u32 depth = 0;

	while (btf_is_modifier(t) && btf_kind(t) != BTF_TYPEDEF && depth++ < BTF_DEPTH_MAX)
		t = btf_type(p->btf, t->type);
	str_addf(&before, "*%s", quals);
	if (!inner->len && *quals && before.len)
		before.p[--before.len] = '\0';
	wrap(inner, str_text(&before), "");
	str_free(&before);
	if (btf_kind(t) == BTF_ARRAY || btf_kind(t) == BTF_FUNC_PROTO)
		wrap(inner, "(", ")");
}

static void print_decl(struct printer *p, u32 id, const char *name)
{
	struct str inner = {0}, quals = {0};

	str_add(&inner, name);
	for (u32 depth = 0; depth < BTF_DEPTH_MAX && !full(p); depth++) {
		const struct btf_type *t = btf_type(p->btf, id);
		u32 kind = btf_kind(t);
		char text[24], *params;

		if (kind == BTF_PTR) {
			wrap_pointer(p, &inner, str_text(&quals), t->type);
			str_clear(&quals);
			id = t->type;
		} else if (kind == BTF_ARRAY) {
			snprintf(text, sizeof(text), "[%u]", btf_array(t)->n);
			str_add(&inner, text);
			id = btf_array(t)->type;
		} else if (kind == BTF_FUNC_PROTO && p->nest < NEST_MAX) {
			p->nest++;
			params = params_text(p, t);
			p->nest--;
			str_addf(&inner, "(%s)", params ? params : "");
			free(params);
			str_clear(&quals);
			id = t->type;
		} else if (btf_is_modifier(t) && kind != BTF_TYPEDEF) {
			if (!strstr(str_text(&quals), qualifier(kind)))
				str_add(&quals, qualifier(kind));
			id = t->type;
		} else {
			break;
		}
	}
	str_add(p->out, str_text(&quals));
	add_base(p, id);
	if (inner.len)
		str_addf(p->out, " %s", inner.p);
	str_free(&inner);
	str_free(&quals);
}

/* ---- definitions ---- */

/* Unnamed bitfields over the bits from..to; a long gap gets an array. */
static void add_padding(struct printer *p, u64 from, u64 to)
{
	static const struct {
		u32 bits;
		const char *type;
	} units[] = { { 64, "long" }, { 32, "int" }, { 16, "short" }, { 8, "char" } };

	while (from < to && !full(p)) {
		u32 u = 0;

		while (u + 1 < ARRAY_SIZE(units) &&
		       (from % units[u].bits || to - from < units[u].bits))
			u++;
		if (from % 8 == 0 && to - from >= GAP_ARRAY_BITS) {
			tabs(p, 1);
			str_addf(p->out, "char __gap_%lu[%lu];\n", from / 8, (to - from) / 8);
			from += (to - from) / 8 * 8;
			continue;
		}
		/* Less than a byte, or up to its end. */
		if (from % 8 || to - from < 8) {
			u64 bits = MIN(to - from, 8 - from % 8);

			tabs(p, 1);
			str_addf(p->out, "char: %lu;\n", bits);
			from += bits;
			continue;
		}
		tabs(p, 1);
		str_addf(p->out, "%s: %u;\n", units[u].type, units[u].bits);
		from += units[u].bits;
	}
}

static u32 member_align(const struct printer *p, const struct btf_type *t, u32 i)
{
	u32 align = btf_align(p->btf, btf_members(t)[i].type);

	return align ? align : 1;
}

static bool is_packed(const struct printer *p, const struct btf_type *t)
{
	u32 max = 1;

	for (u32 i = 0; i < btf_vlen(t); i++) {
		u32 align = member_align(p, t, i);

		if (!btf_member_bits(t, i) && btf_member_bit_off(t, i) % (align * 8))
			return true;
		max = MAX(max, align);
	}
	return t->size % max;
}

/* Where the compiler would put the next member. */
static u64 natural_offset(const struct printer *p, const struct btf_type *t, u32 i, u64 end,
			  bool packed)
{
	u32 bits = btf_member_bits(t, i), align = packed ? 1 : member_align(p, t, i);
	s64 size;

	if (!bits)
		return ALIGN_UP(end, (u64)align * 8);
	size = btf_size(p->btf, btf_members(t)[i].type);
	/* A bitfield does not cross a boundary of its type. */
	if (!packed && size > 0 && end / (size * 8) != (end + bits - 1) / (size * 8))
		return ALIGN_UP(end, (u64)size * 8);
	return end;
}

static void add_members(struct printer *p, const struct btf_type *t, bool packed)
{
	u64 end = 0;
	u32 max = 1;

	for (u32 i = 0; i < btf_vlen(t) && !full(p); i++) {
		const struct btf_member *m = &btf_members(t)[i];
		u64 off = btf_member_bit_off(t, i);
		u32 bits = btf_member_bits(t, i);
		s64 size = btf_size(p->btf, m->type);

		if (btf_kind(t) == BTF_STRUCT) {
			u64 natural = natural_offset(p, t, i, end, packed);

			/* A gap inside the unit of a bitfield starts where the last one ended. */
			if (natural < off)
				add_padding(p, bits ? end : MIN(ALIGN_UP(end, 8ul), off), off);
			else if (bits && natural > off && off >= end)
				add_padding(p, end, off);
			end = off + (bits ? bits : size > 0 ? (u64)size * 8 : 0);
		}
		max = MAX(max, member_align(p, t, i));
		tabs(p, 1);
		p->indent++;
		print_decl(p, m->type, btf_str(p->btf, m->name_off));
		p->indent--;
		if (bits)
			str_addf(p->out, ": %u", bits);
		str_add(p->out, ";\n");
	}
	if (btf_kind(t) == BTF_STRUCT && ALIGN_UP(end, packed ? 8 : (u64)max * 8) < (u64)t->size * 8)
		add_padding(p, ALIGN_UP(end, 8ul), (u64)t->size * 8);
}

static void add_enumerators(struct printer *p, const struct btf_type *t)
{
	for (u32 i = 0; i < btf_vlen(t) && !full(p); i++) {
		const char *name = btf_str(p->btf, btf_enum_name_off(t, i));
		u64 v = btf_enum_value(t, i);
		u32 nth = p->nth ? count_name(&p->idents, name) : 1;

		tabs(p, 1);
		str_add(p->out, name);
		if (nth > 1)
			str_addf(p->out, "___%u", nth);
		if (btf_kflag(t))
			str_addf(p->out, " = %ld%s,\n", (s64)v, t->size == 8 ? "LL" : "");
		else
			str_addf(p->out, " = %lu%s,\n", v, t->size == 8 ? "ULL" : "");
	}
}

static void print_def(struct printer *p, u32 id)
{
	const struct btf_type *t = btf_type(p->btf, id);
	bool is_enum = btf_is_enum(t), packed = !is_enum && is_packed(p, t);

	str_add(p->out, tag_word(t));
	if (*btf_str(p->btf, t->name_off)) {
		str_addc(p->out, ' ');
		add_name(p, id);
	}
	if (p->nest == NEST_MAX) {
		str_add(p->out, " { /* nested too deep */ }");
		return;
	}
	p->nest++;
	str_add(p->out, " {\n");
	if (is_enum)
		add_enumerators(p, t);
	else
		add_members(p, t, packed);
	tabs(p, 0);
	str_addc(p->out, '}');
	p->nest--;
	if (packed || (is_enum && t->size && t->size < 4 && btf_vlen(t)))
		str_add(p->out, packed ? " __attribute__((packed))"
				       : t->size == 1 ? " __attribute__((mode(byte)))"
						      : " __attribute__((mode(HI)))");
}

/* ---- all types in order ---- */

static void need(struct printer *p, u32 id, bool complete, u32 depth);

static void need_members(struct printer *p, u32 id, u32 depth)
{
	const struct btf_type *t = btf_type(p->btf, id);

	for (u32 i = 0; i < btf_vlen(t) && btf_is_composite(t); i++)
		need(p, btf_members(t)[i].type, true, depth + 1);
}

static void write_def(struct printer *p, u32 id, u32 depth)
{
	p->state[id] = (p->state[id] & DECLARED) | BUSY;
	need_members(p, id, depth);
	print_def(p, id);
	str_add(p->out, ";\n\n");
	p->state[id] = DONE;
}

static void write_typedef(struct printer *p, u32 id, u32 depth)
{
	const struct btf_type *t = btf_type(p->btf, id);
	struct str name = {0}, *out = p->out;

	p->state[id] = BUSY;
	need(p, t->type, false, depth + 1);
	p->out = &name;
	add_name(p, id);
	p->out = out;
	/* The compiler knows this one. */
	if (strcmp(str_text(&name), "__builtin_va_list") != 0) {
		str_add(p->out, "typedef ");
		print_decl(p, t->type, str_text(&name));
		str_add(p->out, ";\n\n");
	}
	str_free(&name);
	p->state[id] = DONE;
}

/* Writes what must stand before a use of a type: all of it when it is used by value, for use behind
 * a pointer only its name. */
static void need(struct printer *p, u32 id, bool complete, u32 depth)
{
	const struct btf_type *t = btf_type(p->btf, id);

	/* Only nameless structs behind pointers of nameless structs nest that deep. */
	if (id < p->btf->first_id || depth > 4 * BTF_DEPTH_MAX || full(p))
		return;
	switch (btf_kind(t)) {
	case BTF_STRUCT:
	case BTF_UNION:
		if (!*btf_str(p->btf, t->name_off)) {
			if (p->state[id] == UNSEEN) {
				p->state[id] = BUSY;
				need_members(p, id, depth);
				p->state[id] = complete ? DONE : UNSEEN;
			}
			return;
		}
		if (complete && (p->state[id] & ~DECLARED) == UNSEEN) {
			write_def(p, id, depth);
		} else if (!complete && (p->state[id] == UNSEEN || p->state[id] == BUSY)) {
			str_addf(p->out, "%s ", tag_word(t));
			add_name(p, id);
			str_add(p->out, ";\n\n");
			p->state[id] |= DECLARED;
		}
		return;
	case BTF_ENUM:
	case BTF_ENUM64:
		if (p->state[id] == UNSEEN && *btf_str(p->btf, t->name_off) && btf_vlen(t))
			write_def(p, id, depth);
		return;
	case BTF_FWD:
		if (p->state[id] == UNSEEN) {
			str_addf(p->out, "%s %s;\n\n", tag_word(t), btf_str(p->btf, t->name_off));
			p->state[id] = DONE;
		}
		return;
	case BTF_TYPEDEF:
		/* By value its struct must be there too. */
		if (complete)
			need(p, t->type, true, depth + 1);
		if (p->state[id] == UNSEEN)
			write_typedef(p, id, depth);
		return;
	case BTF_PTR:
		need(p, t->type, false, depth + 1);
		return;
	case BTF_ARRAY:
		need(p, btf_array(t)->type, true, depth + 1);
		return;
	case BTF_FUNC_PROTO:
		need(p, t->type, false, depth + 1);
		for (u32 i = 0; i < btf_vlen(t); i++)
			need(p, btf_params(t)[i].type, false, depth + 1);
		return;
	default:
		if (btf_is_modifier(t))
			need(p, t->type, complete, depth + 1);
	}
}

/* Marks the enums that some type uses: nameless ones are spelled out there. */
static void mark_used_enums(const struct btf *btf, u8 *used)
{
	for (u32 id = btf->first_id; id < btf_n_types(btf); id++) {
		const struct btf_type *t = btf_type(btf, id);
		u32 kind = btf_kind(t);

		if (btf_is_modifier(t) || kind == BTF_PTR || kind == BTF_VAR || kind == BTF_FUNC_PROTO)
			used[t->type] = 1;
		if (kind == BTF_ARRAY)
			used[btf_array(t)->type] = 1;
		for (u32 i = 0; btf_is_composite(t) && i < btf_vlen(t); i++)
			used[btf_members(t)[i].type] = 1;
		for (u32 i = 0; kind == BTF_FUNC_PROTO && i < btf_vlen(t); i++)
			used[btf_params(t)[i].type] = 1;
	}
}

int btf_print_c(const struct btf *btf, struct str *out)
{
	u32 n = btf_n_types(btf);
	struct printer p = { .btf = btf, .out = out, .state = calloc(n, 1),
			     .nth = calloc(n, sizeof(u32)) };
	u8 *used = calloc(n, 1);
	int err = p.state && p.nth && used ? 0 : -ENOMEM;

	if (!err)
		mark_used_enums(btf, used);
	for (u32 id = btf->first_id; id < n && !err; id++) {
		const struct btf_type *t = btf_type(btf, id);

		/* Nameless enums that nobody uses hold constants. */
		if (btf_is_enum(t) && !*btf_str(btf, t->name_off)) {
			if (!used[id])
				write_def(&p, id, 0);
		} else if (*btf_str(btf, t->name_off) &&
			   (btf_is_composite(t) || btf_is_enum(t) || btf_kind(t) == BTF_TYPEDEF)) {
			need(&p, id, true, 0);
		}
	}
	free(used);
	free(p.state);
	free(p.nth);
	strmap_free(&p.tags);
	strmap_free(&p.idents);
	if (!err && out->failed)
		err = -ENOMEM;
	return err ? err : p.too_big ? -E2BIG : 0;
}

void btf_print_decl(const struct btf *btf, u32 id, const char *name, struct str *out)
{
	struct printer p = { .btf = btf, .out = out };

	print_decl(&p, id, name);
}

void btf_print_def(const struct btf *btf, u32 id, struct str *out)
{
	struct printer p = { .btf = btf, .out = out };
	const struct btf_type *t = btf_type(btf, id);

	if (btf_is_composite(t) || btf_is_enum(t))
		print_def(&p, id);
	else
		print_decl(&p, id, "");
}
