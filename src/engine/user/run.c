/* SPDX-License-Identifier: BSD-2-Clause */
/* engine/user/run.c - builds the exec_env of a run, answers what exec/ and helper/ ask of the
 * engine during it, and counts how it ended.
 */
#include "engine/user/run.h"
#include "engine/user/prog.h"
#include "exec/exec.h"
#include "helper/access.h"
#include "helper/helper.h"
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* A verified program ends, but its loops of callbacks may be nested: a run has this long. */
#define RUN_NS_MAX 10000000000ull

static u64 now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (u64)t.tv_sec * 1000000000 + (u64)t.tv_nsec;
}

static struct run *run_of(const struct exec_env *env)
{
	return env->engine;
}

struct session *run_session(const struct exec_env *env)
{
	return run_of(env)->s;
}

struct prog_object *run_current_prog(const struct exec_env *env)
{
	const struct run *r = run_of(env);

	return r->progs[r->n_progs - 1];
}

/* ---- what a program may touch ---- */

static bool in_range(u64 addr, u64 size, const void *start, const void *end)
{
	return addr >= (u64)start && addr <= (u64)end && size <= (u64)end - addr;
}

static struct map *map_with(const struct run *r, u64 addr, u64 size)
{
	for (u32 p = 0; p < r->n_progs; p++)
		for (u32 i = 0; i < r->progs[p]->n_maps; i++)
			if (map_mem_ok(r->progs[p]->maps[i]->map, addr, size, false))
				return r->progs[p]->maps[i]->map;
	for (u32 i = 0; i < r->n_inner; i++)
		if (map_mem_ok(r->inner[i], addr, size, false))
			return r->inner[i];
	return NULL;
}

/* The event's kernel structs are what such a pointer can rightly lead to; an insn that reads the
 * program's own memory on another path is no other insn. */
static int run_probe_load(struct exec_env *env, void *dst, u32 size, u64 addr)
{
	const struct kmem *k = run_of(env)->ev->kmem;

	if (k && in_range(addr, size, k, k + 1)) {
		memcpy(dst, (const void *)addr, size);
		return 0;
	}
	return read_kernel(env, dst, size, addr);
}

static struct map *run_map_at(struct exec_env *env, u64 addr)
{
	return map_with(run_of(env), addr, 1);
}

static bool has_map(const struct run *r, const struct map *m)
{
	for (u32 p = 0; p < r->n_progs; p++)
		for (u32 i = 0; i < r->progs[p]->n_maps; i++)
			if (r->progs[p]->maps[i]->map == m)
				return true;
	for (u32 i = 0; i < r->n_inner; i++)
		if (r->inner[i] == m)
			return true;
	return false;
}

static struct map *run_inner_map(struct exec_env *env, struct map *outer, u64 object_id)
{
	struct run *r = run_of(env);
	struct object *o = session_by_ref(r->s, OBJECT_MAP, object_id);
	struct map *m;

	(void)outer;
	if (!o)
		return NULL;
	m = map_of(o)->map;
	if (has_map(r, m))
		return m;
	if (r->n_inner == RUN_INNER_MAX)
		return NULL;
	return r->inner[r->n_inner++] = m;
}

/* The array's programs have the type of the first that went in, so the target fits its caller. */
static const struct exec_prog *run_tail_target(struct exec_env *env, struct map *array, u32 index)
{
	struct run *r = run_of(env);
	struct object *o;
	u64 ref;

	if (map_ref_get(array, &index, &ref))
		return NULL;
	o = session_by_ref(r->s, OBJECT_PROG, ref);
	if (!o || prog_of(o)->type != r->progs[0]->type || r->n_progs == RUN_PROGS_MAX ||
	    prog_of(o)->max_ctx_offset > r->ev->ctx_size)
		return NULL;
	r->progs[r->n_progs++] = prog_of(o);
	return &prog_of(o)->exec;
}

static bool run_late(struct exec_env *env)
{
	const struct run *r = run_of(env);
	u64 max = r->s->opts.max_run_ns;

	return now_ns() - r->start_ns > (max ? max : RUN_NS_MAX);
}

/* Legacy packet loads.  Negative offsets count from the link or network header.  Kernel
 * bpf_internal_load_pointer_neg_helper(). */
static int run_packet_load(struct exec_env *env, s32 off, u32 size, u32 *out)
{
	enum { NET_OFF = -0x100000, LL_OFF = -0x200000 };
	const struct packet *pkt = env->packet;
	s64 at = off;
	u8 b[4];

	if (off < 0) {
		if (off >= NET_OFF)
			at = (s64)off - NET_OFF + pkt->network_off;
		else if (off >= LL_OFF)
			at = (s64)off - LL_OFF;
		else
			return -EFAULT;
	}
	if (at < 0 || at + size > pkt->data_end - pkt->data)
		return -EFAULT;
	memcpy(b, pkt->data + at, size);
	*out = size == 1   ? b[0]
	       : size == 2 ? (u32)b[0] << 8 | b[1]
			   : (u32)b[0] << 24 | (u32)b[1] << 16 | (u32)b[2] << 8 | b[3];
	return 0;
}

/* ---- the run ---- */

static void note_failure(struct run *r, int err)
{
	const struct prog_object *p = r->progs[r->n_progs - 1];
	struct prog_stats *st = r->progs[0]->stats;
	struct prog_line at;
	u32 pc = r->env.error_pc;

	if (st->faults++)
		return;
	st->error = err;
	st->error_pc = pc;
	st->error_addr = r->env.error_addr;
	st->line = prog_line_at(p, pc, &at) ? at.line : 0;
	st->error_prog = p->o.id;
}

static void fill_env(struct run *r, const struct host *host, struct prog_object *p)
{
	const struct run_event *ev = r->ev;
	int cpu = sched_getcpu();

	r->env = (struct exec_env){
		.prog = &p->exec,
		.ctx = ev->ctx,
		.ctx_size = ev->ctx_size,
		.ctx_writable = ev->ctx_writable,
		.start_pc = ev->start_pc,
		.host = host,
		.cpu = cpu < 0 ? 0 : (u32)cpu % r->s->n_cpus,
		.attach_cookie = ev->cookie,
		.func_ip = ev->func_ip,
		.func = ev->func,
		.packet = ev->packet,
		.map_at = run_map_at,
		.tail_target = run_tail_target,
		.inner_map = run_inner_map,
		.engine = r,
		.packet_load = ev->packet ? run_packet_load : NULL,
		.max_steps = r->s->opts.max_steps,
		.probe = run_probe_load,
		.late = run_late,
	};
}

int run_prog(struct session *s, const struct host *host, struct prog_object *p,
	     const struct run_event *ev, u64 *ret)
{
	struct run r;
	int err;

	r.s = s;
	r.ev = ev;
	r.start_ns = now_ns();
	r.progs[0] = p;
	r.n_progs = 1;
	r.n_inner = 0;
	fill_env(&r, host, p);
	err = p->max_ctx_offset > ev->ctx_size && !ev->start_pc ? -EACCES
								 : exec_run(&r.env, ev->args, ret);
	helper_run_end(&r.env);
	p->stats->runs++;
	p->stats->run_ns += now_ns() - r.start_ns;
	if (err)
		note_failure(&r, err);
	return err;
}

/* ---- what to say of it ---- */

static void why(const struct prog_stats *st, char *text, u32 size)
{
	if (st->error == -EACCES)
		snprintf(text, size, "would read past the end of the context");
	else if (st->error == -ETIME)
		snprintf(text, size, "did not end");
	else if (st->error == -ELOOP)
		snprintf(text, size, "nested calls deeper than %d", EXEC_FRAMES_MAX);
	else
		snprintf(text, size, "was ended: %s", strerror(-st->error));
}

void run_failure_text(const struct prog_object *p, char *text, u32 size)
{
	const struct prog_stats *st = p->stats;
	char reason[160], line[32] = "";

	text[0] = 0;
	if (!st->faults)
		return;
	why(st, reason, sizeof(reason));
	if (st->line)
		snprintf(line, sizeof(line), ", line %u", st->line);
	snprintf(text, size,
		 "program '%s': %lu of %lu runs ended early: the first one, at insn %u%s, %s",
		 p->name, st->faults, st->runs, st->error_pc, line, reason);
}
