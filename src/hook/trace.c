/* SPDX-License-Identifier: BSD-2-Clause */
/* hook/trace.c - the controller's side of the ptrace transport: wishes, start, status, end.
 *
 * The guard's side is guard.c.  Both hold one end of a packet socket; the end of file on either
 * says that the other has gone.
 */
#include "hook/guard.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { REAP_TRIES = 50, REAP_PAUSE_US = 1000 }; /* of a guard that is about to end */

struct trace *trace_new(const struct trace_ops *ops, void *arg)
{
	struct trace *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->shared = mmap(NULL, sizeof(*t->shared), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (t->shared == MAP_FAILED) {
		free(t);
		return NULL;
	}
	t->ops = ops;
	t->arg = arg;
	t->sock = -1;
	t->status = -1;
	t->controller_fd = -1;
	t->hold.go = t->hold.failed = -1;
	return t;
}

/* ---- wishes ---- */

int trace_want_syscall(struct trace *t, u32 nr, u32 points)
{
	if (nr >= TRACE_SYSCALLS_MAX)
		return -EINVAL;
	if (points & TRACE_ENTER)
		t->want[0][nr / 64] |= 1ull << nr % 64;
	if (points & TRACE_EXIT)
		t->want[1][nr / 64] |= 1ull << nr % 64;
	return 0;
}

void trace_want_all_syscalls(struct trace *t, u32 points)
{
	t->want_all |= points;
}

void trace_want_process(struct trace *t, u32 events)
{
	t->want_process |= events;
}

bool trace_wants(const struct trace *t, s32 nr, u32 point)
{
	if (t->want_all & point)
		return true;
	if (nr < 0 || nr >= TRACE_SYSCALLS_MAX)
		return false;
	return t->want[point == TRACE_EXIT][nr / 64] >> nr % 64 & 1;
}

bool trace_stops_calls(const struct trace *t)
{
	u64 any = t->want_all | t->bps.n |
		  (t->want_process & (TRACE_EXEC_EVENT | TRACE_SIGNAL_GENERATE));

	for (u32 i = 0; i < ARRAY_SIZE(t->want[0]); i++)
		any |= t->want[0][i] | t->want[1][i];
	return any != 0;
}

static s64 find_place(struct trace *t, const struct stat *st, const struct trace_bp_spec *spec)
{
	for (u32 i = 0; i < t->places.n; i++) {
		struct bp_place *p = &t->places.p[i];

		if (p->dev == st->st_dev && p->ino == st->st_ino && p->off == spec->off &&
		    p->ref_ctr_off == spec->ref_ctr_off)
			return i;
	}
	struct bp_place *p = vec_add(&t->places);

	if (!p)
		return -ENOMEM;
	p->path = strdup(spec->path);
	if (!p->path) {
		t->places.n--;
		return -ENOMEM;
	}
	p->dev = st->st_dev;
	p->ino = st->st_ino;
	p->off = spec->off;
	p->ref_ctr_off = spec->ref_ctr_off;
	t->has_semaphores |= spec->ref_ctr_off != 0;
	p->first = TRACE_NO_BP;
	return t->places.n - 1;
}

int trace_add_bp(struct trace *t, const struct trace_bp_spec *spec, struct diag *dg)
{
	struct place at = { .file = spec->path };
	struct stat st;
	int fd = open(spec->path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return diag_error(dg, at, -errno, "can't open it for a breakpoint: %s",
				  strerror(errno));

	u8 code;
	int err = fstat(fd, &st) ? -errno : 0;
	bool inside = !err && pread(fd, &code, 1, (off_t)spec->off) == 1;

	close(fd);
	if (err || !S_ISREG(st.st_mode))
		return diag_error(dg, at, err ? err : -EINVAL, "not a regular file");
	if (!inside)
		return diag_error(dg, at, -EINVAL, "offset 0x%lx is past the file's end",
				  spec->off);
	if (code == 0xcc)
		return diag_error(dg, at, -ENOTSUP, "offset 0x%lx holds a breakpoint insn already",
				  spec->off);

	s64 place = find_place(t, &st, spec);
	struct bp *bp = place < 0 ? NULL : vec_add(&t->bps);

	if (!bp)
		return diag_error(dg, at, -ENOMEM, "no memory for a breakpoint");
	*bp = (struct bp){ (u32)place, TRACE_NO_BP, spec->enter, spec->ret, MAX(spec->pid, 0) };

	s32 *link = &t->places.p[place].first; /* in the order they were added */

	while (*link != TRACE_NO_BP)
		link = &t->bps.p[*link].next;
	*link = (s32)t->bps.n - 1;
	return *link;
}

int trace_watch_fd(struct trace *t, int fd, void (*fn)(void *arg, int fd), void *arg)
{
	return vec_push(&t->watches, ((struct watch){ fd, fn, arg })) ? 0 : -ENOMEM;
}

/* ---- start ---- */

/* Makes the guard and waits for its first message. */
static int start_guard(struct trace *t, s32 pid, const char *name, struct diag *dg)
{
	const struct place none = { 0 };
	int pair[2];

	if (t->state != TRACE_IDLE)
		return diag_error(dg, none, -EBUSY, "the trace has been started already");
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return diag_error(dg, none, -errno, "can't make a socket: %s", strerror(errno));
	t->controller_fd = (int)syscall(SYS_pidfd_open, getpid(), 0);
	t->guard_pid = fork();
	if (t->guard_pid == 0) {
		close(pair[0]);
		t->sock = pair[1];
		guard_main(t, pid);
	}

	int err = t->guard_pid < 0 ? -errno : 0;

	close(pair[1]);
	if (t->controller_fd >= 0)
		close(t->controller_fd);
	t->controller_fd = -1;
	if (err) {
		close(pair[0]);
		return diag_error(dg, none, err, "can't fork: %s", strerror(-err));
	}
	t->sock = pair[0];

	struct msg m = { .kind = MSG_FAILED, .value = -ECHILD, .text = "the guard was killed" };
	ssize_t n;

	do
		n = recv(t->sock, &m, sizeof(m), 0);
	while (n < 0 && errno == EINTR);
	if (m.kind == MSG_STARTED) {
		t->state = TRACE_RUNNING;
		t->root_pid = m.value;
		return m.value;
	}
	m.text[sizeof(m.text) - 1] = '\0';
	waitpid(t->guard_pid, NULL, 0);
	close(t->sock);
	t->sock = -1;
	return diag_error(dg, none, m.value < 0 ? m.value : -ECHILD, "%s%s%s", name, *name ? ": " : "",
			  m.text);
}

int trace_start(struct trace *t, char *const *argv, const sigset_t *mask, struct diag *dg)
{
	int err = t->hold.pid ? 0 : trace_hold(t, argv, mask, dg);

	if (err < 0)
		return err;
	err = start_guard(t, 0, argv[0], dg);
	if (err < 0)
		hold_drop(t);
	else
		hold_close(t);
	return err;
}

int trace_attach(struct trace *t, s32 pid, struct diag *dg)
{
	t->attached = true;
	return start_guard(t, pid, "", dg);
}

/* ---- status and end ---- */

int trace_fd(const struct trace *t)
{
	return t->sock;
}

/* Takes one message; false when there is none now (wait false), or never will be. */
static bool take_message(struct trace *t, bool wait)
{
	struct msg m;
	ssize_t n;

	if (t->sock < 0)
		return false;
	do
		n = recv(t->sock, &m, sizeof(m), wait ? 0 : MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN)
		return false;
	if (n != sizeof(m)) {
		int status = 0;

		waitpid(t->guard_pid, &status, 0);
		t->state = WIFEXITED(status) && WEXITSTATUS(status) == 0 ? TRACE_ENDED :
									    TRACE_GUARD_LOST;
		close(t->sock);
		t->sock = -1;
		hold_reap(t);
		return false;
	}
	if (m.kind == MSG_ROOT_EXIT) {
		hold_reap(t);
		t->status = m.value;
		t->state = TRACE_ROOT_EXITED;
	}
	return true;
}

enum trace_state trace_poll(struct trace *t)
{
	while (take_message(t, false))
		;
	return t->state;
}

int trace_status(const struct trace *t)
{
	return t->status;
}

struct trace_counts trace_counts(const struct trace *t)
{
	return t->shared->counts;
}

int trace_stop(struct trace *t)
{
	struct msg m = { .kind = MSG_STOP };

	if (t->sock < 0)
		return 0;
	if (send(t->sock, &m, sizeof(m), MSG_NOSIGNAL) < 0 && errno != EPIPE)
		return -errno;
	/* An attached process has been let go when the guard ends. */
	while ((t->attached || !__atomic_load_n(&t->shared->quiet, __ATOMIC_ACQUIRE)) &&
	       take_message(t, true))
		;
	return 0;
}

/* The guard ends as soon as nothing of the tree is left; one that still has a tree to see to stays,
 * and is init's when this process has ended. */
static void guard_reap(struct trace *t)
{
	bool may_end = t->state == TRACE_ROOT_EXITED || t->attached;

	close(t->sock);
	for (u32 i = 0; !waitpid(t->guard_pid, NULL, WNOHANG) && may_end && i < REAP_TRIES; i++)
		usleep(REAP_PAUSE_US);
}

void trace_free(struct trace *t)
{
	if (!t)
		return;
	trace_stop(t);
	if (t->sock >= 0)
		guard_reap(t);
	hold_drop(t);
	for (u32 i = 0; i < t->places.n; i++)
		free(t->places.p[i].path);
	vec_free(&t->places);
	vec_free(&t->bps);
	samplers_free(t);
	vec_free(&t->watches);
	munmap(t->shared, sizeof(*t->shared));
	free(t);
}
