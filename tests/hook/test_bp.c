/* SPDX-License-Identifier: BSD-2-Clause */
/* Breakpoints count exactly, in threads, forked children and after exec, and change no result. */
#include "test.h"
#include "elf/maps.h"
#include "hook/counting.h"
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>

/* The functions under breakpoints live in this very program; a run of it with "--NAME" as first
 * argument does what the tests watch. */

/* The leak check of a sanitizer build uses ptrace itself, which fails in a traced program. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "detect_leaks=0";
}

#ifdef __clang__
#define NOINLINE __attribute__((noinline))
#else
#define NOINLINE __attribute__((noinline, noclone))
#endif

static volatile long sink;
static jmp_buf escape;

NOINLINE static long hot(long x)
{
	sink += x;
	__asm__ volatile("" ::: "memory");
	return x + 1;
}

NOINLINE static long nested(long n)
{
	long below = n ? nested(n - 1) : hot(0);

	__asm__ volatile("" ::: "memory");
	return below + 1;
}

NOINLINE static void jumper(int n)
{
	if (n == 0)
		longjmp(escape, 1);
	if (sink >= 0)
		jumper(n - 1);
	__asm__ volatile("" ::: "memory");
}

/* Insns whose meaning depends on where they stand, each under a breakpoint of its own. */
__asm__(".pushsection .text\n"
	".type odd_insns, @function\n"
	"odd_insns:\n"
	"	xor %eax, %eax\n"
	"	mov $5, %ecx\n"
	"odd_loop: .globl odd_loop\n"
	"	add $1, %rax\n"
	"odd_at_loop: .globl odd_at_loop\n"
	"	loop odd_loop\n"
	"odd_at_jrcxz: .globl odd_at_jrcxz\n"
	"	jrcxz 1f\n"
	"	ud2\n"
	"1:	cmp $5, %rax\n"
	"odd_at_jcc: .globl odd_at_jcc\n"
	"	jne 2f\n"
	"odd_at_call: .globl odd_at_call\n"
	"	call 3f\n"
	"odd_at_lea: .globl odd_at_lea\n"
	"	lea 3f(%rip), %rdx\n"
	"odd_at_call_reg: .globl odd_at_call_reg\n"
	"	call *%rdx\n"
	"	push %rdx\n"
	"odd_at_call_mem: .globl odd_at_call_mem\n"
	"	call *(%rsp)\n"
	"	pop %rdx\n"
	"odd_at_call_rip: .globl odd_at_call_rip\n"
	"	call *odd_pointer(%rip)\n"
	"odd_at_load: .globl odd_at_load\n"
	"	add odd_ten(%rip), %rax\n"
	"	pushfq\n"
	"	popfq\n"
	"odd_at_jmp: .globl odd_at_jmp\n"
	"	jmp 4f\n"
	"2:	ud2\n"
	"3:	add $100, %rax\n"
	"odd_at_ret: .globl odd_at_ret\n"
	"	ret\n"
	"4:	ret\n"
	".size odd_insns, . - odd_insns\n"
	".popsection\n"
	".pushsection .data\n"
	"odd_pointer: .quad 3b\n"
	"odd_ten: .quad 10\n"
	".popsection\n");
long odd_insns(void);
#define ODD_LABELS(X) \
	X(odd_loop) X(odd_at_loop) X(odd_at_jrcxz) X(odd_at_jcc) X(odd_at_call) X(odd_at_lea) \
	X(odd_at_call_reg) X(odd_at_call_mem) X(odd_at_call_rip) X(odd_at_load) X(odd_at_jmp) \
	X(odd_at_ret)
#define X(name) extern const char name[];
ODD_LABELS(X)
#undef X

static void *hammer(void *n)
{
	for (long i = 0; i < (long)n; i++)
		hot(i);
	return NULL;
}

static void run_threads(long n_threads, long n)
{
	pthread_t threads[16];

	for (long i = 0; i < n_threads; i++)
		pthread_create(&threads[i], NULL, hammer, (void *)n);
	for (long i = 0; i < n_threads; i++)
		pthread_join(threads[i], NULL);
}

static void run_forks(void)
{
	for (int i = 0; i < 10; i++) {
		if (fork() == 0) {
			hammer((void *)20);
			if (i == 3)
				run_threads(2, 10);
			_exit(0);
		}
		hot(i);
	}
	while (wait(NULL) > 0)
		;
}

static void *exec_self(void *arg)
{
	execl("/proc/self/exe", "x", "--threads", NULL);
	return arg;
}

/* execve from a thread that is not the leader, while others run into breakpoints. */
static int run_thread_exec(void)
{
	pthread_t t;

	for (int i = 0; i < 4; i++)
		pthread_create(&t, NULL, hammer, (void *)1000000);
	usleep(2000);
	pthread_create(&t, NULL, exec_self, NULL);
	pause();
	return 1;
}

static volatile sig_atomic_t n_alarms;

static void on_alarm(int sig)
{
	(void)sig;
	n_alarms++;
	hot(0);
}

/* Signals that come all the time, with a handler that runs into breakpoints itself. */
static int run_signals(void)
{
	struct sigaction sa = { .sa_handler = on_alarm };
	struct itimerval often = { { 0, 300 }, { 0, 300 } }, never = { 0 };
	long calls = 0;

	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	while (n_alarms < 500) {
		if (odd_insns() != 5 + 4 * 100 + 10)
			return 1;
		calls++;
	}
	setitimer(ITIMER_REAL, &never, NULL);
	printf("%ld %d\n", calls, (int)n_alarms);
	return 0;
}

/* A sandbox that answers mmap with death must not see one made on the tracer's behalf. */
static int run_sandboxed(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mmap, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { ARRAY_SIZE(code), code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog))
		return 3;
	for (int i = 0; i < 10; i++)
		if (odd_insns() != 5 + 4 * 100 + 10 || hot(i) != i + 1)
			return 4;
	return 0;
}

/* What a USDT probe's semaphore is for the program that has it. */
__attribute__((section(".probes"), used)) static volatile u16 semaphore = 0;

static int run_self(const char *what)
{
	if (!strcmp(what, "--threads"))
		run_threads(8, 500);
	else if (!strcmp(what, "--forks"))
		run_forks();
	else if (!strcmp(what, "--nested"))
		return nested(20) == 22 ? 0 : 1;
	else if (!strcmp(what, "--jumps"))
		for (volatile int i = 0; i < 10; i++) {
			if (!setjmp(escape))
				jumper(3);
			else
				hot(i);
		}
	else if (!strcmp(what, "--odd"))
		return odd_insns() == 5 + 4 * 100 + 10 ? 0 : 1;
	else if (!strcmp(what, "--signals"))
		return run_signals();
	else if (!strcmp(what, "--sandbox"))
		return run_sandboxed();
	else if (!strcmp(what, "--semaphore"))
		return 10 + semaphore;
	else if (!strcmp(what, "--thread-exec"))
		return run_thread_exec();
	else if (!strcmp(what, "--exec"))
		return execl("/proc/self/exe", "x", "--threads", NULL);
	else
		return 2;
	return 0;
}

__attribute__((constructor(101))) static void maybe_run_self(int argc, char **argv)
{
	if (argc == 2 && argv[1][0] == '-')
		exit(run_self(argv[1]));
}

static char self[4096];

/* File offset of an address of this program. */
static u64 offset_of(const void *addr)
{
	struct mapping m;

	CHECK(mapping_of(getpid(), (u64)addr, &m));
	return (u64)addr - m.from + m.off;
}

static s32 add_bp(struct trace *t, const void *addr, bool enter, bool ret)
{
	struct diag dg = { 0 };
	struct trace_bp_spec spec = { self, offset_of(addr), enter, ret, 0, 0 };
	s32 id = trace_add_bp(t, &spec, &dg);

	CHECK_EQ(dg.n_errors, 0);
	CHECK(id >= 0);
	return id;
}

/* The traced program is this one: a sanitizer's search for leaks, when it ends, needs ptrace(2). */
static struct trace *new_trace(struct counting **c)
{
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	setenv("ASAN_OPTIONS", "detect_leaks=0", 1);
	CHECK(n > 0);
	self[n] = '\0';
	*c = counting_new();
	CHECK(*c);
	return trace_new(&counting_ops, *c);
}

static void check_clean(struct trace *t, struct counting *c)
{
	struct trace_counts n = trace_counts(t);

	CHECK_EQ(n.bp_missed, 0);
	CHECK_EQ(n.return_missed, 0);
	CHECK_EQ(c->wrong, 0);
	trace_free(t);
	counting_free(c);
}

TEST(threads_hit_exactly)
{
	struct counting *c;
	struct trace *t = new_trace(&c);
	char *args[] = { self, "--threads", NULL };

	add_bp(t, hot, true, true);
	CHECK_EQ(counting_run(t, args), 0);
	CHECK_EQ(c->bp_enter[0], 8 * 500);
	CHECK_EQ(c->bp_return[0], 8 * 500);
	CHECK_EQ(c->sum_return[0], 8 * 500 * 501 / 2);
	check_clean(t, c);
}

TEST(forked_children_hit_exactly)
{
	struct counting *c;
	struct trace *t = new_trace(&c);
	char *args[] = { self, "--forks", NULL };

	add_bp(t, hot, true, true);
	CHECK_EQ(counting_run(t, args), 0);
	CHECK_EQ(c->bp_enter[0], 10 * 20 + 2 * 10 + 10);
	CHECK_EQ(c->bp_return[0], 10 * 20 + 2 * 10 + 10);
	check_clean(t, c);
}

TEST(breakpoints_follow_exec)
{
	struct counting *c;
	struct trace *t = new_trace(&c);
	char *args[] = { self, "--exec", NULL };

	add_bp(t, hot, true, false);
	CHECK_EQ(counting_run(t, args), 0);
	CHECK_EQ(c->bp_enter[0], 8 * 500);
	CHECK_EQ(c->bp_return[0], 0);
	check_clean(t, c);
}

TEST(exec_from_a_thread_is_followed)
{
	for (int i = 0; i < 5; i++) {
		struct counting *c;
		struct trace *t = new_trace(&c);
		char *args[] = { self, "--thread-exec", NULL };

		add_bp(t, hot, true, true);
		trace_want_syscall(t, SYS_execve, TRACE_ENTER | TRACE_EXIT);
		trace_want_process(t, TRACE_EXEC_EVENT | TRACE_FORK_EVENT | TRACE_EXIT_EVENT);
		CHECK_EQ(counting_run(t, args), 0);
		CHECK(c->bp_enter[0] >= 8 * 500);
		CHECK_EQ(c->n_exec, 2);
		CHECK_EQ(c->enter[SYS_execve], 2);
		CHECK_EQ(c->exit[SYS_execve], 2);
		CHECK_EQ(c->n_fork, 5 + 8);
		CHECK_EQ(c->n_exit, 1 + 5 + 8); /* the old leader's end is one, too */
		CHECK_EQ(c->n_group_dead, 1);
		check_clean(t, c);
	}
}

TEST(recursion_returns_as_often_as_it_is_entered)
{
	struct counting *c;
	struct trace *t = new_trace(&c);
	char *args[] = { self, "--nested", NULL };

	add_bp(t, nested, true, true);
	add_bp(t, nested, false, true); /* a second program at the same place */
	add_bp(t, hot, true, true);
	CHECK_EQ(counting_run(t, args), 0);
	CHECK_EQ(c->bp_enter[0], 21);
	CHECK_EQ(c->bp_return[0], 21);
	CHECK_EQ(c->sum_return[0], 21 * 2 + 20 * 21 / 2);
	CHECK_EQ(c->bp_enter[1], 0);
	CHECK_EQ(c->bp_return[1], 21);
	CHECK_EQ(c->bp_enter[2], 1);
	check_clean(t, c);
}

TEST(longjmp_leaves_no_false_return)
{
	struct counting *c;
	struct trace *t = new_trace(&c);
	char *args[] = { self, "--jumps", NULL };

	add_bp(t, jumper, true, true);
	add_bp(t, hot, true, true);
	CHECK_EQ(counting_run(t, args), 0);
	CHECK_EQ(c->bp_enter[0], 40);
	CHECK_EQ(c->bp_return[0], 0);
	CHECK_EQ(c->bp_enter[1], 10);
	CHECK_EQ(c->bp_return[1], 10);
	check_clean(t, c);
}

static void add_odd(struct trace *t)
{
#define X(name) add_bp(t, name, true, false);
	ODD_LABELS(X)
#undef X
}

TEST(insns_that_depend_on_their_place_work)
{
	static const u64 expected[] = { 5, 5, 1, 1, 1, 1, 1, 1, 1, 1, 1, 4 };
	struct counting *c;
	struct trace *t = new_trace(&c);
	char *args[] = { self, "--odd", NULL };

	add_odd(t);
	CHECK_EQ(counting_run(t, args), 0);
	for (u32 i = 0; i < ARRAY_SIZE(expected); i++)
		CHECK_EQ(c->bp_enter[i], expected[i]);
	check_clean(t, c);
}

/* The numbers that the program prints are compared with what was counted. */
TEST(signals_at_any_insn_lose_and_double_nothing)
{
	struct counting *c;
	struct trace *t = new_trace(&c);
	char *args[] = { self, "--signals", NULL };
	char out[] = "/tmp/osmia-test-XXXXXX", text[64] = "";
	int fd = mkstemp(out), saved = dup(1);
	long calls = 0, alarms = 0;

	CHECK(fd >= 0);
	fflush(stdout);
	dup2(fd, 1);
	add_odd(t);
	add_bp(t, hot, true, true);

	int status = counting_run(t, args);

	dup2(saved, 1);
	close(saved);
	CHECK(pread(fd, text, sizeof(text) - 1, 0) >= 0);
	close(fd);
	unlink(out);
	CHECK_EQ(status, 0);
	CHECK_EQ(sscanf(text, "%ld %ld", &calls, &alarms), 2);
	CHECK_EQ(c->bp_enter[0], 5 * calls);
	CHECK_EQ(c->bp_enter[2], calls);
	CHECK_EQ(c->bp_enter[9], calls);
	CHECK_EQ(c->bp_enter[11], 4 * calls);
	CHECK_EQ(c->bp_enter[12], alarms);
	CHECK_EQ(c->bp_return[12], alarms);
	check_clean(t, c);
}

TEST(sandboxed_program_survives)
{
	char *args[] = { self, "--sandbox", NULL };
	struct counting *c;
	struct trace *t;

#ifdef __SANITIZE_ADDRESS__
	SKIP("a sanitizer makes calls that the sandbox forbids");
#endif
	t = new_trace(&c);
	add_odd(t);
	add_bp(t, hot, true, true);
	CHECK_EQ(counting_run(t, args), 0);
	CHECK_EQ(c->bp_enter[0], 50);
	CHECK_EQ(c->bp_enter[9], 10);
	CHECK_EQ(c->bp_enter[12], 10);
	CHECK_EQ(c->bp_return[12], 10);
	check_clean(t, c);
}

TEST(semaphore_is_raised_while_traced)
{
	struct counting *c;
	struct trace *t = new_trace(&c);
	char *args[] = { self, "--semaphore", NULL };
	struct trace_bp_spec spec = { self, offset_of(hot), true, false, 0,
				      offset_of((const void *)&semaphore) };

	CHECK_EQ(trace_add_bp(t, &spec, NULL), 0);
	CHECK_EQ(counting_run(t, args), 11 << 8);
	check_clean(t, c);
}

/* pid 1 is in no tree that is started here. */
TEST(breakpoint_of_another_process_is_not_hit)
{
	struct counting *c;
	struct trace *t = new_trace(&c);
	char *args[] = { self, "--forks", NULL };
	struct trace_bp_spec spec = { self, offset_of(hot), true, true, 1, 0 };

	CHECK_EQ(trace_add_bp(t, &spec, NULL), 0);
	CHECK_EQ(counting_run(t, args), 0);
	CHECK_EQ(c->bp_enter[0], 0);
	CHECK_EQ(c->bp_return[0], 0);
	check_clean(t, c);
}

TEST(bad_places_are_refused)
{
	struct counting *c;
	struct diag dg = { 0 };
	struct trace *t = new_trace(&c);
	struct trace_bp_spec spec = { "/nonexistent", 0, true, false, 0, 0 };

	CHECK_EQ(trace_add_bp(t, &spec, &dg), -ENOENT);
	spec.path = "/tmp";
	CHECK_EQ(trace_add_bp(t, &spec, &dg), -EINVAL);
	spec.path = self;
	spec.off = 1ull << 60;
	CHECK_EQ(trace_add_bp(t, &spec, &dg), -EINVAL);
	CHECK_EQ(dg.n_errors, 3);
	diag_free(&dg);
	trace_free(t);
	counting_free(c);
}

/* libc is loaded by the dynamic linker, after exec. */
TEST(libraries_are_reached)
{
	struct counting *c;
	struct trace *t = new_trace(&c);
	struct diag dg = { 0 };
	struct mapping m;
	struct trace_bp_spec spec = { m.path, 0, true, true, 0, 0 };
	char *args[] = { "/bin/sh", "-c", "/bin/true; exec /bin/true", NULL };

	CHECK(mapping_of(getpid(), (u64)getppid, &m));
	spec.off = (u64)getppid - m.from + m.off;
	if (!strstr(m.path, "libc"))
		SKIP("libc is not a shared library here");
	CHECK_EQ(trace_add_bp(t, &spec, &dg), 0);
	CHECK_EQ(counting_run(t, args), 0);
	CHECK_EQ(c->bp_enter[0], 1); /* dash asks for its parent when it starts */
	CHECK_EQ(c->bp_return[0], 1);
	check_clean(t, c);
}

/* Counts are the same without any right. */
TEST(ordinary_user_hits_exactly)
{
	if (getuid())
		SKIP("not root: every other test is this one");

	struct counting *c;
	struct trace *t = new_trace(&c);
	char *args[] = { self, "--forks", NULL };
	struct stat st;

	add_bp(t, hot, true, true);

	s32 pid = fork();

	if (pid == 0) {
		if (setresgid(65534, 65534, 65534) || setresuid(65534, 65534, 65534) ||
		    prctl(PR_SET_DUMPABLE, 1) || stat(self, &st) || access(self, X_OK))
			_exit(99);
		_exit(counting_run(t, args) ? 1 : 0);
	}
	int status;

	CHECK_EQ(waitpid(pid, &status, 0), pid);
	if (WEXITSTATUS(status) == 99)
		SKIP("another user can't run this program where it lies");
	CHECK_EQ(status, 0);
	CHECK_EQ(c->bp_enter[0], 10 * 20 + 2 * 10 + 10);
	CHECK_EQ(c->bp_return[0], 10 * 20 + 2 * 10 + 10);
	check_clean(t, c);
}
