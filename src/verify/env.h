/* SPDX-License-Identifier: BSD-2-Clause */
/* verify/env.h - one verification: what the files of this folder share.
 *
 *	verify.c     order of the phases, results
 *	resolve.c    maps and kernel variables that wide loads name; kfuncs that calls name
 *	subprog.c    subprograms found and bounded; func_info, line_info; arguments of global ones
 *	attach.c     what the program attaches to
 *	cfg.c        every insn reachable, every jump inside; order, loops (strongly connected parts)
 *	live.c       registers that may be read later; stack slots that may be read later
 *	fastcall.c   spills around calls that keep registers
 *	walk.c       one path after another, insn by insn;  args.c: what a function begins with
 *	alu.c        arithmetic, on numbers and pointers;  scalar.c, tnum.c: numbers
 *	spec.c       what a processor may compute on a path not taken
 *	jmp.c        conditions, and what each side learns;  linked.c: scalars of one id
 *	mem.c        loads and stores by kind of pointer;  stack.c, ctx.c, btfwalk.c, value.c, atomic.c
 *	call.c       calls;  helper_*.c, kfunc_*.c, dynptr.c, iter.c, lock.c, callback.c
 *	ret.c        what may be returned
 *	prune.c      seen this state before?  equal.c;  kept.c: small;  loop.c: parts that loop
 *	precise.c    which registers' values mattered, walking back;  backtrack.c: one insn
 *	depth.c      stack of call chains
 *	fixup.c      what the kernel finds only while it rewrites the program
 *	log*.c       the kernel's log
 *
 * Functions return 0 or a negative errno, after v_refuse() has recorded why.
 */
#pragma once
#include "abi/helper_use.h"
#include "base/arena.h"
#include "base/vec.h"
#include "verify/state.h"
#include "verify/verify.h"

/* An errno of the kernel's own that reaches user space all the same. */
#define ENOTSUPP 524

/* What became known of an insn; some of it bounds what a second path may do there. */
struct insn_aux {
	/* loads, stores: type of the pointer (reg_type), 0: none yet; by save_aux_ptr_type() */
	u32 ptr_type;
	/* wide loads: what they name */
	const struct verify_map *map;
	u32 map_off;
	struct {
		u32 type;             /* of a kernel variable: PTR_BTF..., PTR_MEM... ; 0: none */
		const struct btf *btf;
		u32 btf_id;
		u32 mem_size;
	} var;
	/* helper calls with a map: the only map seen here, whether that is poisoned, unprivileged */
	const struct verify_map *call_map;
	bool call_map_poison, call_map_unpriv;
	u64 map_key_state;            /* constant key of tail calls and array lookups */
	u32 alu_state, alu_limit;     /* spec.c */
	u64 obj_new_size, insert_off;
	const void *kptr_meta;        /* struct btf_struct_meta of allocated objects; record.h */
	u32 ctx_field_size;
	u32 seen;                     /* 0: never reached; pass number else */
	u32 orig_pc;
	bool nospec, nospec_result;
	bool zext_dst, needs_zext;
	bool is_iter_next, percpu_alloc_call, storage_atomic;
	bool jmp_point, prune_point, force_checkpoint, calls_callback, jump_target;
	bool probes, via_btf; /* on some path: untrusted memory, a pointer to a kernel struct */
	bool loop_inline_init, loop_inline_fit; /* bpf_loop */
	u32 loop_callback;
	u8 fastcall_pattern, fastcall_spills;
	u32 scc;                      /* strongly connected part, 0: in none */
	u16 live_regs;                /* registers that may be read from here on */
};

struct subprog_arg {
	u32 type;                     /* ARG_* of abi/helper.h, and ARGX_* below */
	u32 mem_size;
	u32 btf_id;
};
/* Kinds that only arguments of global functions have, beside those of abi/helper.h. */
enum { ARGX_ARENA = 0x40000000, ARGX_TRUSTED = 0x20000000, ARGX_UNTRUSTED = 0x10000000 };

struct subprog {
	const char *name;             /* "" without func_info */
	u32 start;                    /* insn; subprogs[n].start is the program's end */
	u32 line_idx;
	u32 postorder_start;
	u32 exit_pc;                  /* one of its exit insns; 0: it has none */
	u16 stack_depth;              /* bytes */
	s16 fastcall_off;
	bool has_tail_call, tail_call_reachable, has_ld_abs;
	bool is_cb, is_async_cb, is_exception_cb;
	bool args_cached, changes_pkt, might_sleep, keep_fastcall;
	bool is_global, unreliable;   /* from func_info */
	bool called, verified_global; /* global: has been called; has been verified */
	u32 n_args;
	struct subprog_arg args[5];
	u32 priv_stack;               /* depth.c: enum stack_kind */
};

/* Result of calls that kfuncs and iterators of modules need: which BTF an insn's off means. */
struct kfunc_ref {
	u32 btf_id;
	s16 off;
	const struct btf *btf;
	bool module;
};

struct pending { /* a path to explore later */
	struct state st;
	struct pending *next;
	u32 pc, prev_pc;
	u32 pushed_at;      /* v->processed */
	bool small;         /* st is a kept one: whoever pushed it has made it what it is */
	size_t log_len;
};

struct explored;  /* prune.h: states kept at an insn */
struct live;      /* live.h: stack liveness */
struct loops;     /* loop.h: visits of strongly connected parts */
struct backtrack; /* precise.c */
struct kfuncs;    /* kfunc.h: kfunc facts by id of the profile's BTF */

struct verify {
	const struct verify_prog *prog;
	const struct profile *k;
	struct verify_opts opts;
	struct verify_result *res;
	struct arena arena;           /* lives as long as the verification */

	/* from the capabilities; names as in the kernel */
	bool bpf_capable, allow_ptr_leaks, allow_uninit_stack, bypass_spec_v1, bypass_spec_v4;
	bool strict_alignment, test_state_freq, test_reg_invariants;
	bool explore_alu_limits, seen_direct_write, seen_exception, sleepable;
	u32 prog_type, attach_type;   /* of EXT programs: still EXT; see v_type() */
	bool changes_pkt;             /* the whole program */

	struct insn *insns;           /* a copy; wide loads keep their file descriptors in imm */
	u32 n_insns;
	struct insn_aux *aux;         /* n_insns */
	struct subprog *subprogs;     /* n_subprogs + 1 (the end), arrays of BPF_MAX_SUBPROGS + 2 */
	u32 n_subprogs;
	s32 exception_cb;             /* subprogram, -1 or 0: none, as the kernel's */
	VEC(const struct verify_map *) maps;  /* used, in order of first use */
	VEC(struct kfunc_ref) kfunc_refs;
	u32 *postorder;               /* n_postorder insns, subprogram by subprogram */
	u32 n_postorder, n_sccs;

	/* attach target: the kernel's prog->aux */
	const struct btf *attach_btf;
	u32 attach_btf_id;
	const struct btf_type *attach_proto; /* FUNC_PROTO */
	const char *attach_name;
	bool attach_tracing_prog;
	u32 attach_st_ops_off;        /* struct_ops: member */
	u32 ctx_arg_info_n;
	struct ctx_arg {
		u32 offset;           /* in the ctx */
		u32 type;             /* reg_type of what is loaded */
		const struct btf *btf;
		u32 btf_id;
		u32 ref_obj_id;
		bool refcounted;
	} *ctx_arg_info;              /* iterators, struct_ops, raw tracepoints */
	u32 max_ctx_offset, max_rdonly_access, max_rdwr_access, max_tp_access, max_pkt_offset;

	/* the walk */
	struct state *cur;
	u32 pc, prev_pc;
	struct pending *pending;      /* stack of paths */
	u32 n_pending;
	u32 id_gen;
	u32 pass;                     /* of do_check: one per function verified alone */
	struct hist *cur_hist;        /* entry pushed for this insn, NULL: none */
	struct reg fake_reg[2];
	struct explored *explored;
	struct reg_pool *pool;        /* kept.c */
	struct live *live;
	struct loops *loops;
	struct backtrack *bt;
	struct kfuncs *kfuncs;
	const struct struct_metas *metas; /* record.h; made when first asked for */

	u32 processed, prev_processed, jmps, prev_jmps;
	u32 max_states_per_insn, total_states, peak_states;
	/* for peak_states, which counts what functions verified before had at their end too */
	u32 n_kept_states, n_dropped_states;
	u64 bytes, peak_bytes;        /* of states */

	/* the log */
	struct str log;
	u64 log_dropped;
	u64 log_pos;                  /* bytes ever written */
	u64 log_start;                /* what is kept begins there: text that was let go stays so */
	u64 prev_log_pos, prev_insn_pos;
	u32 scratched_regs;           /* changed since they were last printed */
	u64 scratched_slots;
	const struct bpf_line_info *prev_line;
	struct str last_line;         /* text since the last newline, or the last whole line */
	bool last_line_done;          /* its newline came: the next text begins another */
	char type_text[2][64];        /* log_type()'s answers, in turn */
	u32 type_turn;
};

/* Frees nothing, moves nothing: the type that helpers and contexts go by (an EXT program's target's).
 * resolve_prog_type(). */
u32 v_type(const struct verify *v);

/* ---- the log (log.c) ---- */
/* A line or a part of one, as the kernel's verbose(): printed at any level but 0, always kept as the
 * last line. */
void v_log(struct verify *v, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Records why the program is refused and logs the sentence with a newline.  Returns err.  The first
 * reason of a verification counts.  pc is v->pc. */
int v_refuse(struct verify *v, int err, enum verify_reason why, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* The same without a newline: some of the kernel's sentences run into what is printed next. */
int v_refuse_open(struct verify *v, int err, enum verify_reason why, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* The same, naming the register. */
int v_refuse_reg(struct verify *v, int err, enum verify_reason why, u32 regno, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));
/* "verifier bug: " and the sentence; -EFAULT. */
int v_bug(struct verify *v, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Out of memory: -ENOMEM, recorded. */
int v_nomem(struct verify *v);

/* Memory for states, counted: NULL past opts.max_bytes. */
void *v_alloc(struct verify *v, size_t size);
void v_free(struct verify *v, void *p, size_t size);

static inline struct reg *v_regs(struct verify *v)
{
	return state_cur(v->cur)->regs;
}
static inline struct reg *v_reg(struct verify *v, u32 regno)
{
	return v_regs(v) + regno;
}
static inline struct frame *v_func(struct verify *v, const struct reg *r) /* whose stack r points to */
{
	return v->cur->frame[r->frameno];
}
static inline bool v_in_sleepable(const struct verify *v) /* in_sleepable() */
{
	return v->cur ? v->cur->in_sleepable : v->sleepable;
}
