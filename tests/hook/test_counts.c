/* SPDX-License-Identifier: BSD-2-Clause */
/* The same command gives the same counts under Osmia, under strace -c and in the kernel's own
 * raw_syscalls tracepoints.  Commands run side by side may differ by a wait or a read from one run
 * to the next, so one equal pair in a few attempts is asked for. */
#include "test.h"
#include "abi/syscall.h"
#include "hook/counting.h"
#include <sys/stat.h>
#include <sys/syscall.h>

enum { ATTEMPTS = 6 };

static char *const command[] = { "/bin/sh", "-c",
				 "ls / | sort > /dev/null; (exit 3); kill -USR1 $$; :", NULL };

static void count_ours(struct counting *c)
{
	struct trace *t = trace_new(&counting_ops, c);

	trace_want_all_syscalls(t, TRACE_ENTER | TRACE_EXIT);
	CHECK_EQ(counting_run(t, command), SIGUSR1);
	trace_free(t);
	CHECK_EQ(c->wrong, 0);
}

/* ---- strace ---- */

static bool count_strace(u64 *enter)
{
	char line[512], path[] = "/tmp/osmia-strace-XXXXXX", cmd[512];
	int fd = mkstemp(path);

	CHECK(fd >= 0);
	snprintf(cmd, sizeof(cmd), "strace -f -c -U name,calls -o %s %s %s '%s' > /dev/null 2>&1",
		 path, command[0], command[1], command[2]);
	if (system(cmd) < 0)
		return false;

	FILE *f = fdopen(fd, "r");
	u64 calls;
	char name[64];

	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%63s %lu", name, &calls) != 2)
			continue;
		const struct syscall_info *call = syscall_by_name(name);

		if (call)
			enter[call->nr] = calls;
	}
	fclose(f);
	unlink(path);
	return true;
}

TEST(counts_are_those_of_strace)
{
	bool same = false;

	if (system("strace -V > /dev/null 2>&1"))
		SKIP("needs strace");
	for (int i = 0; i < ATTEMPTS && !same; i++) {
		struct counting *c = counting_new();
		u64 enter[TRACE_SYSCALLS_MAX] = { 0 };

		count_ours(c);
		CHECK(count_strace(enter));
		CHECK(enter[SYS_execve] > 0);
		same = true;
		for (u32 nr = 0; nr < TRACE_SYSCALLS_MAX; nr++) {
			/* strace counts at exit: those that do not return it counts otherwise. */
			bool returns =
				nr != SYS_exit_group && nr != SYS_exit && nr != SYS_rt_sigreturn;

			same &= !returns || enter[nr] == c->enter[nr];
		}
		counting_free(c);
	}
	CHECK(same);
}

/* ---- the kernel ---- */

static char instance[128];

static bool write_file(const char *name, const char *text)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", instance, name);
	int fd = open(path, O_WRONLY | O_TRUNC);
	bool done = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return done;
}

/* Runs the command as a child that waits until its pid is in the instance's filter. */
static void run_watched(void)
{
	char text[16], byte = 0;
	int go[2], status;

	CHECK_EQ(pipe2(go, O_CLOEXEC), 0);
	s32 pid = fork();

	if (pid == 0) {
		if (read(go[0], &byte, 1) == 1)
			execv(command[0], command);
		_exit(127);
	}
	snprintf(text, sizeof(text), "%d", pid);
	CHECK(write_file("options/event-fork", "1"));
	CHECK(write_file("set_event_pid", text));
	CHECK(write_file("buffer_size_kb", "4096"));
	CHECK(write_file("events/raw_syscalls/enable", "1"));
	CHECK_EQ(write(go[1], &byte, 1), 1);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK(write_file("events/raw_syscalls/enable", "0"));
	close(go[0]);
	close(go[1]);
	CHECK_EQ(status, SIGUSR1);
}

static void count_kernel(u64 *enter, u64 *exits)
{
	char path[256], line[512];
	bool begun = false;

	run_watched();
	snprintf(path, sizeof(path), "%s/trace", instance);
	FILE *f = fopen(path, "re");

	CHECK(f);
	while (fgets(line, sizeof(line), f)) {
		char *in = strstr(line, "sys_enter: NR "), *out = strstr(line, "sys_exit: NR ");
		long nr = in ? atol(in + 14) : out ? atol(out + 13) : -2;

		begun |= in && nr == SYS_execve;
		if (!begun || nr == -2)
			continue;
		if (in)
			enter[nr]++;
		else
			exits[nr < 0 ? TRACE_SYSCALLS_MAX : nr]++;
	}
	fclose(f);
}

TEST(counts_are_those_of_the_kernel)
{
	const char *root = "/sys/kernel/tracing/instances";
	bool same = false;

	snprintf(instance, sizeof(instance), "%s/osmia-test-%d", root, getpid());
	if (access(root, W_OK) || mkdir(instance, 0700))
		SKIP("needs a writable tracefs");
	for (int i = 0; i < ATTEMPTS && !same; i++) {
		struct counting *c = counting_new();
		u64 enter[TRACE_SYSCALLS_MAX] = { 0 }, exits[TRACE_SYSCALLS_MAX + 1] = { 0 };

		count_ours(c);
		write_file("trace", "\n"); /* opened to be cut, it is emptied */
		count_kernel(enter, exits);
		same = !memcmp(enter, c->enter, sizeof(enter)) &&
		       !memcmp(exits, c->exit, sizeof(exits));
		for (u32 nr = 0; nr < TRACE_SYSCALLS_MAX && !same; nr++)
			if (enter[nr] != c->enter[nr] || exits[nr] != c->exit[nr])
				fprintf(stderr, "# nr %u: kernel %lu %lu, ours %lu %lu\n", nr,
					enter[nr], exits[nr], c->enter[nr], c->exit[nr]);
		counting_free(c);
	}
	CHECK_EQ(rmdir(instance), 0);
	CHECK(same);
}
