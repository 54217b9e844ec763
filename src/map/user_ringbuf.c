/* SPDX-License-Identifier: BSD-2-Clause */
/* map/user_ringbuf.c - the ring buffer that user space writes and programs drain.
 *
 * Kernel: kernel/bpf/ringbuf.c, bpf_user_ringbuf_drain().  The pages lie as in ringbuf.c with the
 * roles swapped; the producer writes as libbpf's user_ring_buffer does, linearly from (pos & mask).
 */
#include "map/kind.h"
#include "map/ring.h"

enum { USER_SAMPLES_MAX = 128 * 1024 }; /* kernel BPF_MAX_USER_RINGBUF_SAMPLES */
#define DYNPTR_SIZE_MAX 0xffffffu	/* kernel DYNPTR_MAX_SIZE */

struct sample {
	const u8 *data;
	u32 size;
	u64 bytes; /* with header, rounded up */
};

/* Kernel __bpf_user_ringbuf_peek(): 0, -ENODATA, -EAGAIN after a discarded one, -EINVAL, -E2BIG. */
static int sample_peek(struct map *m, struct sample *s)
{
	u64 prod = LOAD_ACQ(ring_producer_pos(m)), cons = LOAD_ACQ(ring_consumer_pos(m));
	u32 header;

	if (prod % 8)
		return -EINVAL;
	if (cons >= prod)
		return -ENODATA;
	header = LOAD_ACQ((u32 *)(ring_data(m) + (cons & m->data_mask & ~7ull)));
	s->size = header & ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);
	s->bytes = ALIGN_UP((u64)s->size + BPF_RINGBUF_HDR_SZ, 8);
	if (s->bytes > prod - cons)
		return -EINVAL;
	if (s->bytes > m->data_mask + 1 || s->size > DYNPTR_SIZE_MAX)
		return -E2BIG;
	if (header & BPF_RINGBUF_DISCARD_BIT) {
		STORE_REL(ring_consumer_pos(m), cons + s->bytes);
		return -EAGAIN;
	}
	if (header & BPF_RINGBUF_BUSY_BIT)
		return -ENODATA;
	s->data = ring_data(m) + (cons & m->data_mask & ~7ull) + BPF_RINGBUF_HDR_SZ;
	return 0;
}

static s64 drain_locked(struct map *m, int (*fn)(const void *data, u32 size, void *arg), void *arg,
			u32 *n_seen)
{
	u32 n_discarded = 0;
	int stop = 0;

	for (*n_seen = 0; *n_seen < USER_SAMPLES_MAX && !stop; ++*n_seen) {
		struct sample s;
		int err = sample_peek(m, &s);

		if (err == -ENODATA)
			break;
		if (err == -EAGAIN) {
			n_discarded++;
			continue;
		}
		if (err)
			return err;
		stop = fn(s.data, s.size, arg);
		STORE_REL(ring_consumer_pos(m), LOAD(ring_consumer_pos(m)) + s.bytes);
	}
	return (s64)*n_seen - n_discarded;
}

s64 map_user_ringbuf_drain(struct map *m, int (*fn)(const void *data, u32 size, void *arg),
			   void *arg, u64 flags)
{
	u32 n_seen = 0;
	s64 ret;

	if (m->type != BPF_MAP_TYPE_USER_RINGBUF || m->readonly ||
	    flags & ~(u64)(BPF_RB_NO_WAKEUP | BPF_RB_FORCE_WAKEUP))
		return -EINVAL;
	if (owner_trylock(m, &m->hdr->lock) < 0)
		return -EBUSY;
	ret = drain_locked(m, fn, arg, &n_seen);
	owner_unlock(&m->hdr->lock);
	if (m->wake && (flags & BPF_RB_FORCE_WAKEUP || (!(flags & BPF_RB_NO_WAKEUP) && n_seen)))
		m->wake(m->wake_arg);
	return ret;
}

const struct map_ops user_ringbuf_ops = {
	.check = ring_check,
	.layout = ring_layout,
};
