/* SPDX-License-Identifier: BSD-2-Clause */
/* engine/ring.h - the reading end of ring buffers and perf buffers, of either engine.
 *
 * Both are mappings that somebody else writes, on the user engine any process that has the map: what
 * is read from them is bounded by sizes known here, and a broken ring ends its reading with -EIO.
 */
#pragma once
#include "base/types.h"
#include "engine/engine.h"

/* A record, valid for the call.  Non-zero stops the reading; the record counts as read. */
typedef int (*ring_fn)(void *arg, const void *data, u32 size);

/* BPF_MAP_TYPE_RINGBUF: consumer page, producer page, data seen twice. */
struct ringbuf {
	volatile u64 *consumer; /* mapped, writable */
	const u8 *producer;     /* mapped: producer page, then data */
	u64 size;               /* bytes of data, a power of two */
	u64 page;
};

int ringbuf_open(int map_fd, u64 size, struct ringbuf *out);
void ringbuf_close(struct ringbuf *rb);
/* Where reading and writing stand, in bytes since the ring was made. */
u64 ringbuf_read_at(const struct ringbuf *rb);
u64 ringbuf_written_to(const struct ringbuf *rb);
/* Reads what is there: number of records, what fn returned when not 0, or -EIO. */
s64 ringbuf_consume(struct ringbuf *rb, ring_fn fn, void *arg);

/* Reads a perf ring: PERF_RECORD_SAMPLE's raw data goes to fn, PERF_RECORD_LOST is added to *lost.
 * scratch holds data_bytes, for records that wrap around. */
s64 perf_ring_consume(const struct perf_ring *ring, void *scratch, ring_fn fn, void *arg, u64 *lost);
void perf_ring_close(struct perf_ring *ring);
