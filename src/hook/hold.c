/* SPDX-License-Identifier: BSD-2-Clause */
/* hook/hold.c - the command before it is traced: a child that waits, so that its pid is known.
 *
 *	controller ── fork ──> child: waits ───────────────── filter, execve
 *	           ── fork ──> guard: seizes it, a byte ──^
 *
 * What the filter has is known only when the guard starts: it lies in memory that both share.
 */
#include "base/command.h"
#include "hook/guard.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { REAP_TRIES = 50, REAP_PAUSE_US = 1000 };

struct hold_filter {
	u32 n;                              /* 0: none */
	struct sock_filter insns[BPF_MAXINSNS];
};

/* ---- in the child ---- */

/* Puts the filter in.  Only a caller with CAP_SYS_ADMIN may do so without no_new_privs, and then
 * set-user-id programs of the tree work as ever. */
static int install_filter(const struct sock_fprog *prog)
{
	if (!prog->len || !prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, prog, 0, 0))
		return 0;
	if (errno == EACCES && !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) &&
	    !prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, prog, 0, 0))
		return 0;
	return -errno;
}

/* Waits until it is seized, then becomes the command.  Between the filter and execve it makes no
 * other call.  Where only ancestors may trace (yama), the guard may as a descendant of the
 * controller. */
static _Noreturn void run_command(int go, int failed, const struct hold_filter *f,
				  char *const *argv, const char *path, const sigset_t *mask)
{
	struct sock_fprog prog = { 0 };
	int err = 0;
	char byte;

	prctl(PR_SET_PTRACER, getppid(), 0, 0, 0);
	if (write(failed, &err, sizeof(err)) < 0 || read(go, &byte, 1) != 1)
		_exit(127); /* whoever was to let it go has died */
	prctl(PR_SET_PTRACER, 0, 0, 0, 0);
	signal(SIGPIPE, SIG_DFL);
	sigprocmask(SIG_SETMASK, mask, NULL);
	prog.len = (u16)f->n;
	prog.filter = (struct sock_filter *)f->insns;
	err = install_filter(&prog);
	if (!err) {
		execv(path, argv);
		err = -errno;
	}
	if (write(failed, &err, sizeof(err)) < 0)
		_exit(126);
	_exit(127);
}

/* ---- in the controller ---- */

static int hold_fork(struct trace *t, char *const *argv, const char *path, const sigset_t *mask)
{
	struct hold *h = &t->hold;
	int go[2], bad[2], ready;

	if (pipe2(go, O_CLOEXEC))
		return -errno;
	if (pipe2(bad, O_CLOEXEC)) {
		close(go[0]);
		close(go[1]);
		return -errno;
	}
	h->pid = fork();
	if (h->pid == 0) {
		close(go[1]);
		close(bad[0]);
		run_command(go[0], bad[1], h->filter, argv, path, mask);
	}
	h->go = go[1];
	h->failed = bad[0];
	close(go[0]);
	close(bad[1]);
	if (h->pid < 0 || read(h->failed, &ready, sizeof(ready)) != sizeof(ready))
		return h->pid < 0 ? -EAGAIN : -ECHILD;
	return fcntl(h->failed, F_SETFL, O_NONBLOCK) ? -errno : 0;
}

int trace_hold(struct trace *t, char *const *argv, const sigset_t *mask, struct diag *dg)
{
	const struct place none = { 0 };
	const char *name = argv[0] ? argv[0] : "";
	struct hold *h = &t->hold;
	char *path = NULL;
	sigset_t own;
	int err = command_find(name, &path);

	if (err)
		return diag_error(dg, none, err, "can't run '%s': %s", name, strerror(-err));
	if (!mask) {
		sigprocmask(SIG_SETMASK, NULL, &own);
		mask = &own;
	}
	h->filter = mmap(NULL, sizeof(*h->filter), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (h->filter == MAP_FAILED)
		h->filter = NULL;
	err = h->filter ? hold_fork(t, argv, path, mask) : -ENOMEM;
	free(path);
	if (!err)
		return h->pid;
	hold_drop(t);
	return diag_error(dg, none, err, "can't start '%s': %s", name, strerror(-err));
}

void hold_close(struct trace *t)
{
	struct hold *h = &t->hold;

	if (h->go >= 0)
		close(h->go);
	if (h->failed >= 0)
		close(h->failed);
	if (h->filter)
		munmap(h->filter, sizeof(*h->filter));
	h->go = h->failed = -1;
	h->filter = NULL;
}

void hold_reap(struct trace *t)
{
	struct hold *h = &t->hold;

	for (u32 i = 0; h->pid > 0 && i < REAP_TRIES; i++) {
		if (waitpid(h->pid, NULL, WNOHANG)) {
			h->pid = 0;
			return;
		}
		usleep(REAP_PAUSE_US);
	}
}

void hold_drop(struct trace *t)
{
	bool waits = t->hold.go >= 0;

	hold_close(t);
	if (t->hold.pid <= 0)
		return;
	if (waits) {
		kill(t->hold.pid, SIGKILL);
		hold_reap(t);
	} else {
		waitpid(t->hold.pid, NULL, WNOHANG);
	}
}

/* ---- in the guard ---- */

int hold_filter(struct trace *t)
{
	struct sock_filter *insns = NULL;
	int n = filter_build(t, &insns);

	if (n > BPF_MAXINSNS)
		n = -E2BIG;
	if (n > 0) {
		memcpy(t->hold.filter->insns, insns, (size_t)n * sizeof(*insns));
		t->hold.filter->n = (u32)n;
	}
	free(insns);
	return MIN(n, 0);
}
