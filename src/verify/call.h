/* SPDX-License-Identifier: BSD-2-Clause */
/* verify/call.h - calls of helpers, kernel functions and subprograms, and their ends. */
#pragma once
#include "verify/mem.h"
#include "verify/record.h"

/* What the arguments of a helper call turned out to be: struct bpf_call_arg_meta. */
struct call_meta {
	const struct verify_map *map;
	u32 map_uid;
	bool raw_mode;              /* the memory need not be initialised: it is written */
	bool pkt_access;
	u8 release_regno;
	s32 regno;                  /* of memory */
	s32 access_size;
	s32 mem_size;
	u64 msize_max_value;
	s64 const_map_key;          /* of an array lookup; -1: not constant */
	u32 ref_obj_id, dynptr_id;
	u32 func_id;
	const struct btf *btf;
	u32 btf_id;
	const struct btf *ret_btf;
	u32 ret_btf_id;
	u32 subprog;
	const struct record_field *kptr_field;
	bool percpu_alloc;          /* per-CPU pointer to an allocated object */
	u8 nonnull_reg;
};

int call_helper(struct verify *v, struct insn *i, u32 *pc);   /* check_helper_call() */
int call_kfunc(struct verify *v, struct insn *i, u32 *pc);    /* check_kfunc_call() */
int call_subprog(struct verify *v, struct insn *i, u32 *pc);  /* check_func_call() */
/* An exit of a function that was called: prepare_func_exit(). */
int call_return(struct verify *v, u32 *pc);
/* What must be released before a tail call, an exit, a throw: check_resource_leak(). */
int call_leak_check(struct verify *v, bool exception_exit, bool check_lock, const char *prefix);
/* check_return_code() of r0 (or r1 of an exception). */
int return_check(struct verify *v, u32 regno, const char *reg_name);
bool return_has_range(struct verify *v, struct retval_range *out); /* of the main program */

/* Which helpers call back, acquire, change packets: questions that other files have. */
bool helper_calls_back(u32 id);        /* synchronously or not */
bool helper_calls_back_sync(u32 id);
bool helper_calls_back_async(u32 id);
bool helper_changes_pkt(u32 id);       /* bpf_helper_changes_pkt_data() */
bool insn_calls_back_sync(struct verify *v, const struct insn *i);
bool insn_calls_back(struct verify *v, const struct insn *i);
/* Prototype as this program sees it: NULL, and the sentence logged, where it may not. */
const struct helper_proto *call_proto(struct verify *v, u32 id);
const struct helper_proto *call_proto_find(struct verify *v, u32 id); /* the same without a word */
bool call_may_sleep(const struct verify *v, const struct helper_proto *p);
u32 call_attach_type(const struct verify *v);    /* of EXT programs: their target's */
bool call_has_trampoline(const struct verify *v); /* bpf_prog_has_trampoline() */
/* A helper in a sentence: "bpf_loop#181", "unknown#999". */
const char *helper_text(u32 id); /* without "bpf_" */
#define HELPER_FMT "%s%s#%d"
#define HELPER_ARGS(id) (id) < HELPER_ID_MAX ? "bpf_" : "", helper_text(id), (s32)(id)

/* ---- callback.c ---- */
typedef int (*callback_setup)(struct verify *v, struct frame *caller, struct frame *callee, u32 pc);
/* push_callback_call(): explores a callback zero or more times. */
int callback_push(struct verify *v, struct insn *i, u32 pc, u32 subprog, callback_setup setup);
int frame_enter(struct verify *v, u32 subprog, u32 callsite, callback_setup setup,
		struct state *st); /* setup_func_entry() */
/* Are the registers what the BTF of subprogram i says its arguments are?  -EINVAL: not, or there is
 * none, which is no reason to refuse by itself.  btf_check_subprog_call(). */
int subprog_args_match(struct verify *v, u32 i, struct reg *regs);
callback_setup helper_callback_setup(u32 id);
callback_setup kfunc_callback_setup(u32 which); /* enum kfunc_special; NULL: calls nothing back */
/* Does the insn call back from another context, later? */
bool insn_calls_back_async(struct verify *v, const struct insn *i);

/* ---- parts of a helper call ---- */
struct helper_proto;
/* Argument n (from 0) of the call at pc: check_func_arg(). */
int helper_arg(struct verify *v, const struct helper_proto *p, u32 n, struct call_meta *meta,
	       u32 pc);
/* What single helpers want beside their prototypes; *changes: packets may move. */
int helper_rules(struct verify *v, struct insn *i, const struct helper_proto *p,
		 struct call_meta *meta, u32 pc, bool *changes);
/* r0 after the call. */
int helper_result(struct verify *v, const struct helper_proto *p, struct call_meta *meta, u32 pc);
/* Is the register of a type that the argument takes?  want_id: struct in the kernel's BTF.
 * check_reg_type(). */
int arg_reg_type(struct verify *v, u32 regno, u32 arg, u32 want_id, struct call_meta *meta);
bool map_type_is_dense(u32 map_type); /* can_elide_value_nullness() */
/* insn_aux.map_key_state of tail calls: the index, unless it differs from path to path. */
#define MAP_KEY_POISON (1ull << 63)
#define MAP_KEY_SEEN (1ull << 62)
#ifndef ENOTSUPP
#define ENOTSUPP 524 /* of the kernel, not in errno.h */
#endif

/* ---- arguments shared by helpers and kfuncs ---- */
/* check_func_arg_reg_off(). */
int arg_reg_off(struct verify *v, const struct reg *r, u32 regno, u32 arg_kind_flags);
void regs_clear_caller(struct verify *v, struct reg *regs); /* r0..r5 unset; with log marks */
void packet_clear(struct verify *v);                        /* clear_all_pkt_pointers() */
int call_const_str(struct verify *v, const struct reg *r, u32 regno); /* check_reg_const_str() */
/* A register that a lost reference or packet leaves behind: mark_reg_invalid(). */
void reg_invalidate(struct verify *v, struct reg *r);

/* ---- lock.c ---- */
int process_timer(struct verify *v, u32 regno, struct call_meta *meta);
/* R is a pointer to that field (TIMER, WORKQUEUE, TASK_WORK) of a map value; sets meta's map.
 * check_map_field_pointer(). */
int process_map_field(struct verify *v, u32 regno, enum field_kind kind, struct call_meta *meta);
/* Locks, or unlocks without LOCK_IS_LOCK. */
int process_spin_lock(struct verify *v, u32 regno, u32 flags);
enum { LOCK_IS_LOCK = 1, LOCK_IS_RES = 2, LOCK_IS_IRQ = 4 };
/* Saves interrupt flags into a stack slot, or restores them from it: process_irq_flag(). */
int process_irq_flag(struct verify *v, u32 regno, bool save, enum irq_class class);
const struct btf_record *reg_record(struct verify *v, const struct reg *r); /* reg_btf_record() */
/* Of an allocatable struct of the program's BTF, NULL where it has no special field:
 * btf_find_struct_meta(). */
const struct btf_record *alloc_record(struct verify *v, const struct btf *btf, u32 btf_id);
/* Objects that a lock protects, once it is let go: invalidate_non_owning_refs(). */
void refs_drop_non_owning(struct verify *v);
int ref_set_non_owning(struct verify *v, struct reg *r);
/* In a callback that runs with a tree's lock held?  in_rbtree_lock_required_cb(). */
bool in_rbtree_cb(struct verify *v);

/* ---- dynptr.c ---- */
s32 dynptr_slot(struct verify *v, const struct reg *r); /* dynptr_get_spi(): slot or errno */
int dynptr_process(struct verify *v, u32 regno, u32 pc, u32 arg_type, u32 clone_ref_obj_id); /* arg:
				     * ARG_* flags of abi/helper.h, and ARGD_* for kfuncs */
enum { ARGD_SKB = 1 << 26, ARGD_XDP = 1 << 27, ARGD_SKB_META = 1 << 28 };
bool dynptr_is_init(struct verify *v, const struct reg *r);
enum dynptr_type dynptr_type_of(struct verify *v, const struct reg *r);
int dynptr_release(struct verify *v, const struct reg *r);  /* unmark_stack_slots_dynptr() */
/* A write over a dynptr's slot destroys it, where that is allowed:
 * destroy_if_dynptr_stack_slot(). */
int dynptr_overwrite(struct verify *v, struct frame *f, u32 slot);
u32 dynptr_id_of(struct verify *v, const struct reg *r);    /* dynptr_id() */
u32 dynptr_ref_of(struct verify *v, const struct reg *r);   /* dynptr_ref_obj_id() */
/* mark_dynptr_cb_reg(). */
void dynptr_mark_cb_reg(struct verify *v, struct reg *r, enum dynptr_type t);

/* Slot of an object of n slots that r points to, the highest of them; -ERANGE: below what is
 * allocated.  stack_slot_obj_get_spi(). */
s32 stack_obj_slot(struct verify *v, const struct reg *r, const char *kind, u32 n);
int stack_obj_read(struct verify *v, u32 frameno, u32 slot, u32 n); /* mark_stack_slot_obj_read() */

/* ---- kfunc.h's: see there; iter.c ---- */
