/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz_ring.c - ring buffers and perf buffers whose every byte somebody else wrote: reading ends, and
 * touches nothing outside.
 *
 *	input  8 bytes consumer position, 8 producer position, then data, repeated as often as needed
 */
#include "base/mem.h"
#include "engine/ring.h"
#include <linux/perf_event.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PAGE = 4096, DATA = 4096 };

struct count {
	u64 n, bytes;
};

/* Looks at every byte, so that the sanitizer sees a record that leaves its ring. */
static int on_record(void *arg, const void *data, u32 size)
{
	struct count *c = arg;

	for (u32 i = 0; i < size; i++)
		c->bytes += ((const u8 *)data)[i] | 1;
	return ++c->n > 10 * DATA ? abort(), 1 : 0;
}

static void fill(u8 *to, u32 n, const uint8_t *data, size_t size)
{
	for (u32 i = 0; i < n; i++)
		to[i] = size ? data[i % size] : 0;
}

static void read_ringbuf(u64 consumed, u64 produced, const uint8_t *data, size_t size)
{
	u8 *ring = malloc(PAGE + 2 * DATA);
	struct ringbuf rb = { .consumer = &consumed, .producer = ring, .size = DATA, .page = PAGE };
	struct count c = {0};

	if (!ring)
		abort();
	mem_put64(ring, produced);
	fill(ring + PAGE, DATA, data, size);
	memcpy(ring + PAGE + DATA, ring + PAGE, DATA);
	ringbuf_consume(&rb, on_record, &c);
	free(ring);
}

static void read_perf(u64 consumed, u64 produced, const uint8_t *data, size_t size)
{
	u8 *base = calloc(1, PAGE + DATA), *scratch = malloc(DATA);
	struct perf_event_mmap_page *head = (void *)base;
	struct perf_ring ring = { .base = head, .page_bytes = PAGE, .data_bytes = DATA, .fd = -1 };
	struct count c = {0};
	u64 lost = 0;

	if (!base || !scratch)
		abort();
	head->data_tail = consumed;
	head->data_head = produced;
	fill(base + PAGE, DATA, data, size);
	perf_ring_consume(&ring, scratch, on_record, &c, &lost);
	free(base);
	free(scratch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	u64 consumed, produced;

	if (size < 16)
		return 0;
	consumed = mem_get64(data);
	produced = mem_get64(data + 8);
	read_ringbuf(consumed, produced, data + 16, size - 16);
	read_perf(consumed, produced, data + 16, size - 16);
	/* Positions that fit together, so that records are reached. */
	read_ringbuf(consumed & ~7ull, (consumed & ~7ull) + produced % DATA, data + 16, size - 16);
	read_perf(consumed & ~7ull, (consumed & ~7ull) + (produced % DATA & ~7ull), data + 16, size - 16);
	return 0;
}
