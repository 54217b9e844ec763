/* SPDX-License-Identifier: BSD-2-Clause */
/* hook/mm.c - address spaces of the tree, as the guard knows them. */
#include "hook/mm.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/ptrace.h>
#include <unistd.h>

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
	vec_free(&m->sites);
	vec_free(&m->scratch);
	vec_free(&m->counters);
	vec_free(&m->returns);
	free(m->buckets);
	free(m);
}

#define copy_vec(to, from) \
	(vec_reserve(to, (from)->n) && \
	 ((from)->n == 0 || memcpy((to)->p, (from)->p, (from)->n * sizeof(*(to)->p))) && \
	 ((to)->n = (from)->n, true))

struct mm *mm_copy(const struct mm *m)
{
	struct mm *c = mm_new();

	if (!c || !m)
		return c;
	if (m->n_buckets)
		c->buckets = calloc(m->n_buckets, sizeof(*c->buckets));
	if (!copy_vec(&c->sites, &m->sites) || !copy_vec(&c->scratch, &m->scratch) ||
	    !copy_vec(&c->counters, &m->counters) || !copy_vec(&c->returns, &m->returns) ||
	    (m->n_buckets && !c->buckets)) {
		mm_put(c);
		return NULL;
	}
	if (m->n_buckets)
		memcpy(c->buckets, m->buckets, m->n_buckets * sizeof(*c->buckets));
	c->n_buckets = m->n_buckets;
	c->n_returns = m->n_returns;
	c->free_return = m->free_return;
	c->no_scratch = m->no_scratch;
	c->scanned = m->scanned;
	return c;
}

/* ---- memory ---- */

int mm_fd(struct mm *m, s32 tid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/mem", tid);
	if (m->fd < 0)
		m->fd = open(path, O_RDWR | O_CLOEXEC);
	return m->fd;
}

size_t mm_read_some(struct mm *m, s32 tid, u64 addr, void *dst, size_t size)
{
	int fd = mm_fd(m, tid);
	size_t done = 0;

	while (fd >= 0 && done < size) {
		size_t part = MIN(size - done, 4096 - ((addr + done) & 4095));
		ssize_t n = pread(fd, (u8 *)dst + done, part, (off_t)(addr + done));

		if (n <= 0)
			break;
		done += (size_t)n;
	}
	return done;
}

bool mm_read(struct mm *m, s32 tid, u64 addr, void *dst, size_t size)
{
	return mm_read_some(m, tid, addr, dst, size) == size;
}

/* Kernels that forbid forced writes by way of /proc/TID/mem (proc_mem.force_override) still let
 * ptrace(2) do them, a word at a time; the task must be stopped for that. */
static bool poke(s32 tid, u64 addr, const u8 *src, size_t size)
{
	while (size) {
		u64 at = addr & ~7ull, skip = addr - at;
		size_t part = MIN(size, 8 - skip);

		errno = 0;
		long word = ptrace(PTRACE_PEEKDATA, tid, (void *)at, NULL);

		if (errno)
			return false;
		memcpy((u8 *)&word + skip, src, part);
		if (ptrace(PTRACE_POKEDATA, tid, (void *)at, (void *)word))
			return false;
		addr += part;
		src += part;
		size -= part;
	}
	return true;
}

bool mm_write(struct mm *m, s32 tid, u64 addr, const void *src, size_t size)
{
	int fd = mm_fd(m, tid);

	return (fd >= 0 && pwrite(fd, src, size, (off_t)addr) == (ssize_t)size) ||
	       poke(tid, addr, src, size);
}

/* ---- sites ---- */

/* Index of the first site at addr or above. */
static u32 site_index(const struct mm *m, u64 addr)
{
	u32 lo = 0, hi = m->sites.n;

	while (lo < hi) {
		u32 mid = (lo + hi) / 2;

		if (m->sites.p[mid].addr < addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

struct site *mm_site(struct mm *m, u64 addr)
{
	u32 i = site_index(m, addr);

	return i < m->sites.n && m->sites.p[i].addr == addr ? &m->sites.p[i] : NULL;
}

struct site *mm_site_add(struct mm *m, u64 addr)
{
	u32 i = site_index(m, addr);

	if (!vec_reserve(&m->sites, 1))
		return NULL;

	struct site *s = &m->sites.p[i];

	memmove(s + 1, s, (m->sites.n - i) * sizeof(*s));
	memset(s, 0, sizeof(*s));
	m->sites.n++;
	s->addr = addr;
	s->place = NO_PLACE;
	return s;
}

struct site *mm_site_by_slot(struct mm *m, u64 pc, u32 *off)
{
	bool inside = false;

	for (u32 i = 0; i < m->scratch.n && !inside; i++)
		inside = pc - m->scratch.p[i].addr < m->scratch.p[i].max * XOL_SLOT_BYTES;
	for (u32 i = 0; i < m->sites.n && inside; i++) {
		struct site *s = &m->sites.p[i];

		if (!s->slot || pc - s->slot >= XOL_SLOT_BYTES)
			continue;
		*off = (u32)(pc - s->slot);
		return s;
	}
	return NULL;
}

/* ---- returns ---- */

static u32 *return_bucket(const struct mm *m, u64 slot)
{
	return &m->buckets[(slot >> 3) * 0x9e3779b97f4a7c15ull >> 40 & (m->n_buckets - 1)];
}

/* The order within a slot, newest first, must stay: each chain is turned round and moved from its
 * oldest end. */
static bool grow_buckets(struct mm *m)
{
	u32 n_old = m->n_buckets, n = n_old ? n_old * 4 : 64;
	u32 *buckets = calloc(n, sizeof(*buckets)), *old = m->buckets;

	if (!buckets)
		return n_old != 0;
	m->buckets = buckets;
	m->n_buckets = n;
	for (u32 b = 0; b < n_old; b++) {
		u32 turned = 0;

		for (u32 i = old[b], next; i; i = next) {
			next = m->returns.p[i - 1].next;
			m->returns.p[i - 1].next = turned;
			turned = i;
		}
		for (u32 i = turned, next; i; i = next) {
			u32 *to = return_bucket(m, m->returns.p[i - 1].slot);

			next = m->returns.p[i - 1].next;
			m->returns.p[i - 1].next = *to;
			*to = i;
		}
	}
	free(old);
	return true;
}

/* Takes *link out of its bucket. */
static void drop_return(struct mm *m, u32 *link)
{
	u32 index = *link;
	struct returning *r = &m->returns.p[index - 1];

	*link = r->next;
	r->next = m->free_return;
	m->free_return = index;
	m->n_returns--;
}

bool mm_return_add(struct mm *m, u64 slot, u64 ret, u64 func, s32 bp)
{
	if (m->n_returns >= m->n_buckets * 2 && !grow_buckets(m))
		return false;

	/* The slot has been written anew since an entry with another address, or of the same bp,
	 * was made: that call never returned.  Different bps with one address are tail calls. */
	for (u32 *link = return_bucket(m, slot); *link; ) {
		struct returning *r = &m->returns.p[*link - 1];

		if (r->slot == slot && (r->ret != ret || r->bp == bp))
			drop_return(m, link);
		else
			link = &r->next;
	}

	u32 index = m->free_return;

	if (index) {
		m->free_return = m->returns.p[index - 1].next;
	} else {
		if (m->returns.n >= RETURNS_MAX || !vec_add(&m->returns))
			return false;
		index = m->returns.n;
	}
	u32 *bucket = return_bucket(m, slot);

	m->returns.p[index - 1] = (struct returning){ slot, ret, func, bp, *bucket };
	*bucket = index;
	m->n_returns++;
	return true;
}

bool mm_return_take(struct mm *m, u64 slot, u64 ret, struct returning *out)
{
	if (!m->n_buckets)
		return false;
	for (u32 *link = return_bucket(m, slot); *link; link = &m->returns.p[*link - 1].next) {
		struct returning *r = &m->returns.p[*link - 1];

		if (r->slot != slot || r->ret != ret)
			continue;
		*out = *r;
		drop_return(m, link);
		return true;
	}
	return false;
}
