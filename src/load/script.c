/* SPDX-License-Identifier: BSD-2-Clause */
/* load/script.c - programs of a script that user space runs: begin, end, self, test, bench, and
 * intervals. */
#include "load/script_priv.h"
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum {
	NS_PER_S = 1000000000,
	TICKS_MAX = 64,   /* of one interval that are caught up on at once: others wait */
};

int script_start(struct load *l, struct diag *dg)
{
	u32 map = l->obj->script ? l->obj->script->start_map : UINT32_MAX, key = 0;
	struct script_start start = { .cpid = (u32)l->opts.cpid };
	union bpf_attr attr = {0};
	struct timespec t = {0};
	int err;

	if (map >= l->obj->n_maps)
		return 0;
	clock_gettime(CLOCK_BOOTTIME, &t);
	start.boot_ns = (u64)t.tv_sec * 1000000000 + (u64)t.tv_nsec;
	attr.map_fd = (u32)l->maps[map].fd;
	attr.key = (u64)&key;
	attr.value = (u64)&start;
	err = engine_bpf(l->e, BPF_MAP_UPDATE_ELEM, &attr, BPF_ATTR_UPTO(flags));
	return err < 0 ? diag_error(dg, (struct place){.file = l->obj->path}, err,
				    "the time of the start can't be noted: %s", strerror(-err))
		       : 0;
}

static int prog_run(struct load *l, struct prog *p, s64 *ret, struct diag *dg)
{
	union bpf_attr attr = { .test = { .prog_fd = (u32)p->pub.fd } };
	int err = engine_bpf(l->e, BPF_PROG_TEST_RUN, &attr, BPF_ATTR_UPTO(test));

	if (err < 0)
		return diag_error(dg, func_place(l, p->func), err, "program '%s' can't be run: %s",
				  p->pub.fn->name, strerror(-err));
	if (ret)
		*ret = (s32)attr.test.retval;
	return 0;
}

int script_run(struct load *l, enum script_hook hook, const char *target, s64 *ret, struct diag *dg)
{
	const struct script *s = l->obj->script;
	int n = 0;

	for (u32 i = 0; s && i < s->attaches.n; i++) {
		const struct script_attach *a = &s->attaches.p[i];
		struct prog *p = a->hook == hook ? prog_of_func(l, a->func) : NULL;
		const char *name = hook == HOOK_SELF ? a->fn : a->target;
		int err;

		if (!p || p->pub.fd < 0 || (target && strcmp(name, target) != 0))
			continue;
		err = prog_run(l, p, ret, dg);
		if (err)
			return err;
		n++;
	}
	return n;
}

/* ---- intervals ---- */

/* One timer: the script's interval, its program, its timerfd. */
struct script_timer {
	struct prog *prog;
	int fd;
};

struct script_timers {
	int epoll;
	u32 n;
	struct script_timer timers[];
};

static int timer_start(int fd, const struct script_attach *a)
{
	u64 ns = a->is_freq ? NS_PER_S / MAX(a->value, 1ul) : a->value;
	struct itimerspec t;

	ns = MAX(ns, 1ul);
	t.it_interval = (struct timespec){ (time_t)(ns / NS_PER_S), (long)(ns % NS_PER_S) };
	t.it_value = t.it_interval;
	return timerfd_settime(fd, 0, &t, NULL) ? -errno : 0;
}

static int timer_add(struct script_timers *ts, struct prog *p, const struct script_attach *a)
{
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	struct epoll_event ev = { .events = EPOLLIN, .data.u32 = ts->n };
	int err = fd < 0 ? -errno : timer_start(fd, a);

	if (!err && epoll_ctl(ts->epoll, EPOLL_CTL_ADD, fd, &ev))
		err = -errno;
	if (err) {
		if (fd >= 0)
			close(fd);
		return err;
	}
	ts->timers[ts->n++] = (struct script_timer){ p, fd };
	return 0;
}

int script_timers_start(struct load *l, struct diag *dg)
{
	const struct script *s = l->obj->script;
	struct script_timers *ts;
	u32 n = 0;
	int err = 0;

	for (u32 i = 0; i < s->attaches.n; i++)
		n += s->attaches.p[i].hook == HOOK_INTERVAL;
	if (!n || l->timers)
		return 0;
	ts = calloc(1, sizeof(*ts) + n * sizeof(*ts->timers));
	if (!ts)
		return -ENOMEM;
	l->timers = ts;
	ts->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (ts->epoll < 0)
		err = -errno;
	for (u32 i = 0; !err && i < s->attaches.n; i++) {
		const struct script_attach *a = &s->attaches.p[i];
		struct prog *p = a->hook == HOOK_INTERVAL ? prog_of_func(l, a->func) : NULL;

		if (p && p->pub.fd >= 0)
			err = timer_add(ts, p, a);
	}
	return err ? diag_error(dg, (struct place){.file = l->obj->path}, err,
				"no timer for an interval: %s", strerror(-err))
		   : 0;
}

int script_timers_fd(struct load *l, struct diag *dg)
{
	(void)dg;
	return l->timers ? l->timers->epoll : -1;
}

int script_timers_run(struct load *l, struct diag *dg)
{
	struct script_timers *ts = l->timers;
	struct epoll_event ev[16];
	int n = ts ? epoll_wait(ts->epoll, ev, ARRAY_SIZE(ev), 0) : 0, ran = 0;

	for (int i = 0; i < n; i++) {
		struct script_timer *t = &ts->timers[ev[i].data.u32];
		u64 ticks = 0;

		if (read(t->fd, &ticks, sizeof(ticks)) != sizeof(ticks))
			continue;
		for (u64 k = 0; k < MIN(ticks, (u64)TICKS_MAX); k++) {
			int err = prog_run(l, t->prog, NULL, dg);

			if (err)
				return err;
			ran++;
		}
	}
	return n < 0 && errno != EINTR ? -errno : ran;
}

void script_close(struct load *l)
{
	struct script_timers *ts = l->timers;

	for (u32 i = 0; ts && i < ts->n; i++)
		close(ts->timers[i].fd);
	if (ts && ts->epoll >= 0)
		close(ts->epoll);
	free(ts);
	l->timers = NULL;
}
