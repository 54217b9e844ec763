/* SPDX-License-Identifier: BSD-2-Clause */
/* engine/ring.c - consumes what programs put into ring buffers and perf buffers. */
#include "engine/ring.h"
#include "base/mem.h"
#include <errno.h>
#include <linux/perf_event.h>
#include <sys/mman.h>
#include <unistd.h>

enum { RING_BUSY = 1u << 31, RING_DISCARD = 1u << 30, RING_HEADER = 8 };

int ringbuf_open(int map_fd, u64 size, struct ringbuf *out)
{
	u64 page = (u64)sysconf(_SC_PAGESIZE);
	void *consumer, *producer;
	int err;

	if (!size || size & (size - 1) || size % page || size > UINT32_MAX)
		return -EINVAL;
	consumer = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, map_fd, 0);
	if (consumer == MAP_FAILED)
		return -errno;
	producer = mmap(NULL, page + 2 * size, PROT_READ, MAP_SHARED, map_fd, (off_t)page);
	if (producer == MAP_FAILED) {
		err = -errno;
		munmap(consumer, page);
		return err;
	}
	*out = (struct ringbuf){ .consumer = consumer, .producer = producer, .size = size,
				 .page = page };
	return 0;
}

void ringbuf_close(struct ringbuf *rb)
{
	if (rb->consumer)
		munmap((void *)rb->consumer, rb->page);
	if (rb->producer)
		munmap((void *)rb->producer, rb->page + 2 * rb->size);
	*rb = (struct ringbuf){0};
}

u64 ringbuf_read_at(const struct ringbuf *rb)
{
	return __atomic_load_n(rb->consumer, __ATOMIC_RELAXED);
}

u64 ringbuf_written_to(const struct ringbuf *rb)
{
	return __atomic_load_n((const u64 *)rb->producer, __ATOMIC_ACQUIRE);
}

s64 ringbuf_consume(struct ringbuf *rb, ring_fn fn, void *arg)
{
	const u8 *data = rb->producer + rb->page;
	u64 pos = __atomic_load_n(rb->consumer, __ATOMIC_RELAXED);
	s64 n = 0;
	int ret = 0;

	while (!ret) {
		u64 end = __atomic_load_n((const u64 *)rb->producer, __ATOMIC_ACQUIRE);
		u64 at = pos & (rb->size - 1);
		u32 head, len;

		if (pos == end)
			break;
		if (end - pos > rb->size || pos % 8)
			return -EIO;
		head = __atomic_load_n((const u32 *)(data + at), __ATOMIC_ACQUIRE);
		if (head & RING_BUSY)
			break;
		len = head & ~(u32)RING_DISCARD;
		if (len > rb->size - RING_HEADER)
			return -EIO;
		if (!(head & RING_DISCARD)) {
			ret = fn(arg, data + at + RING_HEADER, len);
			n++;
		}
		pos += ALIGN_UP((u64)len + RING_HEADER, 8ull);
		__atomic_store_n(rb->consumer, pos, __ATOMIC_RELEASE);
	}
	return ret ? ret : n;
}

/* size bytes at pos, in one piece: in place, or copied to scratch where they wrap. */
static const u8 *straight(const struct perf_ring *ring, const u8 *data, u64 pos, u32 size, u8 *scratch)
{
	u64 at = pos & (ring->data_bytes - 1), first = ring->data_bytes - at;

	if (size <= first)
		return data + at;
	mem_copy(scratch, data + at, first);
	mem_copy(scratch + first, data, size - first);
	return scratch;
}

s64 perf_ring_consume(const struct perf_ring *ring, void *scratch, ring_fn fn, void *arg, u64 *lost)
{
	struct perf_event_mmap_page *head = ring->base;
	const u8 *data = (const u8 *)ring->base + ring->page_bytes;
	u64 pos = head->data_tail, end = __atomic_load_n(&head->data_head, __ATOMIC_ACQUIRE);
	s64 n = 0;
	int ret = 0;

	if (end - pos > ring->data_bytes || pos % 8)
		return -EIO;
	while (pos != end && !ret) {
		struct perf_event_header h;
		const u8 *rec;
		u32 raw;

		mem_copy(&h, data + (pos & (ring->data_bytes - 1)), sizeof(h));
		if (h.size < sizeof(h) || h.size > end - pos || h.size % 8)
			return -EIO;
		rec = straight(ring, data, pos, h.size, scratch);
		if (h.type == PERF_RECORD_SAMPLE && h.size >= sizeof(h) + 4) {
			raw = mem_get32(rec + sizeof(h));
			if (raw > h.size - sizeof(h) - 4)
				return -EIO;
			ret = fn(arg, rec + sizeof(h) + 4, raw);
			n++;
		} else if (h.type == PERF_RECORD_LOST && h.size >= sizeof(h) + 16) {
			*lost += mem_get64(rec + sizeof(h) + 8);
		}
		pos += h.size;
		__atomic_store_n(&head->data_tail, pos, __ATOMIC_RELEASE);
	}
	return ret ? ret : n;
}

void perf_ring_close(struct perf_ring *ring)
{
	if (ring->base)
		munmap(ring->base, ring->page_bytes + ring->data_bytes);
	if (ring->fd >= 0)
		close(ring->fd);
	*ring = (struct perf_ring){ .fd = -1 };
}
