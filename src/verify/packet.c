/* SPDX-License-Identifier: BSD-2-Clause */
/* verify/packet.c - direct access to packets: who may, and where.
 *
 * A packet pointer's range is what comparisons with the packet's end have shown (jmp.c); it counts
 * from after the unknown part of the offset.
 */
#include "verify/call.h"
#include "verify/mem.h"
#include <errno.h>

enum pkt_right { PKT_NONE, PKT_READ, PKT_WRITE, PKT_SOCKOPT };

/* Kernel 6.18: may_access_direct_pkt_data().  Socket options are no packet: helpers may always. */
static enum pkt_right pkt_right(u32 prog_type)
{
	static const u8 right[] = {
		[BPF_PROG_TYPE_LWT_IN] = PKT_READ,
		[BPF_PROG_TYPE_LWT_OUT] = PKT_READ,
		[BPF_PROG_TYPE_LWT_SEG6LOCAL] = PKT_READ,
		[BPF_PROG_TYPE_SK_REUSEPORT] = PKT_READ,
		[BPF_PROG_TYPE_FLOW_DISSECTOR] = PKT_READ,
		[BPF_PROG_TYPE_CGROUP_SKB] = PKT_READ,
		[BPF_PROG_TYPE_SCHED_CLS] = PKT_WRITE,
		[BPF_PROG_TYPE_SCHED_ACT] = PKT_WRITE,
		[BPF_PROG_TYPE_XDP] = PKT_WRITE,
		[BPF_PROG_TYPE_LWT_XMIT] = PKT_WRITE,
		[BPF_PROG_TYPE_SK_SKB] = PKT_WRITE,
		[BPF_PROG_TYPE_SK_MSG] = PKT_WRITE,
		[BPF_PROG_TYPE_CGROUP_SOCKOPT] = PKT_SOCKOPT,
	};

	return prog_type < ARRAY_SIZE(right) ? (enum pkt_right)right[prog_type] : PKT_NONE;
}

bool mem_pkt_ok(struct verify *v, const struct call_meta *meta, enum access t)
{
	switch (pkt_right(v_type(v))) {
	case PKT_NONE:
		return false;
	case PKT_READ:
		if (t == ACC_WRITE)
			return false;
		break;
	case PKT_WRITE:
		break;
	case PKT_SOCKOPT:
		if (t == ACC_WRITE)
			v->seen_direct_write = true;
		return true;
	}
	if (meta)
		return meta->pkt_access;
	v->seen_direct_write = true;
	return true;
}

/* Kernel 6.18: check_packet_access().  A range below 0: the pointer is at or past the end. */
int mem_packet(struct verify *v, u32 regno, s32 off, u32 size, bool zero_size_ok)
{
	const struct reg *r = v_reg(v, regno);
	int err;

	if (r->val.smin < 0)
		return v_refuse_reg(v, -EACCES, WHY_BOUNDS, regno,
				    "R%u min value is negative, either use unsigned index or do a "
				    "if (index >=0) check.",
				    regno);
	err = r->range < 0 ? -EINVAL : mem_range(v, regno, off, size, (u32)r->range, zero_size_ok);
	if (err)
		return v_refuse_reg(v, err, WHY_BOUNDS, regno,
				    "R%u offset is outside of the packet", regno);
	v->max_pkt_offset = MAX(v->max_pkt_offset, (u32)((u32)off + r->val.umax + size - 1));
	return 0;
}
