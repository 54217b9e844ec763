/* SPDX-License-Identifier: BSD-2-Clause */
/* helper/csum.c - checksum helpers.
 *
 * Kernel 6.18: net/core/filter.c, inet_proto_csum_replace*() in net/core/utils.c.
 */
#include "helper/csum.h"
#include "abi/packet.h"
#include "helper/body.h"
#include <errno.h>

enum { CSUM_MANGLED_0 = 0xffff, ENOTSUPP = 524 /* of the kernel, not in errno.h */ };

/* Any sizes will do, and the result is folded to 16 bits, since kernel 6.13. */
BODY(csum_diff)
{
	u32 from_size = (u32)r2, to_size = (u32)r4, seed = (u32)r5;
	const void *from = PTR(r1), *to = PTR(r3);

	if (from_size && to_size)
		return csum_from32to16(csum_sub(csum_partial(to, to_size, seed),
						csum_partial(from, from_size, 0)));
	if (to_size)
		return csum_from32to16(csum_partial(to, to_size, seed));
	if (from_size)
		return csum_from32to16(~csum_partial(from, from_size, ~seed));
	return seed;
}

static void replace_by_diff(u8 *at, u32 diff)
{
	mem_put16(at, csum_fold(csum_add(diff, (u16)~mem_get16(at))));
}

static void replace4(u8 *at, u32 from, u32 to)
{
	u32 sum = csum_sub(~(u32)mem_get16(at), from);

	mem_put16(at, csum_fold(csum_add(sum, to)));
}

static u16 add16(u16 a, u16 b)
{
	u16 sum = (u16)(a + b);

	return (u16)(sum + (sum < b));
}

static void replace2(u8 *at, u16 from, u16 to)
{
	mem_put16(at, (u16)~add16(add16((u16)~mem_get16(at), (u16)~from), to));
}

static u8 *csum_at(const struct exec_env *env, u32 offset)
{
	const struct packet *p = env->packet;

	if (offset > 0xffff || offset & 1 || !p || offset + 2 > packet_len(p))
		return NULL;
	return p->data + offset;
}

BODY(l3_csum_replace)
{
	u8 *at = csum_at(env, (u32)r2);

	if (r5 & ~(u64)BPF_F_HDR_FIELD_MASK)
		return RESULT(-EINVAL);
	if (!at)
		return RESULT(-EFAULT);
	switch (r5) {
	case 0:
		if (r3)
			return RESULT(-EINVAL);
		replace_by_diff(at, (u32)r4);
		return 0;
	case 2:
		replace2(at, (u16)r3, (u16)r4);
		return 0;
	case 4:
		replace4(at, (u32)r3, (u32)r4);
		return 0;
	}
	return RESULT(-EINVAL);
}

BODY(l4_csum_replace)
{
	const u64 known = BPF_F_MARK_MANGLED_0 | BPF_F_MARK_ENFORCE | BPF_F_PSEUDO_HDR |
			  BPF_F_HDR_FIELD_MASK | BPF_F_IPV6;
	struct packet *p = env->packet;
	u8 *at = csum_at(env, (u32)r2);
	bool whole = p && p->csum_complete && r5 & BPF_F_PSEUDO_HDR;
	u32 from = (u32)r3, to = (u32)r4;

	if (r5 & ~known)
		return RESULT(-EINVAL);
	if (!at)
		return RESULT(-EFAULT);
	if (r5 & BPF_F_MARK_MANGLED_0 && !(r5 & BPF_F_MARK_ENFORCE) && !mem_get16(at))
		return 0;
	switch (r5 & BPF_F_HDR_FIELD_MASK) {
	case 0:
		if (r3)
			return RESULT(-EINVAL);
		replace_by_diff(at, to);
		if (whole && !(r5 & BPF_F_IPV6))
			p->csum = ~csum_sub(to, p->csum);
		break;
	case 2:
		from = (u16)from;
		to = (u16)to;
		/* fall through */
	case 4:
		replace4(at, from, to);
		if (whole)
			p->csum = ~csum_add(csum_sub(~p->csum, from), to);
		break;
	default:
		return RESULT(-EINVAL);
	}
	if (r5 & BPF_F_MARK_MANGLED_0 && !mem_get16(at))
		mem_put16(at, CSUM_MANGLED_0);
	return 0;
}

BODY(csum_update)
{
	struct packet *p = env->packet;

	if (!p || !p->csum_complete)
		return RESULT(-ENOTSUPP);
	p->csum = csum_add(p->csum, (u32)r2);
	return p->csum;
}

/* No packet of the user engine was checked by a device: there is no level to change. */
BODY(csum_level)
{
	if (r2 > BPF_CSUM_LEVEL_RESET)
		return RESULT(-EINVAL);
	return r2 == BPF_CSUM_LEVEL_QUERY ? RESULT(-EACCES) : 0;
}
