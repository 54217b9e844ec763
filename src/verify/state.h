/* SPDX-License-Identifier: BSD-2-Clause */
/* verify/state.h - everything known at one point of one path.
 *
 *	state ── frame[0..curframe]   one per active function call
 *	             regs[11]
 *	             stack[]          8-byte slots; [0] is fp-8
 *	      ── refs[]               references, locks, saved interrupt flags that are held
 *	      ── hist[]               jumps taken since the parent, for walking back
 *	      ── parent               the checkpoint it continues from
 *
 * Kernel 6.18: struct bpf_verifier_state, bpf_func_state, bpf_reference_state.
 */
#pragma once
#include "verify/reg.h"

struct verify;

enum { FRAMES_MAX = 8, STACK_MAX_BYTES = 512, SLOTS_MAX = STACK_MAX_BYTES / 8 };

/* What a byte of the stack holds; the log's letters in this order: "?", "r", "m", "0", "d", "i",
 * "f". */
enum slot_type {
	SLOT_INVALID, SLOT_SPILL, SLOT_MISC, SLOT_ZERO, SLOT_DYNPTR, SLOT_ITER, SLOT_IRQ_FLAG,
};

struct slot {
	struct reg reg;  /* when type[7] is SPILL, DYNPTR, ITER or IRQ_FLAG */
	u8 type[8];      /* type[i] is the byte at fp - 8 * (slot + 1) + 7 - i, as in the kernel */
};

struct retval_range {
	s32 min, max;
};

/* Registers and slots of a state that is kept to be compared with: shared with others that hold the
 * same (kept.c), since thousands of states differ in little.  They do not change but by what is marked
 * precise later and by what is found never to be read. */
struct kept_slot {
	const struct reg *reg;  /* NULL where type says that there is none */
	u8 type[8];
};
struct kept_regs {
	const struct reg *regs[REG_MAX];
	u32 precise_regs;       /* bits: marked since */
	u64 precise_slots;
	struct kept_slot slots[]; /* n_slots of the frame */
};

struct frame {
	s32 callsite;       /* insn of the call; -1: none */
	u32 frameno;
	u32 subprog;
	u32 async_entry_cnt;
	struct retval_range callback_ret;
	bool in_callback, in_async_callback, in_exception_callback;
	u32 callback_depth;
	u32 n_slots, cap_slots; /* allocated_stack / 8 */
	struct kept_regs *kept; /* owned; of kept states, which have no stack[] and regs[] */
	struct slot *stack;     /* owned */
	struct reg regs[REG_MAX];
};

enum ref_kind {
	REF_PTR = 1 << 1,
	REF_IRQ = 1 << 2,
	REF_LOCK = 1 << 3,
	REF_RES_LOCK = 1 << 4,
	REF_RES_LOCK_IRQ = 1 << 5,
	REF_LOCK_MASK = REF_LOCK | REF_RES_LOCK | REF_RES_LOCK_IRQ,
};
struct ref {
	enum ref_kind kind;
	u32 id;
	u32 pc;             /* where it was acquired */
	const void *ptr;    /* locks: map or BTF it belongs to */
};

/* One entry of the history: an insn whose predecessor is not the one before it, or that carries flags. */
enum {
	HIST_FRAME_BITS = 3, /* stack access: frame in the low bits, slot above them */
	HIST_SLOT_SHIFT = 3,
	HIST_STACK_ACCESS = 1 << 9,
	HIST_DST_STACK = 1 << 10, /* INSN_F_DST_REG_STACK: dst is a pointer to stack */
	HIST_SRC_STACK = 1 << 11,
};
struct hist {
	u64 pc : 20;        /* a million insns at most */
	s64 prev_pc : 21;   /* -1: the path began here */
	u64 flags : 12;
	u64 linked;         /* registers and slots of one scalar id: jmp.h, linked_pack() */
};

struct state {
	struct frame *frame[FRAMES_MAX]; /* owned; [0..curframe] */
	struct state *parent;
	struct ref *refs;           /* owned */
	u32 n_refs, cap_refs;
	u32 active_locks, active_preempt_locks, active_irq_id, active_lock_id;
	const void *active_lock_ptr;
	u32 active_rcu_locks;       /* 0 or 1 */
	bool speculative, in_sleepable, cleaned;
	bool all_precise;           /* kept: every number in it and in those before it matters */
	u32 branches;               /* paths from here that are not yet explored */
	u32 insn_idx, curframe;
	u32 first_pc, last_pc;
	struct state *equal_state;  /* of a back edge: the state it was found equal to */
	struct hist *hist;          /* owned */
	u32 n_hist, cap_hist;
	u32 dfs_depth, callback_unroll_depth, may_goto_depth;
	u64 token;                  /* of the observer */
};

static inline struct frame *state_cur(const struct state *st)
{
	return st->frame[st->curframe];
}

/* Where frame i of the state is: the insn, or the call that it waits for.  frame_insn_idx(). */
static inline u32 state_frame_pc(const struct state *st, u32 i)
{
	return i == st->curframe ? st->insn_idx : (u32)st->frame[i + 1]->callsite;
}

/* Copies everything, parent and counts of the tree too, as copy_verifier_state().  dst is zeroed or an
 * older state, whose memory is used again; src may be a kept one, dst not.  0 or -ENOMEM. */
int state_copy(struct verify *v, struct state *dst, const struct state *src);
/* Frees what st owns; st itself with it. */
void state_clear(struct verify *v, struct state *st);
void state_free(struct verify *v, struct state *st);
struct state *state_new(struct verify *v); /* zeroed; NULL: out of memory */

/* ---- kept.c: states that are kept ---- */
/* As state_copy() into a zeroed dst, registers and slots shared. */
int state_keep(struct verify *v, struct state *dst, const struct state *src);
int state_shrink(struct verify *v, struct state *st); /* makes it a kept one, where it is */
void kept_regs_free(struct verify *v, struct kept_regs *k, u32 n_slots);
void reg_pool_free(struct verify *v);
/* What is never read again: a register becomes unset, a slot invalid. */
void kept_reg_unset(struct verify *v, struct frame *f, u32 regno);
void kept_slot_unset(struct verify *v, struct frame *f, u32 slot);
/* log_state() of a frame with all there is. */
void kept_log(struct verify *v, const struct state *st, u32 frameno);

/* A register or slot of a frame, kept or not.  reg is NULL where a kept slot holds none. */
struct slot_view {
	const u8 *type;
	const struct reg *reg;
	bool precise;
};
static inline const struct reg *frame_reg(const struct frame *f, u32 regno)
{
	return f->kept ? f->kept->regs[regno] : &f->regs[regno];
}
static inline bool frame_reg_precise(const struct frame *f, u32 regno)
{
	return frame_reg(f, regno)->precise || (f->kept && f->kept->precise_regs >> regno & 1);
}
static inline struct slot_view frame_slot(const struct frame *f, u32 slot)
{
	struct slot_view s;

	if (!f->kept) {
		s.type = f->stack[slot].type;
		s.reg = &f->stack[slot].reg;
		s.precise = s.reg->precise;
		return s;
	}
	s.type = f->kept->slots[slot].type;
	s.reg = f->kept->slots[slot].reg;
	s.precise = s.reg && (s.reg->precise || f->kept->precise_slots >> slot & 1);
	return s;
}
static inline bool slot_view_is_scalar(const struct slot_view *s) /* is_spilled_scalar_reg() */
{
	return s->type[7] == SLOT_SPILL && s->reg->type == REG_SCALAR;
}

struct frame *frame_new(struct verify *v);
void frame_free(struct verify *v, struct frame *f);
int frame_copy(struct verify *v, struct frame *dst, const struct frame *src);
/* init_func_state(): registers unset, r10 a frame pointer. */
void frame_init(struct verify *v, struct frame *f, s32 callsite, u32 frameno, u32 subprog);
/* Room for size bytes below the frame pointer, new slots INVALID; updates the subprogram's depth.
 * grow_stack_state(). */
int frame_grow(struct verify *v, struct frame *f, u32 size_bytes);

/* ---- registers ---- */
void reg_not_init(struct verify *v, struct reg *r);
void reg_unknown(struct verify *v, struct reg *r);  /* precise where allow_ptr_leaks is not given,
						     * as __mark_reg_unknown() */
void reg_unknown_imprecise(struct reg *r);
void reg_const(struct reg *r, u64 value);           /* __mark_reg_known(): also drops id; type stays */
void reg_zero_off(struct reg *r);                   /* __mark_reg_known_zero() */
void reg_const_zero(struct verify *v, struct reg *r); /* a scalar 0: __mark_reg_const_zero() */
void reg_unknown_at(struct verify *v, struct reg *regs, u32 regno);  /* mark_reg_unknown() */
void reg_not_init_at(struct verify *v, struct reg *regs, u32 regno);
void reg_known_zero_at(struct verify *v, struct reg *regs, u32 regno); /* mark_reg_known_zero() */
/* A pointer found not null: the type it then is (socket of a sock map, inner map of a map of maps
 * ...).  mark_ptr_not_null_reg(). */
void reg_mark_not_null(struct reg *r);
/* Sets r as a load of a BTF-typed value gives it: mark_btf_ld_reg().  0 or an errno (refused). */
int reg_btf_load(struct verify *v, struct reg *regs, u32 regno, enum reg_type base,
		 const struct btf *btf, u32 btf_id, u32 flags);
void reg_graph_node(struct reg *regs, u32 regno, const void *head_field); /* mark_reg_graph_node() */
/* Keeps what the parent links need; struct copy otherwise: copy_register_state(). */
static inline void reg_copy(struct reg *dst, const struct reg *src)
{
	*dst = *src;
}

/* ---- stack slots ---- */
bool slot_is_spill(const struct slot *s);            /* type[7] */
bool slot_is_scalar_spill(const struct slot *s);
bool slot_is_scalar_spill64(const struct slot *s);   /* whole slot */
bool slot_is_special(const struct slot *s);          /* dynptr, iterator, irq flag */
void slot_scrub(u8 *type);                           /* scrub_spilled_slot() of one byte */

/* ---- references ---- */
/* A new id, entered into refs[]; 0 or less: -ENOMEM. */
s32 ref_acquire(struct verify *v, u32 pc);
int ref_acquire_lock(struct verify *v, u32 pc, enum ref_kind kind, u32 id, const void *ptr);
s32 ref_acquire_irq(struct verify *v, u32 pc);
/* Takes a pointer reference out of refs[] only. -EINVAL: not there.  release_reference_nomark(). */
int ref_drop(struct state *st, u32 id);
int ref_release_lock(struct state *st, enum ref_kind kind, u32 id, const void *ptr);
/* -EINVAL: no such; -EACCES: another was acquired later (*later is its id). */
int ref_release_irq(struct state *st, u32 id, u32 *later);
const struct ref *ref_find_lock(const struct state *st, u32 kinds, u32 id, const void *ptr);
bool ref_has_ptr(const struct state *st, u32 id);    /* find_reference_state() */
/* Drops it and makes every register that stands for it unknown: release_reference(). */
int ref_release(struct verify *v, u32 id);

/* Every register and spilled register of all frames:
 *	STATE_EACH_REG(st, f, r) { ... }
 * bpf_for_each_reg_in_vstate(); with a mask of slot types (1 << SLOT_x) of what counts as spilled. */
struct reg_iter {
	const struct state *st;
	u32 frame;
	s32 i;
	u32 mask;
};
struct reg *reg_iter_next(struct reg_iter *it, struct frame **f);
#define STATE_EACH_REG_MASK(st_, f, r, mask_)                                                     \
	for (struct reg_iter it_ = { .st = (st_), .mask = (mask_) };                              \
	     ((r) = reg_iter_next(&it_, &(f))) != NULL;)
#define STATE_EACH_REG(st_, f, r) STATE_EACH_REG_MASK(st_, f, r, 1 << SLOT_SPILL)
