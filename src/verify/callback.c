/* SPDX-License-Identifier: BSD-2-Clause */
/* verify/callback.c - functions that a helper or kernel function calls back.
 *
 *	caller      r1: what to do it with ... r3: what the program wants passed on
 *	callee      registers as the kernel sets them, from what the caller has in his
 *
 * A synchronous callback is explored as a call from the same insn, after which that insn is
 * looked at again; its loop ends when the states repeat.  An asynchronous one starts a path of its
 * own, with a stack of its own.
 * Kernel 6.18: push_callback_call(), set_*_callback_state().
 */
#include "abi/uapi.h"
#include "verify/call.h"
#include "verify/ctx.h"
#include "verify/kfunc.h"
#include "verify/walk.h"
#include <errno.h>

static const struct retval_range ret_bool = { 0, 1 };
static const struct retval_range ret_zero = { 0, 0 };
static const struct retval_range ret_any = { INT32_MIN, INT32_MAX };

/* ---- registers of callees ---- */

static void unset_from(struct verify *v, struct frame *callee, u32 first)
{
	for (u32 i = first; i <= 5; i++)
		reg_not_init(v, &callee->regs[i]);
}

static void set_pointer(struct frame *callee, u32 regno, u32 type)
{
	reg_zero_off(&callee->regs[regno]);
	callee->regs[regno].type = type;
}

static void set_map_pointer(struct frame *callee, u32 regno, u32 type, const struct verify_map *m)
{
	set_pointer(callee, regno, type);
	callee->regs[regno].map = m;
}

static void set_sync(struct frame *callee, struct retval_range ret)
{
	callee->in_callback = true;
	callee->callback_ret = ret;
}

/* fn(map, key, value, ctx) */
static int for_each_map_elem(struct verify *v, struct frame *caller, struct frame *callee, u32 pc)
{
	const struct verify_map *m = v->aux[pc].call_map;

	switch (m ? m->type : BPF_MAP_TYPE_UNSPEC) {
	case BPF_MAP_TYPE_ARRAY: case BPF_MAP_TYPE_PERCPU_ARRAY: case BPF_MAP_TYPE_HASH:
	case BPF_MAP_TYPE_PERCPU_HASH: case BPF_MAP_TYPE_LRU_HASH:
	case BPF_MAP_TYPE_LRU_PERCPU_HASH:
		break;
	default:
		return v_refuse(v, -ENOTSUPP, WHY_MAP, "callback function not allowed for map");
	}
	m = caller->regs[1].map;
	reg_copy(&callee->regs[1], &caller->regs[1]);
	set_map_pointer(callee, 2, PTR_MAP_KEY, m);
	set_map_pointer(callee, 3, PTR_MAP_VALUE, m);
	reg_copy(&callee->regs[4], &caller->regs[3]);
	unset_from(v, callee, 5);
	set_sync(callee, ret_bool);
	return 0;
}

/* fn(index, ctx) */
static int loop(struct verify *v, struct frame *caller, struct frame *callee, u32 pc)
{
	(void)pc;
	callee->regs[1].type = REG_SCALAR;
	reg_copy(&callee->regs[2], &caller->regs[3]);
	unset_from(v, callee, 3);
	set_sync(callee, ret_bool);
	return 0;
}

/* fn(task, vma, ctx) */
static int find_vma(struct verify *v, struct frame *caller, struct frame *callee, u32 pc)
{
	(void)pc;
	reg_copy(&callee->regs[1], &caller->regs[1]);
	set_pointer(callee, 2, PTR_BTF);
	callee->regs[2].btf = v->k->btf;
	callee->regs[2].btf_id = btf_kernel_struct(v, "vm_area_struct");
	reg_copy(&callee->regs[3], &caller->regs[4]);
	unset_from(v, callee, 4);
	set_sync(callee, ret_bool);
	return 0;
}

/* fn(dynptr, ctx) */
static int user_ringbuf(struct verify *v, struct frame *caller, struct frame *callee, u32 pc)
{
	(void)pc;
	reg_not_init(v, &callee->regs[0]);
	dynptr_mark_cb_reg(v, &callee->regs[1], DYNPTR_LOCAL);
	reg_copy(&callee->regs[2], &caller->regs[3]);
	unset_from(v, callee, 3);
	set_sync(callee, ret_bool);
	return 0;
}

/* less(a, b): nodes of the tree that r1 points to; the node argument is gone by now */
static int rbtree_less(struct verify *v, struct frame *caller, struct frame *callee, u32 pc)
{
	const struct reg *root = &caller->regs[1];
	const struct btf_record *rec = reg_record(v, root);
	const struct record_field *f;

	(void)pc;
	f = rec && root->off >= 0 ? record_find(rec, (u32)root->off, FIELD_RB_ROOT) : NULL;
	if (!f || !f->value_btf_id)
		return -EFAULT;
	for (u32 i = 1; i <= 2; i++) {
		int err;

		reg_graph_node(callee->regs, i, f);
		err = ref_set_non_owning(v, &callee->regs[i]);
		if (err)
			return err;
	}
	unset_from(v, callee, 3);
	set_sync(callee, ret_bool);
	return 0;
}

/* fn(map, key, value): what a field of a map value runs later */
static int async_elem(struct verify *v, const struct verify_map *m, struct frame *callee,
		      struct retval_range ret)
{
	set_map_pointer(callee, 1, PTR_MAP, m);
	set_map_pointer(callee, 2, PTR_MAP_KEY, m);
	set_map_pointer(callee, 3, PTR_MAP_VALUE, m);
	unset_from(v, callee, 4);
	callee->in_async_callback = true;
	callee->callback_ret = ret;
	return 0;
}

static int timer(struct verify *v, struct frame *caller, struct frame *callee, u32 pc)
{
	(void)pc;
	return async_elem(v, caller->regs[1].map, callee, ret_zero);
}

static int task_work(struct verify *v, struct frame *caller, struct frame *callee, u32 pc)
{
	(void)pc;
	return async_elem(v, caller->regs[3].map, callee, ret_any);
}

callback_setup helper_callback_setup(u32 id)
{
	switch (id) {
	case HELPER_for_each_map_elem:
		return for_each_map_elem;
	case HELPER_loop:
		return loop;
	case HELPER_find_vma:
		return find_vma;
	case HELPER_user_ringbuf_drain:
		return user_ringbuf;
	case HELPER_timer_set_callback:
		return timer;
	}
	return NULL;
}

callback_setup kfunc_callback_setup(u32 which)
{
	switch (which) {
	case KF_bpf_rbtree_add_impl:
		return rbtree_less;
	case KF_bpf_wq_set_callback_impl:
		return timer;
	case KF_bpf_task_work_schedule_signal_impl:
	case KF_bpf_task_work_schedule_resume_impl:
		return task_work;
	}
	return NULL;
}

/* ---- the call ---- */

/* Work queues and task work run where sleeping is allowed, timers do not.
 * Kernel 6.18: is_async_cb_sleepable(). */
static bool async_may_sleep(const struct insn *i)
{
	return i->src == CALL_KFUNC;
}

static int push_async(struct verify *v, struct insn *i, u32 pc, u32 subprog, callback_setup setup)
{
	struct frame *caller = state_cur(v->cur), *callee;
	struct state *st;

	v->subprogs[subprog].is_async_cb = true;
	st = path_push_async(v, v->subprogs[subprog].start, pc, subprog, async_may_sleep(i));
	if (!st)
		return path_error(v);
	callee = st->frame[0];
	callee->async_entry_cnt = caller->async_entry_cnt + 1;
	return setup(v, caller, callee, pc);
}

int callback_push(struct verify *v, struct insn *i, u32 pc, u32 subprog, callback_setup setup)
{
	struct frame *caller = state_cur(v->cur);
	struct state *st;
	int err;

	if (!setup || subprog >= v->n_subprogs)
		return v_bug(v, "helper " HELPER_FMT " not marked as callback-calling",
			     HELPER_ARGS((u32)i->imm));
	err = subprog_args_match(v, subprog, caller->regs);
	if (err == -EFAULT)
		return err;
	v->subprogs[subprog].is_cb = true;
	if (!insn_calls_back(v, i))
		return v_bug(v, "%s " HELPER_FMT " not marked as callback-calling",
			     i->src == CALL_KFUNC ? "kfunc" : "helper", HELPER_ARGS((u32)i->imm));
	if (insn_calls_back_async(v, i))
		return push_async(v, i, pc, subprog, setup);
	st = path_push(v, v->subprogs[subprog].start, pc, false);
	if (!st)
		return path_error(v);
	err = frame_enter(v, subprog, pc, setup, st);
	if (err)
		return err;
	st->callback_unroll_depth++;
	st->frame[st->curframe - 1]->callback_depth++;
	caller->callback_depth = 0;
	return 0;
}
