/* SPDX-License-Identifier: BSD-2-Clause */
/* An attached process does not notice: no call fails, no byte stays changed. */
#include "test.h"
#include "elf/maps.h"
#include "hook/counting.h"
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>

/* Shared with the victim. */
struct victim {
	u32 stop, ready, errors;
	u64 hot_calls, sleeps, waits, messages;
	char first_error[64];
};

static struct victim *victim;
#ifdef __clang__
#define NOINLINE __attribute__((noinline))
#else
#define NOINLINE __attribute__((noinline, noclone))
#endif

static volatile long sink;

NOINLINE static long hot(long x)
{
	sink += x;
	__asm__ volatile("" ::: "memory");
	return x + 1;
}

static void wrong(const char *what, int err)
{
	if (!__atomic_fetch_add(&victim->errors, 1, __ATOMIC_RELAXED))
		snprintf(victim->first_error, sizeof(victim->first_error), "%s: %s", what,
			 strerror(err));
}

static bool going_on(void)
{
	__atomic_fetch_add(&victim->ready, 1, __ATOMIC_RELAXED);
	return !__atomic_load_n(&victim->stop, __ATOMIC_RELAXED);
}

static void *computes(void *arg)
{
	while (going_on()) {
		for (long i = 0; i < 50; i++)
			if (hot(i) != i + 1)
				wrong("hot", 0);
		__atomic_fetch_add(&victim->hot_calls, 50, __ATOMIC_RELAXED);
		usleep(500);
	}
	return arg;
}

static void *sleeps(void *arg)
{
	while (going_on()) {
		struct timespec ms = { 0, 3000000 };
		u64 before = now_ms();

		if (nanosleep(&ms, NULL))
			wrong("nanosleep", errno);
		if (now_ms() - before < 3)
			wrong("nanosleep woke early", 0);
		victim->sleeps++;
	}
	return arg;
}

static void *waits(void *arg)
{
	int fd = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event ev;
	sigset_t none;

	sigemptyset(&none);
	sigaddset(&none, SIGUSR2);
	while (going_on()) {
		struct timespec ms = { 0, 4000000 };

		if (epoll_wait(fd, &ev, 1, 7))
			wrong("epoll_wait", errno);
		if (poll(NULL, 0, 5))
			wrong("poll", errno);
		if (sigtimedwait(&none, NULL, &ms) != -1 || errno != EAGAIN)
			wrong("sigtimedwait", errno);
		victim->waits++;
	}
	close(fd);
	return arg;
}

static void *reads(void *arg)
{
	int fd = *(int *)arg;
	u32 expected = 0, got;

	for (;;) {
		ssize_t n = read(fd, &got, sizeof(got));

		if (n == 0)
			return NULL;
		if (n != sizeof(got))
			wrong("read", errno);
		if (got != expected++)
			wrong("a message was lost", 0);
		victim->messages++;
	}
}

static void *writes(void *arg)
{
	int fd = *(int *)arg;

	for (u32 i = 0; going_on(); i++) {
		if (write(fd, &i, sizeof(i)) != sizeof(i))
			wrong("write", errno);
		usleep(1000);
	}
	close(fd);
	return NULL;
}

/* Makes and ends threads and processes all the time. */
static void *spawns(void *arg)
{
	while (going_on()) {
		pthread_t t;
		int status;
		s32 pid = fork();

		if (pid == 0) {
			hot(1);
			_exit(7);
		}
		if (waitpid(pid, &status, 0) != pid)
			wrong("waitpid", errno);
		else if (status != 7 << 8)
			wrong("a child died", status);
		if (pthread_create(&t, NULL, computes, NULL) == 0 && !victim->stop) {
			pthread_detach(t);
			usleep(20000);
		}
		usleep(5000);
	}
	return arg;
}

/* Signals that do nothing, sent to the process: SIGCHLD of its children, of which there always is
 * one, and others. */
static void *signals(void *arg)
{
	s32 stays = fork();

	if (stays == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	while (going_on()) {
		s32 pid = fork();

		if (pid == 0)
			_exit(0);
		if (waitpid(pid, NULL, 0) != pid)
			wrong("waitpid", errno);
		kill(getpid(), SIGWINCH);
		kill(getpid(), SIGCONT);
	}
	kill(stays, SIGKILL);
	waitpid(stays, NULL, 0);
	return arg;
}

static void *continues(void *arg)
{
	while (going_on()) {
		kill(getpid(), SIGCONT);
		usleep(300);
	}
	return arg;
}

/* Five threads that wait beside one that does what fn does. */
static void live_waiting(void *(*fn)(void *))
{
	pthread_t t[6];

	for (u32 i = 0; i < ARRAY_SIZE(t); i++)
		pthread_create(&t[i], NULL, i ? waits : fn, NULL);
	for (u32 i = 0; i < ARRAY_SIZE(t); i++)
		pthread_join(t[i], NULL);
	_exit(victim->errors ? 1 : 0);
}

static void live(bool spawning)
{
	pthread_t t[6];
	int ends[2], n = 0;

	if (pipe(ends))
		_exit(9);
	pthread_create(&t[n++], NULL, computes, NULL);
	pthread_create(&t[n++], NULL, sleeps, NULL);
	pthread_create(&t[n++], NULL, waits, NULL);
	pthread_create(&t[n++], NULL, reads, &ends[0]);
	pthread_create(&t[n++], NULL, writes, &ends[1]);
	if (spawning)
		pthread_create(&t[n++], NULL, spawns, NULL);
	while (n--)
		pthread_join(t[n], NULL);
	_exit(victim->errors ? 1 : 0);
}

/* fn: what it does beside waiting; NULL: all sorts of things. */
static s32 start_victim_of(bool spawning, void *(*fn)(void *))
{
	victim = mmap(NULL, sizeof(*victim), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	CHECK(victim != MAP_FAILED);

	s32 pid = fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (fn)
			live_waiting(fn);
		live(spawning);
	}
	while (!__atomic_load_n(&victim->ready, __ATOMIC_RELAXED))
		usleep(1000);
	return pid;
}

static s32 start_victim(bool spawning)
{
	return start_victim_of(spawning, NULL);
}

static void end_victim(s32 pid)
{
	int status = -1;

	__atomic_store_n(&victim->stop, 1, __ATOMIC_RELAXED);
	for (int i = 0; i < 2000 && waitpid(pid, &status, WNOHANG) == 0; i++)
		usleep(5000);
	if (status == -1)
		kill(pid, SIGKILL);
	if (victim->errors)
		fprintf(stderr, "# %u errors, first: %s\n", victim->errors, victim->first_error);
	CHECK_EQ(status, 0);
	CHECK_EQ(victim->errors, 0);
	munmap(victim, sizeof(*victim));
}

/* File and offset of an address of this program. */
static u64 offset_of(const void *addr, char *path)
{
	struct mapping m;

	CHECK(mapping_of(getpid(), (u64)addr, &m));
	strcpy(path, m.path);
	return (u64)addr - m.from + m.off;
}

static void add_hot(struct trace *t)
{
	char path[4096];
	struct trace_bp_spec spec = { path, offset_of(hot, path), true, true, 0, 0 };

	CHECK(trace_add_bp(t, &spec, NULL) >= 0);
}

static u32 code_maps(s32 pid)
{
	FILE *maps = mappings_open(pid);
	struct mapping m;
	u32 n = 0;

	while (maps && mapping_next(maps, &m))
		n += m.exec;
	if (maps)
		fclose(maps);
	return n;
}

static void check_untouched(s32 pid, u32 maps_before)
{
	u8 now[16];
	struct iovec to = { now, sizeof(now) }, from = { (void *)hot, sizeof(now) };

	CHECK_EQ(process_vm_readv(pid, &to, 1, &from, 1, 0), sizeof(now));
	CHECK_MEM(now, (void *)hot, sizeof(now));
	CHECK_EQ(code_maps(pid), maps_before);
}

TEST(fifty_attachments_are_not_noticed)
{
	s32 pid = start_victim(false);
	u32 maps_before = code_maps(pid);
	u64 hits = 0, calls = 0;

	for (int i = 0; i < 50; i++) {
		struct counting *c = counting_new();
		struct trace *t = trace_new(&counting_ops, c);

		if (i % 2)
			add_hot(t);
		if (i % 3)
			trace_want_all_syscalls(t, TRACE_ENTER | TRACE_EXIT);
		CHECK_EQ(trace_attach(t, pid, NULL), pid);
		CHECK_EQ(trace_poll(t), TRACE_RUNNING);
		usleep(10000);
		CHECK_EQ(trace_stop(t), 0);
		CHECK_EQ(trace_poll(t), TRACE_ENDED);
		CHECK_EQ(trace_counts(t).bp_missed, 0);
		CHECK_EQ(c->wrong, 0);
		hits += c->bp_enter[0];
		calls += c->enter[SYS_write];
		trace_free(t);
		counting_free(c);
		check_untouched(pid, maps_before);
	}
	CHECK(hits > 0);
	CHECK(calls > 0);
	end_victim(pid);
}

TEST(new_threads_and_children_are_followed)
{
	s32 pid = start_victim(true);
	u32 maps_before = code_maps(pid);
	u64 hits = 0, forks = 0;

	for (int i = 0; i < 15; i++) {
		struct counting *c = counting_new();
		struct trace *t = trace_new(&counting_ops, c);

		add_hot(t);
		if (i % 2)
			trace_want_syscall(t, SYS_read, TRACE_ENTER);
		trace_want_process(t, TRACE_FORK_EVENT | TRACE_EXIT_EVENT);
		CHECK_EQ(trace_attach(t, pid, NULL), pid);
		usleep(40000);
		CHECK_EQ(trace_stop(t), 0);
		hits += c->bp_enter[0];
		forks += c->n_fork;
		trace_free(t);
		counting_free(c);
		check_untouched(pid, maps_before);
	}
	CHECK(hits > 0);
	CHECK(forks > 0);
	end_victim(pid);
}

/* A call that is interrupted for nothing fails with EINTR where the kernel knows no restart. */
static void attach_often(s32 pid, bool with_calls)
{
	for (int i = 0; i < 60; i++) {
		struct counting *c = counting_new();
		struct trace *t = trace_new(&counting_ops, c);

		if (with_calls)
			add_hot(t);
		else
			trace_want_process(t, TRACE_FORK_EVENT);
		CHECK_EQ(trace_attach(t, pid, NULL), pid);
		usleep(5000);
		CHECK_EQ(trace_stop(t), 0);
		trace_free(t);
		counting_free(c);
	}
	end_victim(pid);
}

TEST(signals_that_do_nothing_wake_nobody)
{
	attach_often(start_victim_of(false, signals), true);
}

TEST(sigcont_of_a_running_process_is_not_noticed)
{
	attach_often(start_victim_of(false, continues), false);
}

/* Every hit while attached is counted: the victim's own counter says how many there were. */
TEST(hits_while_attached_are_exact)
{
	s32 pid = start_victim(false);
	struct counting *c = counting_new();
	struct trace *t = trace_new(&counting_ops, c);
	u64 before;

	add_hot(t);
	CHECK_EQ(trace_attach(t, pid, NULL), pid);
	before = victim->hot_calls;
	for (int i = 0; i < 1000 && victim->hot_calls < before + 300; i++)
		usleep(10000);
	__atomic_store_n(&victim->stop, 1, __ATOMIC_RELAXED);
	CHECK(counting_wait(t, TRACE_ENDED, pid));
	CHECK_EQ(trace_status(t), 0);

	u64 returned = c->bp_return[0];

	CHECK(returned > 50);
	CHECK(returned <= victim->hot_calls);
	CHECK_EQ(c->bp_enter[0], returned); /* none was under way when it ended */
	trace_free(t);
	counting_free(c);
	end_victim(pid);
}

TEST(absent_process_is_an_error)
{
	struct counting *c = counting_new();
	struct trace *t = trace_new(&counting_ops, c);
	struct diag dg = { 0 };
	s32 pid = fork();

	if (pid == 0)
		_exit(0);
	waitpid(pid, NULL, 0);
	CHECK_EQ(trace_attach(t, pid, &dg), -ESRCH);
	CHECK_EQ(dg.n_errors, 1);
	diag_free(&dg);
	trace_free(t);
	counting_free(c);
}

TEST(process_that_is_traced_already_is_an_error)
{
	s32 pid = start_victim(false);
	struct counting *c = counting_new();
	struct trace *t = trace_new(&counting_ops, c), *u = trace_new(&counting_ops, c);
	struct diag dg = { 0 };

	CHECK_EQ(trace_attach(t, pid, NULL), pid);
	CHECK_EQ(trace_attach(u, pid, &dg), -EPERM);
	CHECK_EQ(dg.n_errors, 1);
	diag_free(&dg);
	trace_free(u);
	trace_free(t);
	counting_free(c);
	end_victim(pid);
}
