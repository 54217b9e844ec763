/* SPDX-License-Identifier: BSD-2-Clause */
/* verify/attach.c - what a tracing, LSM or EXT program attaches to, and whether it may.
 *
 *	TRACING   raw tracepoint (typedef btf_trace_NAME), iterator (func bpf_iter_NAME), function of the
 *	          kernel, function of another program
 *	LSM       func bpf_lsm_NAME
 *	EXT       global function of another program, which it then stands for
 *
 * struct_ops programs are structops.c's.  Kernel 6.18: check_attach_btf_id(), bpf_check_attach_target(),
 * bpf_iter_prog_supported(), bpf_lsm_verify_prog(), btf_distill_func_proto(), btf_check_type_match().
 */
#include "verify/ctx.h"
#include <errno.h>
#include <string.h>

enum { ARGS_MAX = 12, ARG_BYTES_MAX = 16 }; /* MAX_BPF_FUNC_ARGS */

static const char trace_prefix[] = "btf_trace_", iter_prefix[] = "bpf_iter_", lsm_prefix[] = "bpf_lsm_";

enum rule {
	DENIED, NORETURN, MODIFIABLE, MODIFIABLE_SLEEPABLE, NOT_INJECTED, LSM_OTHER, LSM_DISABLED,
	LSM_SLEEPABLE, LSM_UNTRUSTED,
};

static const struct {
	enum rule rule;
	const char *name;
	u8 major, minor;
} rules[] = {
#define RULE(rule, name, major, minor) { rule, #name, major, minor },
#include "verify/attach.def"
#undef RULE
};

static const struct {
	const char *target;
	u32 off, type;
	const char *name; /* of the struct; "": a buffer */
} iter_args[] = {
#define ITER_ARG(target, off, type, name) { #target, off, type, #name },
#include "verify/iter_arg.def"
#undef ITER_ARG
};

static bool has_rule(const struct verify *v, enum rule rule, const char *name)
{
	for (u32 i = 0; i < ARRAY_SIZE(rules); i++)
		if (rules[i].rule == rule && !strcmp(rules[i].name, name))
			return profile_since(v->k, rules[i].major, rules[i].minor);
	return false;
}

static bool hook_has_rule(const struct verify *v, enum rule rule)
{
	const char *name = v->attach_btf ? btf_name(v->attach_btf, v->attach_btf_id) : "";

	return str_starts(name, lsm_prefix) && has_rule(v, rule, name + sizeof(lsm_prefix) - 1);
}

bool attach_lsm_sleepable(const struct verify *v)
{
	return hook_has_rule(v, LSM_SLEEPABLE);
}

bool attach_lsm_trusted(const struct verify *v)
{
	return !hook_has_rule(v, LSM_UNTRUSTED);
}

/* Records why, where the kernel says nothing. */
static int refuse_silently(struct verify *v, int err)
{
	if (v->res->why == WHY_NONE) {
		v->res->why = WHY_ATTACH;
		v->res->pc = v->pc;
	}
	return err;
}

/* Everything that the checks need of the function attached to. */
struct attach {
	struct verify *v;
	const struct verify_target *target; /* NULL: the kernel */
	const struct btf *btf;
	u32 id;
	const struct btf_type *t, *proto;
	const char *name;
	bool ext, unreliable;
};

/* ---- prototypes ---- */

/* Bytes of a value passed or returned, 0 for void; -EINVAL for what can't be.  __get_type_size(). */
static s64 passed_size(const struct btf *btf, u32 id, const struct btf_type **t)
{
	*t = btf_resolve(btf, id);
	switch (btf_kind(*t)) {
	case BTF_VOID:
		return 0;
	case BTF_PTR:
		return 8;
	case BTF_INT: case BTF_ENUM: case BTF_ENUM64: case BTF_STRUCT: case BTF_UNION:
		return (*t)->size;
	}
	return -EINVAL;
}

/* Can a trampoline pass the arguments on?  btf_distill_func_proto(). */
static int proto_check(const struct attach *a)
{
	struct verify *v = a->v;
	const struct btf_type *t;
	s64 size;
	u32 n;

	if (!a->proto)
		return 0;
	n = btf_vlen(a->proto);
	if (n > ARGS_MAX)
		return v_refuse(v, -EINVAL, WHY_ATTACH,
				"The function %s has %u arguments. Too many.", a->name, n);
	size = passed_size(a->btf, a->proto->type, &t);
	if (size < 0 || btf_is_composite(t))
		return v_refuse(v, -EINVAL, WHY_ATTACH,
				"The function %s return type %s is unsupported.", a->name,
				btf_kind_upper(t));
	for (u32 i = 0; i < n; i++) {
		u32 type = btf_params(a->proto)[i].type;

		if (i == n - 1 && !type)
			return v_refuse(v, -EINVAL, WHY_ATTACH,
					"The function %s with variable args is unsupported.",
					a->name);
		size = passed_size(a->btf, type, &t);
		if (size < 0 || size > ARG_BYTES_MAX)
			return v_refuse(v, -EINVAL, WHY_ATTACH,
					"The function %s arg%u type %s is unsupported.", a->name, i,
					btf_kind_upper(t));
		if (!size)
			return v_refuse(v, -EINVAL, WHY_ATTACH,
					"The function %s has malformed void argument.", a->name);
	}
	return 0;
}

/* ---- replacing a function ---- */

/* One of the two functions of a comparison. */
struct side {
	const struct btf *btf;
	const char *name;
	const struct btf_type *proto;
};

static bool has_size(const struct btf_type *t)
{
	switch (btf_kind(t)) {
	case BTF_INT: case BTF_STRUCT: case BTF_UNION: case BTF_ENUM: case BTF_ENUM64:
	case BTF_DATASEC: case BTF_FLOAT:
		return true;
	}
	return false;
}

static int arg_match(struct verify *v, const struct side *a, const struct side *b, u32 i)
{
	u32 a_id = btf_skip(a->btf, btf_params(a->proto)[i].type);
	u32 b_id = btf_skip(b->btf, btf_params(b->proto)[i].type);
	const struct btf_type *at = btf_type(a->btf, a_id), *bt = btf_type(b->btf, b_id);
	const char *an, *bn;

	if (at->info != bt->info)
		return v_refuse(v, -EINVAL, WHY_ATTACH, "arg%u in %s() is %s while %s() has %s", i,
				a->name, btf_kind_upper(at), b->name, btf_kind_upper(bt));
	if (has_size(at) && at->size != bt->size)
		return v_refuse(v, -EINVAL, WHY_ATTACH,
				"arg%u in %s() has size %d while %s() has %d", i, a->name, at->size,
				b->name, bt->size);
	if (btf_kind(at) == BTF_INT || btf_is_enum(at))
		return 0;
	if (btf_kind(at) != BTF_PTR)
		return v_refuse(v, -EINVAL, WHY_ATTACH, "arg%u in %s() has unrecognized type", i,
				a->name);
	a_id = btf_skip(a->btf, at->type);
	b_id = btf_skip(b->btf, bt->type);
	if (!btf_is_composite(btf_type(a->btf, a_id)))
		return v_refuse(v, -EINVAL, WHY_ATTACH,
				"arg%u in %s() is not a pointer to context", i, a->name);
	if (!btf_is_composite(btf_type(b->btf, b_id)))
		return v_refuse(v, -EINVAL, WHY_ATTACH,
				"arg%u in %s() is not a pointer to context", i, b->name);
	an = btf_name(a->btf, a_id);
	bn = btf_name(b->btf, b_id);
	if (strcmp(an, bn))
		return v_refuse(v, -EINVAL, WHY_ATTACH,
				"arg%u %s(struct %s *) doesn't match %s(struct %s *)", i, a->name, an,
				b->name, bn);
	return 0;
}

/* The extension's main function against what it replaces.  btf_check_func_type_match(). */
static int type_match(struct verify *v, const struct btf *a_btf, u32 a_func, const struct btf *b_btf,
		      u32 b_func)
{
	const struct btf_type *af = btf_type(a_btf, a_func), *bf = btf_type(b_btf, b_func);
	struct side a = { a_btf, btf_name(a_btf, a_func), btf_type(a_btf, af->type) };
	struct side b = { b_btf, btf_name(b_btf, b_func), btf_type(b_btf, bf->type) };
	const struct btf_type *at, *bt;
	u32 an, bn;

	if (btf_func_linkage(af) != BTF_GLOBAL || btf_func_linkage(bf) != BTF_GLOBAL)
		return v_refuse(v, -EINVAL, WHY_ATTACH, "%s() is not a global function",
				btf_func_linkage(af) != BTF_GLOBAL ? a.name : b.name);
	if (btf_kind(a.proto) != BTF_FUNC_PROTO || btf_kind(b.proto) != BTF_FUNC_PROTO)
		return refuse_silently(v, -EINVAL);
	an = btf_vlen(a.proto);
	bn = btf_vlen(b.proto);
	if (an != bn)
		return v_refuse(v, -EINVAL, WHY_ATTACH, "%s() has %u args while %s() has %u args",
				a.name, an, b.name, bn);
	at = btf_resolve(a_btf, a.proto->type);
	bt = btf_resolve(b_btf, b.proto->type);
	if (at->info != bt->info)
		return v_refuse(v, -EINVAL, WHY_ATTACH,
				"Return type %s of %s() doesn't match type %s of %s()",
				btf_kind_upper(at), a.name, btf_kind_upper(bt), b.name);
	for (u32 i = 0; i < an; i++) {
		int err = arg_match(v, &a, &b, i);

		if (err)
			return err;
	}
	return 0;
}

static int extension_match(const struct attach *a)
{
	const struct verify_prog *p = a->v->prog;

	if (!p->btf || !p->func_info || !p->n_func_info)
		return v_refuse(a->v, -EINVAL, WHY_ATTACH, "Program extension requires BTF");
	if (btf_kind(btf_type(p->btf, p->func_info[0].type_id)) != BTF_FUNC)
		return refuse_silently(a->v, -EINVAL);
	return type_match(a->v, p->btf, p->func_info[0].type_id, a->btf, a->id);
}

/* ---- another program ---- */

static int target_extension_check(const struct attach *a)
{
	struct verify *v = a->v;

	if (a->unreliable)
		return v_refuse(v, -EINVAL, WHY_ATTACH, "Cannot replace static functions");
	if (!v->k->jit)
		return v_refuse(v, -EINVAL, WHY_ATTACH, "Extension programs should be JITed");
	if (v->changes_pkt && !a->target->ctx_access_changes_pkt)
		return v_refuse(v, -EINVAL, WHY_ATTACH, "Extension program changes packet data, "
				"while original does not");
	if (v->subprogs[0].might_sleep && !a->target->might_sleep)
		return v_refuse(v, -EINVAL, WHY_SLEEP,
				"Extension program may sleep, while original does not");
	return 0;
}

static int target_by_kind(struct attach *a)
{
	const struct verify_target *t = a->target;
	struct verify *v = a->v;
	u32 i = 0;
	int err;

	while (i < t->n_func_info && t->func_info[i].type_id != a->id)
		i++;
	if (i == t->n_func_info)
		return v_refuse(v, -EINVAL, WHY_ATTACH, "Subprog %s doesn't exist", a->name);
	if (t->has_exception_cb)
		return v_refuse(v, -EINVAL, WHY_ATTACH,
				"%s programs cannot attach to exception callback",
				a->ext ? "Extension" : "FENTRY/FEXIT");
	a->unreliable = t->unreliable;
	err = a->ext ? target_extension_check(a) : 0;
	if (err)
		return err;
	if (!v->k->jit)
		return v_refuse(v, -EINVAL, WHY_ATTACH, "Can attach to only JITed progs");
	if (v->prog_type == BPF_PROG_TYPE_TRACING) {
		if (t->is_tracing)
			return v_refuse(v, -EINVAL, WHY_ATTACH,
					"Cannot nest tracing program attach more than once");
		v->attach_tracing_prog = t->prog_type == BPF_PROG_TYPE_TRACING;
	} else if (t->prog_type == v->prog_type) {
		return v_refuse(v, -EINVAL, WHY_ATTACH, "Cannot recursively attach");
	}
	if (t->prog_type == BPF_PROG_TYPE_TRACING && a->ext &&
	    (t->attach_type == BPF_TRACE_FENTRY || t->attach_type == BPF_TRACE_FEXIT))
		return v_refuse(v, -EINVAL, WHY_ATTACH, "Cannot extend fentry/fexit");
	return 0;
}

/* ---- the kinds of targets ---- */

static u32 find_func(const struct attach *a, const char *name)
{
	u32 id = a->v->k->btf ? profile_find(a->v->k, name, BTF_FUNC) : 0;

	return id || a->btf == a->v->k->btf ? id : btf_find_own(a->btf, name, BTF_FUNC);
}

/* The typedef has no names of parameters, the function that calls the programs does. */
static int raw_tp_check(struct attach *a)
{
	struct verify *v = a->v;
	struct str func = { 0 };
	u32 id;

	if (a->target)
		return v_refuse(v, -EINVAL, WHY_ATTACH,
				"Only FENTRY/FEXIT progs are attachable to another BPF prog");
	if (btf_kind(a->t) != BTF_TYPEDEF)
		return v_refuse(v, -EINVAL, WHY_ATTACH, "attach_btf_id %u is not a typedef", a->id);
	if (!str_starts(a->name, trace_prefix))
		return v_refuse(v, -EINVAL, WHY_ATTACH,
				"attach_btf_id %u points to wrong type name %s", a->id, a->name);
	a->name += sizeof(trace_prefix) - 1;
	str_addf(&func, "__bpf_trace_%s", a->name);
	id = find_func(a, str_text(&func));
	str_free(&func);
	a->proto = btf_type(a->btf, (id ? btf_type(a->btf, id) : btf_type(a->btf, a->t->type))->type);
	return btf_kind(a->proto) == BTF_FUNC_PROTO ? 0 : refuse_silently(v, -EINVAL);
}

static int func_check(struct attach *a)
{
	if (btf_kind(a->t) != BTF_FUNC)
		return v_refuse(a->v, -EINVAL, WHY_ATTACH, "attach_btf_id %u is not a function",
				a->id);
	if (a->ext) {
		int err = extension_match(a);

		if (err)
			return err;
	}
	a->proto = btf_type(a->btf, a->t->type);
	if (btf_kind(a->proto) != BTF_FUNC_PROTO)
		return refuse_silently(a->v, -EINVAL);
	if (a->target && a->unreliable)
		a->proto = NULL;
	return proto_check(a);
}

/* Sleepable programs may attach to functions whose errors may be injected and to a few made for it. */
static bool is_sleepable(const struct verify *v, const char *name)
{
	return has_rule(v, MODIFIABLE_SLEEPABLE, name) ||
	       (profile_injects(v->k, name) && !has_rule(v, NOT_INJECTED, name));
}

static bool is_modifiable(const struct verify *v, const char *name)
{
	return has_rule(v, MODIFIABLE, name) || has_rule(v, MODIFIABLE_SLEEPABLE, name) ||
	       profile_injects(v->k, name) || str_starts(name, "security_");
}

static int function_use_check(const struct attach *a)
{
	struct verify *v = a->v;
	bool ok = false;

	if (!a->target && !profile_has_symbol(v->k, a->name))
		return v_refuse(v, -ENOENT, WHY_ATTACH, "The address of function %s cannot be found",
				a->name);
	if (v->sleepable) {
		if (v->prog_type == BPF_PROG_TYPE_TRACING)
			ok = is_sleepable(v, a->name);
		else if (v->prog_type == BPF_PROG_TYPE_LSM)
			ok = attach_lsm_sleepable(v);
		if (!ok)
			return v_refuse(v, -EINVAL, WHY_SLEEP, "%s is not sleepable", a->name);
	} else if (v->attach_type == BPF_MODIFY_RETURN) {
		if (a->target)
			return v_refuse(v, -EINVAL, WHY_ATTACH,
					"can't modify return codes of BPF programs");
		if (!is_modifiable(v, a->name))
			return v_refuse(v, -EINVAL, WHY_ATTACH, "%s() is not modifiable", a->name);
	}
	return 0;
}

/* bpf_check_attach_target(). */
static int attach_target_check(struct attach *a)
{
	struct verify *v = a->v;
	int err;

	if (!a->id)
		return v_refuse(v, -EINVAL, WHY_ATTACH, "Tracing programs must provide btf_id");
	if (!a->btf)
		return v_refuse(v, -EINVAL, WHY_ATTACH, "FENTRY/FEXIT program can only be attached to "
				"another program annotated with BTF");
	if (a->id >= btf_n_types(a->btf))
		return v_refuse(v, -EINVAL, WHY_ATTACH, "attach_btf_id %u is invalid", a->id);
	a->t = btf_type(a->btf, a->id);
	a->name = btf_name(a->btf, a->id);
	if (a->target) {
		err = target_by_kind(a);
		if (err)
			return err;
	} else if (a->ext) {
		return v_refuse(v, -EINVAL, WHY_ATTACH, "Cannot replace kernel functions");
	}
	switch (v->attach_type) {
	case BPF_TRACE_RAW_TP:
		return raw_tp_check(a);
	case BPF_TRACE_ITER:
		return func_check(a);
	case BPF_MODIFY_RETURN: case BPF_LSM_MAC: case BPF_LSM_CGROUP: case BPF_TRACE_FENTRY:
	case BPF_TRACE_FEXIT:
		break;
	default:
		if (!a->ext)
			return refuse_silently(v, -EINVAL);
	}
	err = func_check(a);
	return err ? err : function_use_check(a);
}

/* An iterator's arguments beyond their types. */
static int iter_check(struct verify *v)
{
	const char *name = v->attach_name;
	u32 n = 0;

	if (!str_starts(name, iter_prefix))
		return refuse_silently(v, -EINVAL);
	name += sizeof(iter_prefix) - 1;
	v->ctx_arg_info = arena_alloc(&v->arena, 2 * sizeof(*v->ctx_arg_info));
	for (u32 i = 0; i < ARRAY_SIZE(iter_args) && n < 2; i++) {
		if (strcmp(iter_args[i].target, name))
			continue;
		v->ctx_arg_info[n++] = (struct ctx_arg){
			.offset = iter_args[i].off,
			.type = iter_args[i].type,
			.btf_id = *iter_args[i].name ? btf_kernel_struct(v, iter_args[i].name) : 0,
		};
	}
	v->ctx_arg_info_n = n;
	return n ? 0 : refuse_silently(v, -EINVAL);
}

/* bpf_lsm_verify_prog(). */
static int lsm_check(struct verify *v)
{
	const char *name = v->attach_name;

	if (!v->prog->gpl)
		return v_refuse(v, -EINVAL, WHY_PERM,
				"LSM programs must have a GPL compatible license");
	if (hook_has_rule(v, LSM_DISABLED))
		return v_refuse(v, -EINVAL, WHY_ATTACH, "attach_btf_id %u points to disabled hook %s",
				v->attach_btf_id, name);
	if (!str_starts(name, lsm_prefix) || hook_has_rule(v, LSM_OTHER))
		return v_refuse(v, -EINVAL, WHY_ATTACH,
				"attach_btf_id %u points to wrong type name %s", v->attach_btf_id,
				name);
	return 0;
}

/* Functions that the kernel itself needs in order to run such a program. */
static int tracing_check(struct verify *v)
{
	bool logged = profile_since(v->k, 6, 17);

	if (v->prog_type == BPF_PROG_TYPE_LSM)
		return lsm_check(v);
	if (v->prog->target)
		return 0;
	if (v->prog_type == BPF_PROG_TYPE_TRACING && has_rule(v, DENIED, v->attach_name)) {
		if (!logged)
			return refuse_silently(v, -EINVAL);
		return v_refuse(v, -EINVAL, WHY_ATTACH,
				"Attaching tracing programs to function '%s' is rejected.",
				v->attach_name);
	}
	if ((v->attach_type == BPF_TRACE_FEXIT || v->attach_type == BPF_MODIFY_RETURN) &&
	    has_rule(v, NORETURN, v->attach_name)) {
		if (!logged)
			return v_refuse(v, -EINVAL, WHY_ATTACH, "Attaching fexit/fmod_ret to __noreturn "
					"functions is rejected.");
		return v_refuse(v, -EINVAL, WHY_ATTACH, "Attaching fexit/fmod_ret to __noreturn function "
				"'%s' is rejected.", v->attach_name);
	}
	return 0;
}

/* By type alone.  can_be_sleepable(). */
static bool may_be_sleepable(const struct verify *v)
{
	switch (v->prog_type) {
	case BPF_PROG_TYPE_TRACING:
		return v->attach_type == BPF_TRACE_FENTRY || v->attach_type == BPF_TRACE_FEXIT ||
		       v->attach_type == BPF_MODIFY_RETURN || v->attach_type == BPF_TRACE_ITER;
	case BPF_PROG_TYPE_LSM:
		return v->attach_type != BPF_LSM_CGROUP;
	case BPF_PROG_TYPE_KPROBE: /* on user functions */
	case BPF_PROG_TYPE_STRUCT_OPS:
		return true;
	}
	return false;
}

int target_check(struct verify *v)
{
	const struct verify_target *target = v->prog->target;
	struct attach a = {
		.v = v,
		.target = target,
		.btf = ctx_target_btf(v),
		.id = v->attach_btf_id,
		.ext = v->prog_type == BPF_PROG_TYPE_EXT,
	};
	int err;

	if (v->prog_type == BPF_PROG_TYPE_SYSCALL) {
		if (v->sleepable)
			return 0;
		return v_refuse(v, -EINVAL, WHY_SLEEP, "Syscall programs can only be sleepable");
	}
	if (v->sleepable && !may_be_sleepable(v))
		return v_refuse(v, -EINVAL, WHY_SLEEP, "Only fentry/fexit/fmod_ret, lsm, iter, uprobe, "
				"and struct_ops programs can be sleepable");
	if (v->prog_type == BPF_PROG_TYPE_STRUCT_OPS)
		return attach_struct_ops(v);
	if (v->prog_type != BPF_PROG_TYPE_TRACING && v->prog_type != BPF_PROG_TYPE_LSM && !a.ext)
		return 0;
	err = attach_target_check(&a);
	if (err)
		return err;
	if (a.ext)
		v->attach_type = target->attach_type;
	v->attach_proto = a.proto;
	v->attach_name = a.name;
	if (v->attach_type == BPF_TRACE_RAW_TP)
		return 0;
	return v->attach_type == BPF_TRACE_ITER ? iter_check(v) : tracing_check(v);
}
