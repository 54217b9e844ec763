/* SPDX-License-Identifier: BSD-2-Clause */
/* osmia_priv.h - a run's state: osmia.c has the pipeline, osmia_script.c what is different about a script.
 *
 *	object:  open ........................ engine, target, load, stream, attach, go
 *	script:  open, parse ... engine, target, COMPILE, load, script_out, attach, BEGIN, go
 *
 * A script is compiled for an engine, so that happens when that is chosen; another engine compiles it anew.
 */
#pragma once
#include "base/diag.h"
#include "base/str.h"
#include "engine/engine.h"
#include "load/load.h"
#include "obj/obj.h"
#include "osmia.h"
#include "output/event.h"

struct bt_program;
struct script_out;
struct stream;
struct world;

/* A script as it was opened; text is NULL for an object. */
struct source {
	char *text;                 /* owned */
	size_t size;
	char *name;                 /* owned */
	struct bt_program *prog;    /* owned: parsed, not compiled yet; NULL: to be parsed again */
};

struct osmia {
	struct osmia_opts opts;
	struct osmia_script_opts script;
	struct diag dg;
	struct str text;            /* of the message asked for last */
	struct source source;
	struct obj *obj;            /* owned */
	struct event_types types;
	struct engine *engine;      /* owned */
	struct load *load;          /* owned */
	struct stream *stream;      /* owned; of an object without a script */
	struct world *world;        /* owned; of a script that was compiled here */
	struct script_out *out;     /* owned; of a script */
	struct str *capture;        /* what is written goes here; NULL: to the caller */
	u32 n_errors;               /* lines that the script said on stderr */
	const char *command;        /* its first word; NULL: none, or not known yet */
	bool has_command;
	s32 target;                 /* pid of the command; 0: none, or not known yet */
	int epoll;                  /* streams, timers and target */
	int timers;                 /* fd of interval probes; -1: none; the load's */
	u32 n_attached;
	int test_status;            /* of --test: 1 when a test failed */
	bool ended;                 /* the target has, the script called exit(), or nothing is to be waited for */
	bool stopped;
};

/* To the caller, or where it is captured; a line of the account as a warning.  arg: the struct osmia. */
void osmia_write(void *arg, const char *text, size_t n);
void osmia_account_line(void *arg, const char *text);

/* ---- osmia_script.c ---- */

/* Keeps a copy of the text and parses it. */
int source_open(struct osmia *o, const char *text, size_t size, const char *name);
void source_free(struct source *s);
static inline bool is_script(const struct osmia *o)
{
	return o->source.text || (o->obj && o->obj->script);
}
/* The script's object for the engine at hand: o->obj. */
int script_compile(struct osmia *o);
/* Before anything is attached: begin programs, so that what they print comes first and what they set is there. */
int script_first(struct osmia *o);
/* Without a command or process: does the engine see what the script's probes are of?  0, or -EINVAL. */
int script_check_target(struct osmia *o);
/* After load_run(): opens the ring.  After load_attach(): what begin programs print. */
int script_open_out(struct osmia *o);
int script_begin(struct osmia *o);
/* Records, timers, exit().  Number of records or a negative errno. */
s64 script_poll(struct osmia *o);
/* Detached: what is left, end programs, maps, what was lost. */
int script_end(struct osmia *o);

/* ---- osmia_tests.c ---- */

/* Runs the test or bench probes, and writes what they gave; test_status tells whether all passed. */
int script_tests(struct osmia *o);
int script_benches(struct osmia *o);
