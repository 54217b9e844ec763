/* SPDX-License-Identifier: BSD-2-Clause */
/* verify/ctx.h - what a program may read and write of its context, by program type; BTF of kernel
 * structs. */
#pragma once
#include "verify/mem.h"

/* What a load of a context field gives: struct bpf_insn_access_aux. */
struct ctx_info {
	u32 type;             /* reg_type; REG_SCALAR for most */
	u32 field_size;       /* of a field that may be loaded in part */
	const struct btf *btf;
	u32 btf_id;
	u32 ref_obj_id;
	bool is_ldsx, is_retval;
};

/* env->ops->is_valid_access() of the program's type.  Out-parameters set on success. */
bool ctx_valid_access(struct verify *v, s32 off, u32 size, enum access t, struct ctx_info *info);
/* check_ctx_access(): the above, its messages, max_ctx_offset. */
int ctx_access(struct verify *v, u32 pc, s32 off, u32 size, enum access t, struct ctx_info *info);
int ctx_sock_access(struct verify *v, u32 pc, u32 regno, s32 off, u32 size, enum access t);
int ctx_flow_keys_access(struct verify *v, s32 off, u32 size);
int ctx_tp_buffer_access(struct verify *v, const struct reg *r, u32 regno, s32 off, u32 size);
/* Context of tracing programs: arguments by BTF.  btf_ctx_access(). */
bool ctx_btf_access(struct verify *v, s32 off, u32 size, enum access t, struct ctx_info *info);
/* BTF of the function that the program is attached to: bpf_prog_get_target_btf(). */
const struct btf *ctx_target_btf(const struct verify *v);
/* Where argument number arg is in such a context: btf_ctx_arg_offset(). */
u64 ctx_arg_offset(const struct btf *btf, const struct btf_type *proto, u32 arg);
/* Is the parameter's name NAME__suffix?  btf_param_match_suffix(). */
bool ctx_param_suffix(const struct btf *btf, const struct btf_param *p, const char *suffix);
/* "STRUCT", "PTR": btf_type_str(). */
const char *btf_kind_upper(const struct btf_type *t);
/* Which register types may be used by ctx_convert'ing loads and where arg is "struct __sk_buff *" and
 * so on: name of the ctx struct that programs of this type declare (btf_get_prog_ctx_type(),
 * btf_is_prog_ctx_type()). */
bool ctx_is_type(struct verify *v, const struct btf *btf, u32 type_id, u32 prog_type, u32 arg);
/* May a program that declares one struct be given the other, which is what stands behind it?
 * btf_is_projection_of(). */
bool ctx_is_projection(const char *declared, const char *name);
/* Through const, volatile and the like to a typedef or what has none. */
u32 ctx_skip_to_typedef(const struct btf *btf, u32 id);
const char *btf_name_or_anon(const struct btf *btf, const struct btf_type *t); /* "(anon)" */
const char *ctx_struct_name(u32 prog_type); /* "__sk_buff"; NULL: none */

/* ---- btfwalk.c ---- */
/* check_ptr_to_btf_access(): load through a pointer to a kernel struct. */
int btf_ptr_access(struct verify *v, struct reg *regs, u32 regno, s32 off, u32 size, enum access t,
		   s32 value_regno);
int btf_map_access(struct verify *v, struct reg *regs, u32 regno, s32 off, u32 size, enum access t,
		   s32 value_regno); /* check_ptr_to_map_access() */
/* Walks to the member at off: btf_struct_access().  Returns the kind of value (REG_SCALAR, PTR_BTF,
 * PTR_MEM) or an errno with the sentence logged; *next_id and *flags of a pointer, *field_name of its
 * member (field_name may be NULL). */
int btf_struct_access(struct verify *v, const struct reg *r, s32 off, u32 size, enum access t,
		      u32 *next_id, u32 *flags, const char **field_name);
/* Is the struct at off in id of the wanted type (walking first members unless strict)?
 * btf_struct_ids_match(). */
bool btf_ids_match(struct verify *v, const struct btf *btf, u32 id, s32 off,
		   const struct btf *want_btf, u32 want_id, bool strict);
/* Are both one type, also of two BTFs with one base?  btf_types_are_same(). */
bool btf_same_type(const struct btf *a, u32 a_id, const struct btf *b, u32 b_id);
/* Are they of one name but for "___init", so that neither may stand for the other?
 * btf_type_ids_nocast_alias(). */
bool btf_nocast_alias(const struct btf *a, u32 a_id, const struct btf *b, u32 b_id);
/* vmlinux's or a module's, no program's. */
bool btf_of_kernel(const struct verify *v, const struct btf *btf);
/* A store to a member of a kernel struct, where programs of this kind may make some:
 * env->ops->btf_struct_access().  0, or an errno with the sentence logged.  btfwrite.c */
int btf_store(struct verify *v, const struct reg *r, u32 off, u32 size);
bool btf_store_known(const struct verify *v); /* is there such a list for programs of this kind? */
/* Type id in the profile's BTF that a helper's table names; 0: not there. */
u32 btf_helper_struct(struct verify *v, enum helper_btf which);
/* Kernel ids of struct names; cached by name in the verification. 0: none. */
u32 btf_kernel_struct(struct verify *v, const char *name);

/* ---- attach.c ---- */
int target_check(struct verify *v);        /* check_attach_btf_id() */
int attach_struct_ops(struct verify *v);   /* structops.c: check_struct_ops_btf_id() */
/* Of the LSM hook that the program attaches to: bpf_lsm_is_sleepable_hook(). */
bool attach_lsm_sleepable(const struct verify *v);
/* Are the hook's arguments whole objects?  bpf_lsm_is_trusted(). */
bool attach_lsm_trusted(const struct verify *v);
