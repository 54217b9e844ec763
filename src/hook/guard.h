/* SPDX-License-Identifier: BSD-2-Clause */
/* hook/guard.h - what the files of the ptrace transport share; others include hook/ptrace.h.
 *
 *	trace.c   the controller's side: wishes, start, status
 *	hold.c    the command before it is traced
 *	guard.c   the guard: start of the tree, its loop, the end of tracing
 *	stop.c    what each kind of stop means
 *	task.c    threads and address spaces of the tree
 *	filter.c  the seccomp filter of a started command
 *	bp.c      breakpoints: where they go, what a hit means
 *	mm.c      address spaces: sites, slots, awaited returns
 *	xol.c     running the insn under a breakpoint without lifting it
 *	inject.c  system calls made in a stopped task
 *	sample.c  samples of running threads
 */
#pragma once
#include "base/vec.h"
#include "hook/mm.h"
#include "hook/ptrace.h"
#include <sys/types.h>

struct task;

/* Breakpoints wanted, one per trace_add_bp(); equal places are chained. */
struct bp {
	u32 place;
	s32 next;            /* another bp of the same place, -1: none */
	bool enter, ret;
	s32 pid;
};

/* A file offset that carries breakpoints. */
struct bp_place {
	dev_t dev;
	ino_t ino;
	u64 off;
	u64 ref_ctr_off;
	s32 first;           /* bp */
	char *path;          /* owned */
};

/* A clock that samples threads each time they have used period_ns of CPU time. */
struct sampler {
	u64 period_ns;
	s32 pid;             /* tgid; 0: all */
	int fd;              /* owned: its timer */
};
enum { SAMPLERS_MAX = 8, SAMPLE_PERIOD_MIN_NS = 100000 };

struct watch {
	int fd;
	void (*fn)(void *arg, int fd);
	void *arg;
};

/* Written by the guard, read by the controller at any time. */
struct trace_shared {
	struct trace_counts counts;
	u32 quiet;           /* the last op has run */
};

/* Messages on the socket between controller and guard; one packet each. */
enum msg_kind { MSG_STARTED, MSG_FAILED, MSG_ROOT_EXIT, MSG_QUIET, MSG_STOP };
struct msg {
	u32 kind;
	s32 value;           /* pid, negative errno, wait status */
	char text[200];      /* of MSG_FAILED */
};

enum { TASK_BUCKETS = 1024 };

/* Which tasks are let go at their next stop; task_is_aimed_at() says why some go first. */
enum detach_stage { DETACH_NONE, DETACH_AIMED, DETACH_ALL };

/* The command, a child of the controller: it waits until the guard lets it go. */
struct hold {
	s32 pid;             /* 0: none, or reaped */
	int go, failed;      /* owned; -1: closed.  A byte written to go lets it go; an errno can be read
			      * from failed when it can't be run */
	struct hold_filter *filter; /* owned mapping, shared */
};

struct trace {
	const struct trace_ops *ops;
	void *arg;
	struct trace_shared *shared; /* owned mapping */

	/* wishes */
	u64 want[2][TRACE_SYSCALLS_MAX / 64]; /* [0] enter, [1] exit */
	u32 want_all;        /* TRACE_ENTER, TRACE_EXIT */
	u32 want_process;    /* enum trace_process_event */
	VEC(struct bp) bps;
	VEC(struct bp_place) places;
	bool has_semaphores; /* some place has a ref_ctr_off */
	VEC(struct watch) watches;
	VEC(struct sampler) samplers;

	/* controller */
	struct hold hold;
	enum trace_state state;
	s32 guard_pid, root_pid;
	int sock;            /* to the other side; -1 before the start */
	int status;

	/* guard */
	bool attached;       /* trace_attach(), not trace_start() */
	bool quiet;          /* no more ops: pass on, or detach */
	enum detach_stage detach;
	u32 n_aimed;         /* tasks marked as aimed */
	int controller_fd;   /* pidfd, -1 where the kernel has none */
	struct task *buckets[TASK_BUCKETS];
	u32 n_tasks;
	u32 n_held;
	u32 options;         /* of PTRACE_SEIZE */
	s32 n_filters;       /* seccomp filters that a task has from its maker and from here */
	bool started;        /* the command's execve has worked, or all threads are attached */
	u32 n_awaited;       /* tasks of an attached process that have not stopped yet */
	u64 await_until_ms;  /* how long that is waited for, and at the end for n_aimed */
	int start_failed_fd; /* readable with an errno when it has not */
};

enum task_phase {
	PHASE_NONE,          /* ops may not change the task */
	PHASE_ENTER, PHASE_EXIT, PHASE_BP_ENTER, PHASE_BP_RETURN,
};

/* A hit that was told already, whose insn then did not get to run because a signal came first: the
 * task comes by again after the handler. */
struct rewound {
	u64 addr, rsp;
};

struct task {
	struct trace_task pub;
	struct task *next;   /* in its bucket */
	struct mm *mm;       /* counted; NULL: not known yet */
	s32 parent_tid;      /* whose fork event named it, 0: none yet */
	bool held;           /* new, waits for the event of whoever made it */
	bool fresh;          /* has not had its first stop */
	s32 exit_signal; /* that its parent gets; 0: SIGCHLD */
	bool awaited;        /* counted in n_awaited */
	bool in_call;        /* between a hooked entry and its exit */
	bool wants_exit;     /* of this call */
	bool exit_told;
	bool forked;         /* has made a process */
	bool aimed;          /* leaves in DETACH_AIMED already */
	bool interrupted;    /* PTRACE_INTERRUPT is under way */
	bool overridden;
	u8 phase;            /* enum task_phase */
	bool gone;           /* died while a call was made in it, with gone_status */
	int gone_status;
	bool again;          /* must be stopped once more, by PTRACE_INTERRUPT */
	u32 n_rewound;
	struct rewound rewound[4]; /* innermost last */
	s32 nr;              /* of the call it is in */
	u64 saved_arg;       /* clone flags before CLONE_UNTRACED was taken out */
	bool arg_changed;
	int comm_fd;         /* of /proc/TID/comm, -1 */
	int sched_fd;        /* of its schedstat, -1 */
	u32 samples;         /* bits of samplers that are to see it at its next stop */
	u64 cpu_ns;          /* used at the last tick, 0: none yet */
	u64 owed_ns[SAMPLERS_MAX];
	char comm[16];       /* as last read */
	char *exec_path;     /* owned; name given to the execve under way */
	struct user_regs_struct regs; /* of the current stop */
	bool regs_valid, regs_dirty;
};

static inline struct task *task_of(struct trace_task *pub)
{
	return container_of(pub, struct task, pub);
}

/* ---- hold.c ---- */
void hold_close(struct trace *t);   /* what only the guard needs */
void hold_reap(struct trace *t);    /* once it has ended */
void hold_drop(struct trace *t);    /* ends a command that still waits */
int hold_filter(struct trace *t);   /* in the guard: makes the filter that the command will put in */

/* ---- task.c ---- */
struct task *task_find(struct trace *t, s32 tid);
struct task *task_add(struct trace *t, s32 tid);  /* NULL when memory is out */
void task_remove(struct trace *t, struct task *k);
void task_rename(struct trace *t, struct task *k, s32 tid);
s32 task_read_tgid(s32 tid);                      /* 0: gone */
s32 task_read_ppid(s32 tid);
s32 task_read_filters(s32 tid);                   /* seccomp filters in force */
/* Do signals come to the process by way of this thread? */
bool task_is_aimed_at(s32 tgid, s32 tid);
void task_read_comm(struct task *k, char comm[16]);
/* Registers of the current stop; false when the task is gone. */
bool task_regs(struct task *k);
void task_flush_regs(struct task *k);

/* ---- bp.c ---- */
/* Looks for wanted files in the task's maps and puts breakpoints there. */
void bp_scan(struct trace *t, struct task *k);
/* A signal stop with SIGTRAP: true when it was a breakpoint, which has then been handled. */
bool bp_hit(struct trace *t, struct task *k);
/* Before a signal is delivered: the task must not be seen inside a slot. */
void bp_leave_slot(struct trace *t, struct task *k);
/* Takes all breakpoints out of the task's memory. */
void bp_remove_all(struct task *k);
/* Memory was copied by fork while other threads ran: makes the copy what its mm says it is. */
void bp_mend_copy(struct task *k);
/* The task is about to be let go, the last one of its address space: the slots' pages go too. */
void bp_unmap_slots(struct task *k);

/* ---- inject.c ---- */
/* Makes system call nr in the task, which must be in a stop outside of any call: its result, or
 * -ESRCH, -ENOSYS (no syscall insn found), -EPERM (it has a seccomp filter of its own).  Registers
 * and signal mask are as before afterwards. */
s64 inject_call(struct task *k, long nr, const u64 args[6]);

/* ---- sample.c ---- */
/* The task has stopped: shows it to the samplers that wait for it. */
void sample_take(struct trace *t, struct task *k);
void samplers_free(struct trace *t);

/* ---- filter.c ---- */
struct sock_filter;
/* The filter's length, or -ENOMEM; caller frees *out. */
int filter_build(const struct trace *t, struct sock_filter **out);

/* ---- guard.c ---- */
/* Runs in the guard and never returns.  argv NULL: attach to pid. */
_Noreturn void guard_main(struct trace *t, s32 pid);
void guard_say(struct trace *t, enum msg_kind kind, s32 value, const char *text);

/* The task, or its death, need not be awaited any longer. */
void guard_seen(struct trace *t, struct task *k);

/* ---- stop.c ---- */
/* What waitpid(2) said about a task. */
void stop_handle(struct trace *t, s32 tid, int status);

/* ---- trace.c ---- */
bool trace_wants(const struct trace *t, s32 nr, u32 point);
/* Must calls stop, for the ops or for the transport's own sake? */
bool trace_stops_calls(const struct trace *t);
