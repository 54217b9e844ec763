/* SPDX-License-Identifier: BSD-2-Clause */
/* verify/ctx.c - loads and stores of a program's context, and of the structs that look like one.
 *
 * Fields are in abi/ctx.def; contexts that are a function's arguments in ctx_btf.c.  Kernel 6.18:
 * check_ctx_access(), check_sock_access(), check_flow_keys_access(), check_tp_buffer_access(),
 * btf_is_prog_ctx_type().
 */
#include "verify/ctx.h"
#include "abi/ctx.h"
#include "verify/log.h"
#include <errno.h>
#include <string.h>

enum { FLOW_KEYS_BYTES = 56, SOCK_COMMON_BYTES = 8, SOCK_FULL_BYTES = 24 };

static const struct {
	u32 type;
	const char *kernel_struct; /* of PTR_BTF */
} values[] = {
	[CTX_SCALAR] = { REG_SCALAR, NULL },
	[CTX_PACKET] = { PTR_PACKET, NULL },
	[CTX_PACKET_META] = { PTR_PACKET_META, NULL },
	[CTX_PACKET_END] = { PTR_PACKET_END, NULL },
	[CTX_SOCKET] = { PTR_SOCKET, NULL },
	[CTX_SOCKET_OR_NULL] = { PTR_SOCKET | T_MAYBE_NULL, NULL },
	[CTX_SOCK_COMMON_OR_NULL] = { PTR_SOCK_COMMON | T_MAYBE_NULL, NULL },
	[CTX_FLOW_KEYS] = { PTR_FLOW_KEYS, NULL },
	[CTX_TP_BUFFER] = { PTR_TP_BUFFER, NULL },
	[CTX_KERNEL_SKB] = { PTR_BTF | T_TRUSTED, "sk_buff" },
	[CTX_KERNEL_HOOK_STATE] = { PTR_BTF | T_TRUSTED, "nf_hook_state" },
};

/* A context by the table. */
static bool table_access(struct verify *v, s32 off, u32 size, enum access t, struct ctx_info *info)
{
	struct ctx_use use = {
		.prog_type = v_type(v),
		.attach_type = v->attach_type,
		.bpf_capable = v->bpf_capable,
		.write = t == ACC_WRITE,
		.sign_extends = info->is_ldsx,
	};
	const struct ctx_field *f;

	f = ctx_field_find(ctx_of_prog(use.prog_type), off, size, &use, &info->field_size);
	if (!f)
		return false;
	/* programs on uprobes may set registers, which came with 6.18; not where the kernel is locked */
	if (use.prog_type == BPF_PROG_TYPE_KPROBE && use.write &&
	    (!profile_since(v->k, 6, 18) || v->k->lockdown_integrity))
		return false;
	if (t == ACC_WRITE)
		return true;
	info->type = values[f->value].type;
	if (!values[f->value].kernel_struct)
		return true;
	info->btf = v->k->btf;
	info->btf_id = btf_kernel_struct(v, values[f->value].kernel_struct);
	return info->btf_id != 0;
}

bool ctx_valid_access(struct verify *v, s32 off, u32 size, enum access t, struct ctx_info *info)
{
	switch (v_type(v)) {
	case BPF_PROG_TYPE_LSM:
		return ctx_btf_access(v, off, size, t, info);
	case BPF_PROG_TYPE_TRACING:
	case BPF_PROG_TYPE_STRUCT_OPS:
		return table_access(v, off, size, t, info) &&
		       ctx_btf_access(v, off, size, t, info);
	}
	return table_access(v, off, size, t, info);
}

int ctx_access(struct verify *v, u32 pc, s32 off, u32 size, enum access t, struct ctx_info *info)
{
	*info = (struct ctx_info){ .type = REG_SCALAR, .is_ldsx = info->is_ldsx };
	if (!ctx_valid_access(v, off, size, t, info)) {
		v_refuse(v, -EACCES, WHY_CTX, "invalid bpf_context access off=%d size=%u", off,
			 size);
		log_line(v, pc, "; ");
		return -EACCES;
	}
	if (REG_BASE(info->type) != PTR_BTF) {
		v->aux[pc].ctx_field_size = info->field_size;
	} else if (info->ref_obj_id && !ref_has_ptr(v->cur, info->ref_obj_id)) {
		v_refuse(v, -EACCES, WHY_REF, "invalid bpf_context access off=%d. "
			 "Reference may already be released", off);
		log_line(v, pc, "; ");
		return -EACCES;
	}
	v->max_ctx_offset = MAX(v->max_ctx_offset, (u32)off + size);
	return 0;
}

/* Fields that only a full socket has: no part of struct bpf_sock_common. */
static bool beyond_sock_common(s32 off)
{
	return off >= SOCK_COMMON_BYTES && off < SOCK_FULL_BYTES;
}

int ctx_sock_access(struct verify *v, u32 pc, u32 regno, s32 off, u32 size, enum access t)
{
	const struct reg *r = v_reg(v, regno);
	struct ctx_use use = { .write = t == ACC_WRITE, .by_pointer = true };
	enum ctx_kind ctx = CTX_NONE;
	u32 whole = 0;

	if (r->val.smin < 0)
		return v_refuse_reg(v, -EACCES, WHY_BOUNDS, regno,
				    "R%u min value is negative, either use unsigned index or do "
				    "a if (index >=0) check.", regno);
	if (r->type == PTR_SOCKET || r->type == PTR_SOCK_COMMON)
		ctx = CTX_SOCK;
	else if (r->type == PTR_TCP_SOCK)
		ctx = CTX_TCP_SOCK;
	else if (r->type == PTR_XDP_SOCK)
		ctx = CTX_XDP_SOCK;
	if ((r->type != PTR_SOCK_COMMON || !beyond_sock_common(off)) &&
	    ctx_field_find(ctx, off, size, &use, &whole)) {
		v->aux[pc].ctx_field_size = whole;
		return 0;
	}
	return v_refuse_reg(v, -EACCES, WHY_BOUNDS, regno, "R%u invalid %s access off=%d size=%u",
			    regno, log_type(v, r->type), off, size);
}

int ctx_flow_keys_access(struct verify *v, s32 off, u32 size)
{
	if (off < 0 || (u64)off + size > FLOW_KEYS_BYTES)
		return v_refuse(v, -EACCES, WHY_BOUNDS,
				"invalid access to flow keys off=%d size=%u", off, size);
	return 0;
}

int ctx_tp_buffer_access(struct verify *v, const struct reg *r, u32 regno, s32 off, u32 size)
{
	if (off < 0)
		return v_refuse_reg(v, -EACCES, WHY_BOUNDS, regno,
				    "R%u invalid tracepoint buffer access: off=%d, size=%u",
				    regno, off, size);
	if (!tnum_equals(r->val.bits, 0)) {
		struct str text = { 0 };

		log_tnum(&text, r->val.bits);
		v_refuse_reg(v, -EACCES, WHY_BOUNDS, regno,
			     "R%u invalid variable buffer offset: off=%d, var_off=%s", regno, off,
			     str_text(&text));
		str_free(&text);
		return -EACCES;
	}
	v->max_tp_access = MAX(v->max_tp_access, (u32)off + size);
	return 0;
}

const char *ctx_struct_name(u32 prog_type)
{
	return ctx_prog_struct(prog_type);
}

u32 ctx_skip_to_typedef(const struct btf *btf, u32 id)
{
	for (u32 i = 0; i < 64; i++) {
		const struct btf_type *t = btf_type(btf, id);

		if (!btf_is_modifier(t) || btf_kind(t) == BTF_TYPEDEF)
			break;
		id = t->type;
	}
	return id;
}

bool ctx_is_projection(const char *declared, const char *name)
{
	return (!strcmp(declared, "__sk_buff") && !strcmp(name, "sk_buff")) ||
	       (!strcmp(declared, "xdp_md") && !strcmp(name, "xdp_buff"));
}

/* Only the struct's name counts; its members are the program's affair. */
bool ctx_is_type(struct verify *v, const struct btf *btf, u32 type_id, u32 prog_type, u32 arg)
{
	const struct btf_type *ptr = btf_resolve(btf, type_id);
	const char *want = ctx_prog_struct(prog_type), *name;
	u32 id;

	(void)v, (void)arg;
	if (btf_kind(ptr) != BTF_PTR)
		return false;
	id = ctx_skip_to_typedef(btf, ptr->type);
	if (prog_type == BPF_PROG_TYPE_KPROBE && btf_kind(btf_type(btf, id)) == BTF_TYPEDEF &&
	    !strcmp(btf_name(btf, id), "bpf_user_pt_regs_t"))
		return true;
	id = btf_skip(btf, id);
	if (!want || !btf_is_composite(btf_type(btf, id)))
		return false;
	name = btf_name(btf, id);
	if (!strcmp(name, want) || ctx_is_projection(want, name))
		return true;
	return prog_type == BPF_PROG_TYPE_KPROBE && !strcmp(name, "pt_regs");
}
