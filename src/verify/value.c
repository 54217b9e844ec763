/* SPDX-License-Identifier: BSD-2-Clause */
/* verify/value.c - map values: what of them a program may touch, constants in frozen maps, fields
 * that hold pointers (kptr, uptr).
 */
#include "verify/alu.h"
#include "verify/call.h"
#include "verify/ctx.h"
#include "verify/kfunc.h"
#include "verify/log.h"
#include "verify/mem.h"
#include "verify/prune.h"
#include <errno.h>
#include <string.h>

enum {
	ERR_NOTSUPP = 524, /* the kernel's own ENOTSUPP, which no libc knows */
	FIELD_POINTER = FIELD_KPTR | FIELD_UPTR,
};

/* ---- access ---- */

/* Kernel 6.18: check_map_access_type(). */
int mem_map_access_type(struct verify *v, u32 regno, s32 off, u32 size, enum access t)
{
	const struct verify_map *m = v_reg(v, regno)->map;

	if (t == ACC_WRITE && m->flags & BPF_F_RDONLY_PROG)
		return v_refuse_reg(v, -EACCES, WHY_PERM, regno,
				    "write into map forbidden, value_size=%d off=%d size=%d",
				    (s32)m->value_size, off, (s32)size);
	if (t == ACC_READ && !(m->flags & BPF_F_RDONLY_PROG) && m->flags & BPF_F_WRONLY_PROG)
		return v_refuse_reg(v, -EACCES, WHY_PERM, regno,
				    "read from map forbidden, value_size=%d off=%d size=%d",
				    (s32)m->value_size, off, (s32)size);
	return 0;
}

/* A touch of a special field: pointers by whole loads and stores at a known place, others never. */
static int field_touch(struct verify *v, const struct reg *r, const struct record_field *f, s32 off,
		       u32 size, enum access_src src)
{
	const char *name = field_kind_text(f->kind);
	u64 at = (u64)(s64)off + r->val.bits.value;

	if (!(f->kind & FIELD_POINTER))
		return v_refuse(v, -EACCES, WHY_PERM,
				"%s cannot be accessed directly by load/store", name);
	if (src != BY_INSN)
		return v_refuse(v, -EACCES, WHY_PERM, "%s cannot be accessed indirectly by helper",
				name);
	if (!tnum_is_const(r->val.bits))
		return v_refuse(v, -EACCES, WHY_BOUNDS, "%s access cannot have variable offset",
				name);
	if (f->offset != at)
		return v_refuse(v, -EACCES, WHY_BOUNDS, "%s access misaligned expected=%u off=%llu",
				name, f->offset, (unsigned long long)at);
	if (size != 8)
		return v_refuse(v, -EACCES, WHY_BOUNDS, "%s access size must be BPF_DW", name);
	return 0;
}

/* Kernel 6.18: check_map_access(). */
int mem_map_value(struct verify *v, u32 regno, s32 off, u32 size, bool zero_size_ok,
		  enum access_src src)
{
	const struct reg *r = v_reg(v, regno);
	const struct btf_record *rec = r->map->record;
	s64 first = (s64)((u64)r->val.smin + (u64)(s64)off);
	u64 end = r->val.umax + (u64)(s64)off + size;
	int err = mem_region(v, regno, off, size, r->map->value_size, zero_size_ok);

	for (u32 i = 0; !err && rec && i < rec->n; i++) {
		const struct record_field *f = &rec->fields[i];

		if (first < (s64)((u64)f->offset + f->size) && f->offset < end)
			err = field_touch(v, r, f, off, size, src);
	}
	return err;
}

/* ---- constants ---- */

/* Only the values of arrays lie at an address that the kernel can read at load time. */
static bool map_is_const(const struct verify_map *m)
{
	return m->flags & BPF_F_RDONLY_PROG && m->frozen && m->type == BPF_MAP_TYPE_ARRAY;
}

bool mem_map_const(const struct verify_map *m, s64 off, u32 size, bool is_ldsx, u64 *value)
{
	u64 raw = 0;

	if (!map_is_const(m) || !m->value || m->max_entries != 1 || size > 8 || !size)
		return false;
	if (off < 0 || (u64)off + size > m->value_size)
		return false;
	memcpy(&raw, m->value + off, size);
	if (is_ldsx && size < 8 && raw >> (size * 8 - 1) & 1)
		raw |= ~0ull << size * 8;
	*value = raw;
	return true;
}

/* What a load gives.  A frozen map of several values is refused without a word, as there. */
static int value_load(struct verify *v, const struct mem_op *op)
{
	const struct reg *r = v_reg(v, op->regno);
	struct reg *dst = v_reg(v, (u32)op->value_regno);
	u64 value;

	if (tnum_is_const(r->val.bits) && map_is_const(r->map)) {
		if (r->map->max_entries != 1)
			return -ERR_NOTSUPP;
		if (mem_map_const(r->map, op->off + (s64)r->val.bits.value, op->size, op->is_ldsx,
				  &value)) {
			dst->type = REG_SCALAR;
			reg_const(dst, value);
			return 0;
		}
	}
	reg_unknown_at(v, v_regs(v), (u32)op->value_regno);
	return 0;
}

int mem_map_value_op(struct verify *v, const struct mem_op *op)
{
	const struct reg *r = v_reg(v, op->regno);
	const struct record_field *field = NULL;
	int err = op->t == ACC_WRITE ? mem_no_leak(v, op->value_regno, "map") : 0;

	if (!err)
		err = mem_map_access_type(v, op->regno, op->off, op->size, op->t);
	if (!err)
		err = mem_map_value(v, op->regno, op->off, op->size, false, BY_INSN);
	if (err)
		return err;
	if (tnum_is_const(r->val.bits) && r->map->record)
		field = record_find(r->map->record, (u32)op->off + (u32)r->val.bits.value,
				    FIELD_POINTER);
	if (field)
		return mem_kptr(v, op->value_regno, op->pc, field);
	return op->t == ACC_READ && op->value_regno >= 0 ? value_load(v, op) : 0;
}

/* ---- fields that hold pointers ---- */

/* Types of the program and of its maps; all others are the kernel's: btf_is_kernel(). */
static bool btf_is_own(const struct verify *v, const struct btf *btf)
{
	if (btf == v->prog->btf)
		return true;
	for (u32 i = 0; i < v->maps.n; i++) {
		const struct verify_map *m = v->maps.p[i];

		if (m->btf == btf || (m->inner && m->inner->btf == btf))
			return true;
	}
	return false;
}

/* Kernel structs that RCU keeps alive: rcu_protected_types. */
static bool rcu_protected(struct verify *v, u32 btf_id)
{
	static const char *const names[] = {
		"prog_test_ref_kfunc", "cgroup", "bpf_cpumask", "task_struct", "bpf_crypto_ctx",
	};

	for (u32 i = 0; i < ARRAY_SIZE(names); i++)
		if (btf_id && btf_kernel_struct(v, names[i]) == btf_id)
			return true;
	return false;
}

static bool rcu_safe(struct verify *v, const struct record_field *f)
{
	return f->kind == FIELD_KPTR_PERCPU ||
	       (f->kind == FIELD_KPTR_REF && (!f->kptr_of_kernel || rcu_protected(v, f->btf_id)));
}

/* Does the pointed-to object sit in lists or trees?  The kernel asks the struct's record. */
static bool pointee_is_node(struct verify *v, const struct record_field *f)
{
	struct reg r = {.type = PTR_BTF | T_ALLOC};

	r.btf = f->btf;
	r.btf_id = f->btf_id;
	return !f->kptr_of_kernel && record_has(reg_record(v, &r), FIELD_GRAPH_NODE);
}

/* How far the pointer read from a field may be trusted: btf_ld_kptr_type(). */
static u32 kptr_flags(struct verify *v, const struct record_field *f)
{
	u32 flags = T_MAYBE_NULL;

	if (!rcu_safe(v, f) || !in_rcu_cs(v))
		return flags | T_UNTRUSTED;
	flags |= T_RCU;
	if (f->kind == FIELD_KPTR_PERCPU)
		flags |= T_PERCPU;
	else if (!f->kptr_of_kernel)
		flags |= T_ALLOC;
	return pointee_is_node(v, f) ? flags | T_NON_OWN_REF : flags;
}

static int kptr_load(struct verify *v, u32 regno, const struct record_field *f)
{
	struct reg *dst = v_reg(v, regno);
	s64 size;

	if (f->kind != FIELD_UPTR)
		return reg_btf_load(v, v_regs(v), regno, PTR_BTF, f->btf, f->btf_id,
				    kptr_flags(v, f));
	size = btf_size(f->btf, f->btf_id);
	reg_known_zero_at(v, v_regs(v), regno);
	dst->type = PTR_MEM | T_MAYBE_NULL;
	dst->mem_size = size < 0 ? 0 : (u32)size;
	dst->id = ++v->id_gen;
	return 0;
}

/* "invalid kptr access, R1 type=ptr_task_struct expected=ptr_cgroup or untrusted_ptr_cgroup". */
static int refuse_kptr(struct verify *v, const struct record_field *f, const struct reg *r,
		       u32 regno, const char *struct_name)
{
	const char *want = btf_name(f->btf, f->btf_id);
	struct str s = {0};

	str_addf(&s, "invalid kptr access, R%u type=%s%s ", regno, log_type(v, r->type),
		 struct_name);
	str_addf(&s, "expected=%s%s", log_type(v, PTR_BTF), want);
	if (f->kind == FIELD_KPTR_UNREF)
		str_addf(&s, " or %s%s", log_type(v, PTR_BTF | T_UNTRUSTED), want);
	v_refuse_reg(v, -EINVAL, WHY_TYPE, regno, "%s", str_text(&s));
	str_free(&s);
	return -EINVAL;
}

/* Kernel 6.18: map_kptr_match_type().  Only an unreferenced field takes untrusted pointers, and
 * only there may the wanted type be a first member of the pointer's. */
int mem_kptr_match(struct verify *v, const struct record_field *f, struct reg *r, u32 regno)
{
	u32 ok = T_MAYBE_NULL;
	const char *name;

	if (REG_BASE(r->type) != PTR_BTF)
		return refuse_kptr(v, f, r, regno, "");
	if (btf_is_own(v, r->btf))
		ok |= T_ALLOC | (f->kind == FIELD_KPTR_PERCPU ? T_PERCPU : 0);
	else
		ok |= T_TRUSTED | T_RCU | (f->kind == FIELD_KPTR_UNREF ? T_UNTRUSTED : 0);
	if (REG_FLAGS(r->type) & ~ok)
		return refuse_kptr(v, f, r, regno, "");
	if ((f->kind == FIELD_KPTR_PERCPU) != !!(r->type & T_PERCPU))
		return refuse_kptr(v, f, r, regno, "");
	name = btf_name(r->btf, r->btf_id);
	if (mem_ptr_off_fixed_ok(v, r, regno, true))
		return -EACCES;
	if (!btf_ids_match(v, r->btf, r->btf_id, r->off, f->btf, f->btf_id,
			   f->kind != FIELD_KPTR_UNREF))
		return refuse_kptr(v, f, r, regno, name);
	return 0;
}

/* Kernel 6.18: check_map_kptr_access(). */
int mem_kptr(struct verify *v, s32 value_regno, u32 pc, const struct record_field *f)
{
	const struct insn *i = &v->insns[pc];
	enum insn_class class = INSN_CLASS(i->code);
	struct reg *r;

	if (INSN_MODE(i->code) != MODE_MEM)
		return v_refuse(v, -EACCES, WHY_PERM,
				"kptr in map can only be accessed using "
				"BPF_MEM instruction mode");
	if (class != CLS_LDX && f->kind & (FIELD_KPTR_REF | FIELD_KPTR_PERCPU))
		return v_refuse(v, -EACCES, WHY_PERM, "store to referenced kptr disallowed");
	if (class != CLS_LDX && f->kind == FIELD_UPTR)
		return v_refuse(v, -EACCES, WHY_PERM, "store to uptr disallowed");
	switch (class) {
	case CLS_LDX:
		return kptr_load(v, (u32)value_regno, f);
	case CLS_STX:
		r = v_reg(v, (u32)value_regno);
		if (reg_is_null(r)) /* just because it is 0 */
			return precise_reg(v, (u32)value_regno);
		return mem_kptr_match(v, f, r, (u32)value_regno) ? -EACCES : 0;
	case CLS_ST:
		if (i->imm)
			return v_refuse(v, -EACCES, WHY_PERM,
					"BPF_ST imm must be 0 when storing to kptr at off=%u",
					f->offset);
		return 0;
	default:
		return v_refuse(v, -EACCES, WHY_PERM,
				"kptr in map can only be accessed using "
				"BPF_LDX/BPF_STX/BPF_ST");
	}
}
