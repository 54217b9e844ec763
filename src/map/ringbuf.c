/* SPDX-License-Identifier: BSD-2-Clause */
/* map/ringbuf.c - the ring buffer that programs write: reserve, commit, and records of the dead.
 *
 * Kernel: kernel/bpf/ringbuf.c.  The file begins as the kernel's mapping does, so that a plain mmap
 *of it serves libbpf's clients:
 *
 *	consumer page | producer page | data | data's continuation | ... | header
 *
 * Where the kernel maps the data twice, the file has room for it twice: a record is written from
 * (pos & mask) on without a break and may run into the continuation, and a consumer, which begins
 *at (pos & mask) too, reads it there.  The next record begins in the first half again.
 *
 * The eight bytes before a record hold its length and, where the kernel has a page offset, the
 * producer's owner word; both are one store.  A record of a killed producer would stop the consumer
 * for ever: whoever reserves behind it (now and then), and map_ringbuf_reap(), marks it discarded.
 */
#include "map/kind.h"
#include "map/ring.h"

enum {
	BUSY_PATIENCE =
		64, /* reservations behind an unfinished record until its owner is looked up */
};

u64 *ring_consumer_pos(const struct map *m)
{
	return (u64 *)m->values;
}

u64 *ring_producer_pos(const struct map *m)
{
	return (u64 *)(m->values + MAP_PAGE);
}

u8 *ring_data(const struct map *m)
{
	return m->values + 2 * MAP_PAGE;
}

/* Kernel ringbuf_map_alloc(). */
int ring_check(const struct map_attr *a)
{
	if (a->flags & ~BPF_F_NUMA_NODE || a->key_size || a->value_size ||
	    a->max_entries < MAP_PAGE || a->max_entries & (a->max_entries - 1))
		return -EINVAL;
	return 0;
}

void ring_layout(struct map *m, struct layout *l)
{
	m->values = (u8 *)layout_add(l, 2 + 2ull * m->max_entries / MAP_PAGE, MAP_PAGE, MAP_PAGE);
	m->values_bytes = l->off;
	m->data_mask = m->max_entries - 1;
}

static bool ringbuf_mem_ok(const struct map *m, u64 off, u64 size)
{
	(void)size;
	return off >= 2 * MAP_PAGE && off < m->values_bytes && size <= m->values_bytes - off;
}

static u64 *record_header(const struct map *m, u64 pos)
{
	return (u64 *)(ring_data(m) + (pos & m->data_mask & ~7ull));
}

/* Bytes that a record takes with its header; u64 so that a scribbled length can't wrap. */
static u64 record_bytes(u64 header)
{
	u64 len = (u32)header & ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);

	return ALIGN_UP(len + BPF_RINGBUF_HDR_SZ, 8);
}

/* Discards the unfinished record at pos if its producer is dead. */
static bool record_abandon(struct map *m, u64 pos)
{
	u64 *at = record_header(m, pos), header = LOAD_ACQ(at);
	u64 to = (header & 0xffffffff & ~(u64)BPF_RINGBUF_BUSY_BIT) | BPF_RINGBUF_DISCARD_BIT;

	if (!(header & BPF_RINGBUF_BUSY_BIT) || !owner_dead(m, (u32)(header >> 32)))
		return false;
	if (!__atomic_compare_exchange_n(at, &header, to, false, __ATOMIC_ACQ_REL,
					 __ATOMIC_RELAXED))
		return false;
	STORE(&m->hdr->n_abandoned, LOAD(&m->hdr->n_abandoned) + 1);
	return true;
}

/* Should the owner of the unfinished record at pos be looked up now? */
static bool busy_is_suspect(struct map *m, u64 pos)
{
	struct map_header *hdr = m->hdr;

	if (LOAD(&hdr->busy_pos) != pos) {
		STORE(&hdr->busy_pos, pos);
		STORE(&hdr->n_busy_seen, 0);
		return false;
	}
	STORE(&hdr->n_busy_seen, LOAD(&hdr->n_busy_seen) + 1);
	return LOAD(&hdr->n_busy_seen) % BUSY_PATIENCE == 0;
}

/* Moves pending_pos over finished records; under the lock. */
static u64 pending_advance(struct map *m, u64 prod, bool look)
{
	u64 pos = LOAD(&m->hdr->pending_pos);

	if (unlikely(pos > prod || prod - pos > m->data_mask + 1 || pos % 8)) {
		map_corrupt(m);
		pos = prod;
	}
	while (pos < prod) {
		u64 header = LOAD_ACQ(record_header(m, pos));

		if (header & BPF_RINGBUF_BUSY_BIT) {
			if (!(look || busy_is_suspect(m, pos)) || !record_abandon(m, pos))
				break;
			header = LOAD_ACQ(record_header(m, pos));
		}
		pos += record_bytes(header);
	}
	pos = MIN(pos, prod);
	STORE(&m->hdr->pending_pos, pos);
	return pos;
}

/* The lock is only about positions, which single stores move: nothing to repair after the dead. */
static int ring_lock(struct map *m)
{
	int err = owner_lock(m, &m->hdr->lock);

	return err < 0 ? err : 0;
}

/* Kernel __bpf_ringbuf_reserve(). */
void *map_ringbuf_reserve(struct map *m, u64 size)
{
	u64 len = ALIGN_UP(size + BPF_RINGBUF_HDR_SZ, 8), cons, prod, pending;
	u64 *header = NULL;

	if (unlikely(m->type != BPF_MAP_TYPE_RINGBUF || m->readonly || size > UINT32_MAX / 4 ||
		     len > m->data_mask + 1))
		return NULL;
	cons = LOAD_ACQ(ring_consumer_pos(m));
	if (unlikely(ring_lock(m)))
		return NULL;
	prod = LOAD(ring_producer_pos(m));
	if (unlikely(prod % 8)) {
		map_corrupt(m);
		prod = ALIGN_UP(prod, 8);
	}
	pending = pending_advance(m, prod, false);
	if (likely(prod + len - cons <= m->data_mask && prod + len - pending <= m->data_mask)) {
		header = record_header(m, prod);
		STORE(header, size | BPF_RINGBUF_BUSY_BIT | (u64)owner_self(m) << 32);
		STORE_REL(ring_producer_pos(m), prod + len);
	} else {
		STORE(&m->hdr->n_dropped, LOAD(&m->hdr->n_dropped) + 1);
	}
	owner_unlock(&m->hdr->lock);
	return header ? header + 1 : NULL;
}

void map_ringbuf_regain(struct map *m)
{
	if (ring_lock(m))
		return;
	STORE(&m->hdr->n_dropped, LOAD(&m->hdr->n_dropped) - 1);
	owner_unlock(&m->hdr->lock);
}

/* The header of a record that this process reserved and did not commit, NULL for any other address.
 */
static u64 *own_record(const struct map *m, const void *record)
{
	u64 off = (u64)record - (u64)ring_data(m) - BPF_RINGBUF_HDR_SZ;
	u64 *header, value;

	if (m->type != BPF_MAP_TYPE_RINGBUF || off > m->data_mask || off % 8)
		return NULL;
	header = (u64 *)(ring_data(m) + off);
	value = LOAD(header);
	if (!(value & BPF_RINGBUF_BUSY_BIT) || (u32)(value >> 32) != LOAD(&m->self->owner) ||
	    record_bytes(value) > m->data_mask + 1)
		return NULL;
	return header;
}

u32 map_ringbuf_record_size(const struct map *m, const void *record)
{
	const u64 *header = own_record(m, record);

	return header ? (u32)LOAD(header) & ~BPF_RINGBUF_BUSY_BIT : 0;
}

/* Kernel bpf_ringbuf_commit(). */
void map_ringbuf_commit(struct map *m, void *record, u64 flags, bool discard)
{
	u64 *header = own_record(m, record), len, cons;

	if (unlikely(!header)) {
		map_corrupt(m);
		return;
	}
	len = (u32)LOAD(header) & ~BPF_RINGBUF_BUSY_BIT;
	__atomic_exchange_n(header, len | (discard ? BPF_RINGBUF_DISCARD_BIT : 0),
			    __ATOMIC_ACQ_REL);
	cons = LOAD_ACQ(ring_consumer_pos(m)) & m->data_mask;
	if (!m->wake)
		return;
	if (flags & BPF_RB_FORCE_WAKEUP ||
	    (cons == (u64)((u8 *)header - ring_data(m)) && !(flags & BPF_RB_NO_WAKEUP)))
		m->wake(m->wake_arg);
}

int map_ringbuf_output(struct map *m, const void *data, u64 size, u64 flags)
{
	void *record;

	if (unlikely(flags & ~(u64)(BPF_RB_NO_WAKEUP | BPF_RB_FORCE_WAKEUP)))
		return -EINVAL;
	record = map_ringbuf_reserve(m, size);
	if (unlikely(!record))
		return -EAGAIN;
	mem_copy(record, data, size);
	map_ringbuf_commit(m, record, flags, false);
	return 0;
}

u64 map_ringbuf_query(struct map *m, u64 what)
{
	u64 cons, prod;

	if (m->type != BPF_MAP_TYPE_RINGBUF && m->type != BPF_MAP_TYPE_USER_RINGBUF)
		return 0;
	cons = LOAD_ACQ(ring_consumer_pos(m));
	prod = LOAD_ACQ(ring_producer_pos(m));
	switch (what) {
	case BPF_RB_AVAIL_DATA:
		return prod - cons;
	case BPF_RB_RING_SIZE:
		return m->data_mask + 1;
	case BPF_RB_CONS_POS:
		return cons;
	case BPF_RB_PROD_POS:
		return prod;
	default:
		return 0;
	}
}

u32 map_ringbuf_reap(struct map *m)
{
	u64 before = LOAD(&m->hdr->n_abandoned);

	if (m->type != BPF_MAP_TYPE_RINGBUF || m->readonly || ring_lock(m))
		return 0;
	pending_advance(m, LOAD(ring_producer_pos(m)), true);
	owner_unlock(&m->hdr->lock);
	return (u32)(LOAD(&m->hdr->n_abandoned) - before);
}

const struct map_ops ringbuf_ops = {
	.check = ring_check,
	.layout = ring_layout,
	.mem_ok = ringbuf_mem_ok,
};
