/* SPDX-License-Identifier: BSD-2-Clause */
/* verify/structops.c - programs that are members of a kernel struct of functions.
 *
 * attach_btf_id names the struct, expected_attach_type the member.  What a member's arguments are
 * beyond their types is told by the names of the parameters of the kernel's stub for it: NAME__nullable,
 * NAME__ref.  Kernel 6.18: check_struct_ops_btf_id(), prepare_arg_info() and bpf_struct_ops_supported() in
 * kernel/bpf/bpf_struct_ops.c.
 */
#include "verify/ctx.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { NOT_SUPPORTED = 524, NAME_BYTES = 192 }; /* the kernel's ENOTSUPP has no name outside */

static const struct {
	const char *ops, *prefix;
} all_ops[] = {
#define STRUCT_OPS(name, stub) { #name, #stub },
#define STUB(...)
#define SLEEPABLE_ONLY(...)
#include "verify/structops.def"
#undef STRUCT_OPS
#undef STUB
#undef SLEEPABLE_ONLY
};

static const struct {
	const char *ops, *member, *func;
} stubs[] = {
#define STRUCT_OPS(...)
#define STUB(name, member, func) { #name, #member, #func },
#define SLEEPABLE_ONLY(...)
#include "verify/structops.def"
#undef STRUCT_OPS
#undef STUB
#undef SLEEPABLE_ONLY
};

static const struct {
	const char *ops, *member;
} sleepable_only[] = {
#define STRUCT_OPS(...)
#define STUB(...)
#define SLEEPABLE_ONLY(name, member) { #name, #member },
#include "verify/structops.def"
#undef STRUCT_OPS
#undef STUB
#undef SLEEPABLE_ONLY
};

/* In the BTF that the program attaches to, the kernel's or a module's. */
static u32 find(const struct verify *v, const char *name, enum btf_kind kind)
{
	u32 id = v->k->btf ? profile_find(v->k, name, kind) : 0;

	return id || v->attach_btf == v->k->btf ? id : btf_find_own(v->attach_btf, name, kind);
}

/* A registered struct has a value struct "bpf_struct_ops_NAME" { common; NAME }.  bpf_struct_ops_find(). */
static bool is_registered(const struct verify *v, const char *name)
{
	char value[NAME_BYTES];
	const struct btf_type *t;
	int n = snprintf(value, sizeof(value), "bpf_struct_ops_%s", name);
	u32 id;

	if (!*name || n < 0 || (size_t)n >= sizeof(value))
		return false;
	id = find(v, value, BTF_STRUCT);
	t = btf_type(v->attach_btf, id);
	return id && btf_kind(t) == BTF_STRUCT && btf_vlen(t) == 2 &&
	       btf_members(t)[1].type == v->attach_btf_id;
}

/* FUNC of the kernel's stub for a member; 0: none.  *known: the struct is one of the table. */
static u32 stub_of(const struct verify *v, const char *ops, const char *member, bool *known)
{
	char name[NAME_BYTES];
	int n;

	*known = true;
	for (u32 i = 0; i < ARRAY_SIZE(stubs); i++)
		if (!strcmp(stubs[i].ops, ops) && !strcmp(stubs[i].member, member))
			return find(v, stubs[i].func, BTF_FUNC);
	for (u32 i = 0; i < ARRAY_SIZE(all_ops); i++) {
		if (strcmp(all_ops[i].ops, ops))
			continue;
		n = snprintf(name, sizeof(name), "%s%s", all_ops[i].prefix, member);
		return n > 0 && (size_t)n < sizeof(name) ? find(v, name, BTF_FUNC) : 0;
	}
	*known = false;
	return 0;
}

static bool may_sleep(const char *ops, const char *member)
{
	bool listed = false;

	for (u32 i = 0; i < ARRAY_SIZE(sleepable_only); i++) {
		if (strcmp(sleepable_only[i].ops, ops))
			continue;
		if (!strcmp(sleepable_only[i].member, member))
			return true;
		listed = true;
	}
	return !listed;
}

/* The FUNC_PROTO that a member points to; NULL: it is no function. */
static const struct btf_type *func_proto(const struct btf *btf, u32 type)
{
	const struct btf_type *t = btf_resolve(btf, type);

	if (btf_kind(t) != BTF_PTR)
		return NULL;
	t = btf_resolve(btf, t->type);
	return btf_kind(t) == BTF_FUNC_PROTO ? t : NULL;
}

/* Arguments that the stub names as nullable or as references. */
static int args_describe(struct verify *v, const struct btf_type *proto, u32 stub_func)
{
	const struct btf *btf = v->attach_btf;
	const struct btf_type *stub = btf_type(btf, btf_type(btf, stub_func)->type);
	u32 n = btf_vlen(proto);

	if (!stub_func || btf_kind(stub) != BTF_FUNC_PROTO || btf_vlen(stub) != n || !n)
		return 0;
	v->ctx_arg_info = arena_alloc(&v->arena, n * sizeof(*v->ctx_arg_info));
	for (u32 i = 0; i < n; i++) {
		bool nullable = ctx_param_suffix(btf, &btf_params(stub)[i], "__nullable");
		bool ref = !nullable && ctx_param_suffix(btf, &btf_params(stub)[i], "__ref");
		const struct btf_type *t = btf_resolve(btf, btf_params(proto)[i].type);

		if ((!nullable && !ref) || btf_kind(t) != BTF_PTR)
			continue;
		v->ctx_arg_info[v->ctx_arg_info_n++] = (struct ctx_arg){
			.offset = (u32)ctx_arg_offset(btf, proto, i),
			.type = PTR_BTF | T_TRUSTED | (nullable ? T_MAYBE_NULL : 0),
			.btf = btf,
			.btf_id = btf_skip(btf, t->type),
			.refcounted = ref,
		};
	}
	return 0;
}

/* Nobody could tell a program called at the end what became of the reference. */
static int tail_calls_check(struct verify *v)
{
	bool ref = false;

	for (u32 i = 0; i < v->ctx_arg_info_n; i++)
		ref |= v->ctx_arg_info[i].refcounted;
	for (u32 i = 0; i < v->n_subprogs; i++)
		if (ref && v->subprogs[i].has_tail_call)
			return v_refuse(v, -EINVAL, WHY_CALL,
					"program with __ref argument cannot tail call");
	return 0;
}

int attach_struct_ops(struct verify *v)
{
	const struct btf_type *t, *proto;
	const char *ops, *member;
	u32 idx = v->attach_type, stub;
	bool known;
	int err;

	if (!v->prog->gpl)
		return v_refuse(v, -EINVAL, WHY_PERM,
				"struct ops programs must have a GPL compatible license");
	if (!v->attach_btf_id || !v->attach_btf)
		return -NOT_SUPPORTED;
	t = btf_type(v->attach_btf, v->attach_btf_id);
	ops = btf_name(v->attach_btf, v->attach_btf_id);
	if (btf_kind(t) != BTF_STRUCT || !is_registered(v, ops))
		return v_refuse(v, -NOT_SUPPORTED, WHY_ATTACH,
				"attach_btf_id %u is not a supported struct", v->attach_btf_id);
	if (idx >= btf_vlen(t))
		return v_refuse(v, -EINVAL, WHY_ATTACH,
				"attach to invalid member idx %u of struct %s", idx, ops);
	member = btf_str(v->attach_btf, btf_members(t)[idx].name_off);
	proto = func_proto(v->attach_btf, btf_members(t)[idx].type);
	if (!proto)
		return v_refuse(v, -EINVAL, WHY_ATTACH,
				"attach to invalid member %s(@idx %u) of struct %s", member, idx,
				ops);
	stub = stub_of(v, ops, member, &known);
	if ((known && !stub) || (v->sleepable && !may_sleep(ops, member)))
		return v_refuse(v, known && !stub ? -NOT_SUPPORTED : -EINVAL, WHY_ATTACH,
				"attach to unsupported member %s of struct %s", member, ops);
	err = args_describe(v, proto, stub);
	if (!err)
		err = tail_calls_check(v);
	if (err)
		return err;
	v->attach_st_ops_off = btf_member_bit_off(t, idx) / 8;
	v->attach_proto = proto;
	v->attach_name = member;
	return 0;
}
