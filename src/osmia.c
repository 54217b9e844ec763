/* SPDX-License-Identifier: BSD-2-Clause */
/* osmia.c - the pipeline on one page; implements include/osmia.h.
 *
 *	open     obj/     an ELF file becomes a struct obj
 *	         lang/    a script becomes a tree
 *	start    engine/  kernel or user space
 *	         lang/    the tree becomes a struct obj
 *	         load/    maps, CO-RE, relocation, (verifier), programs
 *	         output/  event sources opened
 *	         load/    attached; then the target runs
 *	poll     output/  records become lines
 *	stop     load/    detached; what is left, maps, accounts
 */
#include "osmia_priv.h"
#include "base/file.h"
#include "engine/kernel/kernel.h"
#include "engine/list.h"
#include "engine/user/user.h"
#include "osmia_world.h"
#include "output/iter.h"
#include "output/maps.h"
#include "output/script.h"
#include "output/stream.h"
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { FILE_MAX = 256 << 20 };

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
	if (o->opts.script)
		memcpy(&o->script, o->opts.script, MIN(o->opts.script->size, sizeof(o->script)));
	o->epoll = o->timers = -1;
	*out = o;
	return 0;
}

/* ---- open ---- */

static int may_open(struct osmia *o)
{
	return o->obj || o->source.text
		       ? diag_error(&o->dg, (struct place){0}, -EBUSY, "an object is open already")
		       : 0;
}

/* A file that begins with text is a script: an object, whole or damaged, has its magic or zero bytes. */
static bool is_text(const void *data, size_t size)
{
	return size && !memchr(data, '\0', MIN(size, 4096ul)) && *(const char *)data != '\x7f';
}

int osmia_open_mem(struct osmia *o, const void *data, size_t size, const char *name)
{
	int err = may_open(o);

	if (!err && is_text(data, size))
		return source_open(o, data, size, name);
	if (!err)
		err = obj_open(data, size, name, &o->dg, &o->obj);
	o->types.obj = o->obj;
	return err;
}

int osmia_open_script(struct osmia *o, const char *text, size_t size, const char *name)
{
	int err = may_open(o);

	return err ? err : source_open(o, text, size, name);
}

int osmia_open(struct osmia *o, const char *path)
{
	struct bytes file;
	int err = may_open(o);

	if (err)
		return err;
	err = file_map(path, FILE_MAX, &file);
	if (err)
		return diag_error(&o->dg, (struct place){ .file = path }, err, "can't read: %s",
				  strerror(-err));
	err = osmia_open_mem(o, file.p, file.size, strcmp(path, "-") == 0 ? "stdin" : path);
	bytes_free(&file);
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

void osmia_write(void *arg, const char *text, size_t n)
{
	struct osmia *o = arg;

	if (o->capture)
		str_addn(o->capture, text, n);
	else if (o->opts.write)
		o->opts.write(o->opts.arg, text, n);
}

/* Detaches; engine last, because links and maps are its objects. */
static void take_down(struct osmia *o)
{
	stream_free(o->stream);
	script_out_free(o->out);
	load_close(o->load);
	world_free(o->world);
	if (o->engine)
		o->engine->ops->free(o->engine);
	if (o->epoll >= 0)
		close(o->epoll);
	o->stream = NULL;
	o->out = NULL;
	o->load = NULL;
	o->world = NULL;
	if (o->source.text) {
		obj_free(o->obj);
		o->obj = NULL;
		o->types.obj = NULL;
	}
	o->engine = NULL;
	o->epoll = -1;
}

/* fd -1: nothing to watch. */
static int watch(struct osmia *o, int fd)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.fd = fd };

	return fd >= 0 && epoll_ctl(o->epoll, EPOLL_CTL_ADD, fd, &ev) ? -errno : 0;
}

static int watch_all(struct osmia *o)
{
	int err;

	o->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (o->epoll < 0)
		return -errno;
	err = watch(o, o->out ? script_out_fd(o->out) : stream_fd(o->stream));
	if (!err)
		err = watch(o, o->timers);
	return err ? err : watch(o, o->engine->ops->target_fd(o->engine));
}

/* Nothing of the programs has run so far. */
static int open_streams(struct osmia *o)
{
	struct stream_opts so = {
		.json = o->opts.format == OSMIA_JSON, .types = &o->types, .write = osmia_write, .arg = o,
	};

	return o->obj->script ? script_open_out(o)
			      : stream_new(o->load, o->engine, &so, &o->dg, &o->stream);
}

/* Something to wait for?  Iterators run when they are read, which is at the end. */
static int attach_all(struct osmia *o, bool has_target)
{
	int n = o->obj->script && !has_target ? script_check_target(o) : 0;

	if (!n && o->obj->script)
		n = script_first(o);
	if (n >= 0)
		n = load_attach(o->load, &o->dg);
	if (n < 0)
		return n;
	if (!n && !o->obj->script)
		return diag_error(&o->dg, (struct place){ .file = o->obj->path }, -ENOENT,
				  "no program of the object attaches by itself");
	o->n_attached = (u32)n;
	o->ended = (u32)n == load_n_iters(o->load) && !has_target;
	return o->obj->script ? script_begin(o) : 0;
}

static int open_engine(struct osmia *o, enum osmia_engine which)
{
	return which == OSMIA_ENGINE_KERNEL ? engine_kernel_open(&o->dg, &o->engine)
					    : engine_user_new(NULL, &o->dg, &o->engine);
}

/* The command or process, held; its pid where the engine knows it already. */
static int start_target(struct osmia *o, char *const *argv)
{
	struct target target = { .argv = argv, .pid = o->opts.pid, .tree = o->opts.tree };
	int pid = argv || o->opts.pid ? o->engine->ops->target_start(o->engine, &target, &o->dg) : 0;

	o->has_command = argv;
	o->command = argv ? argv[0] : NULL;
	o->target = argv && pid > 0 ? pid : 0;
	return MIN(pid, 0);
}

static int go_target(struct osmia *o, char *const *argv)
{
	/* What begin printed stands before what the command prints. */
	if (argv && o->script.flush)
		o->script.flush(o->script.arg);

	int pid = argv || o->opts.pid ? o->engine->ops->target_go(o->engine, &o->dg) : 0;

	if (argv && pid > 0)
		o->target = pid;
	return MIN(pid, 0);
}

/* The whole way onto one engine.  *attaching tells a failure of the last steps, for which another
 * engine may have the remedy. */
static int start_on(struct osmia *o, enum osmia_engine which, char *const *argv, bool *attaching)
{
	struct load_opts lo = {
		.only = o->opts.only, .pid = o->opts.pid, .path = o->opts.binary,
		.ifname = o->opts.ifname, .cgroup = o->opts.cgroup, .tree = o->opts.tree,
		.xdp_mode = o->opts.xdp_mode, .partial = o->opts.partial,
		.log_level = o->opts.verifier_log, .sample_hz = o->opts.sample_hz,
	};
	int err = open_engine(o, which);

	*attaching = false;
	if (!err)
		err = start_target(o, argv);
	lo.cpid = o->target;
	if (!err && o->source.text) {
		err = script_compile(o);
		*attaching = err == -ENOENT; /* a probe that is nowhere here */
	}
	if (!err)
		err = load_open(o->obj, o->engine, &lo, &o->dg, &o->load);
	if (!err)
		err = load_run(o->load, &o->dg);
	if (!err)
		err = open_streams(o);
	if (err)
		return err;
	*attaching = true;
	err = attach_all(o, argv || o->opts.pid);
	if (!err && !o->script.dry_run)
		err = go_target(o, argv);
	/* Only now: an engine may not have what tells the target's end before it runs. */
	return err ? err : watch_all(o);
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

static bool has_params(const struct osmia_script_opts *s)
{
	return (s->params && s->params[0]) || (s->named && s->named[0]);
}

int osmia_start(struct osmia *o, char *const *argv)
{
	bool attaching;
	int err;

	if ((!o->obj && !o->source.text) || o->engine)
		return diag_error(&o->dg, (struct place){0}, -EINVAL, "start follows open, once");
	if (o->obj && has_params(&o->script))
		return diag_error(&o->dg, (struct place){ .file = o->obj->path }, -EINVAL,
				  "an object takes no parameters: a script's are compiled in");
	err = is_script(o) ? 0 : event_types_check(&o->types, &o->dg);
	if (err)
		return err;
	err = o->opts.engine == OSMIA_ENGINE_AUTO ? start_auto(o, argv)
						  : start_on(o, o->opts.engine, argv, &attaching);
	if (err)
		take_down(o);
	return err;
}

int osmia_compile(struct osmia *o, void **data, size_t *size)
{
	enum osmia_engine which = o->opts.engine;
	int err;

	if (!o->source.text || o->engine)
		return diag_error(&o->dg, (struct place){0}, -EINVAL, "there is no script to compile");
	if (which == OSMIA_ENGINE_AUTO)
		which = engine_kernel_usable() ? OSMIA_ENGINE_USER : OSMIA_ENGINE_KERNEL;
	o->has_command = true; /* whoever runs the object may have one */
	err = open_engine(o, which);
	if (!err)
		err = script_compile(o);
	if (!err && data)
		err = obj_write(o->obj, &o->dg, data, size);
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
	return o->out ? script_poll(o) : stream_read(o->stream, &o->dg);
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

void osmia_account_line(void *arg, const char *text)
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
	if (o->out)
		return script_end(o);
	err = iters_print(o->load, osmia_write, o, &o->dg);
	load_detach(o->load);
	err = MIN(err, 0) ? err : stream_read(o->stream, &o->dg);
	if (o->opts.print_maps)
		maps_print(o->load, o->engine, o->obj->btf, o->opts.format == OSMIA_JSON, osmia_write,
			   o);
	if (stream_lost(o->stream))
		diag_warn(&o->dg, (struct place){0}, "%lu records were lost: the buffer was full",
			  stream_lost(o->stream));
	o->engine->ops->account(o->engine, osmia_account_line, o);
	return err < 0 ? (int)err : 0;
}

void osmia_free(struct osmia *o)
{
	if (!o)
		return;
	take_down(o);
	event_types_free(&o->types);
	obj_free(o->obj);
	source_free(&o->source);
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

const char *osmia_message_at(const struct osmia *o, unsigned n, struct osmia_place *at)
{
	if (n >= o->dg.n)
		return NULL;
	if (at)
		*at = (struct osmia_place){ o->dg.msgs[n].at.file, o->dg.msgs[n].at.line, o->dg.msgs[n].at.col };
	return o->dg.msgs[n].text ? o->dg.msgs[n].text : "";
}

enum osmia_level osmia_message_level(const struct osmia *o, unsigned n)
{
	return n < o->dg.n ? (enum osmia_level)o->dg.msgs[n].level : OSMIA_NOTE;
}
