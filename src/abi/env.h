/* SPDX-License-Identifier: BSD-2-Clause */
/* abi/env.h - one run of a program in user space, as exec/ and helper/ see it.
 *
 * Everything that is not deterministic enters a program through its ctx, its helper table and the
 * functions named here, so a run can be recorded, replayed and faked.  Nothing is global: a helper
 * gets the env as its sixth argument.  Freestanding: no libc, no allocation.
 *
 *   engine/user fills struct host (who is the current task, how is its memory read, where do printk
 *   lines go) and struct exec_env; exec/ runs env->prog; helper/ serves the calls.
 */
#pragma once
#include "abi/helper.h"
#include "isa/insn.h"

struct map; /* map/map.h: exec/ passes handles through, it never looks inside */
struct packet; /* abi/packet.h */
struct exec_env;

enum {
	EXEC_FRAMES_MAX = 8,      /* bpf-to-bpf call depth; kernel MAX_CALL_FRAMES */
	EXEC_STACK_BYTES = 512,   /* of each frame; kernel MAX_BPF_STACK */
	EXEC_TAIL_CALLS_MAX = 33, /* kernel MAX_TAIL_CALL_CNT */
};

/* What native code may know of a map whose handle an insn loads.  All of it stays true while the
 * program lives. */
struct exec_map {
	const struct map *map;
	/* An array: element i is at values + i * stride while i < n; of a per-CPU array, which
	 * has a slot for every env->cpu, cpu * cpu_stride further.  n 0: no array. */
	const u8 *values;
	u32 n, stride;
	u64 cpu_stride; /* 0: not per CPU */
	/* What bpf_map_lookup_elem comes to for this map, NULL: only the helper knows. */
	void *(*lookup)(struct map *m, const void *key, u32 cpu);
};

/* A program ready to run: wide loads are patched (a map is its struct map pointer, a map value its
 * address, both PSEUDO_IMM64 then; PSEUDO_FUNC stays), helper calls keep their ids. */
struct exec_prog {
	const struct insn *insns; /* borrowed */
	u32 n_insns;
	u32 prog_type;            /* enum bpf_prog_type */
	const helper_fn *helpers; /* borrowed; HELPER_ID_MAX entries, NULL where absent */
	const helper_fn *kfuncs;  /* borrowed; a loaded kfunc call has its index here in imm */
	u32 n_kfuncs;
	const struct exec_map *maps; /* borrowed; may be NULL: then calls go through helpers */
	u32 n_maps;
	const void *jit;          /* native code of exec/jit.h, NULL: interpret */
	void *owner;              /* of whoever loaded it */
};

/* The task that hit the hook.  Filled lazily: ask with host->task(). */
struct host_task {
	u32 pid, tgid;       /* pid is the thread's id, tgid the process's, as the kernel says */
	u32 uid, gid;
	char comm[16];
	u64 cgroup_id;
	u64 start_time_ns;   /* since boot */
	u32 ppid;
};

/* A flag of bpf_get_stack() that only the user engine knows: host->unwind(). */
#define HOST_F_UNWIND (1ull << 48)

/* What the world gives a program.  Every function must be callable from any thread that runs
 * programs; arg is the struct's own. */
struct host {
	void *arg;
	/* The current task; never NULL. */
	const struct host_task *(*task)(void *arg);
	/* Copies size bytes of the current task's memory.  0 or -EFAULT; dst is then undefined. */
	int (*read_user)(void *arg, void *dst, u32 size, u64 addr);
	/* The same up to and with the first NUL, at most size bytes.  Returns the length with the NUL
	 * (size when it was cut, dst then ends in NUL), or -EFAULT. */
	s64 (*read_user_str)(void *arg, void *dst, u32 size, u64 addr);
	int (*write_user)(void *arg, u64 addr, const void *src, u32 size);
	/* Kernel memory that the engine serves (its own structs: task, pt_regs): 0 or -EFAULT.  The
	 * program's own stack, maps and ctx are tried before through mem_ok. */
	int (*read_kernel)(void *arg, void *dst, u32 size, u64 addr);
	u64 (*clock_ns)(void *arg, int clock_id); /* CLOCK_* of clock_gettime(2) */
	u32 (*random)(void *arg);
	u32 (*cpu)(void *arg);
	u32 (*numa_node)(void *arg);
	u64 (*current_task)(void *arg); /* address for bpf_get_current_task*, 0: not served */
	/* One line of bpf_trace_printk, without the trace_pipe prefix. */
	void (*printk)(void *arg, const char *text, u32 len);
	int (*send_signal)(void *arg, u32 sig, bool thread);
	/* User stack of the current task, innermost first: number of frames or a negative errno. */
	int (*user_stack)(void *arg, u64 *ips, u32 max);
	/* The same by call frame information instead of frame pointers.  NULL: not to be had. */
	int (*unwind)(void *arg, u64 *ips, u32 max);
	/* Changes the result of the hooked call; NULL where the hook does not allow it. */
	int (*override_return)(void *arg, u64 value);
	int (*pid_ns)(void *arg, u64 dev, u64 ino, u32 *pid, u32 *tgid); /* get_ns_current_pid_tgid */
	/* Own cgroup id of the current task.  NULL: task() has it. */
	u64 (*cgroup_id)(void *arg);
	/* Parts of task(), where all of it is dear; NULL: task() will do.  tgid in the high half and
	 * pid in the low one; gid and uid alike. */
	u64 (*pid_tgid)(void *arg);
	u64 (*uid_gid)(void *arg);
	void (*comm)(void *arg, char comm[16]);
	/* Cgroup id of the current task's ancestor at that level, 0: none.  NULL: only its own. */
	u64 (*ancestor_cgroup_id)(void *arg, s32 level);
	/* The task that current_task() or a kernel struct gave this address, NULL: none.  As a
	 * function pointer NULL: only the current one is known. */
	const struct host_task *(*task_at)(void *arg, u64 addr);
	u32 hz;                         /* ticks a second of bpf_jiffies64; 0: 250 */
	const struct host_timers *timers; /* NULL: bpf_timer_* answer -EOPNOTSUPP */
	/* A ring buffer was full: true when its reader has made room now.  NULL: the reader runs
	 * elsewhere, a record is lost. */
	bool (*ring_full)(void *arg);
};

/* bpf_timer in map values.  timer is the value's address, which identifies it; what a program may
 * write there is never trusted.  Flags are checked before.  Kernel 6.18, kernel/bpf/helpers.c. */
struct host_timers {
	/* -EBUSY: it is one already. */
	int (*init)(void *arg, struct exec_env *env, struct map *m, void *timer, int clock_id);
	/* -EINVAL: not initialised.  func is for call_back, with r1 = map, r2 = key, r3 = value. */
	int (*set_callback)(void *arg, struct exec_env *env, void *timer, u64 func);
	/* nsecs from now, or of the timer's clock with is_abs.  -EINVAL: no callback yet. */
	int (*start)(void *arg, struct exec_env *env, void *timer, u64 nsecs, bool is_abs);
	/* 1: it was running, 0: it was not, -EDEADLK: called by its own callback. */
	int (*cancel)(void *arg, struct exec_env *env, void *timer);
};

/* The function that a trampoline program (fentry, fexit, fmod_ret, LSM) is attached to. */
struct exec_func {
	u32 n_args;
	bool has_ret;                   /* fexit, fmod_ret: ret is known */
	const u64 *args;                /* borrowed */
	u64 ret;
};

/* What a run holds and must give back when it ends: reserved records, locks. */
enum exec_held_kind { HELD_NONE, HELD_RECORD, HELD_LOCK };
struct exec_held {
	enum exec_held_kind kind;
	void *at;
	struct map *map;
};
enum { EXEC_HELD_MAX = 16 };

/* Bytes that stay accessible; how long says whoever names them. */
struct exec_span {
	u64 start, size;
};

struct exec_env {
	const struct exec_prog *prog;
	void *ctx;                /* r1 of the outermost frame */
	u32 ctx_size;             /* bytes that an unverified program may touch there */
	bool ctx_writable;        /* may it write there? */
	const struct host *host;
	u64 max_steps;            /* interpreter: 0 means no limit */
	u32 start_pc;             /* insn of prog where the run begins: 0, or that of a callback */
	u32 cpu;                  /* slot of per-CPU maps, fixed for the run */
	u32 attach_flags;

	u64 attach_cookie;        /* bpf_get_attach_cookie */
	u64 func_ip;              /* bpf_get_func_ip */
	const struct exec_func *func; /* borrowed; NULL: not behind a trampoline */
	struct packet *packet;    /* borrowed; NULL: not a packet program */
	s32 retval;               /* bpf_get_retval, bpf_set_retval of cgroup programs */

	/* Unverified programs: may it touch these bytes (maps, records, packet)?  exec/ itself knows
	 * stack and ctx.  When all bytes around are as good, it may put their span into
	 * hit[write], and is not asked again while they stay so: until the run ends, or, of a packet
	 * program, until the next call.  NULL: the program was verified,
	 * nothing is checked. */
	bool (*mem_ok)(struct exec_env *env, u64 addr, u64 size, bool write);
	/* Unverified programs: may it call this helper with these arguments?  0, or a negative errno
	 * that ends the run. */
	int (*call_ok)(struct exec_env *env, u32 helper, const u64 args[5]);
	int (*kfunc_ok)(struct exec_env *env, u32 kfunc, const u64 args[5]);

	/* Unverified programs: is this a handle of one of its maps (inner ones that it looked up too)? */
	bool (*map_ok)(struct exec_env *env, const struct map *m);
	/* The program's map in whose values or records addr lies, NULL: none.  Needed always: a lock
	 * or a record reaches a helper without its map. */
	struct map *(*map_at)(struct exec_env *env, u64 addr);

	/* Verified programs: a load that may fault (exec/exec.h, MODE_PROBE).  0, or -EFAULT: the
	 * program then reads 0. */
	int (*probe)(struct exec_env *env, void *dst, u32 size, u64 addr);
	/* Asked now and then while a helper calls back: has the run lasted too long?  NULL: never. */
	bool (*late)(struct exec_env *env);
	/* For helpers that call back (bpf_loop, for_each_map_elem, timers): runs the subprogram that a
	 * PSEUDO_FUNC value names.  Set by exec/. */
	u64 (*call_back)(struct exec_env *env, u64 func, u64 r1, u64 r2, u64 r3, u64 r4, u64 r5);
	/* bpf_tail_call: the program at that index, or NULL. */
	const struct exec_prog *(*tail_target)(struct exec_env *env, struct map *array, u32 index);
	/* Lookup in a map of maps: the handle of the inner map with that object id (map_ref_get()), or
	 * NULL when there is none.  What it gives is an ARG_MAP of later calls. */
	struct map *(*inner_map)(struct exec_env *env, struct map *outer, u64 object_id);

	/* Legacy packet loads (LD_ABS, LD_IND): 1, 2 or 4 bytes at off of the packet that ctx stands
	 * for, converted from network order.  0, or an errno: the program then returns 0.  NULL: no
	 * packet. */
	int (*packet_load)(struct exec_env *env, s32 off, u32 size, u32 *out);
	/* Arena: its address with the low 32 bits cleared (address-space casts); 0 where there is none. */
	u64 arena_base;

	/* Debugger, coverage, claims check: called before each insn when set.  Interpreter only. */
	void (*step)(struct exec_env *env, const struct exec_prog *prog, u32 pc, const u64 *regs);
	void *step_arg;

	/* Run state, owned by exec/ and helper/ during a run. */
	int error;                /* negative errno that ended the run early, else 0 */
	u32 error_pc;
	u64 error_addr;           /* of a refused access */
	u32 tail_calls;
	u32 depth;                /* frames in use */
	void *stack_base;         /* lowest byte of the frames, innermost grows down from the top */
	struct exec_span hit[2];  /* of mem_ok: [0] reads, [1] writes */
	struct exec_span lent;    /* a helper lends it to its callback, for reading: an element's key */
	void *exec_priv;
	u64 frame;                /* r10 of the function that called out of native code */
	const void *native;       /* its code; NULL: the interpreter runs */
	void *engine;             /* of whoever made the env */
	u64 scratch[8];           /* helper state that lives for one run */
	u32 n_held;               /* 0 before the run; helper_run_end() gives back what is left */
	struct exec_held held[EXEC_HELD_MAX];
};
