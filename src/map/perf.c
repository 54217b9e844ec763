/* SPDX-License-Identifier: BSD-2-Clause */
/* map/perf.c - writes records into perf-style rings, one per CPU.
 *
 * Each ring is a file of its own in the layout of perf_event_open(2): a header page (data_head at
 * byte 1024, data_tail, data_offset, data_size), then a power of two of data pages.  Its consumer
 * maps it as it maps the kernel's.  What writers need besides (a lock, the lost count) lies in the
 * reserved bytes before data_head.  Kernel: perf_output_begin() and perf_event_output(),
 * Linux 6.18.
 */
#include "map/kind.h"

#include <linux/perf_event.h>

struct perf_private {
	u32 lock;
	u32 pad;
	u64 n_lost;
};
enum { PERF_PRIVATE_OFF = 1024 - 64 };
_Static_assert(offsetof(struct perf_event_mmap_page, data_head) == 1024, "perf's ABI");

struct perf_lost {
	struct perf_event_header header;
	u64 id, lost;
};

static struct perf_private *private_of(const struct perf_slot *ring)
{
	return (struct perf_private *)(ring->base + PERF_PRIVATE_OFF);
}

int map_perf_attach(struct map *m, u32 cpu, void *mapped, u64 size)
{
	u64 data = size - MAP_PAGE;
	struct perf_event_mmap_page *page = mapped;
	struct perf_slot *ring;

	if (m->type != BPF_MAP_TYPE_PERF_EVENT_ARRAY)
		return -EINVAL;
	if (cpu >= m->n_cpus)
		return -E2BIG;
	ring = &m->perf[cpu];
	if (!mapped) {
		STORE_REL(&ring->base, NULL);
		return 0;
	}
	if (size < 2 * MAP_PAGE || data & (data - 1) || (u64)mapped % 8)
		return -EINVAL;
	ring->data_mask = data - 1;
	page->data_offset = MAP_PAGE;
	page->data_size = data;
	STORE_REL(&ring->base, (u8 *)mapped);
	return 0;
}

/* Copies into the ring at position pos, round its end where need be. */
static void ring_put(const struct perf_slot *ring, u64 pos, const void *src, u64 size)
{
	u8 *data = ring->base + MAP_PAGE;
	u64 at = pos & ring->data_mask, first = MIN(size, ring->data_mask + 1 - at);

	mem_copy(data + at, src, first);
	mem_copy(data, (const u8 *)src + first, size - first);
}

/* The sample's bytes: header, raw size, raw, tail, zeros up to a multiple of 8. */
static void put_sample(const struct perf_slot *ring, u64 pos, u64 total, const void *raw, u64 size,
		       const void *tail, u64 tail_size)
{
	static const u8 zeros[8];
	u32 raw_size = (u32)(total - sizeof(struct perf_event_header) - 4);
	u8 head[12];

	mem_put32(head, PERF_RECORD_SAMPLE);
	mem_put16(head + 4, 0);
	mem_put16(head + 6, (u16)total);
	mem_put32(head + 8, raw_size);
	ring_put(ring, pos, head, sizeof(head));
	ring_put(ring, pos + 12, raw, size);
	ring_put(ring, pos + 12 + size, tail, tail_size);
	ring_put(ring, pos + 12 + size + tail_size, zeros, raw_size - size - tail_size);
}

static int output_locked(const struct perf_slot *ring, const void *raw, u64 size, const void *tail,
			 u64 tail_size, u64 total)
{
	struct perf_event_mmap_page *page = (struct perf_event_mmap_page *)ring->base;
	struct perf_private *own = private_of(ring);
	u64 head = LOAD((u64 *)&page->data_head) & ~7ull, lost = LOAD(&own->n_lost);
	u64 used = head - LOAD_ACQ((u64 *)&page->data_tail);
	u64 need = total + (lost ? sizeof(struct perf_lost) : 0);

	if (used > ring->data_mask || need > ring->data_mask - used) {
		STORE(&own->n_lost, lost + 1);
		return -ENOSPC;
	}
	if (lost) {
		struct perf_lost record = {
			.header = {PERF_RECORD_LOST, 0, sizeof(record)},
			.lost = lost,
		};

		ring_put(ring, head, &record, sizeof(record));
		head += sizeof(record);
		STORE(&own->n_lost, 0);
	}
	put_sample(ring, head, total, raw, size, tail, tail_size);
	STORE_REL((u64 *)&page->data_head, head + total);
	return 0;
}

int map_perf_output(struct map *m, u32 cpu, const void *raw, u64 size, const void *tail,
		    u64 tail_size)
{
	u64 total = ALIGN_UP(sizeof(struct perf_event_header) + 4 + size + tail_size, 8);
	struct perf_slot ring;
	int err;

	if (m->type != BPF_MAP_TYPE_PERF_EVENT_ARRAY)
		return -EINVAL;
	if (cpu >= m->max_entries)
		return -E2BIG;
	if (cpu >= m->n_cpus)
		return -ENOENT;
	if (size > UINT16_MAX || tail_size > UINT16_MAX || total > UINT16_MAX)
		return -E2BIG;
	ring.base = LOAD_ACQ(&m->perf[cpu].base);
	ring.data_mask = m->perf[cpu].data_mask;
	if (!ring.base)
		return -ENOENT;
	err = owner_lock(m, &private_of(&ring)->lock);
	if (err < 0)
		return err;
	err = output_locked(&ring, raw, size, tail, tail_size, total);
	owner_unlock(&private_of(&ring)->lock);
	if (!err && m->wake)
		m->wake(m->wake_arg);
	return err;
}

u64 map_perf_lost(const struct map *m, u32 cpu)
{
	if (m->type != BPF_MAP_TYPE_PERF_EVENT_ARRAY || cpu >= m->n_cpus || !m->perf[cpu].base)
		return 0;
	return LOAD(&private_of(&m->perf[cpu])->n_lost);
}
