/* SPDX-License-Identifier: BSD-2-Clause */
/* engine/user/perf.h - rings of perf event arrays, each a file in memory of its own. */
#pragma once
#include "engine/user/session.h"

struct perf_file {
	struct object *map; /* a reference */
	u32 cpu;
	void *base; /* owned mapping, of the session: the client gets one of its own */
	u64 bytes;
};

int user_perf_ring_open(struct engine *e, int map_fd, u32 cpu, u32 n_pages, struct perf_ring *out);
void perf_rings_free(struct session *s);
