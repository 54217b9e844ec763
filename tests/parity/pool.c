/* SPDX-License-Identifier: BSD-2-Clause */
/* parity/pool.c - jobs in forked workers. */
#include "parity/pool.h"
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
enum { HAS_ASAN = 1 }; /* its shadow takes terabytes of address space */
#else
enum { HAS_ASAN = 0 };
#endif

enum { WORKERS_MAX = 64 };

struct shared {
	u32 next;                 /* job that nobody has taken */
	u32 current[WORKERS_MAX]; /* job of each worker + 1; 0: none */
};

void *pool_shared(size_t size)
{
	void *p = mmap(NULL, size ? size : 1, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		       0);

	return p == MAP_FAILED ? NULL : p;
}

static void worker(struct pool *p, struct shared *sh, u32 w)
{
	struct rlimit memory = { p->max_bytes, p->max_bytes }, core = { 0, 0 };
	u32 i;

	if (p->max_bytes && !HAS_ASAN)
		setrlimit(RLIMIT_AS, &memory);
	setrlimit(RLIMIT_CORE, &core);
	while ((i = __atomic_fetch_add(&sh->next, 1, __ATOMIC_RELAXED)) < p->n_jobs) {
		sh->current[w] = i + 1;
		signal(SIGALRM, SIG_DFL);
		alarm(p->limit_s);
		p->run(p->arg, i);
		alarm(0);
		p->state[i] = JOB_DONE;
		sh->current[w] = 0;
	}
	_exit(0);
}

static pid_t start(struct pool *p, struct shared *sh, u32 w)
{
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid == 0)
		worker(p, sh, w);
	return pid;
}

int pool_run(struct pool *p)
{
	struct shared *sh = pool_shared(sizeof(*sh));
	u32 n = p->n_workers < WORKERS_MAX ? p->n_workers : WORKERS_MAX, left = 0;
	pid_t pids[WORKERS_MAX];

	p->state = pool_shared(p->n_jobs * sizeof(*p->state));
	p->signals = pool_shared(p->n_jobs * sizeof(*p->signals));
	if (!sh || !p->state || !p->signals)
		return -ENOMEM;
	for (u32 w = 0; w < n; w++) {
		pids[w] = start(p, sh, w);
		left += pids[w] > 0;
	}
	while (left) {
		int status;
		pid_t pid = wait(&status);

		if (pid < 0)
			break;
		for (u32 w = 0; w < n; w++) {
			u32 job = sh->current[w];

			if (pids[w] != pid)
				continue;
			left--;
			if (!WIFSIGNALED(status) || !job)
				continue;
			p->signals[job - 1] = WTERMSIG(status);
			p->state[job - 1] = WTERMSIG(status) == SIGALRM ? JOB_TIMED_OUT :
									   JOB_CRASHED;
			sh->current[w] = 0;
			pids[w] = start(p, sh, w);
			left += pids[w] > 0;
		}
	}
	return 0;
}
