/* SPDX-License-Identifier: BSD-2-Clause */
/* Whatever dies, and whenever: the tree goes on as if it had never been traced. */
#include "test.h"
#include "elf/maps.h"
#include "hook/counting.h"
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

static char dir[64];

static void make_dir(void)
{
	strcpy(dir, "/tmp/osmia-guard-XXXXXX");
	CHECK(mkdtemp(dir));
}

static void remove_dir(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	CHECK_EQ(system(command), 0);
}

static char *read_text(const char *name)
{
	static char text[65536];
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	int fd = open(path, O_RDONLY);
	ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);

	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = '\0';
	return text;
}

/* Waits until a file has a whole line. */
static bool await_file(const char *name)
{
	for (u64 end = now_ms() + COUNT_DEADLINE_MS; now_ms() < end; usleep(10000))
		if (strchr(read_text(name), '\n'))
			return true;
	return false;
}

/* A function of libc, which every program calls. */
static void add_strtol(struct trace *t)
{
	struct mapping m;
	struct trace_bp_spec spec = { m.path, 0, true, true, 0, 0 };

	CHECK(mapping_of(getpid(), (u64)&strtol, &m));
	spec.off = (u64)&strtol - m.from + m.off;
	CHECK(trace_add_bp(t, &spec, NULL) >= 0);
}

static struct trace *everything(struct counting *c)
{
	struct trace *t = trace_new(&counting_ops, c);

	trace_want_syscall(t, SYS_openat, TRACE_ENTER | TRACE_EXIT);
	trace_want_syscall(t, SYS_read, TRACE_ENTER | TRACE_EXIT);
	trace_want_syscall(t, SYS_write, TRACE_ENTER);
	trace_want_syscall(t, SYS_execve, TRACE_ENTER | TRACE_EXIT);
	trace_want_process(t, TRACE_EXEC_EVENT | TRACE_FORK_EVENT | TRACE_EXIT_EVENT |
				      TRACE_SIGNAL_DELIVER | TRACE_SIGNAL_GENERATE);
	add_strtol(t);
	return t;
}

/* A small C project: its build makes many processes, its output is deterministic. */
static void write_project(void)
{
	char path[256];
	FILE *f;

	for (int i = 0; i < 6; i++) {
		snprintf(path, sizeof(path), "%s/f%d.c", dir, i);
		f = fopen(path, "w");
		fprintf(f, "int f%d(int x) { return x * %d + 1; }\n", i, i + 2);
		fclose(f);
	}
	snprintf(path, sizeof(path), "%s/main.c", dir);
	f = fopen(path, "w");
	fprintf(f, "#include <stdio.h>\nint f0(int), f1(int), f2(int), f3(int), f4(int), f5(int);\n"
		   "int main(void) { printf(\"%%d\\n\", f0(f1(f2(f3(f4(f5(1))))))); return 0; }\n");
	fclose(f);
	snprintf(path, sizeof(path), "%s/Makefile", dir);
	f = fopen(path, "w");
	fprintf(f, "OBJ := main.o f0.o f1.o f2.o f3.o f4.o f5.o\n"
		   "all: prog\n\t./prog | sed 's/^/answer: /' > answer\n\tfalse\n"
		   "prog: $(OBJ)\n\t$(CC) $(OBJ) -o $@\n");
	fclose(f);
}

/* Builds the project; every run ends in make's own "false".  The controller dies after kill_ms. */
static void build_and_kill(int kill_ms)
{
	char script[512];
	struct counting *c = counting_new();
	u32 enters = 0;

	make_dir();
	write_project();
	snprintf(script, sizeof(script),
		 "cd %s && { make -s -j2 CC=cc > out 2>&1; echo $? > code.tmp; mv code.tmp code; }",
		 dir);

	char *args[] = { "/bin/sh", "-c", script, NULL };
	s32 controller = fork();

	if (controller == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		struct trace *t = everything(c);

		if (trace_start(t, args, NULL, NULL) < 0)
			_exit(1);
		pause();
	}
	if (kill_ms >= 0) {
		usleep((useconds_t)kill_ms * 1000);
		kill(controller, SIGKILL);
	}
	CHECK(await_file("code"));
	CHECK_STR(read_text("code"), "2\n");
	CHECK(strstr(read_text("out"), "Makefile:4: all] Error 1") != NULL);
	CHECK_STR(read_text("answer"), "answer: 5913\n");
	enters = (u32)c->enter[SYS_execve];
	CHECK(enters > 0);
	kill(controller, SIGKILL);
	waitpid(controller, NULL, 0);
	for (int i = 0; i < 500 && !__atomic_load_n(&c->stopped, __ATOMIC_RELAXED); i++)
		usleep(10000);
	CHECK_EQ(c->stopped, 1);
	counting_free(c);
	remove_dir();
}

TEST(killed_controller_leaves_a_build_unchanged)
{
	if (system("make --version > /dev/null 2>&1") || system("cc --version > /dev/null 2>&1"))
		SKIP("needs make and cc");
	build_and_kill(30);
	build_and_kill(150);
	build_and_kill(300);
}

/* After the guard's last op nothing is counted, and the tree ends as ever. */
TEST(stopped_trace_lets_the_command_run_on)
{
	struct counting *c = counting_new();
	struct trace *t = everything(c);
	char *args[] = {"/bin/sh", "-c",
			"for i in 1 2 3 4 5 6; do /bin/true; sleep 0.05; done; exit 9", NULL};
	s32 pid = trace_start(t, args, NULL, NULL);

	CHECK(pid > 0);
	usleep(100000);
	CHECK_EQ(trace_stop(t), 0);
	CHECK_EQ(c->stopped, 1);

	u64 execs = c->n_exec;

	CHECK(execs > 0);
	CHECK(counting_wait(t, TRACE_ENDED, pid));
	CHECK_EQ(trace_status(t), 9 << 8);
	CHECK_EQ(c->n_exec, execs);
	trace_free(t);
	counting_free(c);
}

/* Job control: a stopped job stays stopped, goes on with SIGCONT, and both signals are seen. */
TEST(stopped_job_stays_stopped)
{
	struct counting *c = counting_new();
	struct trace *t = everything(c);
	char *args[] = { "/bin/sh", "-c", "kill -STOP $$; exit 4", NULL };
	s32 pid = trace_start(t, args, NULL, NULL);

	CHECK(pid > 0);
	for (int i = 0; i < 500 && !__atomic_load_n(&c->signals[SIGSTOP], __ATOMIC_RELAXED); i++)
		usleep(10000);
	usleep(50000);
	CHECK_EQ(c->signals[SIGSTOP], 1);
	CHECK_EQ(c->generated[SIGSTOP], 1);
	CHECK_EQ(trace_poll(t), TRACE_RUNNING);
	kill(pid, SIGCONT);
	CHECK(counting_wait(t, TRACE_ENDED, pid));
	CHECK_EQ(trace_status(t), 4 << 8);
	CHECK_EQ(c->signals[SIGCONT], 1);
	trace_free(t);
	counting_free(c);
}

TEST(tree_killed_at_any_point_is_survived)
{
	unsigned seed = 1;

	for (int i = 0; i < 25; i++) {
		struct counting *c = counting_new();
		struct trace *t = everything(c);
		char *args[] = {"/bin/sh", "-c",
				"while :; do /bin/true & /bin/echo | cat > /dev/null; wait; done",
				NULL};
		s32 pid = trace_start(t, args, NULL, NULL);

		CHECK(pid > 0);
		usleep((useconds_t)(rand_r(&seed) % 30000));
		kill(pid, SIGKILL);
		CHECK(counting_wait(t, TRACE_ENDED, pid));
		CHECK_EQ(trace_status(t), SIGKILL);
		CHECK_EQ(c->stopped, 1);
		CHECK_EQ(c->wrong, 0);
		trace_free(t);
		counting_free(c);
	}
}

/* A field of /proc/PID/status as a number; -1 where the process is gone. */
static s32 status_number(s32 pid, const char *name)
{
	char path[64], text[4096], *at;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (fd >= 0)
		close(fd);
	if (n <= 0)
		return -1;
	text[n] = '\0';
	at = strstr(text, name);
	return at ? atoi(at + strlen(name)) : -1;
}

/* Dead, even where its parent has not asked for its status yet: it has no memory any more. */
static bool has_ended(s32 pid)
{
	return status_number(pid, "VmSize:") < 0;
}

/* The guard's death is not survived: the tree goes with it, and the controller is told. */
TEST(killed_guard_takes_its_tree_along)
{
	struct counting *c = counting_new();
	struct trace *t = everything(c);
	char *args[] = { "/bin/sh", "-c", "sleep 20", NULL };
	s32 pid = trace_start(t, args, NULL, NULL), guard;

	CHECK(pid > 0);
	guard = status_number(pid, "TracerPid:");
	CHECK(guard > 0 && guard != getpid());
	kill(guard, SIGKILL);
	CHECK(counting_wait(t, TRACE_ENDED, pid));
	CHECK_EQ(trace_poll(t), TRACE_GUARD_LOST);
	for (int i = 0; i < 500 && !has_ended(pid); i++)
		usleep(10000);
	CHECK(has_ended(pid));
	trace_free(t);
	CHECK_EQ(kill(pid, 0), -1);
	counting_free(c);
}

/* A killed controller's attached process is let go. */
TEST(killed_controller_lets_an_attached_process_go)
{
	struct counting *c = counting_new();
	int status;
	s32 victim = fork();

	if (victim == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);

		const char *volatile one = "1"; /* a compiler knows what it is of a constant */

		for (;;)
			strtol(one, NULL, 10);
	}

	s32 controller = fork();

	if (controller == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		struct trace *t = everything(c);

		if (trace_attach(t, victim, NULL) < 0)
			_exit(1);
		pause();
	}
	for (int i = 0; i < 500 && c->bp_enter[0] < 100; i++)
		usleep(10000);
	CHECK(c->bp_enter[0] >= 100);
	kill(controller, SIGKILL);
	waitpid(controller, NULL, 0);
	for (int i = 0; i < 500 && !c->stopped; i++)
		usleep(10000);
	CHECK_EQ(c->stopped, 1);
	usleep(50000);
	CHECK_EQ(waitpid(victim, &status, WNOHANG), 0);

	CHECK_EQ(status_number(victim, "TracerPid:"), 0);
	kill(victim, SIGKILL);
	CHECK_EQ(waitpid(victim, &status, 0), victim);
	CHECK_EQ(status, SIGKILL);
	counting_free(c);
}

/* What can't work under a tracer fails as the kernel makes it fail, and is counted. */
TEST(tracers_in_the_tree_are_reported)
{
	struct counting *c = counting_new();
	struct trace *t = trace_new(&counting_ops, c);

	if (system("strace -V > /dev/null 2>&1"))
		SKIP("needs strace");
	char *args[] = { "/bin/sh", "-c", "strace -o /dev/null true 2> /dev/null; exit 0", NULL };

	trace_want_syscall(t, SYS_openat, TRACE_ENTER);
	CHECK_EQ(counting_run(t, args), 0);
	CHECK(trace_counts(t).ptrace_refused > 0);
	trace_free(t);
	counting_free(c);
}

TEST(static_programs_are_traced)
{
	char command[512], program[80];
	struct counting *c = counting_new();
	struct trace *t = trace_new(&counting_ops, c);
	char *args[] = { program, NULL };

	make_dir();
	snprintf(program, sizeof(program), "%s/static", dir);
	snprintf(command, sizeof(command),
		 "echo '#include <unistd.h>\nint main(void) { for (int i = 0; i < 100; i++) "
		 "getppid(); return 3; }' > %s/s.c && cc -static -o %s %s/s.c > /dev/null 2>&1",
		 dir, program, dir);
	if (system(command)) {
		remove_dir();
		trace_free(t);
		SKIP("needs cc and a static libc");
	}
	trace_want_syscall(t, SYS_getppid, TRACE_ENTER | TRACE_EXIT);
	CHECK_EQ(counting_run(t, args), 3 << 8);
	CHECK_EQ(c->enter[SYS_getppid], 100);
	CHECK_EQ(c->exit[SYS_getppid], 100);
	trace_free(t);
	counting_free(c);
	remove_dir();
}

/* 32-bit programs run on unseen, and are counted. */
TEST(compat_programs_pass)
{
	char command[1024], program[80];
	struct counting *c = counting_new();
	struct trace *t = trace_new(&counting_ops, c);
	char *args[] = { program, NULL };

	make_dir();
	snprintf(program, sizeof(program), "%s/compat", dir);
	snprintf(command, sizeof(command),
		 "echo 'void _start(void) { for (int i = 0; i < 9; i++) { int r; __asm__ volatile("
		 "\"int $0x80\" : \"=a\"(r) : \"a\"(64)); } __asm__ volatile(\"int $0x80\" :: "
		 "\"a\"(1), \"b\"(5)); }' > %s/c.c && cc -m32 -O1 -nostdlib -static -fno-pic "
		 "-fno-stack-protector -o %s %s/c.c > /dev/null 2>&1 && { %s; test $? = 5; }",
		 dir, program, dir, program);
	if (system(command)) {
		remove_dir();
		trace_free(t);
		SKIP("needs a compiler and a kernel for 32-bit programs");
	}
	trace_want_all_syscalls(t, TRACE_ENTER | TRACE_EXIT);
	CHECK_EQ(counting_run(t, args), 5 << 8);
	CHECK_EQ(trace_counts(t).compat_execs, 1);
	CHECK_EQ(c->enter[SYS_execve], 1);
	trace_free(t);
	counting_free(c);
	remove_dir();
}
