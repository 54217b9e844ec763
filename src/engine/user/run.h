/* SPDX-License-Identifier: BSD-2-Clause */
/* engine/user/run.h - one run of a loaded program on an event.
 *
 * Used by PROG_TEST_RUN in the controller and by events in the guard.  Nothing here blocks, and
 * what a program does wrong ends its run only: it is counted in the program's stats with the
 * reason.
 */
#pragma once
#include "abi/packet.h"
#include "engine/user/kmem.h"
#include "engine/user/session.h"

enum { RUN_INNER_MAX = 64, RUN_PROGS_MAX = EXEC_TAIL_CALLS_MAX + 1 };

/* What a program gets. */
struct run_event {
	void *ctx;
	u32 ctx_size;
	bool ctx_writable;
	u64 cookie, func_ip;
	struct packet *packet; /* NULL: no packet program */
	const struct exec_func *func;
	const struct kmem *kmem; /* kernel structs it may read, NULL: none */
	u32 start_pc;		 /* of a timer's callback; 0: the program */
	const u64 *args;	 /* r1..r5 of a callback; NULL: r1 is ctx */
	const void *key;	 /* of a callback's element, which it may read; NULL: none */
	u32 key_size;
};

/* State of a run, env->engine. */
struct run {
	struct session *s;
	const struct run_event *ev;
	struct exec_env env;
	struct prog_object *progs[RUN_PROGS_MAX]; /* first and tail-called ones */
	u32 n_progs;
	struct map *inner[RUN_INNER_MAX];
	u32 n_inner;
	u64 start_ns;   /* CLOCK_MONOTONIC */
};

/* Runs the program: 0 and r0 in *ret, or the negative errno that ended it. */
int run_prog(struct session *s, const struct host *host, struct prog_object *p,
	     const struct run_event *ev, u64 *ret);

/* The session of a run, and the program that runs in it now (after tail calls). */
struct session *run_session(const struct exec_env *env);
struct prog_object *run_current_prog(const struct exec_env *env);

/* A sentence on the first failed run of the program; "" when all went well. */
void run_failure_text(const struct prog_object *p, char *text, u32 size);
