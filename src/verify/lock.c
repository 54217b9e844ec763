/* SPDX-License-Identifier: BSD-2-Clause */
/* verify/lock.c - locks, saved interrupt flags, and fields of map values that calls work on.
 *
 * A lock is known by what its memory belongs to (a map, or the BTF of an allocated object) and by
 * the id that the pointer got when it was found not null: two lookups give two ids, and so two locks.
 * Kernel 6.18: process_spin_lock(), check_map_field_pointer(), process_irq_flag(),
 * mark_stack_slot_irq_flag(), ref_set_non_owning().
 */
#include "abi/uapi.h"
#include "verify/call.h"
#include "verify/kfunc.h"
#include "verify/live.h"
#include "verify/log.h"
#include "verify/walk.h"
#include <errno.h>

/* ---- special fields of what a register points to ---- */

const struct btf_record *alloc_record(struct verify *v, const struct btf *btf, u32 btf_id)
{
	u32 lo = 0, hi;

	if (!btf || btf != v->prog->btf)
		return NULL;
	if (!v->metas) {
		struct struct_metas *m = arena_alloc(&v->arena, sizeof(*m));

		/* BPF_BTF_LOAD has refused what cannot be made */
		if (struct_metas_make(btf, v->k, &v->arena, m))
			m->n = 0;
		v->metas = m;
	}
	for (hi = v->metas->n; lo < hi;) {
		u32 mid = lo + (hi - lo) / 2;
		const struct struct_meta *m = &v->metas->types[mid];

		if (m->btf_id == btf_id)
			return m->record;
		if (m->btf_id < btf_id)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

const struct btf_record *reg_record(struct verify *v, const struct reg *r)
{
	if (r->type == PTR_MAP_VALUE)
		return r->map->record;
	if (type_is_alloc_ref(r->type))
		return alloc_record(v, r->btf, r->btf_id);
	return NULL;
}

static s32 field_off(const struct btf_record *rec, enum field_kind kind)
{
	switch (kind) {
	case FIELD_SPIN_LOCK:
		return rec->spin_lock_off;
	case FIELD_RES_SPIN_LOCK:
		return rec->res_spin_lock_off;
	case FIELD_TIMER:
		return rec->timer_off;
	case FIELD_WORKQUEUE:
		return rec->wq_off;
	case FIELD_TASK_WORK:
		return rec->task_work_off;
	default:
		return -1;
	}
}

int process_map_field(struct verify *v, u32 regno, enum field_kind kind, struct call_meta *meta)
{
	const struct reg *r = v_reg(v, regno);
	const struct verify_map *m = r->map;
	s64 off = r->off + (s64)r->val.bits.value;
	const char *name = field_kind_text(kind);

	if (!tnum_is_const(r->val.bits))
		return v_refuse_reg(v, -EINVAL, WHY_ARG, regno, "R%d doesn't have constant offset. %s "
				    "has to be at the constant offset", regno, name);
	if (!m->btf)
		return v_refuse_reg(v, -EINVAL, WHY_BTF, regno,
				    "map '%s' has to have BTF in order to use %s", m->name, name);
	if (!record_has(m->record, kind))
		return v_refuse_reg(v, -EINVAL, WHY_ARG, regno, "map '%s' has no valid %s", m->name,
				    name);
	if (field_off(m->record, kind) != off)
		return v_refuse_reg(v, -EINVAL, WHY_ARG, regno,
				    "off %lld doesn't point to 'struct %s' that is at %d",
				    (long long)off, name, field_off(m->record, kind));
	if (meta->map)
		return v_bug(v, "Two map pointers in a %s helper", name);
	meta->map = m;
	meta->map_uid = r->map_uid;
	return 0;
}

int process_timer(struct verify *v, u32 regno, struct call_meta *meta)
{
	if (v->k->config && profile_has_config(v->k, "CONFIG_PREEMPT_RT"))
		return v_refuse(v, -EOPNOTSUPP, WHY_ARG,
				"bpf_timer cannot be used for PREEMPT_RT.");
	return process_map_field(v, regno, FIELD_TIMER, meta);
}

/* ---- locks ---- */

void refs_drop_non_owning(struct verify *v)
{
	struct frame *f;
	struct reg *r;

	STATE_EACH_REG(v->cur, f, r)
		if (type_is_non_owning_ref(r->type))
			reg_invalidate(v, r);
}

int ref_set_non_owning(struct verify *v, struct reg *r)
{
	const struct btf_record *rec = reg_record(v, r);

	if (!v->cur->active_locks)
		return v_bug(v, "ref_set_non_owning w/o active lock");
	if (r->type & T_NON_OWN_REF)
		return v_bug(v, "NON_OWN_REF already set");
	r->type |= T_NON_OWN_REF;
	if (rec && rec->refcount_off >= 0)
		r->type |= T_RCU;
	return 0;
}

bool in_rbtree_cb(struct verify *v)
{
	const struct frame *f = state_cur(v->cur);
	const struct insn *call;

	if (!v->cur->curframe || !f->in_callback || f->callsite < 0)
		return false;
	call = &v->insns[f->callsite];
	if (!insn_is_call(call) || call->src != CALL_KFUNC)
		return false;
	switch (kfunc_special(v, call)) {
	case KF_bpf_rbtree_add_impl:
	case KF_bpf_rbtree_remove:
	case KF_bpf_rbtree_first:
	case KF_bpf_rbtree_root:
	case KF_bpf_rbtree_left:
	case KF_bpf_rbtree_right:
		return true;
	default:
		return false;
	}
}

static int lock(struct verify *v, const struct reg *r, u32 flags, enum ref_kind kind,
		const void *owner)
{
	const struct state *st = v->cur;

	if (!(flags & LOCK_IS_RES)) {
		if (st->active_locks && ref_find_lock(st, REF_LOCK, 0, NULL))
			return v_refuse(v, -EINVAL, WHY_LOCK,
					"Locking two bpf_spin_locks are not allowed");
	} else if (st->active_locks &&
		   ref_find_lock(st, REF_RES_LOCK | REF_RES_LOCK_IRQ, r->id, owner)) {
		return v_refuse(v, -EINVAL, WHY_LOCK,
				"Acquiring the same lock again, AA deadlock detected");
	}
	return ref_acquire_lock(v, v->pc, kind, r->id, owner);
}

static int unlock(struct verify *v, const struct reg *r, enum ref_kind kind, const void *owner,
		  const char *name)
{
	struct state *st = v->cur;

	if (!st->active_locks)
		return v_refuse(v, -EINVAL, WHY_LOCK, "%s_unlock without taking a lock", name);
	if (!ref_find_lock(st, kind, r->id, owner))
		return v_refuse(v, -EINVAL, WHY_LOCK, "%s_unlock of different lock", name);
	if (r->id != st->active_lock_id || owner != st->active_lock_ptr)
		return v_refuse(v, -EINVAL, WHY_LOCK, "%s_unlock cannot be out of order", name);
	if (ref_release_lock(st, kind, r->id, owner))
		return v_refuse(v, -EINVAL, WHY_LOCK, "%s_unlock of different lock", name);
	refs_drop_non_owning(v);
	return 0;
}

int process_spin_lock(struct verify *v, u32 regno, u32 flags)
{
	const struct reg *r = v_reg(v, regno);
	bool res = flags & LOCK_IS_RES;
	const char *name = res ? "bpf_res_spin" : "bpf_spin";
	enum field_kind kind = res ? FIELD_RES_SPIN_LOCK : FIELD_SPIN_LOCK;
	enum ref_kind ref = !res ? REF_LOCK :
			    flags & LOCK_IS_IRQ ? REF_RES_LOCK_IRQ : REF_RES_LOCK;
	const struct verify_map *m = r->type == PTR_MAP_VALUE ? r->map : NULL;
	s64 off = r->off + (s64)r->val.bits.value;
	const struct btf_record *rec;
	const void *owner;

	if (!tnum_is_const(r->val.bits))
		return v_refuse_reg(v, -EINVAL, WHY_LOCK, regno, "R%d doesn't have constant offset. "
				    "%s_lock has to be at the constant offset", regno, name);
	if (m && !m->btf)
		return v_refuse_reg(v, -EINVAL, WHY_BTF, regno,
				    "map '%s' has to have BTF in order to use %s_lock", m->name,
				    name);
	rec = reg_record(v, r);
	if (!record_has(rec, kind))
		return v_refuse_reg(v, -EINVAL, WHY_LOCK, regno, "%s '%s' has no valid %s_lock",
				    m ? "map" : "local", m ? m->name : "kptr", name);
	if (field_off(rec, kind) != off)
		return v_refuse_reg(v, -EINVAL, WHY_LOCK, regno,
				    "off %lld doesn't point to 'struct %s_lock' that is at %d",
				    (long long)off, name, field_off(rec, kind));
	owner = m ? (const void *)m : (const void *)r->btf;
	if (flags & LOCK_IS_LOCK)
		return lock(v, r, flags, ref, owner);
	return unlock(v, r, ref, owner, name);
}

/* ---- saved interrupt flags ---- */

static s32 irq_slot(struct verify *v, const struct reg *r)
{
	return stack_obj_slot(v, r, "irq_flag", 1);
}

static void fill(struct slot *s, enum slot_type type)
{
	for (u32 i = 0; i < 8; i++)
		s->type[i] = (u8)type;
}

/* Has any, or every byte of the slot that type? */
static u32 count(const struct slot *s, enum slot_type type)
{
	u32 n = 0;

	for (u32 i = 0; i < 8; i++)
		n += s->type[i] == type;
	return n;
}

static int irq_save(struct verify *v, const struct reg *r, u32 regno, enum irq_class class)
{
	struct frame *f = v_func(v, r);
	s32 n = irq_slot(v, r);
	struct slot *s;
	s32 id;
	int err;

	if ((n < 0 && n != -ERANGE) || (n >= 0 && count(&f->stack[n], SLOT_IRQ_FLAG)))
		return v_refuse_reg(v, -EINVAL, WHY_ARG, regno,
				    "expected uninitialized irq flag as arg#%d", (s32)regno - 1);
	err = mem_access(v, v->pc, regno, 0, 8, ACC_WRITE, -1, false, false);
	if (err)
		return err;
	n = irq_slot(v, r);
	if (n < 0)
		return n;
	id = ref_acquire_irq(v, v->pc);
	if (id < 0)
		return id;
	s = &f->stack[n];
	live_write(v, r->frameno, 1ull << n);
	reg_zero_off(&s->reg);
	s->reg.type = PTR_STACK; /* there is no type of its own */
	s->reg.ref_obj_id = (u32)id;
	s->reg.irq.class = class;
	fill(s, SLOT_IRQ_FLAG);
	log_changed_slot(v, (u32)n);
	return 0;
}

static int refuse_out_of_order(struct verify *v, int err)
{
	const struct state *st = v->cur;
	u32 pc = 0;

	for (u32 i = 0; i < st->n_refs; i++)
		if (st->refs[i].id == st->active_irq_id) {
			pc = st->refs[i].pc;
			break;
		}
	return v_refuse(v, err, WHY_LOCK, "cannot restore irq state out of order, expected id=%d "
			"acquired at insn_idx=%d", (s32)st->active_irq_id, (s32)pc);
}

static int irq_restore(struct verify *v, const struct reg *r, u32 regno, enum irq_class class)
{
	static const char *const class_text[] = { [IRQ_NATIVE] = "native", [IRQ_LOCK] = "lock" };
	s32 n = irq_slot(v, r);
	struct slot *s = n < 0 ? NULL : &v_func(v, r)->stack[n];
	u32 later;
	int err;

	if (!s || !s->reg.ref_obj_id || count(s, SLOT_IRQ_FLAG) != 8)
		return v_refuse_reg(v, -EINVAL, WHY_ARG, regno,
				    "expected an initialized irq flag as arg#%d", (s32)regno - 1);
	err = stack_obj_read(v, r->frameno, (u32)n, 1);
	if (err)
		return err;
	if (s->reg.irq.class != class)
		return v_refuse(v, -EINVAL, WHY_LOCK, "irq flag acquired by %s kfuncs cannot be "
				"restored with %s kfuncs", class_text[s->reg.irq.class],
				class_text[class]);
	err = ref_release_irq(v->cur, s->reg.ref_obj_id, &later);
	if (err)
		return refuse_out_of_order(v, err);
	reg_not_init(v, &s->reg);
	live_write(v, r->frameno, 1ull << n);
	fill(s, SLOT_INVALID);
	log_changed_slot(v, (u32)n);
	return 0;
}

int process_irq_flag(struct verify *v, u32 regno, bool save, enum irq_class class)
{
	const struct reg *r = v_reg(v, regno);

	return save ? irq_save(v, r, regno, class) : irq_restore(v, r, regno, class);
}
