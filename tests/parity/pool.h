/* SPDX-License-Identifier: BSD-2-Clause */
/* parity/pool.h - jobs in forked workers, so that a crash or an endless run is one job's failure. */
#pragma once
#include "base/types.h"

enum job_state { JOB_NOT_RUN, JOB_DONE, JOB_CRASHED, JOB_TIMED_OUT };

struct pool {
	u32 n_jobs, n_workers, limit_s;
	u64 max_bytes; /* of a worker's memory; 0: no limit */
	/* Runs job i in a worker; what it finds goes to memory that pool_shared() gave. */
	void (*run)(void *arg, u32 i);
	void *arg;
	enum job_state *state; /* n_jobs; shared */
	int *signals;          /* that ended a crashed job's worker; shared */
};

/* Zeroed memory that parent and workers share, until the process ends.  NULL: none. */
void *pool_shared(size_t size);
/* Runs all jobs.  0, or -ENOMEM. */
int pool_run(struct pool *p);
