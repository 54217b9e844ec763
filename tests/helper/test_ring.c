/* SPDX-License-Identifier: BSD-2-Clause */
/* helper: records, dynptrs, loops and element loops give what the running kernel gives. */
#include "world.h"

enum { RING = 2, OUT = 64, RING_BYTES = 4096 };

static struct world w;

static void ring_world(u32 prog_type)
{
	world_init(&w, prog_type);
	world_map(&w, BPF_MAP_TYPE_RINGBUF, 0, 0, RING_BYTES, 0);
}

/* Positions and headers of the records are the kernel's to the byte. */
static void same_ring(void)
{
	u64 prod = map_ringbuf_query(w.map[RING], BPF_RB_PROD_POS), kernel_prod;
	void *k = mmap(NULL, 3 * RING_BYTES, PROT_READ, MAP_SHARED, w.fd[RING], RING_BYTES);

	CHECK(k != MAP_FAILED);
	kernel_prod = *(u64 *)k;
	munmap(k, 3 * RING_BYTES);
	/* the interpreter ran twice, trusted and checked */
	CHECK_EQ(prod, 2 * kernel_prod);
}

TEST(records_are_reserved_and_sent)
{
	NEED_KERNEL();
	ring_world(BPF_PROG_TYPE_SYSCALL);
	memcpy(w.data + OUT, "sixteen bytes...", 16);
	SAME(&w, MAP_OF(1, RING), AT(2, DATA, OUT), MOVK(3, 13), MOVK(4, 0),
		CALLH(HELPER_ringbuf_output), MOVX(6, 0),
	     KEEP(0, 6), MAP_OF(1, RING), AT(2, DATA, OUT), MOVK(3, 13), MOVK(4, 8),
	     CALLH(HELPER_ringbuf_output),
	     MOVX(6, 0), KEEP(8, 6), MAP_OF(1, RING), MOVK(2, 24), MOVK(3, 0),
	     CALLH(HELPER_ringbuf_reserve),
	     J64K(JEQ, 0, 0, 4), ST(DW, 0, 16, 5), MOVX(1, 0), MOVK(2, 0),
	     	CALLH(HELPER_ringbuf_submit),
	     MAP_OF(1, RING), MOVK(2, 24), MOVK(3, 1), CALLH(HELPER_ringbuf_reserve), J64K(JEQ, 0,
	     0, 3), MOVX(1, 0),
	     MOVK(2, 0), CALLH(HELPER_ringbuf_discard), MAP_OF(1, RING), MOVK(2, 40), MOVK(3, 0),
	     CALLH(HELPER_ringbuf_reserve), J64K(JEQ, 0, 0, 3), MOVX(1, 0), MOVK(2,
	     BPF_RB_NO_WAKEUP),
	     CALLH(HELPER_ringbuf_discard), MAP_OF(1, RING), AT(2, DATA, 0), MOVK(3, 4096), MOVK(4,
	     0),
	     CALLH(HELPER_ringbuf_output), MOVX(6, 0), KEEP(16, 6), MAP_OF(1, RING), MOVK(2,
	     BPF_RB_RING_SIZE),
	     CALLH(HELPER_ringbuf_query), MOVX(6, 0), KEEP(24, 6), MAP_OF(1, RING), MOVK(2, 99),
	     CALLH(HELPER_ringbuf_query), MOVX(6, 0), KEEP(32, 6), DONE());
	same_ring();
	world_end(&w);
}

/* read, write and data at offset and length; flags; into a dynptr over 32 bytes of DATA. */
static void same_dynptr(u32 size, u32 off, u32 len, u64 flags)
{
	ring_world(BPF_PROG_TYPE_SYSCALL);
	for (u32 i = 0; i < 64; i++)
		w.data[512 + i] = (u8)(i + 1);
	SAME(&w, AT(1, DATA, 512), MOVK(2, size), MOVK(3, 0), MOVX(4, 10), A64K(ADD, 4, -16),
	     CALLH(HELPER_dynptr_from_mem), MOVX(6, 0), KEEP(0, 6), AT(1, DATA, 600), MOVK(2, len),
	     MOVX(3, 10),
	     A64K(ADD, 3, -16), MOVK(4, off), MOVK(5, flags), CALLH(HELPER_dynptr_read), MOVX(6, 0),
	     KEEP(8, 6),
	     MOVX(1, 10), A64K(ADD, 1, -16), MOVK(2, off), AT(3, DATA, 700), MOVK(4, len), MOVK(5,
	     flags),
	     CALLH(HELPER_dynptr_write), MOVX(6, 0), KEEP(16, 6), MOVX(1, 10), A64K(ADD, 1, -16),
	     MOVK(2, off),
	     MOVK(3, 8), CALLH(HELPER_dynptr_data), J64K(JEQ, 0, 0, 1), ST(DW, 0, 0, 77), DONE());
	world_end(&w);
}

TEST(dynptrs_have_bounds)
{
	static const u32 offs[] = { 0, 1, 7, 24, 31, 32, 33, 0x7fffffff };

	NEED_KERNEL();
	for (u32 i = 0; i < ARRAY_SIZE(offs); i++)
		for (u32 len = 0; len <= 40; len += 8) {
			same_dynptr(32, offs[i], len, 0);
			same_dynptr(32, offs[i], len, 1);
		}
	same_dynptr(0, 0, 0, 0);
}

TEST(dynptr_from_mem_refuses_flags)
{
	NEED_KERNEL();
	ring_world(BPF_PROG_TYPE_SYSCALL);
	SAME(&w, AT(1, DATA, 512), MOVK(2, 32), MOVK(3, 1), MOVX(4, 10), A64K(ADD, 4, -16),
	     CALLH(HELPER_dynptr_from_mem), MOVX(6, 0), KEEP(0, 6), AT(1, DATA, 600), MOVK(2, 8),
	     MOVX(3, 10),
	     A64K(ADD, 3, -16), MOVK(4, 0), MOVK(5, 0), CALLH(HELPER_dynptr_read), MOVX(6, 0),
	     KEEP(8, 6), DONE());
	world_end(&w);
}

TEST(ringbuf_dynptrs_are_records)
{
	static const u32 sizes[] = { 8, 100, 1900, 5000, 1 << 24, 1 << 30 };

	NEED_KERNEL();
	for (u32 i = 0; i < ARRAY_SIZE(sizes); i++)
		for (u32 flags = 0; flags < 2; flags++) {
			ring_world(BPF_PROG_TYPE_SYSCALL);
			SAME(&w, MAP_OF(1, RING), MOVK(2, sizes[i]), MOVK(3, flags), MOVX(4, 10),
				A64K(ADD, 4, -16),
			     CALLH(HELPER_ringbuf_reserve_dynptr), MOVX(6, 0), KEEP(0, 6), MOVX(1,
			     10),
			     A64K(ADD, 1, -16), MOVK(2, 0), AT(3, DATA, OUT), MOVK(4, 8), MOVK(5,
			     0),
			     CALLH(HELPER_dynptr_write), MOVX(6, 0), KEEP(8, 6), MOVX(1, 10),
			     A64K(ADD, 1, -16),
			     MOVK(2, 0), CALLH(HELPER_ringbuf_discard_dynptr), DONE());
			world_end(&w);
		}
}

TEST(user_samples_are_drained)
{
	static struct outcome out;
	/* r1 = dynptr, r2 = &sum on the caller's stack: adds the sample's first word */
	const struct insn insns[] = {
		ST(DW, 10, -8, 0), MAP_OF(1, 2), FUNC(2, 15), MOVX(3, 10), A64K(ADD, 3, -8), MOVK(4,
			0),
		CALLH(HELPER_user_ringbuf_drain), MOVX(6, 0), KEEP(0, 6), LDX(DW, 6, 10, -8),
		KEEP(8, 6), DONE(),
		/* callback, at pc 19 */
		MOVX(7, 2), MOVX(3, 1), MOVX(1, 10), A64K(ADD, 1, -8), MOVK(2, 8), MOVK(4, 0),
		MOVK(5, 0),
		CALLH(HELPER_dynptr_read), LDX(DW, 1, 10, -8), LDX(DW, 2, 7, 0), A64X(ADD, 2, 1),
		STX(DW, 7, 0, 2),
		MOVK(0, 0), EXIT(),
	};

	world_init(&w, BPF_PROG_TYPE_SYSCALL);
	world_map(&w, BPF_MAP_TYPE_USER_RINGBUF, 0, 0, 4096, 0);
	CHECK_EQ(user_run(&w, insns, ARRAY_SIZE(insns), true, &out), 0);
	CHECK_EQ(*(s64 *)out.data, 0);
	CHECK_EQ(*(s64 *)(out.data + 8), 0);
	world_end(&w);
}

/* Calls a callback that adds its index to DATA and stops where it is told. */
static void same_loop(u32 n, u32 stop, u32 flags)
{
	world_init(&w, BPF_PROG_TYPE_SYSCALL);
	SAME(&w, MOVK(1, n), FUNC(2, 10), MOVK(3, 0), MOVK(4, flags), CALLH(HELPER_loop), MOVX(6,
		0), KEEP(0, 6),
	     DONE(),
	     AT(2, DATA, 8), LDX(DW, 3, 2, 0), A64X(ADD, 3, 1), STX(DW, 2, 0, 3), MOVK(0, 0),
	     J64K(JNE, 1, stop, 1), MOVK(0, 1), EXIT());
	world_end(&w);
}

TEST(loops_count_and_stop)
{
	NEED_KERNEL();
	same_loop(0, 99, 0);
	same_loop(10, 99, 0);
	same_loop(10, 3, 0);
	same_loop(10, 0, 0);
	same_loop(1, 99, 1);
	same_loop((1 << 23) + 1, 99, 0);
}

TEST(elements_are_visited)
{
	NEED_KERNEL();
	for (u32 stop = 0; stop < 5; stop += 4) {
		world_init(&w, BPF_PROG_TYPE_SYSCALL);
		world_map(&w, BPF_MAP_TYPE_ARRAY, 4, 8, 7, 0);
		/* r1 = map, r2 = &key, r3 = &value, r4 = ctx */
		SAME(&w, MAP_OF(1, 2), FUNC(2, 10), MOVK(3, 0), MOVK(4, 0),
			CALLH(HELPER_for_each_map_elem), MOVX(6, 0),
		     KEEP(0, 6), DONE(), AT(5, DATA, 8), LDX(W, 1, 2, 0), LDX(DW, 4, 5, 0),
		     A64X(ADD, 4, 1),
		     A64K(ADD, 4, 100), STX(DW, 5, 0, 4), ST(DW, 3, 0, 1), MOVK(0, 0),
		     J64K(JNE, 1, stop ? 4 : 77, 1), MOVK(0, 1), EXIT());
		world_end(&w);
	}
}

TEST(map_helpers_answer_as_in_the_kernel)
{
	static const u64 flags[] = { BPF_ANY, BPF_NOEXIST, BPF_EXIST, 3, 8 };

	NEED_KERNEL();
	for (u32 i = 0; i < ARRAY_SIZE(flags); i++) {
		world_init(&w, BPF_PROG_TYPE_SYSCALL);
		world_map(&w, BPF_MAP_TYPE_HASH, 4, 8, 4, 0);
		SAME(&w, ST(W, 10, -4, 5), ST(DW, 10, -16, 123), MAP_OF(1, 2), MOVX(2, 10),
			A64K(ADD, 2, -4),
		     MOVX(3, 10), A64K(ADD, 3, -16), MOVK(4, flags[i]),
		     CALLH(HELPER_map_update_elem), MOVX(6, 0),
		     KEEP(0, 6), MAP_OF(1, 2), MOVX(2, 10), A64K(ADD, 2, -4), MOVX(3, 10), A64K(ADD,
		     3, -16),
		     MOVK(4, flags[i]), CALLH(HELPER_map_update_elem), MOVX(6, 0), KEEP(8, 6),
		     MAP_OF(1, 2), MOVX(2, 10),
		     A64K(ADD, 2, -4), CALLH(HELPER_map_lookup_elem), J64K(JEQ, 0, 0, 4), LDX(DW, 6,
		     0, 0), KEEP(16, 6),
		     MAP_OF(1, 2), MOVX(2, 10), A64K(ADD, 2, -4), CALLH(HELPER_map_delete_elem),
		     MOVX(6, 0), KEEP(24, 6),
		     MAP_OF(1, 2), MOVX(2, 10), A64K(ADD, 2, -4), CALLH(HELPER_map_delete_elem),
		     MOVX(6, 0), KEEP(32, 6),
		     DONE());
		world_end(&w);
	}
}

TEST(queues_push_and_pop)
{
	static const u32 types[] = { BPF_MAP_TYPE_QUEUE, BPF_MAP_TYPE_STACK };

	NEED_KERNEL();
	for (u32 i = 0; i < 2; i++) {
		world_init(&w, BPF_PROG_TYPE_SYSCALL);
		world_map(&w, types[i], 0, 8, 2, 0);
#define PUSH(v, flags, at)                                                                        \
	ST(DW, 10, -8, v), MAP_OF(1, 2), MOVX(2, 10), A64K(ADD, 2, -8), MOVK(3, flags),            \
		CALLH(HELPER_map_push_elem), MOVX(6, 0), KEEP(at, 6)
#define POP(how, at)                                                                              \
	MAP_OF(1, 2), MOVX(2, 10), A64K(ADD, 2, -8), CALLH(how), MOVX(6, 0), KEEP(at, 6),         \
		LDX(DW, 6, 10, -8), KEEP(at + 8, 6)
		SAME(&w, PUSH(1, 0, 0), PUSH(2, 0, 8), PUSH(3, 0, 16), PUSH(4, BPF_EXIST, 24),
			PUSH(5, 1, 32),
		     POP(HELPER_map_peek_elem, 40), POP(HELPER_map_pop_elem, 56),
		     	POP(HELPER_map_pop_elem, 72),
		     POP(HELPER_map_pop_elem, 88), DONE());
		world_end(&w);
	}
}

TEST(a_run_gives_back_what_it_holds)
{
	static struct outcome out;
	const struct insn leak[] = { MAP_OF(1, RING), MOVK(2, 16), MOVK(3, 0),
		CALLH(HELPER_ringbuf_reserve),
				     MOVX(1, 0), MOVK(2, 0), LDX(DW, 0, 2, 0), DONE() };
	const struct insn many[] = { MOVK(6, 40), MAP_OF(1, RING), MOVK(2, 8), MOVK(3, 0),
				     CALLH(HELPER_ringbuf_reserve), A64K(SUB, 6, 1), J64K(JNE, 6, 0,
				     -7),
				     MOVX(6, 0), KEEP(0, 6), DONE() };

	ring_world(BPF_PROG_TYPE_SYSCALL);
	CHECK_EQ(user_run(&w, leak, ARRAY_SIZE(leak), true, &out), -EFAULT);
	CHECK_EQ(user_run(&w, many, ARRAY_SIZE(many), true, &out), 0);
	CHECK_EQ(*(u64 *)out.data, 0);
	/* all were committed as discarded: a later record can still be sent */
	CHECK_EQ(map_ringbuf_output(w.map[RING], "x", 1, 0), 0);
	world_end(&w);
}
