/* SPDX-License-Identifier: BSD-2-Clause */
/* osmia_script.c - the public calls for scripts in the bpftrace language, and their part of a run. */
#include "load/script.h"
#include "osmia_compile.h"
#include "osmia_priv.h"
#include "osmia_world.h"
#include "output/script.h"
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

int osmia_format(const char *script, size_t size, const char *name, bool tree, char **text,
		 char **messages)
{
	struct bt_program *p = NULL;
	struct diag dg = {0};
	struct str out = {0};
	int err = bt_parse(script, size, name, &dg, &p);

	if (!err && tree)
		bt_print(p, &out);
	else if (!err)
		bt_format(p, &out);
	if (out.failed)
		err = diag_error(&dg, (struct place){0}, -ENOMEM, "no memory for the text");
	if (messages)
		*messages = diag_text(&dg);
	if (text)
		*text = err ? NULL : str_take(&out);
	str_free(&out);
	bt_free(p);
	diag_free(&dg);
	return err;
}

/* ---- open ---- */

int source_open(struct osmia *o, const char *text, size_t size, const char *name)
{
	struct source *s = &o->source;

	s->text = malloc(size + 1);
	s->name = strdup(name);
	if (!s->text || !s->name)
		return diag_error(&o->dg, (struct place){ .file = name }, -ENOMEM,
				  "no memory to keep the script");
	memcpy(s->text, text, size);
	s->text[size] = '\0';
	s->size = size;
	return bt_parse(s->text, size, s->name, &o->dg, &s->prog);
}

void source_free(struct source *s)
{
	bt_free(s->prog);
	free(s->text);
	free(s->name);
	*s = (struct source){0};
}

bool osmia_is_script(const struct osmia *o)
{
	return is_script(o);
}

/* ---- compile ---- */

static u32 count(const char *const *list)
{
	u32 n = 0;

	while (list && list[n])
		n++;
	return n;
}

static struct bt_opts options(const struct osmia *o, struct str *dump)
{
	const struct osmia_script_opts *so = &o->script;

	return (struct bt_opts){
		.compat = so->compat, .unsafe = so->unsafe, .partial = o->opts.partial,
		.params = so->params, .n_params = count(so->params),
		.named = so->named, .n_named = count(so->named),
		.pid = o->opts.pid, .command = o->command, .has_command = o->has_command,
		.helper_errors = so->helper_errors, .no_warnings = so->no_warnings,
		.test_mode = so->test, .bench_mode = so->bench, .probe_filter = so->probe_filter,
		.includes = so->includes, .n_includes = count(so->includes),
		.dump = so->dump ? dump : NULL, .dump_stages = so->dump, .dump_pass = so->dump_pass,
	};
}

int script_compile(struct osmia *o)
{
	struct source *s = &o->source;
	struct world_opts wo = {
		.engine = o->engine, .script = s->name,
		.dirs = o->script.include_dirs, .n_dirs = count(o->script.include_dirs),
	};
	struct str dump = {0};
	struct bt_opts bo = options(o, &dump);
	int err = world_new(&wo, &o->dg, &o->world);

	if (!err && !s->prog)
		err = bt_parse(s->text, s->size, s->name, &o->dg, &s->prog);
	if (!err)
		err = script_to_obj(s->prog, world_table(o->world), &bo, &o->dg, &o->obj);
	if (err == -ENOENT && !o->dg.n_errors && bo.compat == 17)
		osmia_write(o, "No probes to attach\n", 20);
	if (dump.len)
		osmia_write(o, str_text(&dump), dump.len);
	str_free(&dump);
	/* Compiling has changed it. */
	bt_free(s->prog);
	s->prog = NULL;
	return err;
}

/* ---- run ---- */

static bool is_testing(const struct osmia *o)
{
	return o->script.test || o->script.bench;
}

static void say(void *arg, const char *text, size_t n)
{
	struct osmia *o = arg;

	o->n_errors++;
	if (o->capture)
		str_addn(o->capture, text, n);
	else if (o->script.error)
		o->script.error(o->script.arg, text, n);
}

static void flush(void *arg)
{
	struct osmia *o = arg;

	if (o->script.flush)
		o->script.flush(o->script.arg);
}

/* Handles what is in the ring; sees exit(). */
static s64 read_records(struct osmia *o)
{
	s64 n = script_out_read(o->out, 0, &o->dg);
	int status;

	if (script_out_exit(o->out, &status))
		o->ended = true;
	return n;
}

static bool drain(void *arg)
{
	struct osmia *o = arg;
	int status;

	return read_records(o) >= 0 && !script_out_exit(o->out, &status);
}

int script_open_out(struct osmia *o)
{
	struct script_out_opts so = {
		.keep_maps = is_testing(o), .json = o->opts.format == OSMIA_JSON, .quiet = o->script.quiet,
		.unsafe = o->script.unsafe, .write = osmia_write, .error = say, .flush = flush,
		.arg = o, .cpid = o->target,
	};

	if (o->engine->ops->on_ring_full)
		o->engine->ops->on_ring_full(o->engine, drain, o);
	return script_out_new(o->obj->script, o->load, o->engine, &so, &o->dg, &o->out);
}

int script_check_target(struct osmia *o)
{
	const struct script *s = o->obj->script;

	if (strcmp(o->engine->ops->name, "user") != 0 || o->script.dry_run)
		return 0;
	for (u32 i = 0; i < s->attaches.n; i++) {
		const struct script_attach *a = &s->attaches.p[i];

		switch (a->hook) {
		case HOOK_BEGIN: case HOOK_END: case HOOK_TEST: case HOOK_BENCH: case HOOK_SELF: case HOOK_INTERVAL:
			break;
		default:
			return diag_error(&o->dg, a->at, -EINVAL,
					  "%s: the user engine sees the events of a command (-- CMD) or a process "
					  "(-p PID) only; name one", a->name);
		}
	}
	return 0;
}

/* Does an event have to come for something to happen? */
static bool waits(const struct script *s)
{
	for (u32 i = 0; i < s->attaches.n; i++)
		switch (s->attaches.p[i].hook) {
		case HOOK_BEGIN: case HOOK_END: case HOOK_TEST: case HOOK_BENCH: case HOOK_ITER:
			break;
		default:
			return true;
		}
	return false;
}

int script_first(struct osmia *o)
{
	return o->script.dry_run ? 0 : (int)MIN(script_run(o->load, HOOK_BEGIN, NULL, NULL, &o->dg), 0);
}

static bool drain_iter(void *arg)
{
	return read_records(arg) >= 0;
}

static int run_iters(struct osmia *o)
{
	int n;

	script_out_goes_on(o->out, true);
	n = script_iters_run(o->load, drain_iter, o, &o->dg);
	script_out_goes_on(o->out, false);
	return n;
}

int script_begin(struct osmia *o)
{
	const struct script *s = o->obj->script;
	int status;
	s64 n;

	if (!s->attaches.n)
		return diag_error(&o->dg, (struct place){ .file = o->obj->path }, -ENOENT,
				  "the script has no probe that can be attached");
	if (o->script.dry_run) {
		o->ended = true;
		return 0;
	}
	o->timers = script_timers_fd(o->load, &o->dg);
	if (!is_testing(o))
		script_out_attached(o->out, o->n_attached);
	if (o->script.attached)
		o->script.attached(o->script.arg);
	n = read_records(o);
	if (n >= 0 && !o->ended && is_testing(o)) {
		n = o->script.test ? script_tests(o) : script_benches(o);
		o->ended = true;
	}
	if (n >= 0 && load_n_iters(o->load) && !script_out_exit(o->out, &status))
		n = run_iters(o);
	/* A command is waited for, whatever the probes. */
	if (!waits(s) && !o->target && s->compat != 17)
		o->ended = true;
	return (int)MIN(n, 0);
}

s64 script_poll(struct osmia *o)
{
	s64 n = o->timers >= 0 ? script_timers_run(o->load, &o->dg) : 0;

	return n < 0 ? n : read_records(o);
}

int osmia_signal(struct osmia *o, const char *name)
{
	s64 n = 0;

	if (!o->out || o->stopped)
		return 0;
	if (o->obj->script->compat == 17 && strcmp(name, "SIGUSR1") == 0)
		script_out_maps(o->out, &o->dg);
	else
		n = script_run(o->load, HOOK_SELF, name, NULL, &o->dg);
	if (n >= 0)
		n = read_records(o);
	return (int)MIN(n, 0);
}

bool osmia_exited(const struct osmia *o, int *status)
{
	if (o->test_status) {
		*status = o->test_status;
		return true;
	}
	return o->out && script_out_exit(o->out, status);
}

enum { TARGET_END_MS = 1000 };

/* A command that outlives its script ends with it, unless it does not heed SIGTERM. */
static void end_target(struct osmia *o)
{
	struct pollfd p = { .fd = o->engine->ops->target_fd(o->engine), .events = POLLIN };

	if (!kill(o->target, SIGTERM) && poll(&p, 1, TARGET_END_MS) > 0)
		o->engine->ops->target_status(o->engine);
}

int script_end(struct osmia *o)
{
	int status = o->engine->ops->target_status(o->engine);
	s64 n = 0;

	load_detach(o->load);
	script_out_detached(o->out, &o->dg);
	if (!o->script.dry_run)
		n = script_run(o->load, HOOK_END, NULL, NULL, &o->dg);
	if (n >= 0)
		n = script_out_read_all(o->out, &o->dg);
	if (o->target > 0 && status == -EAGAIN)
		end_target(o);
	if (!o->script.dry_run)
		script_out_end(o->out, &o->dg);
	script_out_account(o->out);
	o->engine->ops->account(o->engine, osmia_account_line, o);
	return (int)MIN(n, 0);
}
