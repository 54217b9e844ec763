/* SPDX-License-Identifier: BSD-2-Clause */
/* engine/user/run.c - builds the exec_env of a run, answers what exec/ and helper/ ask of the
 * engine during it, and counts how it ended.
 */
#include "engine/user/run.h"
#include "engine/user/prog.h"
#include "exec/exec.h"
#include "helper/helper.h"
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* A step takes a few ns, but a helper that it calls may copy megabytes or wait for a lock: so a run
 * also has the time that its steps would take if each were dear. */
enum { STEPS_DEFAULT = 100000000, STEP_NS_MAX = 100, RUN_NS_MIN = 1000000000 };
enum { CALLS_PER_LOOK = 32 }; /* at the clock; a power of two */

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

/* Gives the span as well: all of it stays accessible until the run ends, of a packet until the next call. */
static bool span_ok(struct exec_env *env, u64 addr, u64 size, bool write, const void *start,
		    const void *end)
{
	if (!in_range(addr, size, start, end))
		return false;
	env->hit[write] = (struct exec_span){(u64)start, (u64)end - (u64)start};
	return true;
}

static struct map *map_with(const struct run *r, u64 addr, u64 size, bool write)
{
	for (u32 p = 0; p < r->n_progs; p++)
		for (u32 i = 0; i < r->progs[p]->n_maps; i++)
			if (map_mem_ok(r->progs[p]->maps[i]->map, addr, size, write))
				return r->progs[p]->maps[i]->map;
	for (u32 i = 0; i < r->n_inner; i++)
		if (map_mem_ok(r->inner[i], addr, size, write))
			return r->inner[i];
	return NULL;
}

/* Gives the span of m's values around addr too, for both directions where both are allowed. */
static bool map_value_ok(struct exec_env *env, const struct map *m, u64 addr, u64 size, bool write)
{
	struct exec_span span;

	if (!m)
		return false;
	if (!map_mem_span(m, addr, &span.start, &span.size))
		return true;
	env->hit[write] = span;
	if (map_mem_ok(m, addr, size, !write))
		env->hit[!write] = span;
	return true;
}

static bool run_mem_ok(struct exec_env *env, u64 addr, u64 size, bool write)
{
	const struct run *r = run_of(env);
	const struct packet *pkt = r->ev->packet;

	if (pkt && span_ok(env, addr, size, write, pkt->data_meta, pkt->data_end))
		return true;
	if (r->ev->kmem && !write && span_ok(env, addr, size, false, r->ev->kmem, r->ev->kmem + 1))
		return true;
	if (r->ev->key && !write &&
	    span_ok(env, addr, size, false, r->ev->key, (const u8 *)r->ev->key + r->ev->key_size))
		return true;
	return map_value_ok(env, map_with(r, addr, size, write), addr, size, write);
}

static struct map *run_map_at(struct exec_env *env, u64 addr)
{
	return map_with(run_of(env), addr, 1, false);
}

static bool run_map_ok(struct exec_env *env, const struct map *m)
{
	const struct run *r = run_of(env);

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
	if (run_map_ok(env, m))
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
	if (!o || prog_of(o)->type != r->progs[0]->type || r->n_progs == RUN_PROGS_MAX)
		return NULL;
	r->progs[r->n_progs++] = prog_of(o);
	return &prog_of(o)->exec;
}

/* A lock may make each call wait for seconds, other helpers only for what they copy. */
static bool is_late(struct run *r, u32 helper)
{
	if (r->n_calls++ % CALLS_PER_LOOK && helper != HELPER_spin_lock)
		return false;
	return now_ns() - r->start_ns > MAX(MIN(r->env.max_steps, 1ul << 50) * STEP_NS_MAX,
					   (u64)RUN_NS_MIN);
}

static int run_call_ok(struct exec_env *env, u32 helper, const u64 args[5])
{
	struct run *r = run_of(env);
	int err;

	if (is_late(r, helper))
		return -ETIME;
	err = helper_call_ok(env, helper, args);
	if (err)
		r->bad_helper = helper;
	return err;
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
	st->error_helper = r->bad_helper;
	st->poison = pc < p->n_insns && call_is_poison(&p->run[pc]) ? (u32)p->run[pc].imm : 0;
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
	};
	if (r->s->opts.trusted)
		return;
	r->env.max_steps = r->s->opts.max_steps ? r->s->opts.max_steps : STEPS_DEFAULT;
	r->env.mem_ok = run_mem_ok;
	r->env.call_ok = run_call_ok;
	r->env.map_ok = run_map_ok;
}

int run_prog(struct session *s, const struct host *host, struct prog_object *p,
	     const struct run_event *ev, u64 *ret)
{
	struct run r;
	int err;

	r.s = s;
	r.ev = ev;
	r.start_ns = now_ns();
	r.n_calls = 0;
	r.progs[0] = p;
	r.n_progs = 1;
	r.n_inner = 0;
	r.bad_helper = 0;
	fill_env(&r, host, p);
	err = exec_run(&r.env, ev->args, ret);
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
	const struct helper_proto *proto = helper_proto(st->error_helper);

	if (st->poison)
		snprintf(text, size,
			 "reached a field, type or kernel function that does not exist on "
			 "the user engine");
	else if (proto && st->error_helper)
		snprintf(text, size, "called bpf_%s with an argument that is not allowed (0x%lx)",
			 proto->name, st->error_addr);
	else if (st->error == -EFAULT)
		snprintf(text, size, "touched memory that is not its own (0x%lx)", st->error_addr);
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
