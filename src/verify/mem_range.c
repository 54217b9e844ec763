/* SPDX-License-Identifier: BSD-2-Clause */
/* verify/mem_range.c - is a place inside what a pointer points to, is it aligned, may it be
 * written?
 *
 * A pointer's offset has three parts: the insn's, the register's fixed one, and what is unknown of
 * the register (reg.val).  Functions here take the first two as off and look at the third
 * themselves.
 */
#include "verify/alu.h"
#include "verify/log.h"
#include "verify/mem.h"
#include <errno.h>
#include <string.h>

enum {
	VAR_OFF_MAX = 1 << 29, /* kernel BPF_MAX_VAR_OFF */
	PACKET_IP_ALIGN = 2,   /* what strict alignment assumes of packets: NET_IP_ALIGN */
};

const char *mem_tnum(struct tnum t, char buf[TNUM_TEXT_MAX])
{
	struct str s = {0};
	size_t n;

	log_tnum(&s, t);
	n = MIN(s.len, (size_t)TNUM_TEXT_MAX - 1);
	memcpy(buf, str_text(&s), n);
	buf[n] = 0;
	str_free(&s);
	return buf;
}

int mem_no_leak(struct verify *v, s32 value_regno, const char *place)
{
	if (value_regno < 0 || !regno_is_ptr_value(v, (u32)value_regno))
		return 0;
	return v_refuse_reg(v, -EACCES, WHY_LEAK, (u32)value_regno, "R%d leaks addr into %s",
			    value_regno, place);
}

int mem_refuse_write(struct verify *v, u32 regno)
{
	return v_refuse_reg(v, -EACCES, WHY_PERM, regno, "R%u cannot write into %s", regno,
			    log_type(v, v_reg(v, regno)->type));
}

/* ---- ranges ---- */

int mem_range(struct verify *v, u32 regno, s32 off, u32 size, u32 mem_size, bool zero_size_ok)
{
	const struct reg *r = v_reg(v, regno);
	bool size_ok = (s32)size > 0 || (!size && zero_size_ok);

	if (off >= 0 && size_ok && (u64)off + size <= mem_size)
		return 0;
	switch (r->type) {
	case PTR_MAP_KEY:
		return v_refuse_reg(v, -EACCES, WHY_BOUNDS, regno,
				    "invalid access to map key, key_size=%d off=%d size=%d",
				    (s32)mem_size, off, (s32)size);
	case PTR_MAP_VALUE:
		return v_refuse_reg(v, -EACCES, WHY_BOUNDS, regno,
				    "invalid access to map value, value_size=%d off=%d size=%d",
				    (s32)mem_size, off, (s32)size);
	case PTR_PACKET:
	case PTR_PACKET_META:
	case PTR_PACKET_END:
		return v_refuse_reg(
			v, -EACCES, WHY_BOUNDS, regno,
			"invalid access to packet, off=%d size=%d, R%u(id=%u,off=%d,r=%d)", off,
			(s32)size, regno, r->id, off, (s32)mem_size);
	default:
		return v_refuse_reg(v, -EACCES, WHY_BOUNDS, regno,
				    "invalid access to memory, mem_size=%u off=%d size=%d",
				    mem_size, off, (s32)size);
	}
}

/* Both ends of what the offset may be must lie inside; without an upper bound there is no end to
 * try. Sums are cut to 32 bits only after they were found to fit. */
int mem_region(struct verify *v, u32 regno, s32 off, u32 size, u32 mem_size, bool zero_size_ok)
{
	const struct reg *r = v_reg(v, regno);
	const struct scalar *n = &r->val;
	s64 least = (s64)((u64)n->smin + (u64)(s64)off);

	if (n->smin < 0 && (n->smin == INT64_MIN || least != (s32)least || least < 0))
		return v_refuse_reg(v, -EACCES, WHY_BOUNDS, regno,
				    "R%u min value is negative, either use unsigned index or do a "
				    "if (index >=0) check.",
				    regno);
	if (mem_range(v, regno, (s32)least, size, mem_size, zero_size_ok))
		return v_refuse_reg(v, -EACCES, WHY_BOUNDS, regno,
				    "R%u min value is outside of the allowed memory range", regno);
	if (n->umax >= VAR_OFF_MAX)
		return v_refuse_reg(v, -EACCES, WHY_BOUNDS, regno,
				    "R%u unbounded memory access, make sure to bounds check any "
				    "such access",
				    regno);
	if (mem_range(v, regno, (s32)(n->umax + (u64)(s64)off), size, mem_size, zero_size_ok))
		return v_refuse_reg(v, -EACCES, WHY_BOUNDS, regno,
				    "R%u max value is outside of the allowed memory range", regno);
	return 0;
}

/* Pointers that must be used as they were given. */
int mem_ptr_off_fixed_ok(struct verify *v, const struct reg *r, u32 regno, bool fixed_ok)
{
	char bits[TNUM_TEXT_MAX];

	if (r->off < 0)
		return v_refuse_reg(v, -EACCES, WHY_ARITH, regno,
				    "negative offset %s ptr R%u off=%d disallowed",
				    log_type(v, r->type), regno, r->off);
	if (!fixed_ok && r->off)
		return v_refuse_reg(v, -EACCES, WHY_ARITH, regno,
				    "dereference of modified %s ptr R%u off=%d disallowed",
				    log_type(v, r->type), regno, r->off);
	if (!tnum_equals(r->val.bits, 0))
		return v_refuse_reg(v, -EACCES, WHY_ARITH, regno,
				    "variable %s access var_off=%s disallowed",
				    log_type(v, r->type), mem_tnum(r->val.bits, bits));
	return 0;
}

int mem_ptr_off(struct verify *v, const struct reg *r, u32 regno)
{
	return mem_ptr_off_fixed_ok(v, r, regno, false);
}

int mem_buffer(struct verify *v, const struct reg *r, u32 regno, s32 off, u32 size,
	       const char *kind, u32 *max_access)
{
	char bits[TNUM_TEXT_MAX];

	if (off < 0)
		return v_refuse_reg(v, -EACCES, WHY_BOUNDS, regno,
				    "R%u invalid %s buffer access: off=%d, size=%d", regno, kind,
				    off, (s32)size);
	if (!tnum_equals(r->val.bits, 0))
		return v_refuse_reg(v, -EACCES, WHY_BOUNDS, regno,
				    "R%u invalid variable buffer offset: off=%d, var_off=%s", regno,
				    off, mem_tnum(r->val.bits, bits));
	*max_access = MAX(*max_access, (u32)off + size);
	return 0;
}

/* ---- alignment ---- */

/* How the sentence names what is misaligned; others have no name. */
static const char *const aligned_what[] = {
	[PTR_FLOW_KEYS] = "flow keys ",
	[PTR_MAP_KEY] = "key ",
	[PTR_MAP_VALUE] = "value ",
	[PTR_CTX] = "context ",
	[PTR_STACK] = "stack ",
	[PTR_SOCKET] = "sock ",
	[PTR_SOCK_COMMON] = "sock_common ",
	[PTR_TCP_SOCK] = "tcp_sock ",
	[PTR_XDP_SOCK] = "xdp_sock ",
};

/* Stack accesses must always be aligned, since what is spilled is tracked by slots.  Types are
 * compared with their flags: a pointer that may be null has no name here. */
int mem_aligned(struct verify *v, const struct reg *r, s32 off, u32 size, bool strict_once)
{
	bool strict = v->strict_alignment || strict_once || r->type == PTR_STACK;
	bool pkt = r->type == PTR_PACKET || r->type == PTR_PACKET_META;
	s64 fixed = (s64)r->off + off + (pkt ? PACKET_IP_ALIGN : 0);
	const char *what = NULL;
	char bits[TNUM_TEXT_MAX];

	if (!strict || size == 1 || r->type == PTR_ARENA)
		return 0;
	if (tnum_is_aligned(tnum_add(r->val.bits, tnum_const((u64)fixed)), size))
		return 0;
	if (pkt)
		return v_refuse(v, -EACCES, WHY_ALIGN,
				"misaligned packet access off %d+%s+%d+%d size %d", PACKET_IP_ALIGN,
				mem_tnum(r->val.bits, bits), r->off, off, (s32)size);
	if (r->type < ARRAY_SIZE(aligned_what))
		what = aligned_what[r->type];
	return v_refuse(v, -EACCES, WHY_ALIGN, "misaligned %saccess off %s+%d+%d size %d",
			what ? what : "", mem_tnum(r->val.bits, bits), r->off, off, (s32)size);
}
