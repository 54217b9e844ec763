/* SPDX-License-Identifier: BSD-2-Clause */
/* verify/subprog_args.c - what the BTF of a function says its arguments are.
 *
 * A global function is verified alone, once, so its signature must say all: numbers, the context, a
 * dynptr, memory of a type's size, or what a decl tag "arg:..." makes of a pointer.  Of a static function
 * it is only a hint: where it says nothing, nothing is lost, and nothing logged.
 * The sentences do not refuse the program: that is for who asked.
 * Kernel 6.18: btf_prepare_func_args().
 */
#include "verify/subprog.h"
#include "btf/core.h"
#include "verify/ctx.h"
#include <errno.h>
#include <string.h>

enum { MAX_ARGS = 5 };

enum arg_tag {
	TAG_CTX = 1 << 0,
	TAG_NONNULL = 1 << 1,
	TAG_TRUSTED = 1 << 2,
	TAG_UNTRUSTED = 1 << 3,
	TAG_NULLABLE = 1 << 4,
	TAG_ARENA = 1 << 5,
};

static const struct {
	const char *text;
	enum arg_tag tag;
} tag_texts[] = {
	{ "ctx", TAG_CTX },             { "trusted", TAG_TRUSTED },   { "nonnull", TAG_NONNULL },
	{ "untrusted", TAG_UNTRUSTED }, { "nullable", TAG_NULLABLE }, { "arena", TAG_ARENA },
};

/* One argument at work. */
struct arg {
	struct verify *v;
	const struct btf *btf;
	u32 func_id;
	u32 n;                  /* which */
	bool is_global;
	u32 type_id;            /* of the parameter, without typedefs and qualifiers */
	const struct btf_type *t;
	u32 tags;               /* enum arg_tag */
	u32 prog_type;
	struct subprog_arg *out;
};

static int bad_tags(const struct arg *a)
{
	v_log(a->v, "arg#%u has invalid combination of tags\n", a->n);
	return -EINVAL;
}

static u32 tag_by_text(const char *text)
{
	for (u32 i = 0; i < ARRAY_SIZE(tag_texts); i++)
		if (!strcmp(text, tag_texts[i].text))
			return tag_texts[i].tag;
	return 0;
}

static int tags_read(struct arg *a)
{
	static const char key[] = "arg:";

	for (u32 id = 0; (id = btf_next_decl_tag(a->btf, a->func_id, (s32)a->n, id));) {
		const char *text = btf_name(a->btf, id);
		u32 tag;

		if (!str_starts(text, key))
			continue;
		if (!a->is_global) {
			v_log(a->v, "arg#%u type tag is not supported in static functions\n", a->n);
			return -EOPNOTSUPP;
		}
		tag = tag_by_text(text + strlen(key));
		if (!tag) {
			v_log(a->v, "arg#%u has unsupported set of tags\n", a->n);
			return -EOPNOTSUPP;
		}
		a->tags |= tag;
	}
	return 0;
}

/* ---- contexts ---- */

/* May a function of this program type take its context as u64 *, as tracing programs do? */
static bool ctx_may_be_u64(u32 prog_type, u32 attach_type)
{
	switch (prog_type) {
	case BPF_PROG_TYPE_RAW_TRACEPOINT:
	case BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE:
	case BPF_PROG_TYPE_LSM:
	case BPF_PROG_TYPE_STRUCT_OPS:
		return true;
	case BPF_PROG_TYPE_TRACING:
		return attach_type == BPF_TRACE_RAW_TP || attach_type == BPF_TRACE_FENTRY ||
		       attach_type == BPF_TRACE_FEXIT || attach_type == BPF_MODIFY_RETURN;
	default:
		return false;
	}
}

/* Struct names that a context may have beside the one of bpf_types.h. */
static bool ctx_may_be_struct(u32 prog_type, u32 attach_type, const char *name)
{
	if (prog_type == BPF_PROG_TYPE_KPROBE || prog_type == BPF_PROG_TYPE_PERF_EVENT)
		return !strcmp(name, "pt_regs");
	if (prog_type == BPF_PROG_TYPE_TRACING && attach_type == BPF_TRACE_RAW_TP)
		return !strcmp(name, "bpf_raw_tracepoint_args");
	if (prog_type == BPF_PROG_TYPE_TRACING && attach_type == BPF_TRACE_ITER)
		return str_starts(name, "bpf_iter__");
	return false;
}

/* The struct that the kernel has behind a program's context; NULL: none by name. */
static const char *ctx_real_struct(u32 prog_type)
{
	switch (prog_type) {
	case BPF_PROG_TYPE_KPROBE:
		return "pt_regs"; /* bpf_user_pt_regs_t is a typedef of it */
	case BPF_PROG_TYPE_LIRC_MODE2:
		return NULL; /* u32 */
	default:
		return ctx_struct_name(prog_type);
	}
}

/* Is a pointer tagged as context one that this program's context may be?
 * btf_validate_prog_ctx_type(). */
static int ctx_check(const struct arg *a)
{
	u32 type = a->prog_type, attach = a->v->attach_type, id = ctx_skip_to_typedef(a->btf, a->t->type);
	const struct btf_type *t = btf_type(a->btf, id);
	const char *name, *want;
	bool is_struct;

	if ((type == BPF_PROG_TYPE_KPROBE || type == BPF_PROG_TYPE_PERF_EVENT) &&
	    btf_kind(t) == BTF_TYPEDEF && !strcmp(btf_name(a->btf, id), "bpf_user_pt_regs_t"))
		return 0;
	id = btf_skip(a->btf, id);
	t = btf_type(a->btf, id);
	if (btf_kind(t) == BTF_VOID)
		return 0;
	name = btf_name(a->btf, id);
	if (!*name) {
		v_log(a->v, "arg#%u type doesn't have a name\n", a->n);
		return -EINVAL;
	}
	is_struct = btf_kind(t) == BTF_STRUCT;
	if (type == BPF_PROG_TYPE_TRACEPOINT || type == BPF_PROG_TYPE_SYSCALL ||
	    type == BPF_PROG_TYPE_EXT)
		return 0;
	if (is_struct && ctx_may_be_struct(type, attach, name))
		return 0;
	if (btf_kind(t) == BTF_INT && t->size == 8 && ctx_may_be_u64(type, attach))
		return 0;
	want = ctx_real_struct(type);
	if (!want) {
		v_log(a->v, "arg#%u should be void pointer\n", a->n);
		return -EINVAL;
	}
	if (!is_struct || strcmp(want, name)) {
		v_log(a->v, "arg#%u should be `struct %s *`\n", a->n, want);
		return -EINVAL;
	}
	return 0;
}

static int ctx_arg(const struct arg *a)
{
	if (a->tags & ~(u32)TAG_CTX)
		return bad_tags(a);
	if (a->tags && ctx_check(a))
		return -EINVAL;
	a->out->type = ARG_CTX;
	return 0;
}

/* ---- other pointers ---- */

/* struct bpf_dynptr *, which may be declared only. */
static bool is_dynptr(const struct arg *a)
{
	const struct btf_type *t = btf_resolve(a->btf, a->t->type);

	return (btf_is_composite(t) || (btf_kind(t) == BTF_FWD && !btf_kflag(t))) &&
	       !strcmp(btf_str(a->btf, t->name_off), "bpf_dynptr");
}

/* The one kernel type of the name that the pointer's target has, ___flavours aside.  Sets *id.
 * btf_get_ptr_to_btf_id(). */
static int kernel_type(const struct arg *a, u32 *id)
{
	const struct btf *kernel = a->v->k->btf;
	const struct btf_type *t = btf_resolve(a->btf, a->t->type);
	const char *name = btf_str(a->btf, t->name_off), *what = NULL;
	u32 len = core_essential_len(name), n = 0, n_types = kernel ? btf_n_types(kernel) : 0;

	if (!*name || !kernel) {
		v_log(a->v, "arg#%u reference type('%s %s') candidate matching error: %d\n", a->n,
		      btf_kind_upper(t), btf_name_or_anon(a->btf, t), -EINVAL);
		return -EINVAL;
	}
	for (u32 i = 1; i < n_types; i++) {
		const struct btf_type *k = btf_type(kernel, i);
		const char *k_name;

		if (btf_kind(k) != btf_kind(t) || !k->name_off)
			continue;
		k_name = btf_str(kernel, k->name_off);
		if (strncmp(k_name, name, len) || core_essential_len(k_name) != len)
			continue;
		if (!n++)
			*id = i;
	}
	if (n != 1)
		what = n ? "is ambiguous" : "has no matches";
	if (what) {
		v_log(a->v, "arg#%u reference type('%s %s') %s\n", a->n, btf_kind_upper(t),
		      btf_name_or_anon(a->btf, t), what);
		return n ? -ESRCH : -ENOENT;
	}
	return 0;
}

static int trusted_arg(const struct arg *a)
{
	int err;

	if (a->tags & TAG_NONNULL)
		return bad_tags(a);
	err = kernel_type(a, &a->out->btf_id);
	if (err)
		return err;
	a->out->type = ARG_BTF_ID | ARGX_TRUSTED;
	if (a->tags & TAG_NULLABLE)
		a->out->type |= ARG_NULLABLE;
	return 0;
}

/* A number of a plain size: btf_type_is_primitive(). */
static bool is_primitive(const struct btf_type *t)
{
	u32 bits = btf_kind(t) == BTF_INT ? btf_int_bits(t) : 0;

	return btf_is_enum(t) ||
	       (bits && bits == t->size * 8 && !btf_int_bit_off(t) && !(t->size & (t->size - 1)) &&
		t->size <= 16);
}

static int untrusted_arg(const struct arg *a)
{
	const struct btf_type *to = btf_resolve(a->btf, a->t->type), *k;
	u32 id;
	int err;

	if (a->tags & ~(u32)TAG_UNTRUSTED) {
		v_log(a->v, "arg#%u untrusted cannot be combined with any other tags\n", a->n);
		return -EINVAL;
	}
	if (btf_kind(to) == BTF_VOID || is_primitive(to)) {
		a->out->type = ARG_MEM | ARG_RDONLY | ARGX_UNTRUSTED;
		return 0;
	}
	err = kernel_type(a, &id);
	if (err)
		return err;
	k = btf_type(a->v->k->btf, id);
	if (!btf_is_composite(k)) {
		v_log(a->v, "arg#%u has type %s '%s', but only struct or primitive types are "
			    "allowed\n", a->n, btf_kind_upper(k), btf_name_or_anon(a->btf, a->t));
		return -EINVAL;
	}
	a->out->type = ARG_BTF_ID | ARGX_UNTRUSTED;
	a->out->btf_id = id;
	return 0;
}

static int arena_arg(const struct arg *a)
{
	if (a->tags & ~(u32)TAG_ARENA) {
		v_log(a->v, "arg#%u arena cannot be combined with any other tags\n", a->n);
		return -EINVAL;
	}
	a->out->type = ARGX_ARENA;
	return 0;
}

/* Any other pointer: memory of its target's size. */
static int mem_arg(const struct arg *a)
{
	const struct btf_type *to = btf_resolve(a->btf, a->t->type);
	s64 size = btf_size(a->btf, a->t->type);

	if (a->tags & TAG_NULLABLE)
		return bad_tags(a);
	if (size < 0) {
		v_log(a->v, "arg#%u reference type('%s %s') size cannot be determined: %d\n", a->n,
		      btf_kind_upper(to), btf_str(a->btf, to->name_off), -EINVAL);
		return -EINVAL;
	}
	a->out->type = ARG_MEM | (a->tags & TAG_NONNULL ? 0 : ARG_NULLABLE);
	a->out->mem_size = (u32)size;
	return 0;
}

/* 1: no pointer that means anything here. */
static int pointer_arg(const struct arg *a)
{
	if (a->tags & TAG_CTX || ctx_is_type(a->v, a->btf, a->type_id, a->prog_type, a->n))
		return ctx_arg(a);
	if (is_dynptr(a)) {
		a->out->type = ARG_DYNPTR_RD;
		return a->tags ? bad_tags(a) : 0;
	}
	if (a->tags & TAG_TRUSTED)
		return trusted_arg(a);
	if (a->tags & TAG_UNTRUSTED)
		return untrusted_arg(a);
	if (a->tags & TAG_ARENA)
		return arena_arg(a);
	return a->is_global ? mem_arg(a) : 1;
}

static int arg_read(struct arg *a, const char *func)
{
	int err = tags_read(a);

	if (err)
		return err;
	if (btf_kind(a->t) == BTF_PTR) {
		err = pointer_arg(a);
		if (err <= 0)
			return err;
	}
	if (a->tags) {
		v_log(a->v, "arg#%u has pointer tag, but is not a pointer type\n", a->n);
		return -EINVAL;
	}
	if (btf_kind(a->t) == BTF_INT || btf_is_enum(a->t)) {
		a->out->type = ARG_ANY;
		return 0;
	}
	if (a->is_global)
		v_log(a->v, "Arg#%u type %s in %s() is not supported yet.\n", a->n,
		      btf_kind_upper(a->t), func);
	return -EINVAL;
}

/* As many as fit in registers, and a number returned. */
static int proto_check(struct verify *v, const struct btf_type *proto, const char *func,
		       bool is_global)
{
	const struct btf_type *ret = btf_resolve(v->prog->btf, proto->type);
	u32 n = btf_vlen(proto);
	bool scalar = btf_kind(ret) == BTF_INT || btf_is_enum(ret);

	if (n <= MAX_ARGS && scalar)
		return 0;
	if (is_global && n > MAX_ARGS)
		v_log(v, "Global function %s() with %u > %u args. Buggy compiler.\n", func, n,
		      MAX_ARGS);
	else if (is_global)
		v_log(v, "Global function %s() doesn't return scalar. Only those are supported.\n",
		      func);
	return -EINVAL;
}

int subprog_args(struct verify *v, u32 i)
{
	const struct verify_prog *p = v->prog;
	struct subprog *s = &v->subprogs[i];
	struct arg a = { .v = v, .btf = p->btf, .is_global = s->is_global, .prog_type = v->prog_type };
	const struct btf_type *proto;
	const char *func;
	int err;

	if (s->args_cached)
		return 0;
	if (i >= p->n_func_info || !p->btf)
		return v_bug(v, "func_info undefined");
	a.func_id = p->func_info[i].type_id;
	func = btf_name(p->btf, a.func_id);
	if (s->unreliable)
		return v_bug(v, "unreliable BTF for function %s()", func);
	if (v->prog_type == BPF_PROG_TYPE_EXT && p->target)
		a.prog_type = p->target->prog_type;
	proto = btf_type(p->btf, btf_type(p->btf, a.func_id)->type);
	err = proto_check(v, proto, func, s->is_global);
	if (err)
		return err;
	memset(s->args, 0, sizeof(s->args));
	for (a.n = 0; a.n < btf_vlen(proto); a.n++) {
		a.type_id = btf_skip(p->btf, btf_params(proto)[a.n].type);
		a.t = btf_type(p->btf, a.type_id);
		a.tags = 0;
		a.out = &s->args[a.n];
		err = arg_read(&a, func);
		if (err)
			return err;
	}
	s->n_args = btf_vlen(proto);
	s->args_cached = true;
	return 0;
}
