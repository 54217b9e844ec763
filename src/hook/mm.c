/* SPDX-License-Identifier: BSD-2-Clause */
/* hook/mm.c - address spaces of the tree: shared by threads and vfork children, copied by fork. */
#include "hook/guard.h"
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

struct mm {
	u32 refs;
	int fd; /* of /proc/TID/mem, -1: not open yet */
};

struct mm *mm_new(void)
{
	struct mm *m = calloc(1, sizeof(*m));

	if (m) {
		m->refs = 1;
		m->fd = -1;
	}
	return m;
}

struct mm *mm_get(struct mm *m)
{
	if (m)
		m->refs++;
	return m;
}

void mm_put(struct mm *m)
{
	if (!m || --m->refs)
		return;
	if (m->fd >= 0)
		close(m->fd);
	free(m);
}

struct mm *mm_copy(const struct mm *m, s32 tid)
{
	(void)m;
	(void)tid;
	return mm_new();
}

int mm_fd(struct mm *m, s32 tid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/mem", tid);
	if (m->fd < 0)
		m->fd = open(path, O_RDWR | O_CLOEXEC);
	return m->fd;
}

void bp_scan(struct trace *t, struct task *k)
{
	(void)t;
	(void)k;
}

bool bp_hit(struct trace *t, struct task *k)
{
	(void)t;
	(void)k;
	return false;
}

void bp_remove_all(struct trace *t, struct task *k)
{
	(void)t;
	(void)k;
}
