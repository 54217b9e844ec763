/* SPDX-License-Identifier: BSD-2-Clause */
/* verify/btfptr.c - loads and stores through pointers to kernel structs, allocated objects and maps, and
 * how far a pointer loaded that way is trusted.
 *
 *	pointer walked        pointer loaded
 *	untrusted             untrusted
 *	trusted, or RCU       trusted, RCU or untrusted, by the member (struct NAME__safe_* of the
 *	                      kernel's BTF, "rcu" tags) and by whether an RCU section is open
 *	neither               neither: old programs, whose helpers check it
 *
 * Which members keep their struct's trust is no table here: a kernel describes them in its BTF, as
 * structs "task_struct__safe_rcu" and the like with only those members.  Kernel 6.18:
 * check_ptr_to_btf_access(), check_ptr_to_map_access(), btf_nested_type_is_trusted().
 */
#include "verify/ctx.h"
#include "verify/kfunc.h"
#include "verify/log.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { TRUST_FLAGS = T_ALLOC | T_TRUSTED | T_NON_OWN_REF, NOT_SUPPORTED = 524 };

static const char *const map_structs[BPF_MAP_TYPE_MAX] = {
#define MAP_STRUCT(type, name) [BPF_MAP_TYPE_##type] = #name,
#include "verify/map_struct.def"
#undef MAP_STRUCT
};

/* Is the member in the struct's list of that suffix, with the type that was loaded?
 * btf_nested_type_is_trusted(). */
static bool safe_member(struct verify *v, const struct reg *r, const char *member, u32 btf_id,
			const char *suffix)
{
	enum btf_kind kind = btf_kind(btf_type(r->btf, r->btf_id));
	const struct btf_type *t;
	char name[64];
	u32 id;
	int n = snprintf(name, sizeof(name), "%s%s", btf_name(r->btf, r->btf_id), suffix);

	if (n < 0 || (size_t)n >= sizeof(name) || !member)
		return false;
	id = btf_of_kernel(v, r->btf) ? profile_find(v->k, name, kind) : 0;
	if (!id && r->btf != v->k->btf)
		id = btf_find_own(r->btf, name, kind);
	t = btf_type(r->btf, id);
	if (!id || !btf_is_composite(t))
		return false;
	for (u32 i = 0; i < btf_vlen(t); i++) {
		const struct btf_type *ptr = btf_type(r->btf, btf_members(t)[i].type);

		if (btf_kind(ptr) == BTF_PTR && btf_skip(r->btf, ptr->type) == btf_id &&
		    !strcmp(btf_str(r->btf, btf_members(t)[i].name_off), member))
			return true;
	}
	return false;
}

/* Flags of the pointer loaded from a member of *r, where the walk found flags. */
static u32 loaded_trust(struct verify *v, const struct reg *r, const char *member, u32 btf_id,
			u32 flags)
{
	const u32 plain = flags & ~(u32)(TRUST_FLAGS | T_RCU);

	if (r->type & T_UNTRUSTED)
		return T_UNTRUSTED;
	if (!reg_is_trusted(v, r) && !(r->type & T_RCU))
		return plain;
	if (safe_member(v, r, member, btf_id, "__safe_trusted"))
		return flags | T_TRUSTED;
	if (safe_member(v, r, member, btf_id, "__safe_trusted_or_null"))
		return flags | T_TRUSTED | T_MAYBE_NULL;
	/* Anything else lives no longer than the RCU section; without one it may be gone. */
	if (!in_rcu_cs(v) || type_may_be_null(r->type))
		return T_UNTRUSTED;
	if (safe_member(v, r, member, btf_id, "__safe_rcu"))
		return flags | T_RCU;
	if (safe_member(v, r, member, btf_id, "__safe_rcu_or_null"))
		return (flags | T_RCU | T_MAYBE_NULL) & ~(u32)T_UNTRUSTED;
	if (flags & T_RCU)
		return flags | T_MAYBE_NULL;
	if (flags & (T_PERCPU | T_USER))
		return flags;
	return plain;
}

/* What is wrong with the pointer itself. */
static int ptr_check(struct verify *v, const struct reg *r, u32 regno, s32 off, enum access t,
		     const char *name)
{
	if (!v->allow_ptr_leaks)
		return v_refuse(v, -EPERM, WHY_PRIV, "'struct %s' access is allowed only to "
				"CAP_PERFMON and CAP_SYS_ADMIN", name);
	if (!v->prog->gpl && btf_of_kernel(v, r->btf))
		return v_refuse(v, -EINVAL, WHY_PERM, "Cannot access kernel 'struct %s' from non-GPL "
				"compatible program", name);
	if (off < 0)
		return v_refuse_reg(v, -EACCES, WHY_BOUNDS, regno,
				    "R%u is ptr_%s invalid negative access: off=%d", regno, name,
				    off);
	if (!tnum_equals(r->val.bits, 0)) {
		struct str text = { 0 };

		log_tnum(&text, r->val.bits);
		v_refuse_reg(v, -EACCES, WHY_BOUNDS, regno,
			     "R%u is ptr_%s invalid variable offset: off=%d, var_off=%s", regno,
			     name, off, str_text(&text));
		str_free(&text);
		return -EACCES;
	}
	if (r->type & T_USER)
		return v_refuse_reg(v, -EACCES, WHY_PERM, regno,
				    "R%u is ptr_%s access user memory: off=%d", regno, name, off);
	if (r->type & T_PERCPU)
		return v_refuse_reg(v, -EACCES, WHY_PERM, regno,
				    "R%u is ptr_%s access percpu memory: off=%d", regno, name, off);
	if (t == ACC_WRITE && r->type & T_UNTRUSTED)
		return v_refuse(v, -EACCES, WHY_PERM, "only read is supported");
	return 0;
}

int btf_ptr_access(struct verify *v, struct reg *regs, u32 regno, s32 off, u32 size, enum access t,
		   s32 value_regno)
{
	const struct reg *r = &regs[regno];
	const char *member = NULL;
	u32 btf_id = 0, flags = 0;
	int kind, err;

	err = ptr_check(v, r, regno, off, t, btf_name(r->btf, r->btf_id));
	if (err)
		return err;
	if (t == ACC_WRITE && !(r->type & T_ALLOC) && btf_store_known(v)) {
		if (!btf_of_kernel(v, r->btf))
			return v_bug(v, "reg->btf must be kernel btf");
		return btf_store(v, r, (u32)off, size);
	}
	if (t == ACC_WRITE && !type_is_alloc_ref(r->type))
		return v_refuse(v, -EACCES, WHY_PERM, "only read is supported");
	if (r->type & T_ALLOC && !type_is_non_owning_ref(r->type) && !(r->type & T_RCU) &&
	    !r->ref_obj_id)
		return v_bug(v, "ref_obj_id for allocated object must be non-zero");
	kind = btf_struct_access(v, r, off, size, t, &btf_id, &flags, &member);
	if (kind < 0)
		return kind;
	if (kind == PTR_BTF)
		flags = loaded_trust(v, r, member, btf_id, flags);
	if (t == ACC_READ && value_regno >= 0)
		return reg_btf_load(v, regs, (u32)value_regno, (enum reg_type)kind, r->btf, btf_id,
				    flags);
	return 0;
}

int btf_map_access(struct verify *v, struct reg *regs, u32 regno, s32 off, u32 size, enum access t,
		   s32 value_regno)
{
	const struct verify_map *map = regs[regno].map;
	const char *name = map->type < BPF_MAP_TYPE_MAX ? map_structs[map->type] : NULL;
	u32 id = name ? btf_kernel_struct(v, name) : 0, next_id = 0, flags = 0;
	struct reg as_ptr = { .type = PTR_BTF };
	int kind;

	if (!v->k->btf)
		return v_refuse(v, -NOT_SUPPORTED, WHY_BTF,
				"map_ptr access not supported without CONFIG_DEBUG_INFO_BTF");
	if (!id)
		return v_refuse(v, -NOT_SUPPORTED, WHY_MAP,
				"map_ptr access not supported for map type %u", map->type);
	if (!v->allow_ptr_leaks)
		return v_refuse(v, -EPERM, WHY_PRIV, "'struct %s' access is allowed only to "
				"CAP_PERFMON and CAP_SYS_ADMIN", name);
	if (off < 0)
		return v_refuse_reg(v, -EACCES, WHY_BOUNDS, regno,
				    "R%u is %s invalid negative access: off=%d", regno, name, off);
	if (t != ACC_READ)
		return v_refuse(v, -EACCES, WHY_PERM, "only read from %s is supported", name);
	as_ptr.btf = v->k->btf;
	as_ptr.btf_id = id;
	kind = btf_struct_access(v, &as_ptr, off, size, t, &next_id, &flags, NULL);
	if (kind < 0 || value_regno < 0)
		return MIN(kind, 0);
	return reg_btf_load(v, regs, (u32)value_regno, (enum reg_type)kind, v->k->btf, next_id,
			    flags);
}
