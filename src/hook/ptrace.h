/* SPDX-License-Identifier: BSD-2-Clause */
/* hook/ptrace.h - the ptrace transport: events of other processes, for an ordinary user.
 *
 *	controller (osmia)            guard                           tree
 *	  trace_new()
 *	  trace_want_*()
 *	  trace_hold() ── fork ───────────────────────────────────>  a child that waits
 *	  trace_start() ── fork ──>  own process group, no terminal
 *	                             seizes it, lets it go ───────>  seccomp, exec: CMD and all it starts
 *	  trace_fd() <── status ───  waits for stops, calls ops  <──  hooked call, int3, exec, ...
 *	  (dies) ─── EOF ─────────>  lifts breakpoints, calls no
 *	                             more ops, passes calls on
 *	                             until the tree has ended
 *
 * Everything in struct trace_ops runs in the guard, a fork of the controller made by trace_start()
 * or trace_attach(): memory that both must see has to be mapped shared before.  The guard is one
 * thread, so ops never run at the same time; the task they are called for is stopped meanwhile.
 *
 * What a hooked event costs: one stop, some ten to twenty microseconds; entry and exit are two.
 * With a command (trace_start) a seccomp filter stops hooked calls only, all others run at full
 * speed; in an attached process (trace_attach) every call stops, because a filter could not be
 * taken out again.
 *
 * When the guard itself is killed: a tree it started dies with it (PTRACE_O_EXITKILL), since hooked
 * calls would fail with ENOSYS and breakpoints would raise SIGTRAP otherwise; an attached process
 * is let go by the kernel, but breakpoints stay in it.
 */
#pragma once
#include "base/diag.h"
#include "base/types.h"
#include <signal.h>
#include <sys/user.h> /* struct user_regs_struct: orig_rax is the call's number */

struct trace;

/* A thread of the tree, as ops see it.  Valid for the call only. */
struct trace_task {
	s32 tid, tgid;     /* in the guard's pid namespace; the kernel's pid and tgid */
	struct trace *trace;
	void *user;        /* the owner's, NULL at first; task_free() is called before it goes */
};

/* Who a task is, read from /proc when asked for.  Zeroed fields where the task is gone. */
struct trace_who {
	char comm[16];
	u32 uid, gid;      /* real ids, as bpf_get_current_uid_gid() has them */
	s32 ppid;          /* tgid of its parent */
	u64 start_time_ns; /* since boot, in steps of a clock tick (10 ms) */
};

struct trace_fork {
	s32 child_tid;
	s32 child_tgid;    /* equals the parent's tgid for a thread */
	char child_comm[16];
	u64 clone_flags;
};

struct trace_exec {
	s32 old_tid;       /* not tid when a thread other than the leader called execve */
	const char *path;  /* as the kernel's sched_process_exec has it: the name given to execve */
};

struct trace_exit {
	int status;        /* as wait(2) has it */
	bool group_dead;   /* the last thread of its process */
};

enum { TRACE_NO_BP = -1 };

/* Each may be NULL.  arg is trace_new()'s.  regs may be read freely and are a copy: change the task
 * with trace_override() and trace_set_regs(). */
struct trace_ops {
	/* Once in the guard, before the first event; non-zero (negative errno) gives up. */
	int (*guard_start)(void *arg, struct trace *t);
	/* Hooked calls.  nr is the number as the kernel's tracepoints have it: regs->orig_rax as
	 * int.  At exit regs->rax is the raw result, which may be -ERESTARTSYS (-512) and its like
	 * when a signal comes, again as tracepoints show it; -1 for nr at the exit of rt_sigreturn. */
	void (*syscall_enter)(void *arg, struct trace_task *task, s32 nr,
			      const struct user_regs_struct *regs);
	void (*syscall_exit)(void *arg, struct trace_task *task, s32 nr,
			     const struct user_regs_struct *regs);
	/* Process events.  exec: in the new image, before its first insn.  fork: in the parent,
	 * for processes and threads.  exit: in the dying task while /proc still shows it (or, after
	 * SIGKILL, when it is gone already). */
	void (*exec)(void *arg, struct trace_task *task, const struct trace_exec *ev);
	void (*fork)(void *arg, struct trace_task *task, const struct trace_fork *ev);
	void (*exit)(void *arg, struct trace_task *task, const struct trace_exit *ev);
	/* A signal reaches the task; it is delivered unchanged afterwards. */
	void (*signal_deliver)(void *arg, struct trace_task *task, const siginfo_t *info);
	/* A task of the tree has sent a signal to pid (a tid when thread is set) by kill(2) or one of
	 * its relatives, with that result (0 or a negative errno); or it is the last of its process,
	 * which ends, and the parent is told. */
	void (*signal_generate)(void *arg, struct trace_task *task, s32 pid, bool thread,
				const siginfo_t *info, int result);
	/* A breakpoint; regs->rip is its address.  For the return regs->rip is the return address,
	 * regs->rax the result, and func the address of the function's own breakpoint. */
	void (*bp_enter)(void *arg, struct trace_task *task, s32 bp,
			 const struct user_regs_struct *regs);
	void (*bp_return)(void *arg, struct trace_task *task, s32 bp, u64 func,
			  const struct user_regs_struct *regs);
	/* The task was running when a sampler's period of its CPU time was over. */
	void (*sample)(void *arg, struct trace_task *task, s32 sampler,
		       const struct user_regs_struct *regs);
	/* Called before a task with a non-NULL user field goes. */
	void (*task_free)(void *arg, struct trace_task *task);
	/* The last call in the guard: no op follows.  Also when the controller has died. */
	void (*guard_stop)(void *arg, struct trace *t);
};

/* What the transport could not see, or did otherwise than a reader might think. */
struct trace_counts {
	u64 stops;            /* all stops of all tasks */
	u64 compat_execs;     /* 32-bit programs started: their calls are not seen */
	u64 ptrace_refused;   /* the tree used ptrace(2), which fails (strace, gdb) */
	u64 bp_missed;        /* breakpoints that could not be put into a process */
	u64 return_missed;    /* returns that could not be watched */
	u64 tasks_unfollowed; /* tasks that could not be attached to */
};

/* ops and arg are borrowed until trace_free().  NULL when memory is out. */
struct trace *trace_new(const struct trace_ops *ops, void *arg);

/* ---- before the start: what is wanted ---- */

enum { TRACE_ENTER = 1, TRACE_EXIT = 2, TRACE_SYSCALLS_MAX = 512 };
enum trace_process_event {
	TRACE_EXEC_EVENT = 1, TRACE_FORK_EVENT = 2, TRACE_EXIT_EVENT = 4,
	TRACE_SIGNAL_DELIVER = 8, TRACE_SIGNAL_GENERATE = 16,
};

/* Hooks system call nr at TRACE_ENTER, TRACE_EXIT or both.  -EINVAL for an unknown number. */
int trace_want_syscall(struct trace *t, u32 nr, u32 points);
/* Every system call, numbers above TRACE_SYSCALLS_MAX and invalid ones included. */
void trace_want_all_syscalls(struct trace *t, u32 points);
void trace_want_process(struct trace *t, u32 events); /* enum trace_process_event, or-ed */

/* A breakpoint at byte off of the file at path, in every process of the tree that maps it there. */
struct trace_bp_spec {
	const char *path;    /* borrowed for the call */
	u64 off;
	bool enter, ret;     /* ops wanted: bp_enter, bp_return */
	s32 pid;             /* tgid; 0 or less: every process of the tree */
	u64 ref_ctr_off;     /* USDT semaphore, a u16 at this file offset; 0: none */
};

/* The breakpoint's id (0, 1, ...), or -ENOENT and its like for the file, -EINVAL when there is no
 * whole instruction at off. */
int trace_add_bp(struct trace *t, const struct trace_bp_spec *spec, struct diag *dg);

/* Samples the threads of process pid (0 or less: all of the tree) each time they have used period_ns
 * of CPU time; less than 100 us counts as that.  Its id, -ENOSPC after 8 of them, -EINVAL, -EMFILE. */
int trace_add_sampler(struct trace *t, u64 period_ns, s32 pid);

/* fn runs in the guard whenever fd is readable (a timerfd, a perf event, an eventfd).  fd must be
 * open at the start. */
int trace_watch_fd(struct trace *t, int fd, void (*fn)(void *arg, int fd), void *arg);

/* ---- start and end, in the controller ---- */

/* Makes the command's process, a child that waits for trace_start(); trace_free() ends it where that does not
 * come.  argv is looked up in PATH like execvp(3), and runs with the signal mask mask (NULL: the caller's).
 * Its pid, or a negative errno with the reason in dg: -ENOENT for no such command. */
int trace_hold(struct trace *t, char *const *argv, const sigset_t *mask, struct diag *dg);
/* Makes the guard and lets the command run under it: the one that is held, or argv.  Its execve is already an
 * event.  Returns its pid once it runs, or as trace_hold(). */
int trace_start(struct trace *t, char *const *argv, const sigset_t *mask, struct diag *dg);

/* Makes the guard and attaches it to all threads of process pid and what it starts from now on.
 * Returns pid; -ESRCH, -EPERM with the reason. */
int trace_attach(struct trace *t, s32 pid, struct diag *dg);

enum trace_state {
	TRACE_IDLE,          /* not started */
	TRACE_RUNNING,
	TRACE_ROOT_EXITED,   /* the command has ended, processes it started go on */
	TRACE_ENDED,         /* all tasks have ended, or were let go */
	TRACE_GUARD_LOST,    /* the guard was killed */
};

/* Becomes readable when the state changes; then call trace_poll(). */
int trace_fd(const struct trace *t);
/* Reads what the guard has said without waiting. */
enum trace_state trace_poll(struct trace *t);
/* wait(2) status of the command or the attached process; -1 while it runs, or was let go. */
int trace_status(const struct trace *t);
/* Figures of the guard so far; shared memory, always up to date. */
struct trace_counts trace_counts(const struct trace *t);

/* Asks the guard to call no more ops and to let go: breakpoints are taken out, attached processes
 * are detached, a started command runs on untraced.  Returns after the last op has run. */
int trace_stop(struct trace *t);
/* Stops if needed.  Accepts NULL. */
void trace_free(struct trace *t);

/* ---- for ops, in the guard, about the task they are called for ---- */

void trace_who(struct trace_task *task, struct trace_who *out);
/* Copies from or to the task's memory with the page protections it has itself: 0 or -EFAULT. */
int trace_read(struct trace_task *task, u64 addr, void *dst, size_t size);
int trace_write(struct trace_task *task, u64 addr, const void *src, size_t size);
/* A string with its NUL, at most size bytes; the length with the NUL (size and a NUL forced where
 * it was cut), or -EFAULT. */
s64 trace_read_str(struct trace_task *task, u64 addr, char *dst, size_t size);
/* In syscall_enter: the call is not made and returns value.  In syscall_exit and bp_return: it
 * replaces the result.  In bp_enter: the function is not run and returns value.  Elsewhere it is
 * -EINVAL. */
int trace_override(struct trace_task *task, u64 value);
/* Sends sig to the task's process, or to the task alone, as bpf_send_signal and
 * bpf_send_signal_thread do. */
int trace_send_signal(struct trace_task *task, int sig, bool thread);
/* Its registers at this stop: 0, or -ESRCH where it is gone. */
int trace_regs(struct trace_task *task, struct user_regs_struct *regs);
/* Return addresses of the task's user stack by frame pointers, innermost first, regs->rip at index
 * 0; the number of entries. */
u32 trace_user_stack(struct trace_task *task, u64 *ips, u32 max);
