/* SPDX-License-Identifier: BSD-2-Clause */
/* hook/guard.c - the guard's loop: waits for stops of the tree and passes them on to stop.c.
 *
 * The guard outlives its controller.  When that has died or says MSG_STOP, no more ops are called
 * and breakpoints go; then an attached process is let go thread by thread, while a started command
 * is served to its end: a filtered call that finds no tracer would fail with ENOSYS.
 */
#include "hook/guard.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { BATCH_MAX = 64, POLL_EVERY = 32, AWAIT_MS = 1000 };

static u64 now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (u64)ts.tv_sec * 1000 + (u64)ts.tv_nsec / 1000000;
}

void guard_say(struct trace *t, enum msg_kind kind, s32 value, const char *text)
{
	struct msg m = { .kind = kind, .value = value };

	if (text)
		snprintf(m.text, sizeof(m.text), "%s", text);
	while (t->sock >= 0 && send(t->sock, &m, sizeof(m), MSG_NOSIGNAL) < 0 && errno == EINTR)
		;
}

static _Noreturn void fail(struct trace *t, int err, const char *text)
{
	guard_say(t, MSG_FAILED, err, text);
	_exit(1);
}

/* ---- the command ---- */

/* Seizes the command, which waits, before it takes its first step, and lets it go. */
static void start_command(struct trace *t)
{
	struct hold *h = &t->hold;
	struct task *k;
	int err = trace_stops_calls(t) ? hold_filter(t) : 0;

	if (err)
		fail(t, err, "no memory for the filter");
	t->start_failed_fd = h->failed;
	k = task_add(t, h->pid);
	t->root_pid = h->pid;
	t->options |= PTRACE_O_EXITKILL;
	if (!k || ptrace(PTRACE_SEIZE, h->pid, NULL, (void *)(u64)t->options)) {
		err = k ? -errno : -ENOMEM;
		kill(h->pid, SIGKILL);
		fail(t, err, err == -EPERM ? "ptrace(2) is not permitted here" : "can't trace");
	}
	k->mm = mm_new();
	if (write(h->go, "", 1) != 1)
		fail(t, -errno, "can't start the command");
	close(h->go);
}

/* ---- an attached process ---- */

static int seize_thread(struct trace *t, s32 pid, s32 tid, struct mm *mm)
{
	if (ptrace(PTRACE_SEIZE, tid, NULL, (void *)(u64)t->options))
		return -errno;

	struct task *k = task_add(t, tid);

	if (!k)
		return -ENOMEM;
	k->pub.tgid = pid;
	k->mm = mm_get(mm);
	k->interrupted = k->awaited = true;
	t->n_awaited++;
	ptrace(PTRACE_INTERRUPT, tid, NULL, NULL);
	return 0;
}

/* Seizes the threads that are not seized yet: their number, or a negative errno. */
static int seize_threads(struct trace *t, s32 pid, struct mm *mm)
{
	VEC(s32) tids[2] = { 0 }; /* [1]: signals are aimed at these, they come last */
	char path[64];
	int n = 0, err = 0;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	DIR *dir = opendir(path);

	if (!dir)
		return errno == ENOENT ? -ESRCH : -errno;
	for (struct dirent *e; (e = readdir(dir)); ) {
		s32 tid = atoi(e->d_name);
		bool aimed = task_is_aimed_at(pid, tid);

		if (tid > 0 && !task_find(t, tid) && !vec_push(&tids[aimed], tid))
			err = -ENOMEM;
	}
	closedir(dir);
	for (u32 i = 0; i < tids[0].n + tids[1].n; i++) {
		s32 tid = i < tids[0].n ? tids[0].p[i] : tids[1].p[i - tids[0].n];
		int failed = seize_thread(t, pid, tid, mm);

		n += !failed;
		if (failed && failed != -ESRCH)
			err = failed;
	}
	vec_free(&tids[0]);
	vec_free(&tids[1]);
	return n ? n : err;
}

static void attach_process(struct trace *t, s32 pid)
{
	struct mm *mm = mm_new();
	char text[64];
	int n;

	t->n_awaited = 1; /* the guard itself, until all are counted */
	n = mm ? seize_threads(t, pid, mm) : -ENOMEM;
	if (n == -EPERM)
		fail(t, n,
		     "not permitted to trace this process (another user's, already traced, or "
		     "kernel.yama.ptrace_scope forbids it)");
	if (n <= 0) {
		snprintf(text, sizeof(text), "process %d: %s", pid, strerror(n ? -n : ESRCH));
		fail(t, n ? n : -ESRCH, text);
	}
	while (seize_threads(t, pid, mm) > 0) /* those made meanwhile */
		;
	mm_put(mm);
	t->root_pid = pid;
	t->await_until_ms = now_ms() + AWAIT_MS;
	guard_seen(t, NULL);
}

/* A fork that began before its thread was seized makes an untraced child, in which a breakpoint
 * would be deadly.  So all threads must have stopped once before the first is put in. */
static void attach_done(struct trace *t)
{
	t->started = true;
	t->n_awaited = 0;
	for (u32 b = 0; b < TASK_BUCKETS; b++) {
		for (struct task *k = t->buckets[b]; k; k = k->next) {
			k->awaited = false;
			if (!t->bps.n || t->quiet || !k->mm || k->mm->scanned)
				continue;
			k->mm->scanned = true;
			bp_scan(t, k);
		}
	}
	guard_say(t, MSG_STARTED, t->root_pid, NULL);
}

void guard_seen(struct trace *t, struct task *k)
{
	if (k && !k->awaited)
		return;
	if (k)
		k->awaited = false;
	if (!--t->n_awaited)
		attach_done(t);
}

/* ---- the end of tracing ---- */

static void interrupt_all(struct trace *t, bool aimed)
{
	for (u32 b = 0; b < TASK_BUCKETS; b++) {
		for (struct task *k = t->buckets[b]; k; k = k->next) {
			if (k->aimed != aimed)
				continue;
			k->interrupted = true;
			ptrace(PTRACE_INTERRUPT, k->pub.tid, NULL, NULL);
		}
	}
}

/* No op is called any more; breakpoints go. */
static void go_quiet(struct trace *t)
{
	if (t->quiet)
		return;
	t->quiet = true;
	for (u32 b = 0; b < TASK_BUCKETS; b++)
		for (struct task *k = t->buckets[b]; k; k = k->next)
			bp_remove_all(k);
	if (t->ops->guard_stop)
		t->ops->guard_stop(t->arg, t);
	__atomic_store_n(&t->shared->quiet, 1, __ATOMIC_RELEASE);
	guard_say(t, MSG_QUIET, 0, NULL);
	if (!t->attached)
		return;
	t->detach = DETACH_AIMED;
	t->await_until_ms = now_ms() + AWAIT_MS;
	for (u32 b = 0; b < TASK_BUCKETS; b++) {
		for (struct task *k = t->buckets[b]; k; k = k->next) {
			k->aimed = k->forked || task_is_aimed_at(k->pub.tgid, k->pub.tid);
			t->n_aimed += k->aimed;
		}
	}
	interrupt_all(t, true);
}

/* ---- the loop ---- */

/* Serves what is readable: the controller's word or death, the owner's fds. */
static void serve_fds(struct trace *t, struct pollfd *fds, u32 n)
{
	struct msg m;

	if (fds[0].revents) {
		ssize_t got = recv(t->sock, &m, sizeof(m), MSG_DONTWAIT);

		if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) {
			close(t->sock);
			t->sock = fds[0].fd = -1;
			go_quiet(t);
		} else if (got == sizeof(m) && m.kind == MSG_STOP) {
			go_quiet(t);
		}
	}
	if (fds[1].revents & POLLIN) {
		fds[1].fd = -1;
		go_quiet(t);
	}
	for (u32 i = 2; i < n; i++) {
		struct watch *w = &t->watches.p[i - 2];

		if (t->quiet || fds[i].revents & (POLLERR | POLLNVAL))
			fds[i].fd = -1;
		else if (fds[i].revents)
			w->fn(w->arg, w->fd);
	}
}

/* Takes all stops there are, then handles them: a task that stops again at once can't keep the
 * others waiting.  False when no task is left. */
static bool serve_stops(struct trace *t, bool *any)
{
	struct { s32 tid; int status; } batch[BATCH_MAX];
	u32 n = 0;
	s32 tid = 0;

	while (n < BATCH_MAX && (tid = waitpid(-1, &batch[n].status, __WALL | WNOHANG)) > 0)
		batch[n++].tid = tid;
	for (u32 i = 0; i < n; i++)
		stop_handle(t, batch[i].tid, batch[i].status);
	*any = n > 0;
	if (tid < 0 && errno == ECHILD && n == 0)
		return false;
	return !(t->detach && t->n_tasks == 0);
}

/* The next step of attaching or detaching, once the tasks that it waits for have stopped, or the
 * time is over: what is left sleeps where no signal reaches it.  True while one is to come. */
static bool serve_waits(struct trace *t)
{
	bool late = (t->n_awaited || t->detach == DETACH_AIMED) && now_ms() >= t->await_until_ms;

	if (t->n_awaited && late)
		attach_done(t);
	if (t->detach == DETACH_AIMED && (!t->n_aimed || late)) {
		t->detach = DETACH_ALL;
		interrupt_all(t, false);
	}
	return t->n_awaited || t->detach == DETACH_AIMED;
}

static void loop(struct trace *t)
{
	u32 n_fds = t->watches.n + 2, rounds = 0;
	struct pollfd *fds = calloc(n_fds, sizeof(*fds));
	struct timespec now = { 0 }, soon = { 0, 50000000 };
	sigset_t open;
	bool any;

	if (!fds)
		fail(t, -ENOMEM, "no memory for the guard");
	fds[0] = (struct pollfd){ t->sock, POLLIN, 0 };
	fds[1] = (struct pollfd){ t->controller_fd, POLLIN, 0 };
	for (u32 i = 2; i < n_fds; i++)
		fds[i] = (struct pollfd){ t->watches.p[i - 2].fd, POLLIN, 0 };
	sigprocmask(SIG_SETMASK, NULL, &open);
	sigdelset(&open, SIGCHLD);
	while (serve_stops(t, &any)) {
		if (any && ++rounds % POLL_EVERY)
			continue;

		bool waits = serve_waits(t);

		/* SIGCHLD is blocked but here, so no stop is overlooked before the sleep. */
		if (ppoll(fds, n_fds, any ? &now : waits ? &soon : NULL, &open) > 0)
			serve_fds(t, fds, n_fds);
	}
	free(fds);
}

static void on_sigchld(int sig)
{
	(void)sig;
}

/* Nothing but SIGKILL ends the guard, and it holds no terminal and no pipe of the command open. */
static void leave_terminal(void)
{
	static const int ignored[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGPIPE, SIGTSTP, SIGTTIN,
				       SIGTTOU, SIGUSR1, SIGUSR2, SIGALRM };
	struct rlimit files;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	setsid();
	for (u32 i = 0; i < ARRAY_SIZE(ignored); i++)
		signal(ignored[i], SIG_IGN);
	for (int fd = 0; null >= 0 && fd <= 2; fd++)
		dup2(null, fd);
	if (null > 2)
		close(null);
	prctl(PR_SET_NAME, "osmia-guard", 0, 0, 0);
	if (!getrlimit(RLIMIT_NOFILE, &files)) { /* a file or two per task stay open */
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
}

_Noreturn void guard_main(struct trace *t, s32 pid)
{
	struct sigaction chld = { .sa_handler = on_sigchld };
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	t->start_failed_fd = -1;
	t->n_filters = task_read_filters(getpid()) + (!t->attached && trace_stops_calls(t));
	t->options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
		     PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_TRACESECCOMP;
	if (t->want_process & (TRACE_EXIT_EVENT | TRACE_SIGNAL_GENERATE))
		t->options |= PTRACE_O_TRACEEXIT;

	int err = t->ops->guard_start ? t->ops->guard_start(t->arg, t) : 0;

	if (err)
		fail(t, err, "the programs can't run in the guard");
	if (!t->attached)
		start_command(t);
	leave_terminal();
	sigaction(SIGCHLD, &chld, NULL);
	if (t->attached)
		attach_process(t, pid);
	loop(t);
	go_quiet(t);
	_exit(0);
}
