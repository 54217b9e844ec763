/* SPDX-License-Identifier: BSD-2-Clause */
/* Tracepoint layouts are the kernel's, and records have the bytes that programs look for. */
#include "test.h"
#include "abi/ksyscall.h"
#include "abi/syscall.h"
#include "abi/tracepoint.h"
#include "base/file.h"
#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The format text without the line that holds the kernel's own ID. */
static char *without_id(char *text)
{
	char *id = strstr(text, "ID: ");
	char *end = id ? strchr(id, '\n') : NULL;

	if (end)
		memmove(id, end + 1, strlen(end));
	return text;
}

TEST(formats_are_those_of_tracefs)
{
	const char *root = "/sys/kernel/tracing/events";
	u32 n = 0, absent = 0;

	if (access(root, R_OK))
		root = "/sys/kernel/debug/tracing/events";
	if (access(root, R_OK))
		SKIP("needs a readable tracefs");
	for (u32 i = 0; i < tracepoint_count(); i++) {
		struct tracepoint tp;
		struct str ours = { 0 };
		struct bytes kernels;
		char path[256];

		CHECK_EQ(tracepoint_at(i, &tp), 0);
		snprintf(path, sizeof(path), "%s/%s/%s/format", root, tp.category, tp.name);
		if (file_read(path, 1 << 16, &kernels)) {
			absent++; /* not in this kernel's configuration */
			continue;
		}
		tracepoint_format(&tp, &ours);
		CHECK_STR(without_id((char *)str_text(&ours)), without_id((char *)kernels.p));
		bytes_free(&kernels);
		str_free(&ours);
		n++;
	}
	if (!n)
		SKIP("this tracefs has no system call events");
	CHECK(absent < 20);
}

TEST(every_tracepoint_is_found_by_name)
{
	struct tracepoint tp, same;
	u32 n = tracepoint_count();

	for (u32 i = 0; i < n; i++) {
		CHECK_EQ(tracepoint_at(i, &tp), 0);
		CHECK_EQ(tracepoint_find(tp.category, tp.name, &same), 0);
		CHECK_EQ(same.id, i + 1);
		CHECK_EQ(same.kind, tp.kind);
		CHECK_EQ(same.nr, tp.nr);
		CHECK_EQ(same.size, tp.size);
	}
	CHECK_EQ(tracepoint_at(n, &tp), -ENOENT);
	CHECK_EQ(tracepoint_find("syscalls", "sys_enter_nothing", &tp), -ENOENT);
	CHECK_EQ(tracepoint_find("syscalls", "openat", &tp), -ENOENT);
	CHECK_EQ(tracepoint_find("sched", "sys_enter_openat", &tp), -ENOENT);
}

TEST(numbers_ascend)
{
	for (u32 i = 1; i < syscall_count(); i++)
		CHECK(syscall_at(i - 1)->nr < syscall_at(i)->nr);
	CHECK_EQ(syscall_by_name("openat")->nr, SYS_openat);
	CHECK_EQ(syscall_by_name("stat")->nr, SYS_stat);
	CHECK_EQ(syscall_by_function("newstat")->nr, SYS_stat);
	CHECK_STR(syscall_info(SYS_execve)->name, "execve");
	CHECK(!syscall_info(100000));
}

static u32 get32(const u8 *rec, u32 off)
{
	u32 v;

	memcpy(&v, rec + off, sizeof(v));
	return v;
}

static u64 get64(const u8 *rec, u32 off)
{
	u64 v;

	memcpy(&v, rec + off, sizeof(v));
	return v;
}

TEST(records_hold_the_event)
{
	static u8 rec[TP_RECORD_MAX];
	const u64 args[6] = { 1, 2, 3, 4, 5, 6 };
	struct tracepoint tp;

	tracepoint_find("syscalls", "sys_enter_openat", &tp);
	CHECK_EQ(tp_build_sys_enter(&tp, rec, 77, SYS_openat, args), 48);
	CHECK_EQ(get32(rec, 4), 77);
	CHECK_EQ(get32(rec, 8), SYS_openat);
	CHECK_EQ(get64(rec, 40), 4);
	tracepoint_find("raw_syscalls", "sys_enter", &tp);
	CHECK_EQ(tp_build_sys_enter(&tp, rec, 77, -1, args), 64);
	CHECK_EQ((s64)get64(rec, 8), -1);
	CHECK_EQ(get64(rec, 56), 6);
	tracepoint_find("syscalls", "sys_exit_openat", &tp);
	CHECK_EQ(tp_build_sys_exit(&tp, rec, 77, SYS_openat, -512), 24);
	CHECK_EQ((s64)get64(rec, 16), -512);

	tracepoint_find("sched", "sched_process_exec", &tp);
	CHECK_EQ(tp_build_exec(&tp, rec, 5, "/bin/true", 6), 30);
	CHECK_EQ(get32(rec, 8), 20 | 10 << 16);
	CHECK_STR((char *)rec + 20, "/bin/true");
	CHECK_EQ(get32(rec, 16), 6);
	tracepoint_find("sched", "sched_process_fork", &tp);
	CHECK_EQ(tp_build_fork(&tp, rec, 5, "sh", 6, "child"), 24 + 3 + 6);
	CHECK_STR((char *)rec + (get32(rec, 16) & 0xffff), "child");
	tracepoint_find("sched", "sched_process_exit", &tp);
	CHECK_EQ(tp_build_exit(&tp, rec, 5, "a name that is too long", 120, true), 36);
	CHECK_STR((char *)rec + 8, "a name that is ");
	CHECK_EQ(rec[32], 1);
}

TEST(long_names_do_not_overflow_a_record)
{
	static u8 rec[TP_RECORD_MAX];
	char name[3 * TP_RECORD_MAX];
	struct tracepoint tp;

	memset(name, 'x', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	tracepoint_find("sched", "sched_process_exec", &tp);
	CHECK_EQ(tp_build_exec(&tp, rec, 5, name, 6), TP_RECORD_MAX);
	CHECK_EQ(rec[TP_RECORD_MAX - 1], 0);
	tracepoint_find("sched", "sched_process_fork", &tp);
	CHECK(tp_build_fork(&tp, rec, 5, name, 6, name) <= TP_RECORD_MAX);
}

TEST(kernel_functions_lead_to_calls)
{
	struct ksym s;
	char name[64];
	u32 n = 0;

	CHECK_EQ(ksym_find("__x64_sys_openat", &s), 0);
	CHECK_EQ(s.args, KSYM_REGS);
	CHECK_EQ(s.calls[0].nr, SYS_openat);
	CHECK_EQ(ksym_find("sys_stat", &s), 0);
	CHECK_EQ(s.calls[0].nr, SYS_stat);
	CHECK_EQ(ksym_find("__x64_sys_stat", &s), 0); /* as ksyscall/stat asks */
	CHECK_EQ(ksym_find("__do_sys_newstat", &s), 0);
	CHECK_EQ(s.args, KSYM_PLAIN);
	CHECK_EQ(s.calls[0].from[1], KSYM_ARG1);
	CHECK_EQ(s.calls[0].from[2], KSYM_ZERO);
	CHECK_EQ(ksym_find("do_sys_openat2", &s), 0);
	CHECK_EQ(s.n_calls, 4);
	for (u32 i = 0; i < s.n_calls; i++)
		CHECK_EQ(s.calls[i].from[0],
			 s.calls[i].nr == SYS_openat || s.calls[i].nr == 437 ? KSYM_ARG0
									     : KSYM_AT_FDCWD);
	CHECK_EQ(ksym_find("kernel_clone", &s), 0);
	CHECK_EQ(s.n_calls, 4);
	CHECK_EQ(ksym_find("tcp_sendmsg", &s), -ENOENT);
	CHECK_EQ(ksym_find("__x64_sys_uselib", &s), -ENOENT);
	while (!ksym_at(n, name, sizeof(name))) {
		CHECK_EQ(ksym_find(name, &s), 0);
		n++;
	}
	CHECK(n > 380);
}
