/* SPDX-License-Identifier: BSD-2-Clause */
/* osmia.c - the pipeline on one page; implements include/osmia.h.
 *
 *	open     obj/     an ELF file becomes a struct obj
 *	start    engine/  kernel or user space
 *	         load/    maps, CO-RE, relocation, (verifier), programs
 *	         output/  event sources opened
 *	         load/    attached; then the target runs
 *	poll     output/  records become lines
 *	stop     load/    detached; what is left, maps, accounts
 */
#include "osmia.h"
#include "base/diag.h"
#include "base/str.h"
#include "engine/engine.h"
#include "engine/kernel/kernel.h"
#include "engine/list.h"
#include "engine/user/user.h"
#include "load/load.h"
#include "obj/obj.h"
#include "output/event.h"
#include "output/iter.h"
#include "output/maps.h"
#include "output/stream.h"
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

struct osmia {
	struct osmia_opts opts;
	struct diag dg;
	struct str text;            /* of the message asked for last */
	struct obj *obj;            /* owned */
	struct event_types types;
	struct engine *engine;      /* owned */
	struct load *load;          /* owned */
	struct stream *stream;      /* owned */
	int epoll;                  /* stream and target */
	bool ended;                 /* the target has */
	bool stopped;
};

const char *osmia_version(void)
{
	return OSMIA_VERSION;
}

int osmia_new(const struct osmia_opts *opts, struct osmia **out)
{
	struct osmia *o;

	if (!opts || opts->size < sizeof(opts->size) || opts->size > 4096)
		return -EINVAL;
	o = calloc(1, sizeof(*o));
	if (!o)
		return -ENOMEM;
	memcpy(&o->opts, opts, MIN(opts->size, sizeof(o->opts)));
	o->epoll = -1;
	*out = o;
	return 0;
}

/* ---- open ---- */

static int may_open(struct osmia *o)
{
	return o->obj ? diag_error(&o->dg, (struct place){0}, -EBUSY, "an object is open already") : 0;
}

int osmia_open(struct osmia *o, const char *path)
{
	int err = may_open(o);

	if (!err)
		err = obj_open_file(path, &o->dg, &o->obj);
	o->types.obj = o->obj;
	return err;
}

int osmia_open_mem(struct osmia *o, const void *data, size_t size, const char *name)
{
	int err = may_open(o);

	if (!err)
		err = obj_open(data, size, name, &o->dg, &o->obj);
	o->types.obj = o->obj;
	return err;
}

int osmia_set(struct osmia *o, const char *name, const char *value)
{
	return o->obj ? obj_set_var(o->obj, name, value, &o->dg) : -EINVAL;
}

int osmia_event(struct osmia *o, const char *choice)
{
	return o->obj ? event_types_choose(&o->types, choice, &o->dg) : -EINVAL;
}

/* ---- start ---- */

static void write_out(void *arg, const char *text, size_t n)
{
	struct osmia *o = arg;

	if (o->opts.write)
		o->opts.write(o->opts.arg, text, n);
}

/* Detaches; engine last, because links and maps are its objects. */
static void take_down(struct osmia *o)
{
	stream_free(o->stream);
	load_close(o->load);
	if (o->engine)
		o->engine->ops->free(o->engine);
	if (o->epoll >= 0)
		close(o->epoll);
	o->stream = NULL;
	o->load = NULL;
	o->engine = NULL;
	o->epoll = -1;
}

static int watch_all(struct osmia *o)
{
	struct epoll_event ev = { .events = EPOLLIN };
	int target = o->engine->ops->target_fd(o->engine);

	o->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (o->epoll < 0 || epoll_ctl(o->epoll, EPOLL_CTL_ADD, stream_fd(o->stream), &ev))
		return -errno;
	if (target >= 0 && epoll_ctl(o->epoll, EPOLL_CTL_ADD, target, &ev))
		return -errno;
	return 0;
}

/* The whole way onto one engine.  *attaching tells a failure of the last steps, for which another
 * engine may have the remedy. */
static int start_on(struct osmia *o, enum osmia_engine which, char *const *argv, bool *attaching)
{
	struct target target = { .argv = argv, .pid = o->opts.pid, .tree = o->opts.tree };
	struct load_opts lo = {
		.only = o->opts.only, .pid = o->opts.pid, .path = o->opts.binary,
		.ifname = o->opts.ifname, .cgroup = o->opts.cgroup, .tree = o->opts.tree,
		.xdp_mode = o->opts.xdp_mode, .partial = o->opts.partial,
		.log_level = o->opts.verifier_log, .sample_hz = o->opts.sample_hz,
	};
	struct stream_opts so = {
		.json = o->opts.format == OSMIA_JSON, .types = &o->types, .write = write_out, .arg = o,
	};
	int err = which == OSMIA_ENGINE_KERNEL ? engine_kernel_open(&o->dg, &o->engine)
					       : engine_user_new(NULL, &o->dg, &o->engine);

	*attaching = false;
	if (err)
		return err;
	err = load_open(o->obj, o->engine, &lo, &o->dg, &o->load);
	if (!err && (argv || o->opts.pid)) {
		err = o->engine->ops->target_start(o->engine, &target, &o->dg);
		err = MIN(err, 0);
	}
	if (!err)
		err = load_run(o->load, &o->dg);
	if (!err)
		err = stream_new(o->load, o->engine, &so, &o->dg, &o->stream);
	if (err)
		return err;
	*attaching = true;
	err = load_attach(o->load, &o->dg);
	if (err < 0)
		return err;
	if (!err)
		return diag_error(&o->dg, (struct place){ .file = o->obj->path }, -ENOENT,
				  "no program of the object attaches by itself");
	/* Iterators alone have nothing to wait for: they run when the run is stopped. */
	o->ended = (u32)err == load_n_iters(o->load) && !argv && !o->opts.pid;
	err = 0;
	if (argv || o->opts.pid)
		err = o->engine->ops->target_go(o->engine, &o->dg);
	/* Only now: an engine may not have what tells the target's end before it runs. */
	return err < 0 ? err : watch_all(o);
}

int osmia_can(enum osmia_engine engine)
{
	return engine == OSMIA_ENGINE_KERNEL ? engine_kernel_usable() : 0;
}

/* Errors after which a hook is simply not there. */
static bool hook_missing(int err)
{
	return err == -ENOENT || err == -EOPNOTSUPP || err == -ENODEV || err == -EPERM ||
	       err == -EACCES;
}

static int start_auto(struct osmia *o, char *const *argv)
{
	bool attaching, has_target = argv || o->opts.pid;
	int err = engine_kernel_usable();
	u32 n_before = o->dg.n;

	if (err) {
		diag_note(&o->dg, (struct place){0}, "user engine: bpf(2) is not usable here (%s)",
			  strerror(-err));
		return start_on(o, OSMIA_ENGINE_USER, argv, &attaching);
	}
	err = start_on(o, OSMIA_ENGINE_KERNEL, argv, &attaching);
	if (!err || !attaching || !hook_missing(err) || !has_target)
		return err;
	take_down(o);
	for (u32 i = n_before; i < o->dg.n; i++)
		if (o->dg.msgs[i].level == DIAG_ERROR) {
			o->dg.msgs[i].level = DIAG_NOTE;
			o->dg.n_errors--;
		}
	diag_note(&o->dg, (struct place){0}, "user engine: this kernel lacks a hook of the object");
	return start_on(o, OSMIA_ENGINE_USER, argv, &attaching);
}

int osmia_start(struct osmia *o, char *const *argv)
{
	bool attaching;
	int err;

	if (!o->obj || o->engine)
		return diag_error(&o->dg, (struct place){0}, -EINVAL, "start follows open, once");
	err = event_types_check(&o->types, &o->dg);
	if (err)
		return err;
	err = o->opts.engine == OSMIA_ENGINE_AUTO ? start_auto(o, argv)
						  : start_on(o, o->opts.engine, argv, &attaching);
	if (err)
		take_down(o);
	return err;
}

/* ---- poll ---- */

int osmia_fd(const struct osmia *o)
{
	return o->epoll;
}

int64_t osmia_poll(struct osmia *o, int timeout_ms)
{
	struct pollfd p = { .fd = o->epoll, .events = POLLIN };
	int target, n;

	if (o->epoll < 0)
		return -EINVAL;
	n = poll(&p, 1, timeout_ms);
	if (n <= 0)
		return n < 0 && errno != EINTR ? -errno : 0;
	target = o->engine->ops->target_fd(o->engine);
	p = (struct pollfd){ .fd = target, .events = POLLIN };
	if (target >= 0 && poll(&p, 1, 0) > 0)
		o->ended = o->engine->ops->target_status(o->engine) >= 0;
	return stream_read(o->stream, &o->dg);
}

bool osmia_ended(const struct osmia *o)
{
	return o->ended;
}

int osmia_status(const struct osmia *o)
{
	return o->engine ? MAX(o->engine->ops->target_status(o->engine), -1) : -1;
}

const char *osmia_engine_name(const struct osmia *o)
{
	return o->engine ? o->engine->ops->name : NULL;
}

/* ---- stop ---- */

static void account_line(void *arg, const char *text)
{
	struct osmia *o = arg;

	diag_warn(&o->dg, (struct place){0}, "%s", text);
}

int osmia_stop(struct osmia *o)
{
	s64 err;

	if (!o->engine || o->stopped)
		return 0;
	o->stopped = true;
	err = iters_print(o->load, write_out, o, &o->dg);
	load_detach(o->load);
	err = MIN(err, 0) ? err : stream_read(o->stream, &o->dg);
	if (o->opts.print_maps)
		maps_print(o->load, o->engine, o->obj->btf, o->opts.format == OSMIA_JSON, write_out,
			   o);
	if (stream_lost(o->stream))
		diag_warn(&o->dg, (struct place){0}, "%lu records were lost: the buffer was full",
			  stream_lost(o->stream));
	o->engine->ops->account(o->engine, account_line, o);
	return err < 0 ? (int)err : 0;
}

void osmia_free(struct osmia *o)
{
	if (!o)
		return;
	take_down(o);
	event_types_free(&o->types);
	obj_free(o->obj);
	diag_free(&o->dg);
	str_free(&o->text);
	free(o);
}

/* ---- lists ---- */

int osmia_list(struct osmia *o, const char *pattern, unsigned engines,
	       int (*fn)(void *arg, const char *name, unsigned engines), void *arg)
{
	return list_hooks(pattern, engines, &o->dg, fn, arg);
}

int osmia_list_perf(int (*fn)(void *arg, const char *name, const char *kind), void *arg)
{
	return list_perf(fn, arg);
}

int osmia_format_text(struct osmia *o, const char *event, char **text)
{
	return list_format(event, &o->dg, text);
}

/* ---- messages ---- */

unsigned osmia_messages(const struct osmia *o)
{
	return o->dg.n;
}

const char *osmia_message(struct osmia *o, unsigned n)
{
	char *place;

	if (n >= o->dg.n)
		return NULL;
	place = place_text(&o->dg.msgs[n].at);
	str_clear(&o->text);
	str_addf(&o->text, "%s%s", place ? place : "", o->dg.msgs[n].text ? o->dg.msgs[n].text : "");
	free(place);
	return str_text(&o->text);
}

enum osmia_level osmia_message_level(const struct osmia *o, unsigned n)
{
	return n < o->dg.n ? (enum osmia_level)o->dg.msgs[n].level : OSMIA_NOTE;
}
