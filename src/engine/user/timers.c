/* SPDX-License-Identifier: BSD-2-Clause */
/* engine/user/timers.c - bpf_timer: the guard runs callbacks from its loop.
 *
 * One timerfd serves all; it is set to whichever timer is next.  A timer is known by the address of
 * its bpf_timer, and a number written there proves at expiry that the element is still the one it
 * was (a new element's timer field is zero).  A program may write that number itself: it then gets
 * its own callback with its own element, nothing else. Kernel 6.18: bpf_timer_init() and its
 * neighbours in kernel/bpf/helpers.c.
 */
#include "base/vec.h"
#include "engine/user/run.h"
#include "engine/user/tracing.h"
#include "exec/exec.h"
#include <errno.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { TIMER_KEY_MAX = 512, TIMERS_MAX = 65536 };

struct timer {
	u64 *at; /* bpf_timer in the value; its first word holds number */
	u64 number;
	struct map_object *map;
	struct prog_object *prog; /* whose callback it is; NULL before set_callback */
	u64 func;
	int clock;
	u64 expires_ns; /* CLOCK_MONOTONIC; 0: not armed */
};

struct timers {
	struct tracing *t;
	int fd; /* owned; timerfd */
	VEC(struct timer) list;
	u64 last_number;
	u64 running;	       /* number of the timer whose callback runs, 0: none */
	struct self_host host; /* there is no task: the guard itself is the current one */
};

/* Timers of elements that are gone are dropped when they are met. */
static struct timer *find(struct timers *ts, const void *at)
{
	for (u32 i = 0; i < ts->list.n; i++)
		if (ts->list.p[i].at == at && *ts->list.p[i].at == ts->list.p[i].number)
			return &ts->list.p[i];
	return NULL;
}

static void set_next(struct timers *ts)
{
	struct itimerspec next = {0};
	u64 first = 0;

	for (u32 i = 0; i < ts->list.n; i++) {
		u64 at = ts->list.p[i].expires_ns;

		if (at && (!first || at < first))
			first = at;
	}
	next.it_value.tv_sec = (time_t)(first / 1000000000);
	next.it_value.tv_nsec = (long)(first % 1000000000);
	timerfd_settime(ts->fd, TFD_TIMER_ABSTIME, &next, NULL);
}

/* ---- what helpers call ---- */

/* Only hosts of the guard have timers, so the session is the guard's. */
static struct timers *timers_of(const struct exec_env *env)
{
	return run_session(env)->tracing->timers;
}

static struct map_object *object_of(struct session *s, const struct map *m)
{
	for (u32 i = 0; i < s->n_objects; i++)
		if (s->objects[i]->kind == OBJECT_MAP && map_of(s->objects[i])->map == m)
			return map_of(s->objects[i]);
	return NULL;
}

/* A slot whose element is gone serves again. */
static struct timer *new_timer(struct timers *ts)
{
	for (u32 i = 0; i < ts->list.n; i++)
		if (*ts->list.p[i].at != ts->list.p[i].number)
			return &ts->list.p[i];
	return ts->list.n < TIMERS_MAX ? vec_add(&ts->list) : NULL;
}

static int timer_init(void *arg, struct exec_env *env, struct map *m, void *timer, int clock_id)
{
	struct timers *ts = timers_of(env);
	struct map_object *map = ts ? object_of(ts->t->s, m) : NULL;
	struct timer *t;

	(void)arg;
	if (!map)
		return -EOPNOTSUPP;
	if (find(ts, timer))
		return -EBUSY;
	t = new_timer(ts);
	if (!t)
		return -ENOMEM;
	*t = (struct timer){
		.at = timer, .number = ++ts->last_number, .map = map, .clock = clock_id};
	*t->at = t->number;
	return 0;
}

static int timer_set_callback(void *arg, struct exec_env *env, void *timer, u64 func)
{
	struct timers *ts = timers_of(env);
	struct timer *t = ts ? find(ts, timer) : NULL;

	struct prog_object *prog = run_current_prog(env);

	(void)arg;
	if (!t || !exec_func_is(func) || (u32)func >= prog->n_insns)
		return -EINVAL;
	t->prog = prog;
	t->func = func;
	return 0;
}

static int timer_start(void *arg, struct exec_env *env, void *timer, u64 nsecs, bool is_abs)
{
	struct timers *ts = timers_of(env);
	struct timer *t = ts ? find(ts, timer) : NULL;
	u64 now;

	(void)arg;
	if (!t || !t->prog)
		return -EINVAL;
	if (is_abs) {
		now = host_clock_ns(NULL, t->clock);
		nsecs = nsecs > now ? nsecs - now : 0;
	}
	t->expires_ns = host_clock_ns(NULL, CLOCK_MONOTONIC) + MIN(nsecs, (u64)INT64_MAX / 2) + 1;
	set_next(ts);
	return 0;
}

static int timer_cancel(void *arg, struct exec_env *env, void *timer)
{
	struct timers *ts = timers_of(env);
	struct timer *t = ts ? find(ts, timer) : NULL;
	int was_armed;

	(void)arg;
	if (!t)
		return -EINVAL;
	if (t->number == ts->running)
		return -EDEADLK;
	was_armed = t->expires_ns != 0;
	t->expires_ns = 0;
	set_next(ts);
	return was_armed;
}

const struct host_timers tracing_timers = {
	.init = timer_init,
	.set_callback = timer_set_callback,
	.start = timer_start,
	.cancel = timer_cancel,
};

/* ---- expiry ---- */

struct find_key {
	const struct timer *t;
	u8 key[TIMER_KEY_MAX];
	void *value;
};

/* The element whose value holds the timer. */
static int match_element(struct map *m, void *key, void *value, void *arg)
{
	struct find_key *f = arg;

	(void)m;
	if ((u64 *)((u8 *)value + f->t->map->attr.timer_off) != f->t->at)
		return 0;
	memcpy(f->key, key, f->t->map->attr.key_size);
	f->value = value;
	return 1;
}

static void fire(struct timers *ts, struct timer *t)
{
	struct find_key f = {.t = t};
	u64 args[5] = {(u64)t->map->map, (u64)f.key, 0, 0, 0}, ret;
	struct run_event ev = {.start_pc = (u32)t->func,
			       .args = args,
			       .key = f.key,
			       .key_size = t->map->attr.key_size};
	struct prog_object *prog = t->prog;

	if (ev.key_size > sizeof(f.key) || *t->at != t->number)
		return;
	map_for_each(t->map->map, 0, match_element, &f);
	if (!f.value)
		return;
	args[2] = (u64)f.value;
	ts->running = t->number;
	ts->host.task_known = false;
	run_prog(ts->t->s, &ts->host.host, prog, &ev, &ret);
	ts->running = 0;
}

/* A callback may start and make timers: the list is walked by index, each due one once. */
static void on_expiry(void *arg, int fd)
{
	struct timers *ts = arg;
	u64 now = host_clock_ns(NULL, CLOCK_MONOTONIC), n_expired;

	if (read(fd, &n_expired, sizeof(n_expired)) < 0)
		return;
	for (u32 i = 0; i < ts->list.n; i++) {
		struct timer due = ts->list.p[i];

		if (!due.expires_ns || due.expires_ns > now)
			continue;
		ts->list.p[i].expires_ns = 0;
		fire(ts, &due);
	}
	set_next(ts);
}

int timers_open(struct session *s, struct tracing *t)
{
	struct timers *ts;
	bool wanted = false;

	for (u32 i = 0; i < s->n_objects; i++)
		wanted |= s->objects[i]->kind == OBJECT_MAP &&
			  map_of(s->objects[i])->attr.timer_off != ~0u;
	if (!wanted)
		return 0;
	ts = calloc(1, sizeof(*ts));
	if (!ts)
		return -ENOMEM;
	t->timers = ts;
	ts->t = t;
	self_host_init(&ts->host, s);
	ts->host.host.timers = &tracing_timers;
	ts->fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (ts->fd < 0)
		return -errno;
	return trace_watch_fd(t->trace, ts->fd, on_expiry, ts);
}

void timers_close(struct timers *ts)
{
	if (!ts)
		return;
	if (ts->fd >= 0)
		close(ts->fd);
	vec_free(&ts->list);
	free(ts);
}
