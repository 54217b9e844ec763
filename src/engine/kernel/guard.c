/* SPDX-License-Identifier: BSD-2-Clause */
/* engine/kernel/guard.c - a process that cleans up when ours ends, however it ends.
 *
 * 	osmia ──socketpair──> osmia-guard
 *
 * Links vanish with their fds; what no link can hold becomes a duty: it is handed to the guard
 * before it is made, and done when the socket closes.  The guard has its own session, no terminal,
 * and none of our fds, so that it neither keeps attachments alive nor pipes open.
 */
#include "engine/kernel/priv.h"
#include "base/str.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { GUARD_TEXT = 472, CGROUP_ROUNDS = 2500, CGROUP_ROUND_US = 2000 };

struct duty {
	u32 kind;   /* enum guard_kind */
	u32 id;
	u32 arg;
	s32 fd;     /* in the guard: it is done when this hangs up; -1: at the end */
	u64 number;
	char text[GUARD_TEXT];
};

static void write_at(int dirfd, const char *path, int flags, const char *text)
{
	int fd = openat(dirfd, path, O_WRONLY | O_CLOEXEC | flags);

	if (fd < 0)
		return;
	if (write(fd, text, strlen(text)) < 0) {
		/* gone already: nothing is left to do */
	}
	close(fd);
}

/* Moves every process of the cgroup to its parent, then removes it.  Processes that fork meanwhile
 * are caught by a later round; one that is about to end can't be moved and takes its time. */
static void cgroup_remove(const char *path)
{
	char procs[GUARD_TEXT + 32], up[GUARD_TEXT + 32], pids[4096];

	snprintf(procs, sizeof(procs), "%s/cgroup.procs", path);
	snprintf(up, sizeof(up), "%s/../cgroup.procs", path);
	for (u32 round = 0; round < CGROUP_ROUNDS && rmdir(path) && errno == EBUSY; round++) {
		int fd = open(procs, O_RDONLY | O_CLOEXEC);
		ssize_t n = fd < 0 ? 0 : read(fd, pids, sizeof(pids) - 1);

		if (fd >= 0)
			close(fd);
		pids[MAX(n, 0)] = 0;
		for (char *save, *pid = strtok_r(pids, "\n", &save); pid;
		     pid = strtok_r(NULL, "\n", &save))
			write_at(AT_FDCWD, up, 0, pid);
		usleep(CGROUP_ROUND_US);
	}
}

static void duty_do(const struct duty *d)
{
	int tracefs = -1;
	char text[GUARD_TEXT + 8];

	switch ((enum guard_kind)d->kind) {
	case GUARD_RMDIR:
		tracefs = tracefs_open();
		/* A trace_pipe that is still open elsewhere keeps the instance busy for a moment. */
		for (u32 i = 0; i < 100 && unlinkat(tracefs, d->text, AT_REMOVEDIR) &&
				errno == EBUSY; i++)
			usleep(10000);
		break;
	case GUARD_KPROBE_EVENT:
		tracefs = tracefs_open();
		snprintf(text, sizeof(text), "-:%s\n", d->text);
		write_at(tracefs, "kprobe_events", O_APPEND, text);
		break;
	case GUARD_CGROUP:
		cgroup_remove(d->text);
		break;
	case GUARD_XDP:
		netlink_xdp_remove(d->arg, d->number);
		break;
	case GUARD_TC:
		netlink_tc_remove(d->arg, d->number);
		break;
	case GUARD_DROP:
	case GUARD_DO:
		break;
	}
	if (tracefs >= 0)
		close(tracefs);
}

static void guard_detach(int fd)
{
	sigset_t all;
	int null;

	setsid();
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	prctl(PR_SET_NAME, "osmia-guard");
	prctl(PR_SET_PDEATHSIG, 0);
	if (fd != 3)
		dup2(fd, 3);
	syscall(SYS_close_range, 4, ~0u, 0);
	null = open("/dev/null", O_RDWR);
	for (int i = 0; i < 3; i++)
		dup2(null, i);
	if (null > 3)
		close(null);
	if (chdir("/")) {
		/* the file system it would hold stays busy, no more */
	}
}

/* One message, with the fd that came along. */
static ssize_t duty_receive(struct duty *d)
{
	union {
		struct cmsghdr h;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec io = { d, sizeof(*d) };
	struct msghdr msg = {
		.msg_iov = &io,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	ssize_t n = recvmsg(3, &msg, MSG_CMSG_CLOEXEC);
	struct cmsghdr *c = n > 0 ? CMSG_FIRSTHDR(&msg) : NULL;

	d->fd = -1;
	if (c && c->cmsg_type == SCM_RIGHTS && c->cmsg_len >= CMSG_LEN(sizeof(int)))
		memcpy(&d->fd, CMSG_DATA(c), sizeof(int));
	return n;
}

struct duties {
	VEC(struct duty) list;
	VEC(struct pollfd) polls; /* the socket, then one for each duty */
};

static void duty_end(struct duties *all, u32 i, bool carry_out)
{
	struct duty d = all->list.p[i];

	memmove(&all->list.p[i], &all->list.p[i + 1], (all->list.n - i - 1) * sizeof(d));
	all->list.n--;
	if (carry_out)
		duty_do(&d);
	if (d.fd >= 0)
		close(d.fd);
}

/* False at the end of the socket. */
static bool guard_message(struct duties *all)
{
	struct duty msg;
	ssize_t n = duty_receive(&msg);
	u8 ack = 1;

	if (n < 0 && errno == EINTR)
		return true;
	if (n != sizeof(msg))
		return false;
	msg.text[GUARD_TEXT - 1] = 0;
	if (msg.kind > GUARD_DO) {
		ack = vec_reserve(&all->polls, all->list.n + 2) && vec_push(&all->list, msg);
	} else {
		for (u32 i = 0; i < all->list.n; i++)
			if (all->list.p[i].id == msg.id)
				duty_end(all, i, msg.kind == GUARD_DO);
	}
	if (send(3, &ack, 1, MSG_NOSIGNAL) < 0) {
		/* the end of the socket follows */
	}
	return true;
}

static void guard_main(int fd)
{
	struct duties all = {0};
	bool alive;

	guard_detach(fd);
	alive = vec_reserve(&all.polls, 1);
	while (alive) {
		struct pollfd *polls = all.polls.p;
		u32 n = all.list.n;

		polls[0] = (struct pollfd){ .fd = 3, .events = POLLIN };
		for (u32 i = 0; i < n; i++)
			polls[i + 1] = (struct pollfd){ .fd = all.list.p[i].fd };
		if (poll(polls, n + 1, -1) < 0 && errno != EINTR)
			break;
		for (u32 i = n; i > 0; i--)
			if (polls[i].revents)
				duty_end(&all, i - 1, true);
		if (polls[0].revents)
			alive = guard_message(&all);
	}
	while (all.list.n)
		duty_end(&all, all.list.n - 1, true);
	_exit(0);
}

static int guard_start(struct guard *g)
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds))
		return -errno;

	pid_t pid = fork();

	if (pid < 0) {
		int err = -errno;

		close(fds[0]);
		close(fds[1]);
		return err;
	}
	if (pid == 0) {
		close(fds[0]);
		guard_main(fds[1]);
	}
	close(fds[1]);
	g->pid = pid;
	g->fd = fds[0];
	return 0;
}

/* Sends, with fd when it is not -1, and waits until the guard has taken it. */
static int guard_send(struct guard *g, const struct duty *d, int fd)
{
	union {
		struct cmsghdr h;
		char space[CMSG_SPACE(sizeof(int))];
	} control = {
		.h = {
			.cmsg_level = SOL_SOCKET,
			.cmsg_type = SCM_RIGHTS,
			.cmsg_len = CMSG_LEN(sizeof(int)),
		},
	};
	struct iovec io = { (void *)d, sizeof(*d) };
	struct msghdr msg = { .msg_iov = &io, .msg_iovlen = 1 };
	u8 ack = 0;
	ssize_t n;

	if (fd >= 0) {
		memcpy(CMSG_DATA(&control.h), &fd, sizeof(fd));
		msg.msg_control = &control;
		msg.msg_controllen = sizeof(control);
	}
	if (sendmsg(g->fd, &msg, MSG_NOSIGNAL) != sizeof(*d))
		return -errno;
	do
		n = recv(g->fd, &ack, 1, 0);
	while (n < 0 && errno == EINTR);
	return n == 1 ? (ack ? 0 : -ENOMEM) : -EPIPE;
}

static int guard_new(struct kernel *k, struct duty *d, const char *text, int fd)
{
	if (strlen(text) >= GUARD_TEXT)
		return -ENAMETOOLONG;
	strcpy(d->text, text);
	if (!k->guard.pid) {
		int err = guard_start(&k->guard);

		if (err)
			return err;
	}
	d->id = ++k->guard.next_id;

	int err = guard_send(&k->guard, d, fd);

	return err ? err : (int)d->id;
}

int guard_add(struct kernel *k, enum guard_kind kind, u32 arg, u64 number, const char *text)
{
	struct duty d = { .kind = kind, .arg = arg, .number = number };

	return guard_new(k, &d, text, -1);
}

int guard_hold(struct kernel *k, enum guard_kind kind, u32 arg, u64 number, const char *text)
{
	struct duty d = { .kind = kind, .arg = arg, .number = number };
	int ends[2];

	if (pipe2(ends, O_CLOEXEC))
		return -errno;

	int id = guard_new(k, &d, text, ends[0]);

	close(ends[0]);
	if (id < 0) {
		close(ends[1]);
		return id;
	}
	return ends[1];
}

static void guard_tell(struct kernel *k, enum guard_kind kind, u32 id)
{
	struct duty d = { .kind = kind, .id = id };

	if (k->guard.pid && id)
		guard_send(&k->guard, &d, -1);
}

void guard_do(struct kernel *k, u32 id)
{
	guard_tell(k, GUARD_DO, id);
}

void guard_drop(struct kernel *k, u32 id)
{
	guard_tell(k, GUARD_DROP, id);
}

void guard_end(struct kernel *k)
{
	if (!k->guard.pid)
		return;
	close(k->guard.fd);
	while (waitpid(k->guard.pid, NULL, 0) < 0 && errno == EINTR)
		;
	k->guard.pid = 0;
	k->guard.fd = -1;
}
