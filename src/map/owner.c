/* SPDX-License-Identifier: BSD-2-Clause */
/* map/owner.c - owner words: who am I, is that one alive, locks that outlive their holder. */
#include "map/owner.h"
#include "map/handle.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>

enum {
	LOCK_SPINS = 200, /* before the first yield: some microseconds */
	LOCK_YIELDS = 32, /* between two looks at the owner and the clock */
	LOCK_TIMEOUT_MS = 250,
};

/* Writes "/proc/PID/stat", or "/proc/self/stat" for 0. */
static void stat_path(char path[32], u32 pid)
{
	static const char tail[] = "/stat";
	char digits[10];
	u32 n = 0, at = 6;

	mem_copy(path, "/proc/self", 10);
	if (!pid)
		at = 10;
	for (; pid; pid /= 10)
		digits[n++] = '0' + pid % 10;
	while (n)
		path[at++] = digits[--n];
	mem_copy(path + at, tail, sizeof(tail));
}

struct proc_stat {
	u32 pid;
	char state;
	u32 n_threads;
	u64 start; /* clock ticks since boot */
};

/* Field n (from 3, the state) of a /proc/PID/stat line; text after the last ')' is p. */
static u64 stat_field(const char *p, const char *end, u32 n)
{
	u64 v = 0;

	for (u32 field = 3; p < end && field < n; p++)
		field += *p == ' ';
	for (; p < end && *p >= '0' && *p <= '9'; p++)
		v = v * 10 + (u64)(*p - '0');
	return v;
}

/* Reads the line of a process (0: this one).  0 or a negative errno. */
static int stat_read(u32 pid, struct proc_stat *out)
{
	char path[32], text[512];
	const char *p, *end;
	long fd, n;

	stat_path(path, pid);
	fd = sys_call4(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
	if (fd < 0)
		return (int)fd;
	n = sys_call3(SYS_read, fd, text, sizeof(text));
	sys_call1(SYS_close, fd);
	if (n <= 0)
		return n ? (int)n : -ESRCH;
	end = text + n;
	for (p = end - 1; p > text && *p != ')'; p--)
		;
	if (p == text || end - p < 4)
		return -EIO;
	p += 2;
	out->pid = (u32)stat_field(text, end, 3);
	out->state = *p;
	out->n_threads = (u32)stat_field(p, end, 20);
	out->start = stat_field(p, end, 22);
	return 0;
}

static u32 start_check(u64 start)
{
	return (u32)((start * 0x9e3779b97f4a7c15ull) >> 40) % OWNER_CHECK_MAX + 1;
}

u32 owner_pid_ns(void)
{
	struct stat st;

	if (sys_call4(SYS_newfstatat, AT_FDCWD, "/proc/self/ns/pid", &st, 0) < 0)
		return 0;
	return (u32)st.st_ino;
}

u32 owner_find_self(struct map *m)
{
	u32 pid = (u32)sys_call0(SYS_getpid) & OWNER_PID_MASK, check = 0;
	struct proc_stat st;

	/* A /proc of another namespace would show somebody else's start time. */
	if (owner_pid_ns() == m->hdr->pid_ns && !stat_read(0, &st) && st.pid == pid)
		check = start_check(st.start);
	STORE(&m->self->owner, pid | check << OWNER_PID_BITS);
	return pid | check << OWNER_PID_BITS;
}

/* A zombie is dead unless only its first thread has ended. */
bool owner_dead(struct map *m, u32 owner)
{
	u32 pid = owner & OWNER_PID_MASK, check = owner << 1 >> (OWNER_PID_BITS + 1);
	u32 me = owner_self(m);
	struct proc_stat st;
	long err;

	owner &= ~OWNER_ROLE;
	if (owner == me)
		return false;
	if (!pid || check > OWNER_CHECK_MAX)
		return true; /* no process writes such a word */
	if (!check || !(me >> OWNER_PID_BITS))
		return false;
	err = sys_call2(SYS_kill, pid, 0);
	if (err == -ESRCH)
		return true;
	err = stat_read(pid, &st);
	if (err)
		return err == -ENOENT || err == -ESRCH;
	if ((st.state == 'Z' || st.state == 'X') && st.n_threads <= 1)
		return true;
	return start_check(st.start) != check;
}

u64 owner_clock_ns(void)
{
	struct timespec ts = {0};

	sys_call2(SYS_clock_gettime, CLOCK_MONOTONIC, &ts);
	return (u64)ts.tv_sec * 1000000000 + (u64)ts.tv_nsec;
}

static inline void relax(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#else
	__asm__ volatile("" ::: "memory");
#endif
}

static bool lock_cas(u32 *word, u32 from, u32 to)
{
	return __atomic_compare_exchange_n(word, &from, to, false, __ATOMIC_ACQUIRE,
					   __ATOMIC_RELAXED);
}

int owner_trylock(struct map *m, u32 *word)
{
	u32 held = LOAD(word), me = owner_self(m);

	if (!held && lock_cas(word, 0, me))
		return 0;
	held = LOAD(word);
	if (held && owner_dead(m, held) && lock_cas(word, held, me))
		return 1;
	return -EBUSY;
}

int owner_lock_slow(struct map *m, u32 *word)
{
	u32 me = owner_self(m);
	u64 deadline = 0;

	for (u32 i = 0; i < LOCK_SPINS; i++) {
		relax();
		if (!LOAD(word) && lock_cas(word, 0, me))
			return 0;
	}
	for (u32 round = 0;; round++) {
		u32 held = LOAD(word);

		if (!held && lock_cas(word, 0, me))
			return 0;
		if (round % LOCK_YIELDS == 0) {
			u64 now = owner_clock_ns();

			if (held && owner_dead(m, held) && lock_cas(word, held, me))
				return 1;
			if (!deadline)
				deadline = now + LOCK_TIMEOUT_MS * 1000000ull;
			else if (now > deadline)
				return -ETIMEDOUT;
		}
		sys_call0(SYS_sched_yield);
	}
}
