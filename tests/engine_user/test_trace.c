/* SPDX-License-Identifier: BSD-2-Clause */
/* tests/engine_user/test_trace.c - clang's objects on real events of commands, through the ptrace
 * transport.
 */
#include "trace.h"

struct exec_event {
	u32 pid;
	char comm[16];
	char filename[128];
};

struct exec_log {
	struct exec_event ev[16];
	u32 n;
};

static int on_exec(void *arg, const void *data, u32 size)
{
	struct exec_log *log = arg;

	CHECK_EQ(size, sizeof(struct exec_event));
	if (log->n < 16)
		memcpy(&log->ev[log->n++], data, sizeof(*log->ev));
	return 0;
}

/* The object, compiled once; SKIP where there is no clang. */
static const char *object(const char *source)
{
	static char path[512];
	char cmd[1600];
	const char *build = getenv("BUILD"), *base = strrchr(source, '/');

	snprintf(path, sizeof(path), "%s/%s.o", build ? build : "build", base ? base + 1 : source);
	snprintf(cmd, sizeof(cmd),
		 "for c in clang clang-19 clang-16 clang-14; do command -v $c >/dev/null || continue; "
		 "$c -target bpf -O2 -g -D__TARGET_ARCH_x86 -I/usr/include/x86_64-linux-gnu -c %s -o %s && exit 0; "
		 "done; exit 1", source, path);
	if (system(cmd))
		SKIP("needs clang and libbpf's headers");
	return path;
}

TEST(execsnoop_sees_each_execve)
{
	static char *const argv[] = { "/bin/sh", "-c", "/bin/true; /bin/echo hi >/dev/null; exit 7", NULL };
	struct exec_log log = { 0 };
	struct traced t = { 0 };

	traced_load(&t, object("demo/execsnoop.bpf.c"), NULL);
	traced_run(&t, argv, 0, "events", on_exec, &log);
	CHECK_EQ(t.status, 7 << 8);
	CHECK_EQ(log.n, 3);
	CHECK_STR(log.ev[0].filename, "/bin/sh");
	CHECK_STR(log.ev[1].filename, "/bin/true");
	CHECK_STR(log.ev[1].comm, "sh");
	CHECK_STR(log.ev[2].filename, "/bin/echo");
	CHECK_STR(t.account, "");
	traced_end(&t);
}
