/* SPDX-License-Identifier: BSD-2-Clause */
/* helper: packets come out of XDP and tc programs as they come out of the kernel's. */
#include "world.h"

enum { OUT = 64 };

static struct world w;

/* Ethernet, IPv4 and UDP headers, then counting bytes. */
static void packet_world(u32 prog_type, u32 bytes)
{
	static const u8 head[] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x08, 0x00, 0x45, 0, 0, 60,
		0x12, 0x34,
				   0x40, 0, 64, 17, 0xab, 0xcd, 10, 0, 0, 1, 10, 0, 0, 2, 0x30,
				   	0x39, 0, 53 };

	world_init(&w, prog_type);
	w.packet_bytes = bytes;
	for (u32 i = 0; i < bytes; i++)
		w.packet[i] = i < sizeof(head) ? head[i] : (u8)i;
	memset(w.data + OUT, 0xaa, 256);
}

#define TC(...)                                                     \
	do {                                                        \
		packet_world(BPF_PROG_TYPE_SCHED_CLS, 80);          \
		SAME(&w, MOVX(7, 1), __VA_ARGS__, DONE());          \
		world_end(&w);                                      \
	} while (0)
#define XDP(...)                                                    \
	do {                                                        \
		packet_world(BPF_PROG_TYPE_XDP, 80);                \
		SAME(&w, MOVX(7, 1), __VA_ARGS__, MOVK(0, XDP_PASS), EXIT()); \
		world_end(&w);                                      \
	} while (0)

TEST(skb_bytes_are_loaded_and_stored)
{
	static const u32 offs[] = { 0, 13, 60, 70, 72, 73, 79, 80, 81, 0x7fffffff, 0x80000000 };

	NEED_KERNEL();
	for (u32 i = 0; i < ARRAY_SIZE(offs); i++) {
		TC(MOVX(1, 7), MOVK(2, offs[i]), AT(3, DATA, OUT), MOVK(4, 8),
			CALLH(HELPER_skb_load_bytes), MOVX(6, 0),
		   KEEP(0, 6), MOVX(1, 7), MOVK(2, offs[i]), AT(3, DATA, OUT + 16), MOVK(4, 8),
		   MOVK(5, 0),
		   CALLH(HELPER_skb_load_bytes_relative), MOVX(6, 0), KEEP(8, 6), MOVX(1, 7),
		   MOVK(2, offs[i]),
		   AT(3, DATA, OUT + 32), MOVK(4, 8), MOVK(5, 1),
		   CALLH(HELPER_skb_load_bytes_relative), MOVX(6, 0),
		   KEEP(16, 6), MOVX(1, 7), MOVK(2, offs[i]), AT(3, DATA, OUT + 48), MOVK(4, 8),
		   MOVK(5, 2),
		   CALLH(HELPER_skb_load_bytes_relative), MOVX(6, 0), KEEP(24, 6));
		for (u32 flags = 0; flags < 5; flags++)
			TC(MOVX(1, 7), MOVK(2, offs[i]), AT(3, DATA, OUT), MOVK(4, 8), MOVK(5,
				flags),
			   CALLH(HELPER_skb_store_bytes), MOVX(6, 0), KEEP(0, 6));
	}
}

TEST(skb_head_and_tail_change)
{
	static const u32 sizes[] = { 0, 1, 13, 14, 15, 79, 80, 81, 200, 16064, 16065, 0xffffffff };

	NEED_KERNEL();
	for (u32 i = 0; i < ARRAY_SIZE(sizes); i++)
		for (u32 flags = 0; flags < 2; flags++) {
			/* room that the kernel has and the test's buffer has not */
			if (sizes[i] == 16064)
				continue;
			TC(MOVX(1, 7), MOVK(2, sizes[i]), MOVK(3, flags),
				CALLH(HELPER_skb_change_tail), MOVX(6, 0),
			   KEEP(0, 6), MOVX(1, 7), MOVK(2, sizes[i]), CALLH(HELPER_skb_pull_data),
			   MOVX(6, 0),
			   KEEP(8, 6));
			TC(MOVX(1, 7), MOVK(2, sizes[i]), MOVK(3, flags),
				CALLH(HELPER_skb_change_head), MOVX(6, 0),
			   KEEP(0, 6));
		}
}

TEST(skb_checksums_are_replaced)
{
	static const u64 flags[] = { 0, 2, 4, 2 | BPF_F_PSEUDO_HDR, 4 | BPF_F_PSEUDO_HDR,
		BPF_F_PSEUDO_HDR, 3, 8,
				     2 | BPF_F_MARK_MANGLED_0,
				     	2 | BPF_F_MARK_MANGLED_0 | BPF_F_MARK_ENFORCE,
				     4 | BPF_F_IPV6, 1 << 9 };
	static const u32 words[][2] = { { 0, 0 }, { 0x1234, 0x4321 }, { 0xffff, 0 }, { 0xabcd,
		0x12345678 },
					{ 0xffffffff, 0xcdab }, { 0, 0xcdab } };
	static const u32 offs[] = { 24, 25, 42, 78, 79, 80, 0x10000 };

	NEED_KERNEL();
	for (u32 i = 0; i < ARRAY_SIZE(flags); i++)
		for (u32 j = 0; j < ARRAY_SIZE(words); j++)
			TC(MOVX(1, 7), MOVK(2, 24), A32K(MOV, 3, words[j][0]), A32K(MOV, 4,
				words[j][1]),
			   MOVK(5, flags[i]), CALLH(HELPER_l3_csum_replace), MOVX(6, 0), KEEP(0, 6),
			   MOVX(1, 7),
			   MOVK(2, 40), A32K(MOV, 3, words[j][0]), A32K(MOV, 4, words[j][1]),
			   MOVK(5, flags[i]),
			   CALLH(HELPER_l4_csum_replace), MOVX(6, 0), KEEP(8, 6));
	for (u32 i = 0; i < ARRAY_SIZE(offs); i++)
		TC(MOVX(1, 7), MOVK(2, offs[i]), MOVK(3, 1), MOVK(4, 2), MOVK(5, 2),
			CALLH(HELPER_l3_csum_replace),
		   MOVX(6, 0), KEEP(0, 6), MOVX(1, 7), MOVK(2, offs[i]), MOVK(3, 1), MOVK(4, 2),
		   MOVK(5, 2),
		   CALLH(HELPER_l4_csum_replace), MOVX(6, 0), KEEP(8, 6));
}

TEST(csum_diff_sums)
{
	static const u32 sizes[] = { 0, 4, 8, 20, 64, 512, 516, 1024, 2, 6 };
	static const u32 seeds[] = { 0, 1, 0xffff, 0xffffffff, 0x12345678 };

	NEED_KERNEL();
	for (u32 i = 0; i < ARRAY_SIZE(sizes); i++)
		for (u32 j = 0; j < ARRAY_SIZE(sizes); j++) {
			packet_world(BPF_PROG_TYPE_SCHED_CLS, 80);
			for (u32 k = 0; k < 2048; k++)
				w.data[1024 + k] = (u8)(k * 167 + i + (k >> 6));
			SAME(&w, AT(1, DATA, 1024), MOVK(2, sizes[i]), AT(3, DATA, 2048), MOVK(4,
				sizes[j]),
			     A32K(MOV, 5, seeds[(i + j) % 5]), CALLH(HELPER_csum_diff), MOVX(6, 0),
			     	KEEP(0, 6),
			     MOVK(1, 0), MOVK(2, 0), AT(3, DATA, 2048), MOVK(4, sizes[j]), A32K(MOV,
			     5, seeds[j % 5]),
			     CALLH(HELPER_csum_diff), MOVX(6, 0), KEEP(8, 6), DONE());
			world_end(&w);
		}
}

TEST(skb_fields_change)
{
	NEED_KERNEL();
	TC(MOVX(1, 7), MOVK(2, 0xdd86), MOVK(3, 0), CALLH(HELPER_skb_change_proto), MOVX(6, 0),
		KEEP(0, 6));
	TC(MOVX(1, 7), MOVK(2, 0xdd86), MOVK(3, 1), CALLH(HELPER_skb_change_proto), MOVX(6, 0),
		KEEP(0, 6));
	TC(MOVX(1, 7), MOVK(2, 0x0008), MOVK(3, 0), CALLH(HELPER_skb_change_proto), MOVX(6, 0),
		KEEP(0, 6));
	for (u32 type = 0; type < 6; type++)
		TC(MOVX(1, 7), MOVK(2, type), CALLH(HELPER_skb_change_type), MOVX(6, 0), KEEP(0,
			6));
	for (u32 kind = 0; kind < 4; kind++)
		for (u32 ns = 0; ns < 2; ns++)
			TC(MOVX(1, 7), MOVK(2, ns), MOVK(3, kind), CALLH(HELPER_skb_set_tstamp),
				MOVX(6, 0), KEEP(0, 6));
	TC(MOVX(1, 7), MOVK(2, 77), CALLH(HELPER_set_hash), MOVX(1, 7),
		CALLH(HELPER_get_hash_recalc), MOVX(6, 0),
	   KEEP(0, 6));
	TC(MOVX(1, 7), MOVK(2, 5), CALLH(HELPER_csum_update), MOVX(6, 0), KEEP(0, 6));
	for (u32 level = 0; level < 6; level++)
		TC(MOVX(1, 7), MOVK(2, level), CALLH(HELPER_csum_level), MOVX(6, 0), KEEP(0, 6));
	TC(MOVK(1, 1), MOVK(2, 0), CALLH(HELPER_redirect), MOVX(6, 0), KEEP(0, 6), MOVK(1, 1),
		MOVK(2, 1),
	   CALLH(HELPER_redirect), MOVX(6, 0), KEEP(8, 6), MOVK(1, 1), MOVK(2, 2),
	   CALLH(HELPER_redirect), MOVX(6, 0),
	   KEEP(16, 6), MOVK(1, 1), MOVK(2, 0), CALLH(HELPER_redirect_peer), MOVX(6, 0), KEEP(24,
	   6), MOVK(1, 1),
	   MOVK(2, 1), CALLH(HELPER_redirect_peer), MOVX(6, 0), KEEP(32, 6));
}

TEST(xdp_head_and_meta_move)
{
	static const s32 by[] = { 0, 1, 14, 66, 67, 80, 81, -1, -14, -200, -216, -217, -256, -257,
		INT32_MAX, INT32_MIN };
	static const s32 meta[] = { 0, -4, -8, -3, -32, -252, -256, -300, 4, INT32_MIN, INT32_MAX };

	NEED_KERNEL();
	for (u32 i = 0; i < ARRAY_SIZE(by); i++)
		XDP(MOVX(1, 7), MOVK(2, by[i]), CALLH(HELPER_xdp_adjust_head), MOVX(6, 0), KEEP(0,
			6), MOVX(1, 7),
		    CALLH(HELPER_xdp_get_buff_len), MOVX(6, 0), KEEP(8, 6));
	for (u32 i = 0; i < ARRAY_SIZE(meta); i++)
		for (u32 j = 0; j < ARRAY_SIZE(by); j++)
			XDP(MOVX(1, 7), MOVK(2, meta[i]), CALLH(HELPER_xdp_adjust_meta), MOVX(6, 0),
				KEEP(0, 6), MOVX(1, 7),
			    MOVK(2, by[j]), CALLH(HELPER_xdp_adjust_head), MOVX(6, 0), KEEP(8, 6),
			    MOVX(1, 7),
			    MOVK(2, 0u - (u32)meta[i]), CALLH(HELPER_xdp_adjust_meta), MOVX(6, 0),
			    KEEP(16, 6));
}

TEST(xdp_tail_moves)
{
	static const s32 by[] = { 0, 1, 100, -1, -66, -67, -80, -81, 3000, 4000, INT32_MAX,
		INT32_MIN };

	NEED_KERNEL();
	for (u32 i = 0; i < ARRAY_SIZE(by); i++)
		XDP(MOVX(1, 7), MOVK(2, by[i]), CALLH(HELPER_xdp_adjust_tail), MOVX(6, 0), KEEP(0,
			6), MOVX(1, 7),
		    CALLH(HELPER_xdp_get_buff_len), MOVX(6, 0), KEEP(8, 6));
}

TEST(xdp_bytes_are_loaded_and_stored)
{
	static const u32 offs[] = { 0, 13, 72, 73, 80, 81, 0xffff, 0x10000, 0xffffffff };

	NEED_KERNEL();
	for (u32 i = 0; i < ARRAY_SIZE(offs); i++)
		XDP(MOVX(1, 7), MOVK(2, offs[i]), AT(3, DATA, OUT), MOVK(4, 8),
			CALLH(HELPER_xdp_load_bytes), MOVX(6, 0),
		    KEEP(0, 6), MOVX(1, 7), MOVK(2, offs[i]), AT(3, DATA, OUT + 16), MOVK(4, 8),
		    CALLH(HELPER_xdp_store_bytes), MOVX(6, 0), KEEP(8, 6), MOVK(1, 5), MOVK(2, 0),
		    CALLH(HELPER_redirect),
		    MOVX(6, 0), KEEP(16, 6), MOVK(1, 5), MOVK(2, 1), CALLH(HELPER_redirect), MOVX(6,
		    0), KEEP(24, 6));
}

/* Direct access through the ctx's 32-bit fields, as a compiled program does it. */
TEST(packet_pointers_fit_the_ctx)
{
	NEED_KERNEL();
	XDP(LDX(W, 2, 7, 0), LDX(W, 3, 7, 4), MOVX(4, 2), A64K(ADD, 4, 20), J64X(JGT, 4, 3, 5),
		LDX(W, 6, 2, 12),
	    KEEP(0, 6), ST(B, 2, 3, 0x5a));
	packet_world(BPF_PROG_TYPE_SCHED_CLS, 80);
	SAME(&w, MOVX(7, 1), LDX(W, 2, 7, 76), LDX(W, 3, 7, 80), MOVX(4, 2), A64K(ADD, 4, 20),
		J64X(JGT, 4, 3, 5),
	     LDX(W, 6, 2, 12), KEEP(0, 6), ST(B, 2, 3, 0x5a), LDX(W, 6, 7, 0), KEEP(8, 6), DONE());
	world_end(&w);
}
