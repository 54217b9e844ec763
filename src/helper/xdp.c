/* SPDX-License-Identifier: BSD-2-Clause */
/* helper/xdp.c - helpers of XDP programs.  Kernel 6.18: net/core/filter.c. */
#include "abi/packet.h"
#include "helper/body.h"
#include <errno.h>

BODY(xdp_adjust_head)
{
	struct packet *p = env->packet;
	s64 offset = (s32)r2, room, len;
	u64 meta;

	if (!p)
		return RESULT(-EINVAL);
	meta = (u64)(p->data - p->data_meta);
	room = p->data_meta - p->head - PACKET_FRAME_BYTES;
	len = (s64)packet_len(p) - PACKET_HEADER_BYTES;
	if (-offset > room || offset > len)
		return RESULT(-EINVAL);
	if (meta)
		mem_move(p->data_meta + offset, p->data_meta, meta);
	p->data_meta += offset;
	p->data += offset;
	packet_sync(p);
	return 0;
}

BODY(xdp_adjust_tail)
{
	struct packet *p = env->packet;
	s64 offset = (s32)r2;

	if (!p || offset > p->end - p->data_end ||
	    (s64)packet_len(p) + offset < PACKET_HEADER_BYTES)
		return RESULT(-EINVAL);
	if (offset > 0)
		mem_zero(p->data_end, (u64)offset);
	p->data_end += offset;
	packet_sync(p);
	return 0;
}

BODY(xdp_adjust_meta)
{
	struct packet *p = env->packet;
	s64 offset = (s32)r2, len;

	if (!p)
		return RESULT(-EINVAL);
	len = p->data - p->data_meta - offset;
	if (len < 0 || -offset > p->data_meta - p->head - PACKET_FRAME_BYTES)
		return RESULT(-EINVAL);
	if (len % 4 || len > PACKET_META_MAX)
		return RESULT(-EACCES);
	p->data_meta += offset;
	packet_sync(p);
	return 0;
}

/* Where the bytes are, or NULL and an errno.  Kernel: bpf_xdp_pointer(). */
static u8 *xdp_bytes(const struct packet *p, u32 offset, u32 size, int *err)
{
	*err = offset > 0xffff || size > 0xffff ? -EFAULT : -EINVAL;
	if (*err == -EFAULT || !p || offset + size > packet_len(p))
		return NULL;
	return p->data + offset;
}

BODY(xdp_load_bytes)
{
	int err;
	const u8 *from = xdp_bytes(env->packet, (u32)r2, (u32)r4, &err);

	if (!from)
		return RESULT(err);
	mem_move(PTR(r3), from, (u32)r4);
	return 0;
}

BODY(xdp_store_bytes)
{
	int err;
	u8 *to = xdp_bytes(env->packet, (u32)r2, (u32)r4, &err);

	if (!to)
		return RESULT(err);
	mem_move(to, PTR(r3), (u32)r4);
	return 0;
}

BODY(xdp_get_buff_len)
{
	return env->packet ? packet_len(env->packet) : 0;
}
