/* SPDX-License-Identifier: BSD-2-Clause */
/* output/script.c - the ring: records in order, each to its action; the account at the end. */
#include "output/script.h"
#include "base/cpu.h"
#include "output/script_inner.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum {
	TEXT_FULL = 1 << 16, /* bytes gathered before they are handed on */
	LOST_EVERY_NS = 100 * 1000 * 1000,
	BATCH_NS = 100 * 1000 * 1000, /* after which a reader looks at signals again */
	LAST_NS = 1000 * 1000 * 1000, /* for what is left when nothing is attached any more */
	KEEP_FIRST_NS =
		2 * 1000 * 1000, /* the command is looked at this soon, and then this often */
	KEEP_EVERY_NS = 50 * 1000 * 1000,
};

void out_flush(struct script_out *o)
{
	if (o->text.len)
		o->opts.write(o->opts.arg, o->text.p, o->text.len);
	str_clear(&o->text);
}

void out_error(struct script_out *o, const char *fmt, ...)
{
	struct str s = {0};
	va_list ap;

	str_add(&s, "ERROR: ");
	va_start(ap, fmt);
	str_vaddf(&s, fmt, ap);
	va_end(ap);
	str_addc(&s, '\n');
	out_flush(o);
	o->opts.error(o->opts.arg, str_text(&s), s.len);
	str_free(&s);
}

/* ---- making ---- */

static bool is_percpu(u32 type)
{
	return type == BPF_MAP_TYPE_PERCPU_HASH || type == BPF_MAP_TYPE_PERCPU_ARRAY ||
	       type == BPF_MAP_TYPE_LRU_PERCPU_HASH;
}

static const struct load_map *map_at(struct script_out *o, u32 i)
{
	const struct load_map *lm = i < load_n_maps(o->load) ? load_map(o->load, i) : NULL;

	return lm && lm->fd >= 0 ? lm : NULL;
}

static int map_prepare(struct script_out *o, const struct script_map *sm, struct diag *dg,
		       struct out_map *out)
{
	const struct load_map *lm = map_at(o, sm->obj_map);

	if (!lm)
		return diag_error(dg, (struct place){0}, -EINVAL, "map %s was not made", sm->name);
	if (!sm->value || sm->value->size > lm->value_size ||
	    (sm->key && sm->key->size > lm->key_size) || !lm->key_size)
		return diag_error(dg, lm->om->at, -EINVAL,
				  "map %s: its values are not what the script says", sm->name);
	*out = (struct out_map){ .sm = sm, .lm = lm, .n_shares = 1, .share = lm->value_size };
	if (is_percpu(lm->type)) {
		out->n_shares = cpus_possible();
		out->share = ALIGN_UP(lm->value_size, 8u);
	}
	return 0;
}

static bool wants_format(enum script_action_kind k)
{
	return k == ACTION_PRINTF || k == ACTION_ERRORF || k == ACTION_WARNF || k == ACTION_CAT ||
	       k == ACTION_SYSTEM;
}

static bool wants_map(enum script_action_kind k)
{
	return k == ACTION_PRINT_MAP || k == ACTION_PRINT_ELEM || k == ACTION_CLEAR ||
	       k == ACTION_ZERO;
}

static int action_prepare(struct script_out *o, const struct script_action *a, struct diag *dg,
			  struct out_action *out)
{
	u64 least = sizeof(struct script_record);

	out->a = a;
	for (u32 i = 0; a->args && i < a->args->n_fields; i++) {
		const struct stype_field *f = &a->args->fields[i];

		if (f->off < (s64)sizeof(struct script_record) || f->off > 1 << 30)
			return diag_error(dg, a->at, -EINVAL,
					  "an argument of %s lies outside its record",
					  script_action_text(a->kind));
		least = MAX(least, (u64)f->off + f->type->size);
	}
	if (wants_map(a->kind) && a->map >= o->s->maps.n)
		return diag_error(dg, a->at, -EINVAL, "%s is of a map that is not there",
				  script_action_text(a->kind));
	out->least = (u32)MIN(least, (u64)UINT32_MAX);
	if (a->kind == ACTION_SKBOUTPUT) {
		out->least = pcap_least();
		return pcap_prepare(o, a, dg);
	}
	return wants_format(a->kind) ? script_format_prepare(o, a, dg, out) : 0;
}

static int by_name(const void *a, const void *b, void *arg)
{
	const struct script_out *o = arg;

	return strcmp(o->maps[*(const u32 *)a].sm->name, o->maps[*(const u32 *)b].sm->name);
}

static int prepare(struct script_out *o, struct diag *dg)
{
	const struct script *s = o->s;
	int err = 0;

	o->actions = calloc(s->actions.n + 1ul, sizeof(*o->actions));
	o->maps = calloc(s->maps.n + 1ul, sizeof(*o->maps));
	o->map_order = calloc(s->maps.n + 1ul, sizeof(*o->map_order));
	o->symbols = symbols_new(s->cpp_demangle);
	if (!o->actions || !o->maps || !o->map_order || !o->symbols)
		return -ENOMEM;
	for (u32 i = 0; i < s->maps.n && !err; i++) {
		o->map_order[i] = i;
		err = map_prepare(o, &s->maps.p[i], dg, &o->maps[i]);
	}
	for (u32 i = 0; i < s->actions.n && !err; i++)
		err = action_prepare(o, &s->actions.p[i], dg, &o->actions[i]);
	if (!err && s->maps.n)
		qsort_r(o->map_order, s->maps.n, sizeof(*o->map_order), by_name, o);
	return err ? err : stacks_init(&o->stacks, s, o->load, o->engine, o->symbols);
}

static int open_ring(struct script_out *o, struct diag *dg)
{
	const struct load_map *lm;
	int err;

	if (o->s->events_map == UINT32_MAX)
		return 0;
	lm = map_at(o, o->s->events_map);
	if (!lm || lm->type != BPF_MAP_TYPE_RINGBUF)
		return diag_error(dg, (struct place){0}, -EINVAL,
				  "the script's ring buffer was not made");
	err = ringbuf_open(lm->fd, lm->max_entries, &o->ring);
	if (!err) {
		o->ring_fd = o->engine->ops->map_poll_fd(o->engine, lm->fd);
		err = MIN(o->ring_fd, 0);
	}
	if (err)
		return diag_error(dg, lm->om->at, err, "map '%s': its records can't be read: %s",
				  lm->om->name, strerror(-err));
	return 0;
}

static int watch(struct script_out *o, int fd)
{
	struct epoll_event ev = { .events = EPOLLIN };

	return fd >= 0 && epoll_ctl(o->epoll, EPOLL_CTL_ADD, fd, &ev) ? -errno : 0;
}

/* A command may end before its addresses are shown: what it maps is looked at while it runs. */
static int open_timer(struct script_out *o)
{
	struct itimerspec when = {.it_value.tv_nsec = KEEP_FIRST_NS,
				  .it_interval.tv_nsec = KEEP_EVERY_NS};
	int err;

	if (o->opts.cpid <= 0 || !o->stacks.wants_user)
		return 0;
	o->epoll = epoll_create1(EPOLL_CLOEXEC);
	o->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (o->epoll < 0 || o->timer < 0 || timerfd_settime(o->timer, 0, &when, NULL))
		return -errno;
	err = watch(o, o->timer);
	return err ? err : watch(o, o->ring_fd);
}

int script_out_new(const struct script *s, struct load *l, struct engine *e,
		   const struct script_out_opts *opts, struct diag *dg, struct script_out **out)
{
	struct script_out *o = calloc(1, sizeof(*o));
	int err;

	if (!o)
		return -ENOMEM;
	o->s = s;
	o->load = l;
	o->engine = e;
	o->opts = *opts;
	o->ring_fd = o->epoll = o->timer = -1;
	clocks_read(o);
	err = prepare(o, dg);
	if (!err)
		err = open_ring(o, dg);
	if (!err)
		err = open_timer(o);
	if (err) {
		script_out_free(o);
		return err;
	}
	*out = o;
	return 0;
}

void script_out_free(struct script_out *o)
{
	if (!o)
		return;
	ringbuf_close(&o->ring);
	if (o->epoll >= 0)
		close(o->epoll);
	if (o->timer >= 0)
		close(o->timer);
	for (u32 i = 0; o->actions && i < o->s->actions.n; i++)
		free(o->actions[i].pieces);
	for (u32 i = 0; i < o->cgroups.n; i++) {
		free(o->cgroups.p[i].root);
		free(o->cgroups.p[i].path);
	}
	vec_free(&o->cgroups);
	pcaps_close(o);
	free(o->actions);
	free(o->maps);
	free(o->map_order);
	free(o->uid_name);
	stacks_free(&o->stacks);
	symbols_free(o->symbols);
	str_free(&o->text);
	str_free(&o->scratch);
	str_free(&o->value_text);
	free(o);
}

/* ---- what was lost ---- */

static u64 now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (u64)ts.tv_sec * 1000000000 + (u64)ts.tv_nsec;
}

/* Over all CPUs; 0 where programs don't count. */
static u64 count_of(struct script_out *o, enum script_count c)
{
	const struct load_map *lm = map_at(o, o->s->counts_map);
	u32 n_cpus = cpus_possible(), key = c;
	u64 *values, sum = 0;
	union bpf_attr attr = {0};

	if (!lm || lm->type != BPF_MAP_TYPE_PERCPU_ARRAY || lm->value_size != 8 ||
	    lm->key_size != 4)
		return 0;
	values = calloc(n_cpus, 8);
	attr.map_fd = (u32)lm->fd;
	attr.key = (u64)(uintptr_t)&key;
	attr.value = (u64)(uintptr_t)values;
	if (values && !engine_bpf(o->engine, BPF_MAP_LOOKUP_ELEM, &attr, sizeof(attr)))
		for (u32 i = 0; i < n_cpus; i++)
			sum += values[i];
	free(values);
	return sum;
}

static void tell_lost(struct script_out *o)
{
	u64 more;
	struct str s = {0};

	o->lost = count_of(o, COUNT_EVENTS_LOST) + o->dropped;
	if (o->lost <= o->lost_told)
		return;
	more = o->lost - o->lost_told;
	o->lost_told = o->lost;
	if (o->opts.json) {
		str_add(&o->text, "{\"type\": \"lost_events\"");
		if (o->s->compat != 17)
			str_addf(&o->text, ", \"count\": %lu", more);
		str_addf(&o->text, ", \"data\": {\"events\": %lu}}\n", more);
		return;
	}
	str_addf(&s, "Lost %lu events\n", more);
	out_flush(o);
	o->opts.error(o->opts.arg, str_text(&s), s.len);
	str_free(&s);
}

/* exit() counts even where the ring had no room for it. */
static void exit_lost(struct script_out *o)
{
	u64 n = o->exiting ? 0 : count_of(o, COUNT_EXIT_LOST);

	if (!n)
		return;
	o->exiting = true;
	o->status = (int)((s64)count_of(o, COUNT_EXIT_STATUS) / (s64)n);
}

static void check_lost(struct script_out *o)
{
	u64 now = now_ns();

	if (now - o->lost_checked_ns < LOST_EVERY_NS)
		return;
	o->lost_checked_ns = now;
	tell_lost(o);
	exit_lost(o);
}

static void keep_symbols(struct script_out *o)
{
	u64 n;

	if (o->timer >= 0 && read(o->timer, &n, sizeof(n)) == sizeof(n))
		symbols_keep(o->symbols, o->opts.cpid);
}

/* ---- the ring ---- */

static int on_record(void *arg, const void *data, u32 size)
{
	struct script_out *o = arg;
	bool was_exiting = o->exiting;

	if (!action_run(o, data, size))
		o->n_bad++;
	o->handled++;
	if (o->text.len >= TEXT_FULL)
		out_flush(o);
	return (o->exiting && !was_exiting && !o->goes_on) || (o->left && !--o->left) || now_ns() > o->until_ns;
}

/* What still comes meanwhile is not waited for. */
static int drop_record(void *arg, const void *data, u32 size)
{
	struct script_out *o = arg;

	(void)data;
	(void)size;
	o->dropped += !o->exiting;
	return now_ns() > o->until_ns;
}

static int ring_broken(struct script_out *o, int err, struct diag *dg)
{
	o->broken = true;
	return diag_error(dg, (struct place){0}, err,
			  "the ring of the script's records is broken: %s", strerror(-err));
}

static bool is_pending(const struct script_out *o)
{
	return ringbuf_read_at(&o->ring) != ringbuf_written_to(&o->ring);
}

int script_out_fd(const struct script_out *o)
{
	return o->epoll >= 0 ? o->epoll : o->ring_fd;
}

s64 script_out_read(struct script_out *o, u32 max, struct diag *dg)
{
	u64 before = o->handled;
	bool was_exiting = o->exiting;
	s64 ret = 0;

	if (o->ring_fd >= 0 && !o->broken) {
		if (o->engine->ops->poll_taken)
			o->engine->ops->poll_taken(o->engine, o->ring_fd);
		o->left = max;
		o->until_ns = now_ns() + BATCH_NS;
		ret = ringbuf_consume(&o->ring, on_record, o);
		/* After exit() nothing later is printed. */
		if (ret >= 0 && o->exiting && !was_exiting && !o->goes_on)
			ret = ringbuf_consume(&o->ring, drop_record, o);
		if (o->engine->ops->poll_again && is_pending(o))
			o->engine->ops->poll_again(o->engine, o->ring_fd);
		if (ret < 0)
			ret = ring_broken(o, (int)ret, dg);
	}
	keep_symbols(o);
	check_lost(o);
	out_flush(o);
	return ret < 0 ? ret : (s64)(o->handled - before);
}

s64 script_out_read_all(struct script_out *o, struct diag *dg)
{
	u64 end = o->ring_fd >= 0 ? ringbuf_written_to(&o->ring) : 0;
	bool was_exiting = o->exiting;
	s64 sum = 0, n;

	do {
		n = script_out_read(o, 0, dg);
		sum += n;
	} while (n > 0 && o->exiting == was_exiting && (s64)(end - ringbuf_read_at(&o->ring)) > 0);
	return n < 0 ? n : sum;
}

void script_out_goes_on(struct script_out *o, bool goes_on)
{
	o->goes_on = goes_on;
}

bool script_out_exit(const struct script_out *o, int *status)
{
	if (o->exiting && status)
		*status = o->status;
	return o->exiting;
}

void script_out_detached(struct script_out *o, struct diag *dg)
{
	u64 until = now_ns() + LAST_NS;

	if (o->ring_fd < 0 || o->broken)
		return;
	while (!o->exiting && is_pending(o) && now_ns() < until)
		if (script_out_read(o, 0, dg) <= 0)
			break;
	o->until_ns = now_ns() + BATCH_NS;
	ringbuf_consume(&o->ring, drop_record, o);
}

/* ---- before and after ---- */

void script_out_attached(struct script_out *o, u32 n)
{
	struct str s = {0};
	bool is_old = o->s->compat == 17;

	if (o->opts.quiet)
		return;
	if (o->opts.json && is_old)
		str_addf(&o->text, "{\"type\": \"attached_probes\", \"data\": {\"probes\": %u}}\n",
			 n);
	else if (o->opts.json)
		str_addf(&o->text,
			 "{\"type\": \"attached_probes\", \"count\": %u, \"data\": {\"probes\": "
			 "%u}}\n",
			 n, n);
	else if (is_old)
		str_addf(&o->text, "Attaching %u probe%s...\n", n, n == 1 ? "" : "s");
	else
		str_addf(&s, "Attached %u probe%s\n", n, n == 1 ? "" : "s");
	out_flush(o);
	if (s.len)
		o->opts.error(o->opts.arg, s.p, s.len);
	str_free(&s);
}

void script_out_maps(struct script_out *o, struct diag *dg)
{
	(void)dg;
	for (u32 i = 0; i < o->s->maps.n; i++) {
		const struct out_map *m = &o->maps[o->map_order[i]];

		if (!m->sm->is_hidden)
			map_print(o, m, 0, 0, false);
	}
	out_flush(o);
}

void script_out_end(struct script_out *o, struct diag *dg)
{
	tell_lost(o);
	if (!o->opts.json || o->s->compat == 17)
		str_add(&o->text, "\n\n");
	if (!o->opts.keep_maps && o->s->print_maps_on_exit)
		script_out_maps(o, dg);
	out_flush(o);
}

void script_out_account(struct script_out *o)
{
	static const struct {
		enum script_count count;
		const char *text;
	} lines[] = {
		{COUNT_MAP_FULL,
		 "updates of maps failed: no room for another key (max_map_keys), or no memory"},
		{COUNT_STR_TRUNCATED, "strings were cut (max_strlen)"},
	};
	struct str s = {0};

	if (o->opts.quiet || o->opts.json)
		return;
	tell_lost(o);
	out_untold(o, &s);
	if (o->lost)
		str_addf(&s,
			 "WARNING: %lu events were lost, %lu were shown (a larger ring: "
			 "perf_rb_pages)\n",
			 o->lost, o->handled);
	for (u32 i = 0; i < ARRAY_SIZE(lines); i++) {
		u64 n = count_of(o, lines[i].count);

		if (n)
			str_addf(&s, "WARNING: %lu %s\n", n, lines[i].text);
	}
	if (o->n_bad)
		str_addf(&s,
			 "WARNING: %lu records were no program's of this script, and were left "
			 "out\n",
			 o->n_bad);
	if (s.len)
		o->opts.error(o->opts.arg, s.p, s.len);
	str_free(&s);
}

void script_out_totals(const struct script_out *o, u64 *handled, u64 *lost)
{
	*handled = o->handled;
	*lost = o->lost;
}
