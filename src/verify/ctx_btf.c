/* SPDX-License-Identifier: BSD-2-Clause */
/* verify/ctx_btf.c - contexts that are a function's arguments, eight bytes each, known by BTF.
 *
 *	off 0      argument 0     fentry, fexit, fmod_ret, LSM, iterators, struct_ops, raw tracepoints
 *	off 8      argument 1     (those begin after the void pointer that their typedef has first)
 *	...        return value   of fexit, fmod_ret, LSM
 *
 * What a program is not told of (a mistake of its own) goes to the log only; the refusal is the
 * caller's.  Kernel 6.18: btf_ctx_access() in kernel/bpf/btf.c.
 */
#include "abi/ctx.h"
#include "verify/ctx.h"
#include "verify/log.h"
#include <string.h>

enum { ARGS_UNKNOWN_PROTO = 5 }; /* MAX_BPF_FUNC_REG_ARGS */

/* One access and whom it concerns. */
struct arg_access {
	struct verify *v;
	const struct btf *btf;        /* of the function */
	const struct btf_type *proto; /* NULL: not known */
	s32 off;
	u32 arg;                      /* index of the argument; n_args: the return value */
	u32 n_args, first;            /* parameters without the first ones that are not passed */
	struct ctx_info *info;
};

static const struct {
	const char *name;
	u64 args;
} raw_tp_null[] = {
#define RAW_TP(name, args) { #name, args },
#include "verify/rawtp_null.def"
#undef RAW_TP
};

const struct btf *ctx_target_btf(const struct verify *v)
{
	return v->prog->target ? v->prog->target->btf : v->attach_btf;
}

static bool is_raw_tp(const struct verify *v)
{
	return v->attach_type == BPF_TRACE_RAW_TP;
}

/* btf_name(), but "(anon)" where there is none. */
const char *btf_name_or_anon(const struct btf *btf, const struct btf_type *t)
{
	return t->name_off ? btf_str(btf, t->name_off) : "(anon)";
}

static u64 passed_bytes(const struct btf *btf, u32 type)
{
	const struct btf_type *t = btf_resolve(btf, type);

	return btf_kind(t) == BTF_PTR ? 8 : ALIGN_UP((u64)t->size, 8);
}

/* Structs of up to 16 bytes are passed as two.  btf_ctx_arg_idx(). */
static u32 arg_index(const struct btf *btf, const struct btf_type *proto, u32 off)
{
	u64 end = 0;
	u32 n;

	if (!proto)
		return off / 8;
	n = btf_vlen(proto);
	for (u32 i = 0; i < n; i++) {
		end += passed_bytes(btf, btf_params(proto)[i].type);
		if (off < end)
			return i;
	}
	end += passed_bytes(btf, proto->type);
	return off < end ? n : n + 1;
}

u64 ctx_arg_offset(const struct btf *btf, const struct btf_type *proto, u32 arg)
{
	u64 off = 0;

	for (u32 i = 0; i < arg && i < btf_vlen(proto); i++) {
		s64 size = btf_size(btf, btf_params(proto)[i].type);

		off += ALIGN_UP((u64)MAX(size, 0), 8);
	}
	return off;
}

/* Are this program's arguments trusted?  prog_args_trusted(). */
static bool args_trusted(const struct verify *v)
{
	switch (v->prog_type) {
	case BPF_PROG_TYPE_TRACING:
		return v->attach_type == BPF_TRACE_RAW_TP || v->attach_type == BPF_TRACE_ITER;
	case BPF_PROG_TYPE_LSM:
		return attach_lsm_trusted(v);
	case BPF_PROG_TYPE_STRUCT_OPS:
		return true;
	}
	return false;
}

bool ctx_param_suffix(const struct btf *btf, const struct btf_param *p, const char *suffix)
{
	const char *name = btf_str(btf, p->name_off);

	return strlen(name) > strlen(suffix) && str_ends(name, suffix);
}

static bool no_such_arg(const struct arg_access *a)
{
	v_log(a->v, "func '%s' doesn't have %d-th argument\n", a->v->attach_name, a->arg + 1);
	return false;
}

static bool is_small_int(const struct btf_type *t)
{
	return btf_kind(t) == BTF_INT && t->size <= 8;
}

/* The return value's type where the program may see it.  *done: decided, as *ok says. */
static u32 return_type(const struct arg_access *a, bool *done, bool *ok)
{
	struct verify *v = a->v;

	*done = true;
	*ok = false;
	switch (v->attach_type) {
	case BPF_LSM_MAC:
		a->info->is_retval = true;
		break;
	case BPF_LSM_CGROUP:
	case BPF_TRACE_FEXIT:
		break;
	case BPF_MODIFY_RETURN:
		if (a->proto && is_small_int(btf_resolve(a->btf, a->proto->type)))
			break;
		if (a->proto)
			v_log(v, "ret type %s not allowed for fmod_ret\n",
			      btf_kind_upper(btf_resolve(a->btf, a->proto->type)));
		return 0;
	default:
		no_such_arg(a);
		return 0;
	}
	*ok = !a->proto;
	*done = !a->proto;
	return a->proto ? a->proto->type : 0;
}

/* A pointer that the iterator or struct_ops says more of than its type does.  True: info is set. */
static bool described(const struct arg_access *a, bool buffers)
{
	struct verify *v = a->v;

	for (u32 i = 0; i < v->ctx_arg_info_n; i++) {
		const struct ctx_arg *c = &v->ctx_arg_info[i];
		bool buffer = REG_BASE(c->type) == PTR_BUF && c->type & T_MAYBE_NULL;

		if (c->offset != (u32)a->off || (buffers && !buffer))
			continue;
		a->info->type = c->type;
		if (buffers)
			return true;
		a->info->btf = c->btf ? c->btf : v->k->btf;
		a->info->btf_id = c->btf_id;
		a->info->ref_obj_id = c->ref_obj_id;
		return true;
	}
	return false;
}

/* Flags of a raw tracepoint's argument: false where it may be an error code. */
static bool raw_tp_flags(const struct arg_access *a)
{
	struct verify *v = a->v;
	const char *name = v->attach_name;

	for (u32 i = 0; i < ARRAY_SIZE(raw_tp_null); i++) {
		if (strcmp(name, raw_tp_null[i].name))
			continue;
		if (a->arg < 16 && raw_tp_null[i].args >> a->arg * 4 & 1)
			a->info->type |= T_MAYBE_NULL;
		return a->arg >= 16 || !(raw_tp_null[i].args >> a->arg * 4 & 2);
	}
	/* nobody has looked at those of modules */
	if (v->prog->attach_btf_is_module)
		a->info->type |= T_MAYBE_NULL;
	return true;
}

/* The argument of another BPF program's function: its ctx or nothing.  btf_translate_to_vmlinux(). */
static bool target_arg(const struct arg_access *a, u32 ptr_id)
{
	const struct verify_target *t = a->v->prog->target;
	u32 type = t->prog_type == BPF_PROG_TYPE_EXT ? t->saved_prog_type : t->prog_type;
	const char *name = ctx_kernel_struct(type);

	if (!name || !ctx_is_type(a->v, a->btf, ptr_id, type, a->arg))
		return false;
	a->info->btf = a->v->k->btf;
	a->info->btf_id = btf_kernel_struct(a->v, name);
	if (!a->info->btf_id && a->info->btf)
		a->info->btf_id = btf_find(a->info->btf, name, BTF_TYPEDEF);
	return a->info->btf_id != 0;
}

/* A pointer to a kernel struct: type tags, then the struct itself. */
static bool struct_arg(const struct arg_access *a, const struct btf_type *ptr)
{
	const struct btf_type *t = btf_type(a->btf, ptr->type);
	struct ctx_info *info = a->info;
	u32 id = ptr->type;

	if (btf_kind(t) == BTF_TYPE_TAG) {
		const char *tag = btf_str(a->btf, t->name_off);

		if (!strcmp(tag, "user"))
			info->type |= T_USER;
		else if (!strcmp(tag, "percpu"))
			info->type |= T_PERCPU;
	}
	id = btf_skip(a->btf, id);
	t = btf_type(a->btf, id);
	info->btf = a->btf;
	info->btf_id = id;
	if (!btf_is_composite(t)) {
		v_log(a->v, "func '%s' arg%d type %s is not a struct\n", a->v->attach_name, a->arg,
		      btf_kind_upper(t));
		return false;
	}
	v_log(a->v, "func '%s' arg%d has btf_id %d type %s '%s'\n", a->v->attach_name, a->arg, id,
	      btf_kind_upper(t), btf_name_or_anon(a->btf, t));
	return true;
}

static bool pointer_arg(const struct arg_access *a, u32 ptr_id, u32 size)
{
	const struct btf_type *ptr = btf_type(a->btf, ptr_id), *to;
	struct verify *v = a->v;
	bool error_code = false;

	if (size != 8) {
		v_log(v, "func '%s' size %d must be 8\n", v->attach_name, size);
		return false;
	}
	if (described(a, true))
		return true;
	to = btf_resolve(a->btf, ptr->type);
	if (btf_kind(to) == BTF_VOID || btf_kind(to) == BTF_INT)
		return true; /* no more than a number */
	if (described(a, false)) {
		if (a->info->btf_id)
			return true;
		v_log(v, "invalid btf_id for context argument offset %u\n", a->off);
		return false;
	}
	a->info->type = PTR_BTF | (args_trusted(v) ? T_TRUSTED : 0);
	if (a->arg < a->n_args &&
	    ctx_param_suffix(a->btf, &btf_params(a->proto)[a->arg + a->first], "__nullable"))
		a->info->type |= T_MAYBE_NULL;
	if (is_raw_tp(v))
		error_code = !raw_tp_flags(a);
	if (v->prog->target)
		return target_arg(a, ptr_id);
	if (!struct_arg(a, ptr))
		return false;
	if (error_code) {
		v_log(v, "marking pointer arg%d as scalar as it may encode error", a->arg);
		a->info->type = REG_SCALAR;
	}
	return true;
}

static bool btf_access(struct arg_access *a, u32 size)
{
	const struct btf_type *t;
	bool done, ok;
	u32 id;

	if (a->arg > a->n_args)
		return no_such_arg(a);
	if (a->arg == a->n_args) {
		id = return_type(a, &done, &ok);
		if (done)
			return ok;
	} else if (!a->proto) {
		return true;
	} else {
		id = btf_params(a->proto)[a->arg + a->first].type;
	}
	id = btf_skip(a->btf, id);
	t = btf_type(a->btf, id);
	if (is_small_int(t) || btf_is_enum(t) || btf_is_composite(t))
		return true;
	if (btf_kind(t) != BTF_PTR) {
		v_log(a->v, "func '%s' arg%d '%s' has type %s. Only pointer access is allowed\n",
		      a->v->attach_name, a->arg, btf_name_or_anon(a->btf, t), btf_kind_upper(t));
		return false;
	}
	return pointer_arg(a, id, size);
}

/* Congestion control is told of sockets that are TCP's.  bpf_tcp_ca_is_valid_access(). */
static void promote_sock(struct verify *v, struct ctx_info *info)
{
	if (v->prog_type == BPF_PROG_TYPE_STRUCT_OPS && REG_BASE(info->type) == PTR_BTF &&
	    !(REG_FLAGS(info->type) & ~(u32)(T_ALLOC | T_TRUSTED | T_NON_OWN_REF)) &&
	    !strcmp(btf_name(v->attach_btf, v->attach_btf_id), "tcp_congestion_ops") &&
	    info->btf_id == btf_kernel_struct(v, "sock"))
		info->btf_id = btf_kernel_struct(v, "tcp_sock");
}

bool ctx_btf_access(struct verify *v, s32 off, u32 size, enum access t, struct ctx_info *info)
{
	const struct btf_type *proto = v->attach_proto;
	struct arg_access a = {
		.v = v,
		.btf = ctx_target_btf(v),
		.proto = proto,
		.off = off,
		.n_args = proto ? btf_vlen(proto) : ARGS_UNKNOWN_PROTO,
		.info = info,
	};

	(void)t; /* LSM programs may write theirs, which are a copy */
	if (off % 8) {
		v_log(v, "func '%s' offset %d is not multiple of 8\n", v->attach_name, off);
		return false;
	}
	if (!a.btf)
		return false;
	a.arg = arg_index(a.btf, proto, (u32)off);
	if (is_raw_tp(v) && v->prog_type != BPF_PROG_TYPE_STRUCT_OPS && a.n_args) {
		a.first = 1; /* void *__data */
		a.n_args--;
	}
	if (!btf_access(&a, size))
		return false;
	promote_sock(v, info);
	return true;
}
