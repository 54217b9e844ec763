/* SPDX-License-Identifier: BSD-2-Clause */
/* helper: reads of user and kernel memory, and who runs, give what the running kernel gives. */
#include "world.h"

enum { OUT = 64 };

/* Two readable pages, then one that is not. */
static char *page_end(void)
{
	static char *pages;

	if (!pages) {
		pages = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			-1, 0);
		CHECK(pages != MAP_FAILED);
		CHECK_EQ(mprotect(pages + 8192, 4096, PROT_NONE), 0);
	}
	return pages + 8192;
}

/* A text that ends just before unreadable memory, so that reading on would fault. */
static char *text_at_end(const char *text)
{
	return memcpy(page_end() - strlen(text) - 1, text, strlen(text) + 1);
}

static void same_read(u32 helper, u32 size, u64 addr)
{
	static struct world w;

	world_init(&w, BPF_PROG_TYPE_SYSCALL);
	memset(w.data + OUT, 0xaa, 128);
	SAME(&w, AT(1, DATA, OUT), MOVK(2, size), WIDE(3, addr), CALLH(helper), MOVX(6, 0), KEEP(0,
		6), DONE());
	world_end(&w);
}

TEST(user_reads_give_bytes_or_zeroes)
{
	static char bytes[] = "abcdefghijklmnopqrstuvwxyz";
	const u64 from[] = { (u64)bytes, (u64)text_at_end("end") - 60, 0, 8, (u64)page_end() - 2,
			     (u64)page_end(), 0x7ffffffff000, 0xffff800000000000, (u64)-1,
			     	1ull << 56 };

	NEED_KERNEL();
	for (u32 i = 0; i < ARRAY_SIZE(from); i++)
		for (u32 size = 0; size < 40; size += 7) {
			same_read(HELPER_probe_read_user, size, from[i]);
			same_read(HELPER_copy_from_user, size, from[i]);
		}
}

TEST(user_strings_give_text_or_zeroes)
{
	char *texts[] = { "", "a", "1234567", "12345678", "123456789",
		"a longer text, more than two words",
			  text_at_end("at the end") };
	const u64 wild[] = { 0, 1, (u64)page_end(), (u64)-4096, 0x7fffffffffff };

	NEED_KERNEL();
	for (u32 size = 0; size < 48; size++) {
		for (u32 i = 0; i < ARRAY_SIZE(texts); i++)
			same_read(HELPER_probe_read_user_str, size, (u64)texts[i]);
		same_read(HELPER_probe_read_user_str, size, wild[size % ARRAY_SIZE(wild)]);
		same_read(HELPER_probe_read_user_str, size, (u64)page_end() - 12);
	}
}

TEST(kernel_reads_reach_own_memory_alone)
{
	static struct world w;

	NEED_KERNEL();
	for (u32 size = 0; size < 40; size += 3) {
		world_init(&w, BPF_PROG_TYPE_SYSCALL);
		strcpy((char *)w.data + 512, "the program's own map value");
		memset(w.data + OUT, 0xaa, 128);
		/* a map value, the stack, then addresses that are nobody's */
		SAME(&w, AT(1, DATA, OUT), MOVK(2, size), AT(3, DATA, 512),
			CALLH(HELPER_probe_read_kernel),
		     MOVX(6, 0), KEEP(0, 6), AT(1, DATA, OUT + 40), MOVK(2, size), AT(3, DATA, 512),
		     CALLH(HELPER_probe_read_kernel_str), MOVX(6, 0), KEEP(8, 6), WIDE(8,
		     0x1122334455667788),
		     STX(DW, 10, -8, 8), AT(1, DATA, OUT + 80), MOVK(2, 8), MOVX(3, 10), A64K(ADD,
		     	3, -8),
		     CALLH(HELPER_probe_read_kernel), MOVX(6, 0), KEEP(16, 6), AT(1, DATA,
		     OUT + 90),
		     MOVK(2, 8), MOVK(3, 16), CALLH(HELPER_probe_read_kernel), MOVX(6, 0), KEEP(24,
		     6),
		     AT(1, DATA, OUT + 100), MOVK(2, 8), WIDE(3, 0xffff000000000000),
		     CALLH(HELPER_probe_read_kernel_str), MOVX(6, 0), KEEP(32, 6), DONE());
		world_end(&w);
	}
}

TEST(old_probe_reads_find_both_kinds)
{
	static char bytes[] = "user side";
	static struct world w;

	NEED_KERNEL();
	world_init(&w, BPF_PROG_TYPE_SYSCALL);
	strcpy((char *)w.data + 512, "map side");
	SAME(&w, AT(1, DATA, OUT), MOVK(2, 9), WIDE(3, (u64)bytes), CALLH(HELPER_probe_read),
		MOVX(6, 0), KEEP(0, 6),
	     AT(1, DATA, OUT + 16), MOVK(2, 9), AT(3, DATA, 512), CALLH(HELPER_probe_read), MOVX(6,
	     0), KEEP(8, 6),
	     AT(1, DATA, OUT + 32), MOVK(2, 32), WIDE(3, (u64)bytes), CALLH(HELPER_probe_read_str),
	     MOVX(6, 0),
	     KEEP(16, 6), AT(1, DATA, OUT + 80), MOVK(2, 32), AT(3, DATA, 512),
	     CALLH(HELPER_probe_read_str),
	     MOVX(6, 0), KEEP(24, 6), AT(1, DATA, OUT + 120), MOVK(2, 8), MOVK(3, 0),
	     CALLH(HELPER_probe_read),
	     MOVX(6, 0), KEEP(32, 6), DONE());
	world_end(&w);
}

TEST(task_is_this_process)
{
	static struct world w;

	NEED_KERNEL();
	for (u32 size = 1; size <= 20; size++) {
		world_init(&w, BPF_PROG_TYPE_SYSCALL);
		memset(w.data + OUT, 0xaa, 64);
		SAME(&w, CALLH(HELPER_get_current_pid_tgid), MOVX(6, 0), KEEP(0, 6),
		     CALLH(HELPER_get_current_uid_gid), MOVX(6, 0), KEEP(8, 6), AT(1, DATA, OUT),
		     MOVK(2, size),
		     CALLH(HELPER_get_current_comm), MOVX(6, 0), KEEP(16, 6), DONE());
		world_end(&w);
	}
}

TEST(pid_namespace_question_may_fail)
{
	static struct world w;

	NEED_KERNEL();
	world_init(&w, BPF_PROG_TYPE_SYSCALL);
	memset(w.data + OUT, 0xaa, 64);
	SAME(&w, MOVK(1, 1), MOVK(2, 2), AT(3, DATA, OUT), MOVK(4, 8),
		CALLH(HELPER_get_ns_current_pid_tgid),
	     MOVX(6, 0), KEEP(0, 6), WIDE(1, 1ull << 40), MOVK(2, 2), AT(3, DATA, OUT + 16), MOVK(4,
	     8),
	     CALLH(HELPER_get_ns_current_pid_tgid), MOVX(6, 0), KEEP(8, 6), MOVK(1, 1), MOVK(2, 2),
	     AT(3, DATA, OUT + 32), MOVK(4, 12), CALLH(HELPER_get_ns_current_pid_tgid), MOVX(6, 0),
	     KEEP(16, 6),
	     DONE());
	world_end(&w);
}

/* A clock read by the kernel lies between two readings of the host's. */
TEST(clocks_are_the_kernels)
{
	static const u32 clocks[] = { HELPER_ktime_get_ns, HELPER_ktime_get_boot_ns,
		HELPER_ktime_get_tai_ns };
	static struct world w;
	static struct outcome before, kernel, after;

	NEED_KERNEL();
	world_init(&w, BPF_PROG_TYPE_SOCKET_FILTER);
	w.packet_bytes = 64;
	for (u32 i = 0; i < ARRAY_SIZE(clocks); i++) {
		const struct insn insns[] = { CALLH(clocks[i]), MOVX(6, 0), KEEP(0, 6),
			CALLH(HELPER_jiffies64),
					      MOVX(6, 0), KEEP(8, 6),
					      CALLH(HELPER_ktime_get_coarse_ns), MOVX(6, 0),
					      KEEP(16, 6), DONE() };
		const u64 *b = (u64 *)before.data, *k = (u64 *)kernel.data, *a = (u64 *)after.data;

		CHECK_EQ(user_run(&w, insns, ARRAY_SIZE(insns), true, &before), 0);
		kernel_run(&w, insns, ARRAY_SIZE(insns), &kernel);
		CHECK_EQ(user_run(&w, insns, ARRAY_SIZE(insns), true, &after), 0);
		CHECK(b[0] <= k[0] && k[0] <= a[0]);
		CHECK(b[2] <= k[2] && k[2] <= a[2]);
		/* jiffies: the same start; ticks of a host that says nothing are 4 ms */
		CHECK(k[1] >> 32 == b[1] >> 32);
	}
	world_end(&w);
}

TEST(signals_and_writes_go_to_the_host)
{
	static struct world w;
	static struct outcome out;
	static char target[8];
	const struct insn insns[] = { MOVK(1, 10), CALLH(HELPER_send_signal), MOVX(6, 0), KEEP(0,
		6), MOVK(1, 65),
				      CALLH(HELPER_send_signal_thread), MOVX(6, 0), KEEP(8, 6),
				      WIDE(1, (u64)target),
				      AT(2, TEXT, 0), MOVK(3, 8), CALLH(HELPER_probe_write_user),
				      MOVX(6, 0),
				      KEEP(16, 6), DONE() };

	world_init(&w, BPF_PROG_TYPE_KPROBE);
	memcpy(map_first_value(w.map[TEXT]), "written", 8);
	CHECK_EQ(user_run(&w, insns, ARRAY_SIZE(insns), true, &out), 0);
	CHECK_EQ(w.sig, 10);
	CHECK_EQ(*(s64 *)(out.data + 8), -EINVAL);
	CHECK_STR(target, "written");
	world_end(&w);
}

TEST(stacks_are_zeroed_behind_their_frames)
{
	static struct world w;
	static struct outcome out;
	const struct insn insns[] = {
		MOVX(7, 1), MOVX(1, 7), AT(2, DATA, 64), MOVK(3, 64), MOVK(4, BPF_F_USER_STACK | 2),
		CALLH(HELPER_get_stack), MOVX(6, 0), KEEP(0, 6),
		MOVX(1, 7), AT(2, DATA, 256), MOVK(3, 64), MOVK(4, 0), CALLH(HELPER_get_stack),
		MOVX(6, 0), KEEP(8, 6),
		MOVX(1, 7), AT(2, DATA, 320), MOVK(3, 12), MOVK(4, BPF_F_USER_STACK),
		CALLH(HELPER_get_stack), MOVX(6, 0),
		KEEP(16, 6),
		MOVX(1, 7), AT(2, DATA, 384), MOVK(3, 64), MOVK(4,
		BPF_F_USER_STACK | BPF_F_USER_BUILD_ID),
		CALLH(HELPER_get_stack), MOVX(6, 0), KEEP(24, 6), DONE(),
	};
	const u64 *d = (u64 *)out.data;

	world_init(&w, BPF_PROG_TYPE_KPROBE);
	memset(w.data + 64, 0xaa, 448);
	CHECK_EQ(user_run(&w, insns, ARRAY_SIZE(insns), true, &out), 0);
	CHECK_EQ(d[0], 24);
	CHECK_EQ(d[8], 0x1002);
	CHECK_EQ(d[10], 0x1004);
	CHECK_EQ(d[11], 0);
	CHECK_EQ((s64)d[1], -EFAULT);
	CHECK_EQ(d[32], 0);
	CHECK_EQ((s64)d[2], -EINVAL);
	CHECK_EQ(d[3], 64);
	CHECK_EQ(d[48], 2);
	CHECK_EQ(d[51], 0x1000);
	world_end(&w);
}
