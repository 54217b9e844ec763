/* SPDX-License-Identifier: BSD-2-Clause */
/* hook/stop.c - what each kind of ptrace stop means, and how the task goes on.
 *
 *	PTRACE_EVENT_SECCOMP     entry of a hooked call (started command)
 *	SIGTRAP | 0x80           entry or exit of a call
 *	FORK, VFORK, CLONE       a new task; its own first stop may come before or after
 *	EXEC                     new image; in a thread, the task takes the leader's tid over
 *	EXIT                     dying, still readable
 *	PTRACE_EVENT_STOP        first stop of a new task, group stop, answer to PTRACE_INTERRUPT
 *	else                     a signal is about to be delivered; SIGTRAP may be a breakpoint
 *
 * Every ptrace call may fail with ESRCH because the task was killed meanwhile; nothing is done
 * about it, its exit status is on the way.
 */
#include "hook/guard.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef KCMP_VM
enum { KCMP_VM = 1 };
#endif

/* Kernel-internal results of an interrupted call, include/linux/errno.h. */
enum { ERESTARTNOHAND_K = 514, RESULT_ERR_MAX = 4095 };

static void resume(struct trace *t, struct task *k, int sig)
{
	bool to_exit = t->attached ? trace_stops_calls(t) : k->in_call && k->wants_exit;

	task_flush_regs(k);
	k->regs_valid = false;
	k->phase = PHASE_NONE;
	ptrace(to_exit ? PTRACE_SYSCALL : PTRACE_CONT, k->pub.tid, NULL, (void *)(long)sig);
}

/* Under a tracer some calls fail with EINTR that otherwise only a handler makes fail: for a
 * PTRACE_INTERRUPT (signal(7), "Interruption of system calls by stop signals"), and for a signal
 * that is ignored and that the kernel would not even have sent.  They restart unless a handler
 * runs.  Reading, writing and connecting are among them for the sake of SO_RCVTIMEO and
 * SO_SNDTIMEO; what else can sleep the kernel restarts by itself (poll, nanosleep, futex, ...). */
static bool hide_interrupt(struct task *k)
{
	if (!task_regs(k) || (s64)k->regs.rax != -EINTR)
		return false;
	switch ((s64)k->regs.orig_rax) {
	case SYS_epoll_wait: case SYS_epoll_pwait: case SYS_epoll_pwait2:
	case SYS_semop: case SYS_semtimedop: case SYS_rt_sigtimedwait:
	case SYS_io_getevents: case SYS_io_pgetevents: case SYS_io_uring_enter:
	case SYS_read: case SYS_readv: case SYS_recvfrom: case SYS_recvmsg: case SYS_recvmmsg:
	case SYS_write: case SYS_writev: case SYS_sendto: case SYS_sendmsg: case SYS_sendmmsg:
	case SYS_accept: case SYS_accept4: case SYS_connect: case SYS_sendfile: case SYS_splice:
		k->regs.rax = (u64)-ERESTARTNOHAND_K;
		k->regs_dirty = true;
		return true;
	default:
		return false;
	}
}

/* Is the task to be let go at this stop? */
static bool leaves(const struct trace *t, const struct task *k)
{
	return t->detach == DETACH_ALL || (t->detach == DETACH_AIMED && k->aimed);
}

/* Has the task run into int3 without its SIGTRAP having been seen here yet? */
static bool trap_pending(const struct task *k)
{
	struct __ptrace_peeksiginfo_args which = { .nr = 32 };
	siginfo_t info[32];
	long n = ptrace(PTRACE_PEEKSIGINFO, k->pub.tid, &which, info);

	for (long i = 0; i < n; i++)
		if (info[i].si_signo == SIGTRAP && info[i].si_code == SI_KERNEL)
			return true;
	return false;
}

/* Lets a task go for good, in a PTRACE_EVENT_STOP: there it is in no call and has no signal in
 * hand. group_stopped says that it sleeps by job control and must not run in between. */
static void detach(struct trace *t, struct task *k, bool group_stopped)
{
	if (trap_pending(k)) { /* would kill it without a tracer */
		ptrace(PTRACE_CONT, k->pub.tid, NULL, NULL);
		return;
	}
	bp_leave_slot(t, k);
	hide_interrupt(k);
	if (!group_stopped)
		bp_unmap_slots(k);
	if (k->gone)
		return;
	task_flush_regs(k);
	ptrace(PTRACE_DETACH, k->pub.tid, NULL, NULL);
	task_remove(t, k);
}

/* The task goes on, and sig is delivered to it.  Any stop makes the kernel forget a
 * PTRACE_INTERRUPT, so a task that is to be let go gets another. */
static void go_on(struct trace *t, struct task *k, int sig)
{
	if (k->samples)
		sample_take(t, k);
	if (k->gone)
		return;
	if (leaves(t, k) || k->again) {
		k->interrupted = true;
		k->again = false;
		ptrace(PTRACE_INTERRUPT, k->pub.tid, NULL, NULL);
	}
	resume(t, k, sig);
}

/* ---- calls ---- */

static bool is_kill(s32 nr)
{
	return nr == SYS_kill || nr == SYS_tkill || nr == SYS_tgkill || nr == SYS_rt_sigqueueinfo ||
	       nr == SYS_rt_tgsigqueueinfo;
}

/* May a file with breakpoints, or its USDT semaphores, have come into memory? */
static bool maps_file(const struct trace *t, const struct task *k)
{
	const struct user_regs_struct *r = &k->regs;

	if (!t->bps.n || (k->nr != SYS_mmap && k->nr != SYS_mprotect))
		return false;
	return r->rdx & PROT_EXEC || (t->has_semaphores && k->nr == SYS_mmap &&
				      r->rdx & PROT_WRITE && !(r->r10 & MAP_ANONYMOUS));
}

/* Must the transport itself see how this call ends? */
static bool needs_exit(const struct trace *t, const struct task *k)
{
	switch (k->nr) {
	case SYS_mmap:
	case SYS_mprotect:
		return maps_file(t, k) || k->overridden;
	case SYS_ptrace:
		return true;
	default:
		return k->arg_changed || k->overridden ||
		       (is_kill(k->nr) && t->want_process & TRACE_SIGNAL_GENERATE);
	}
}

/* The name that sched_process_exec will show: what was given to execve, or for execveat the
 * kernel's /dev/fd/N[/name] (fs/exec.c: alloc_bprm()). */
static void note_exec_path(struct trace *t, struct task *k)
{
	bool at = k->nr == SYS_execveat;
	s32 dfd = (s32)k->regs.rdi;
	char name[4096];

	if (!(t->want_process & TRACE_EXEC_EVENT))
		return;
	free(k->exec_path);
	k->exec_path = NULL;
	if (trace_read_str(&k->pub, at ? k->regs.rsi : k->regs.rdi, name, sizeof(name)) < 0)
		return;
	if (!at || *name == '/' || dfd == AT_FDCWD)
		k->exec_path = strdup(name);
	else if (asprintf(&k->exec_path, "/dev/fd/%d%s%s", dfd, *name ? "/" : "", name) < 0)
		k->exec_path = NULL;
}

/* A task made with CLONE_UNTRACED would not be followed, and its hooked calls would fail: the flag
 * is taken out for the call.  No program but the kernel has a use for it. */
static void forbid_untraced(struct task *k)
{
	u64 flags = k->regs.rdi;

	if (k->nr == SYS_clone && flags & CLONE_UNTRACED) {
		k->saved_arg = flags;
		k->regs.rdi = flags & ~(u64)CLONE_UNTRACED;
		k->regs_dirty = k->arg_changed = true;
	} else if (k->nr == SYS_clone3 &&
		   !trace_read(&k->pub, k->regs.rdi, &flags, sizeof(flags)) &&
		   flags & CLONE_UNTRACED) {
		flags &= ~(u64)CLONE_UNTRACED;
		trace_write(&k->pub, k->regs.rdi, &flags, sizeof(flags));
	}
}

static void call_enter(struct trace *t, struct task *k)
{
	if (!task_regs(k))
		return;
	k->nr = (s32)k->regs.orig_rax;
	k->in_call = true;
	k->overridden = k->arg_changed = false;
	if (t->quiet) {
		k->wants_exit = false;
		return;
	}
	if (k->nr == SYS_execve || k->nr == SYS_execveat)
		note_exec_path(t, k);
	if (t->ops->syscall_enter && trace_wants(t, k->nr, TRACE_ENTER)) {
		struct user_regs_struct regs = k->regs;

		k->phase = PHASE_ENTER;
		t->ops->syscall_enter(t->arg, &k->pub, k->nr, &regs);
		k->phase = PHASE_NONE;
	}
	forbid_untraced(k);
	k->wants_exit = trace_wants(t, k->nr, TRACE_EXIT) || needs_exit(t, k);
}

static void tell_generate(struct trace *t, struct task *k)
{
	const struct user_regs_struct *r = &k->regs;
	bool thread = k->nr == SYS_tkill || k->nr == SYS_tgkill || k->nr == SYS_rt_tgsigqueueinfo;
	bool group = k->nr == SYS_tgkill || k->nr == SYS_rt_tgsigqueueinfo; /* tgid comes first */
	siginfo_t info = { .si_signo = (int)(group ? r->rdx : r->rsi) };

	if (!t->ops->signal_generate || !(t->want_process & TRACE_SIGNAL_GENERATE) ||
	    !info.si_signo)
		return;
	if (k->nr == SYS_rt_sigqueueinfo || k->nr == SYS_rt_tgsigqueueinfo) {
		trace_read(&k->pub, group ? r->r10 : r->rdx, &info, sizeof(info));
		info.si_signo = (int)(group ? r->rdx : r->rsi);
	} else {
		info.si_code = thread ? SI_TKILL : SI_USER;
		info.si_pid = k->pub.tgid;
	}
	t->ops->signal_generate(t->arg, &k->pub, (s32)(group ? r->rsi : r->rdi), thread, &info,
				(int)r->rax);
}

/* What the transport does at the end of a call of its own interest. */
static void after_call(struct trace *t, struct task *k)
{
	bool failed = k->regs.rax > -(u64)RESULT_ERR_MAX;

	if (k->arg_changed) {
		k->regs.rdi = k->saved_arg;
		k->regs_dirty = true;
	}
	if (k->nr == SYS_ptrace && (s64)k->regs.rax == -EPERM)
		t->shared->counts.ptrace_refused++;
	else if (!failed && maps_file(t, k))
		bp_scan(t, k);
	else if (is_kill(k->nr))
		tell_generate(t, k);
}

static void call_exit(struct trace *t, struct task *k)
{
	if (!task_regs(k))
		return;
	k->in_call = k->wants_exit = false;
	if (t->quiet) {
		if (k->arg_changed)
			after_call(t, k);
		return;
	}

	struct user_regs_struct regs = k->regs;
	s32 nr = k->overridden ? k->nr : (s32)regs.orig_rax;

	after_call(t, k);
	if (k->overridden)
		regs.orig_rax = (u64)k->nr;
	if (!t->ops->syscall_exit || !trace_wants(t, nr, TRACE_EXIT))
		return;
	k->phase = PHASE_EXIT;
	t->ops->syscall_exit(t->arg, &k->pub, nr, &regs);
	k->phase = PHASE_NONE;
}

/* A call made by an attached process: entry and exit look alike, and so do calls of other ABIs. */
static void call_attached(struct trace *t, struct task *k)
{
	struct __ptrace_syscall_info info = { 0 };

	if (ptrace(PTRACE_GET_SYSCALL_INFO, k->pub.tid, sizeof(info), &info) <= 0 ||
	    info.arch != AUDIT_ARCH_X86_64)
		return;
	if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
		k->nr = (s32)info.entry.nr;
		call_enter(t, k);
	} else if (info.op == PTRACE_SYSCALL_INFO_EXIT) {
		if (!k->in_call && task_regs(k)) /* attached in the middle of it */
			k->nr = (s32)k->regs.orig_rax;
		call_exit(t, k);
		/* The signal may be gone already, taken by another thread: only a stop on the way
		 * back makes the kernel look at the result. */
		if (hide_interrupt(k))
			k->again = true;
	}
}

int trace_override(struct trace_task *pub, u64 value)
{
	struct task *k = task_of(pub);
	u64 ret;

	switch (k->phase) {
	case PHASE_ENTER:
		k->regs.orig_rax = (u64)-1;
		k->overridden = true;
		break;
	case PHASE_EXIT:
	case PHASE_BP_RETURN:
		break;
	case PHASE_BP_ENTER:
		if (trace_read(pub, k->regs.rsp, &ret, sizeof(ret)))
			return -EFAULT;
		if (k->overridden)
			break;
		k->regs.rip = ret;
		k->regs.rsp += sizeof(ret);
		k->overridden = true;
		break;
	default:
		return -EINVAL;
	}
	k->regs.rax = value;
	k->regs_dirty = true;
	return 0;
}

/* ---- new tasks ---- */

/* The child's address space and process, once its maker is known.  Threads and vfork children share
 * the maker's memory, others have a copy, breakpoints included. */
static void adopt(struct trace *t, struct task *k, const struct task *parent, u64 flags)
{
	bool raced = parent->mm && parent->mm->refs > 1;

	mm_put(k->mm);
	k->mm = flags & CLONE_VM ? mm_get(parent->mm) : mm_copy(parent->mm);
	k->pub.tgid = flags & CLONE_THREAD ? parent->pub.tgid : k->pub.tid;
	memcpy(k->comm, parent->comm, sizeof(k->comm));
	k->parent_tid = parent->pub.tid;
	if (t->quiet)
		bp_remove_all(k);
	else if (raced && k->mm && !(flags & CLONE_VM))
		bp_mend_copy(k);
}

/* The first stop of a task whose maker is known: it goes on.  The kernel has it leave the call that
 * made it, with result 0. */
static void first_step(struct trace *t, struct task *k)
{
	k->fresh = false;
	if (!t->quiet && t->ops->syscall_exit && task_regs(k) &&
	    trace_wants(t, (s32)k->regs.orig_rax, TRACE_EXIT)) {
		struct user_regs_struct regs = k->regs;

		t->ops->syscall_exit(t->arg, &k->pub, (s32)regs.orig_rax, &regs);
	}
}

static void release_held(struct trace *t, struct task *k)
{
	k->held = false;
	t->n_held--;
	first_step(t, k);
	if (leaves(t, k))
		detach(t, k, false);
	else
		go_on(t, k, 0);
}

/* A maker that was killed tells of no child.  What /proc and kcmp(2) say is enough then. */
static void adopt_orphan(struct trace *t, struct task *k)
{
	s32 tgid = task_read_tgid(k->pub.tid), ppid = task_read_ppid(k->pub.tid);
	u64 flags = tgid && tgid != k->pub.tid ? CLONE_THREAD | CLONE_VM : 0;
	const struct task *parent = NULL;

	for (u32 b = 0; b < TASK_BUCKETS && !parent; b++)
		for (struct task *o = t->buckets[b]; o && !parent; o = o->next)
			if (o != k && o->mm && (o->pub.tgid == tgid || o->pub.tgid == ppid))
				parent = o;
	if (parent && !flags &&
	    syscall(SYS_kcmp, parent->pub.tid, k->pub.tid, KCMP_VM, 0, 0) == 0)
		flags = CLONE_VM;
	if (parent) {
		adopt(t, k, parent, flags);
	} else {
		k->mm = mm_new();
		k->pub.tgid = tgid ? tgid : k->pub.tid;
		if (!t->quiet)
			bp_scan(t, k);
	}
	release_held(t, k);
}

static void adopt_orphans(struct trace *t)
{
	for (u32 b = 0; b < TASK_BUCKETS && t->n_held; b++)
		for (struct task *k = t->buckets[b], *next; k; k = next) {
			next = k->next;
			if (k->held)
				adopt_orphan(t, k);
		}
}

static u64 clone_flags(struct task *k)
{
	u64 flags = 0;

	if (!task_regs(k))
		return 0;
	switch ((s32)k->regs.orig_rax) {
	case SYS_vfork:
		return CLONE_VM | CLONE_VFORK;
	case SYS_clone:
		return k->arg_changed ? k->saved_arg : k->regs.rdi;
	case SYS_clone3:
		trace_read(&k->pub, k->regs.rdi, &flags, sizeof(flags));
		return flags;
	default:
		return 0;
	}
}

static void on_fork(struct trace *t, struct task *k)
{
	unsigned long tid = 0;
	u64 flags = clone_flags(k);

	if (ptrace(PTRACE_GETEVENTMSG, k->pub.tid, NULL, &tid))
		return;

	struct task *child = task_find(t, (s32)tid);

	if (!child && kill((pid_t)tid, 0) == 0) {
		child = task_add(t, (s32)tid);
		if (child)
			child->fresh = true;
	}
	if (!t->quiet && t->want_process & TRACE_FORK_EVENT && t->ops->fork) {
		struct trace_fork ev = {(s32)tid, flags & CLONE_THREAD ? k->pub.tgid : (s32)tid, "",
					flags};

		task_read_comm(k, ev.child_comm);
		t->ops->fork(t->arg, &k->pub, &ev);
	}
	if (!child)
		return;
	adopt(t, child, k, flags);
	k->forked |= !(flags & CLONE_THREAD);
	if (k->regs_valid && (s32)k->regs.orig_rax == SYS_clone)
		child->exit_signal = (s32)(flags & CSIGNAL);
	if (child->held)
		release_held(t, child);
	else if (leaves(t, child) && !child->interrupted)
		ptrace(PTRACE_INTERRUPT, child->pub.tid, NULL, NULL);
}

/* ---- exec and exit ---- */

static bool ignores_sigchld(s32 pid)
{
	u64 ignored = 0;
	char path[64], line[256];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		sscanf(line, "SigIgn: %lx", &ignored);
	if (f)
		fclose(f);
	return ignored >> (SIGCHLD - 1) & 1;
}

/* The kernel signals the parent of a process that has ended.  Kernel do_notify_parent(). */
static void tell_parent(struct trace *t, struct task *k, int status)
{
	siginfo_t info = { .si_signo = k->exit_signal ? k->exit_signal : SIGCHLD };
	s32 ppid = task_read_ppid(k->pub.tid);

	if (!t->ops->signal_generate || !(t->want_process & TRACE_SIGNAL_GENERATE) || ppid <= 0 ||
	    (info.si_signo == SIGCHLD && ignores_sigchld(ppid)))
		return;
	info.si_code = WIFEXITED(status) ? CLD_EXITED : WCOREDUMP(status) ? CLD_DUMPED : CLD_KILLED;
	t->ops->signal_generate(t->arg, &k->pub, ppid, false, &info, 0);
}

static void tell_exit(struct trace *t, struct task *k, int status)
{
	struct trace_exit ev = { status, true };

	if (k->exit_told)
		return;
	k->exit_told = true;
	if (t->quiet)
		return;
	for (u32 b = 0; b < TASK_BUCKETS && ev.group_dead; b++)
		for (const struct task *o = t->buckets[b]; o && ev.group_dead; o = o->next)
			ev.group_dead = o == k || o->pub.tgid != k->pub.tgid || o->exit_told;
	if (t->ops->exit && t->want_process & TRACE_EXIT_EVENT)
		t->ops->exit(t->arg, &k->pub, &ev);
	if (ev.group_dead)
		tell_parent(t, k, status);
}

static struct task *on_exec(struct trace *t, struct task *k)
{
	unsigned long former = (unsigned long)k->pub.tid;

	ptrace(PTRACE_GETEVENTMSG, k->pub.tid, NULL, &former);
	if ((s32)former != k->pub.tid) {
		struct task *caller = task_find(t, (s32)former);

		/* The old leader has gone without a word. */
		tell_exit(t, k, 0);
		if (caller) {
			s32 tid = k->pub.tid;

			task_remove(t, k);
			task_rename(t, caller, tid);
			k = caller;
			k->pub.tgid = tid;
		}
	}
	mm_put(k->mm);
	k->mm = mm_new();
	k->regs_valid = false;
	k->exit_told = false;
	k->exit_signal = SIGCHLD;

	bool compat = task_regs(k) && k->regs.cs == 0x23;

	if (compat)
		t->shared->counts.compat_execs++;
	if (!t->started && k->pub.tid == t->root_pid && !t->attached) {
		t->started = true;
		guard_say(t, MSG_STARTED, t->root_pid, NULL);
	}
	if (t->quiet)
		return k;
	if (t->want_process & TRACE_EXEC_EVENT && t->ops->exec) {
		struct trace_exec ev = { (s32)former, k->exec_path ? k->exec_path : "" };

		t->ops->exec(t->arg, &k->pub, &ev);
	}
	free(k->exec_path);
	k->exec_path = NULL;
	if (t->bps.n && !compat)
		bp_scan(t, k);
	return k;
}

static void on_exit_event(struct trace *t, struct task *k)
{
	unsigned long status = 0;

	ptrace(PTRACE_GETEVENTMSG, k->pub.tid, NULL, &status);
	tell_exit(t, k, (int)status);
}

/* The command ended before it had become the command: execve failed. */
static void start_failed(struct trace *t)
{
	char text[200];
	int err = -ECHILD;

	if (read(t->start_failed_fd, &err, sizeof(err)) != sizeof(err))
		err = -ECHILD;
	snprintf(text, sizeof(text), "can't run the command: %s", strerror(-err));
	guard_say(t, MSG_FAILED, err, text);
	_exit(1);
}

static void on_gone(struct trace *t, s32 tid, int status)
{
	struct task *k = task_find(t, tid);

	if (tid == t->root_pid && !t->attached && !t->started)
		start_failed(t);
	if (k) {
		guard_seen(t, k);
		tell_exit(t, k, status);
		task_remove(t, k);
	}
	if (tid == t->root_pid)
		guard_say(t, MSG_ROOT_EXIT, status, NULL);
	if (t->n_held)
		adopt_orphans(t);
}

/* ---- signals and stops ---- */

static bool is_stop_signal(int sig)
{
	return sig == SIGSTOP || sig == SIGTSTP || sig == SIGTTIN || sig == SIGTTOU;
}

static void on_event_stop(struct trace *t, struct task *k, int sig)
{
	bool stopped = is_stop_signal(sig), leaving = leaves(t, k);

	if (stopped && !leaving) {
		/* Stopped by job control: stays so, but wakes for SIGCONT. */
		ptrace(PTRACE_LISTEN, k->pub.tid, NULL, NULL);
		return;
	}
	/* Also for a stop that nobody here asked for: SIGCONT makes every thread report one. */
	if (!leaving) {
		hide_interrupt(k);
		k->interrupted = false;
	}
	if (k->fresh) {
		if (!k->mm) {
			k->held = true;
			t->n_held++;
			return;
		}
		first_step(t, k);
	}
	if (leaving)
		detach(t, k, stopped);
	else
		go_on(t, k, 0);
}

static void on_signal(struct trace *t, struct task *k, int sig)
{
	siginfo_t info;

	if (sig == SIGTRAP && bp_hit(t, k)) {
		go_on(t, k, 0);
		return;
	}
	bp_leave_slot(t, k);
	hide_interrupt(k);
	if (!t->quiet && t->want_process & TRACE_SIGNAL_DELIVER && t->ops->signal_deliver &&
		   !ptrace(PTRACE_GETSIGINFO, k->pub.tid, NULL, &info))
		t->ops->signal_deliver(t->arg, &k->pub, &info);
	go_on(t, k, sig);
}

static void on_event(struct trace *t, struct task *k, int event)
{
	switch (event) {
	case PTRACE_EVENT_SECCOMP:
		call_enter(t, k);
		break;
	case PTRACE_EVENT_FORK:
	case PTRACE_EVENT_VFORK:
	case PTRACE_EVENT_CLONE:
		on_fork(t, k);
		break;
	case PTRACE_EVENT_EXEC:
		k = on_exec(t, k);
		break;
	case PTRACE_EVENT_EXIT:
		on_exit_event(t, k);
		break;
	}
	go_on(t, k, 0);
}

static void on_stop(struct trace *t, s32 tid, int status)
{
	int sig = WSTOPSIG(status), event = status >> 16;
	struct task *k = task_find(t, tid);

	t->shared->counts.stops++;
	if (!k) {
		k = task_add(t, tid);
		if (!k) { /* out of memory: it runs on unseen */
			t->shared->counts.tasks_unfollowed++;
			ptrace(PTRACE_CONT, tid, NULL, NULL);
			return;
		}
		k->fresh = true;
	}
	k->regs_valid = false;
	guard_seen(t, k);
	if (event == PTRACE_EVENT_STOP) {
		on_event_stop(t, k, sig);
	} else if (event) {
		on_event(t, k, event);
	} else if (sig == (SIGTRAP | 0x80)) {
		if (t->attached)
			call_attached(t, k);
		else
			call_exit(t, k);
		go_on(t, k, 0);
	} else {
		on_signal(t, k, sig);
	}
}

void stop_handle(struct trace *t, s32 tid, int status)
{
	if (!WIFSTOPPED(status)) {
		on_gone(t, tid, status);
		return;
	}
	on_stop(t, tid, status);

	/* It may have died of a SIGKILL while the guard made a call in it. */
	struct task *k = task_find(t, tid);

	if (k && k->gone)
		on_gone(t, tid, k->gone_status);
}
