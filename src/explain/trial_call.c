/* SPDX-License-Identifier: BSD-2-Clause */
/* explain/trial_call.c - a run, watched: calls, their arguments, and what they give.
 *
 * A helper is its prototype: it touches the memory that its arguments name, and gives an input within
 * what the verifier knows of its result.
 */
#include "abi/helper_use.h"
#include "abi/uapi.h"
#include "explain/watch.h"
#include <stdio.h>

enum { LOOPS_MAX = 64, FILL_MAX = 4096, PACKET_MAX = 65535, PACKET_INPUT = 4096, CTX_INPUT = 4096 };

u64 watch_key(struct watch *w, u32 what)
{
	return (u64)w->pc << 32 | (u64)(w->visits[w->pc] & 0xffffff) << 8 | what;
}

/* ---- results ---- */

static struct shade number_result(struct watch *w, const struct result *r, u64 key)
{
	const struct insn ge = jump_op(JMP_JGE), le = jump_op(JMP_JLE), sge = jump_op(JMP_JSGE),
			  sle = jump_op(JMP_JSLE);
	s32 input;
	u64 v;
	u8 *bytes;
	u32 n;

	if (r->umin == r->umax)
		return shade_const(w->e, r->umin);
	input = inputs_get(w->e->in, key, 8, INPUT_RESULT, w->pc);
	if (input < 0)
		return shade_const(w->e, r->umin);
	bytes = inputs_at(w->e->in, (u32)input);
	memcpy(&v, bytes, sizeof(v));
	if (v < r->umin || v > r->umax || (s64)v < r->smin || (s64)v > r->smax) {
		v = r->smin > 0 ? (u64)r->smin : r->umin;
		memcpy(bytes, &v, sizeof(v));
	}
	n = expr_input(w->e, (u32)input, 0, 8);
	if (r->umin)
		expr_require(w->e, &ge, n, expr_const(w->e, r->umin), true);
	if (r->umax != UINT64_MAX)
		expr_require(w->e, &le, n, expr_const(w->e, r->umax), true);
	if (r->smin != INT64_MIN)
		expr_require(w->e, &sge, n, expr_const(w->e, (u64)r->smin), true);
	if (r->smax != INT64_MAX)
		expr_require(w->e, &sle, n, expr_const(w->e, (u64)r->smax), true);
	return shade_number(n);
}

static u32 packet_object(struct watch *w)
{
	const struct insn le = jump_op(JMP_JLE);
	u32 n = w->mem.objects.n, o = memory_object(&w->mem, OBJECT_PACKET, 2, PACKET_INPUT);
	struct object *p = &w->mem.objects.p[o];
	s32 len;

	if (o < n)
		return o;
	len = inputs_get(w->e->in, 3, 4, INPUT_LENGTH, w->pc);
	if (len < 0)
		return o;
	p->size_expr = expr_input(w->e, (u32)len, 0, 4);
	p->size = (u32)expr_value(w->e, p->size_expr);
	expr_require(w->e, &le, p->size_expr, expr_const(w->e, PACKET_MAX), true);
	return o;
}

static struct shade pointer_to(struct watch *w, u32 object, s32 off)
{
	return (struct shade){ .kind = SHADE_POINTER, .object = object,
			       .expr = expr_const(w->e, (u64)(s64)off) };
}

/* Null or not is an input of one byte. */
static struct shade maybe_null(struct watch *w, struct shade s, u32 null_expr)
{
	if (!expr_varies(w->e, null_expr))
		return expr_value(w->e, null_expr) ? pointer_to(w, 0, 0) : s;
	if (expr_value(w->e, null_expr))
		s = pointer_to(w, 0, 0);
	s.null_expr = null_expr;
	return s;
}

static struct shade with_null_input(struct watch *w, struct shade s, u64 key)
{
	const struct insn le = jump_op(JMP_JLE);
	s32 input = inputs_get(w->e->in, ~key, 1, INPUT_NULL, w->pc);
	u32 n = input < 0 ? 0 : expr_input(w->e, (u32)input, 0, 1);

	expr_require(w->e, &le, n, expr_const(w->e, 1), true);
	return maybe_null(w, s, n);
}

struct shade watch_result(struct watch *w, const struct result *r, u64 key)
{
	struct shade s;
	u32 o;

	switch (r->kind) {
	case RESULT_NUMBER:
		return number_result(w, r, key);
	case RESULT_OBJECT:
		s = pointer_to(w, memory_object(&w->mem, OBJECT_MEM, key, r->size), r->off);
		break;
	case RESULT_VALUE:
		o = memory_object(&w->mem, OBJECT_VALUE, key,
				  r->map >= 0 ? w->plan->maps[r->map].value_size : r->size);
		s = pointer_to(w, o, r->off);
		break;
	case RESULT_KERNEL:
		s = pointer_to(w, memory_object(&w->mem, OBJECT_KERNEL, key, UINT32_MAX), r->off);
		break;
	case RESULT_PACKET:
		s = pointer_to(w, packet_object(w), r->off);
		break;
	case RESULT_PACKET_END:
		s = pointer_to(w, packet_object(w), 0);
		s.expr = w->mem.objects.p[s.object].size_expr;
		break;
	case RESULT_MAP:
		o = memory_object(&w->mem, OBJECT_MAP, key, UINT32_MAX);
		w->mem.objects.p[o].map = r->map;
		s = pointer_to(w, o, 0);
		break;
	case RESULT_CTX:
		o = memory_object(&w->mem, OBJECT_CTX, 1, CTX_INPUT);
		s = pointer_to(w, o, r->off);
		break;
	default:
		return (struct shade){ 0 };
	}
	return r->nullable ? with_null_input(w, s, key) : s;
}

/* ---- arguments ---- */

static bool is_null_or_zero(const struct watch *w, struct shade s)
{
	return (s.kind == SHADE_POINTER && !s.object) ||
	       (s.kind == SHADE_NUMBER && !expr_value(w->e, s.expr));
}

/* A pointer argument that is no memory of a size: a number or null can't be one. */
static bool check_pointer(struct watch *w, u32 regno, const char *name)
{
	struct shade s = *watch_reg(w, regno);
	const struct insn differs = jump_op(JMP_JNE);

	if (s.kind == SHADE_NUMBER) {
		watch_fault(w, FAULT_NUMBER, "bpf_%s gets the number 0x%llx as pointer in r%u",
			    name, (unsigned long long)expr_value(w->e, s.expr), regno);
		return false;
	}
	if (!s.object) {
		watch_fault(w, FAULT_NULL, "bpf_%s gets null in r%u", name, regno);
		return false;
	}
	if (s.null_expr)
		watch_goal(w, &differs, s.null_expr, 0, true);
	return true;
}

/* Bytes of the stack that were never written, which the helper would read. */
static bool check_written(struct watch *w, u32 regno, u64 size, const char *name)
{
	struct shade s = *watch_reg(w, regno);
	s64 at = (s64)expr_value(w->e, s.expr);

	if (w->mem.objects.p[s.object].kind != OBJECT_STACK || !watch_at_target(w))
		return true;
	for (u64 i = 0; i < size; i++)
		if (memory_load(&w->mem, s.object, at + (s64)i, 1).kind == SHADE_UNSET) {
			watch_fault(w, FAULT_UNINIT, "bpf_%s reads the stack at fp%lld, where nothing "
				    "was ever written", name, (long long)(at + (s64)i - 512));
			return false;
		}
	return true;
}

static bool check_memory(struct watch *w, const struct helper_proto *p, u32 n, u32 size_expr)
{
	u64 size = expr_value(w->e, size_expr);
	u32 arg = p->arg[n];
	char verb[64];

	if (is_null_or_zero(w, *watch_reg(w, n + 1)) && arg & ARG_NULLABLE)
		return true;
	if (!size && !expr_varies(w->e, size_expr))
		return true;
	if (!size && watch_reg(w, n + 1)->kind == SHADE_NUMBER)
		return true;
	snprintf(verb, sizeof(verb), "bpf_%s: access", p->name);
	return watch_access(w, n + 1, 0, size_expr, verb) &&
	       (arg & ARG_UNINIT || check_written(w, n + 1, MIN(size, 512u), p->name));
}

static const struct plan_map *map_arg(struct watch *w, const struct helper_proto *p, s32 *index)
{
	*index = -1;
	for (u32 n = 0; n < 5; n++)
		if (ARG_KIND(p->arg[n]) == ARG_MAP) {
			struct shade s = *watch_reg(w, n + 1);

			*index = s.kind == SHADE_POINTER ? w->mem.objects.p[s.object].map : -1;
		}
	return *index >= 0 ? &w->plan->maps[*index] : NULL;
}

/* Bytes behind a memory argument; false: it is no memory. */
static bool memory_size(struct watch *w, const struct helper_proto *p, u32 n, u32 *size_expr)
{
	const struct plan_map *m;
	s32 index;

	switch (ARG_KIND(p->arg[n])) {
	case ARG_MEM:
		if (p->arg[n] & ARG_FIXED_SIZE) {
			*size_expr = expr_const(w->e, ARG_BYTES(p->arg[n]));
			return true;
		}
		*size_expr = n < 4 && watch_reg(w, n + 2)->kind == SHADE_NUMBER ?
			     watch_reg(w, n + 2)->expr : 0;
		return true;
	case ARG_KEY:
	case ARG_VALUE:
		m = map_arg(w, p, &index);
		*size_expr = expr_const(w->e, !m ? 0 : ARG_KIND(p->arg[n]) == ARG_KEY ?
					m->key_size : m->value_size);
		return m != NULL;
	default:
		return false;
	}
}

static bool check_arg(struct watch *w, const struct helper_proto *p, u32 n)
{
	u32 kind = ARG_KIND(p->arg[n]), size_expr;

	if (!watch_readable(w, n + 1))
		return false;
	switch (kind) {
	case ARG_ANY:
	case ARG_SIZE:
	case ARG_SIZE0:
	case ARG_ALLOC_SIZE:
	case ARG_FUNC:
		return true;
	}
	if (memory_size(w, p, n, &size_expr))
		return check_memory(w, p, n, size_expr);
	if (p->arg[n] & ARG_NULLABLE && is_null_or_zero(w, *watch_reg(w, n + 1)))
		return true;
	return check_pointer(w, n + 1, p->name);
}

static bool check_args(struct watch *w, const struct helper_proto *p)
{
	for (u32 n = 0; n < 5 && ARG_KIND(p->arg[n]) != ARG_NONE; n++)
		if (!check_arg(w, p, n))
			return false;
	return true;
}

/* What the helper wrote: nobody knows it. */
static void fill_written(struct watch *w, const struct helper_proto *p)
{
	for (u32 n = 0; n < 5; n++) {
		struct shade s = *watch_reg(w, n + 1);
		u32 size_expr;

		if (!(p->arg[n] & (ARG_UNINIT | ARG_WRITE)) || s.kind != SHADE_POINTER || !s.object)
			continue;
		if (ARG_KIND(p->arg[n]) == ARG_DYNPTR)
			size_expr = expr_const(w->e, sizeof(struct bpf_dynptr));
		else if (!memory_size(w, p, n, &size_expr))
			continue;
		memory_fill(&w->mem, s.object, (s64)expr_value(w->e, s.expr),
			    (u32)MIN(expr_value(w->e, size_expr), (u64)FILL_MAX),
			    watch_key(w, 0x20 + n));
	}
}

/* ---- lookups ---- */

/* Bits that stand for the key. */
static u64 key_hash(struct watch *w, u32 key_size)
{
	struct shade at = *watch_reg(w, 2);
	u64 h = 0x9e3779b97f4a7c15;

	for (u32 i = 0; i < key_size; i++) {
		struct shade b = memory_load(&w->mem, at.object, (s64)expr_value(w->e, at.expr) + i,
					     1);

		h = (h ^ (b.kind == SHADE_UNSET ? 0 : shade_bits(&w->mem, b))) * 0x100000001b3;
	}
	return h;
}

static bool is_array(u32 type)
{
	return type == BPF_MAP_TYPE_ARRAY || type == BPF_MAP_TYPE_PERCPU_ARRAY;
}

/* The same key gives the same element; an array has all of its own. */
static struct shade lookup(struct watch *w, const struct plan_map *m, s32 map)
{
	const struct insn ge = jump_op(JMP_JGE);
	struct shade key = *watch_reg(w, 2), s;
	u64 id;

	if (!is_array(m->type) || m->key_size != 4) {
		id = (u64)map << 32 | (key_hash(w, m->key_size) >> 33) | 1;
		s = pointer_to(w, memory_object(&w->mem, OBJECT_VALUE, id, m->value_size), 0);
		return with_null_input(w, s, id);
	}
	key = memory_load(&w->mem, key.object, (s64)expr_value(w->e, key.expr), 4);
	if (key.kind != SHADE_NUMBER)
		key = shade_const(w->e, shade_bits(&w->mem, key));
	id = (u64)map << 32 | (u32)expr_value(w->e, key.expr);
	s = pointer_to(w, memory_object(&w->mem, OBJECT_VALUE, id, m->value_size), 0);
	w->mem.objects.p[s.object].known = (u32)id ? NULL : m->frozen;
	return maybe_null(w, s, expr_cmp(w->e, &ge, key.expr, expr_const(w->e, m->max_entries)));
}

/* ---- counting iterators ---- */

static struct shade counter_call(struct watch *w, const struct result *r)
{
	u64 at = shade_bits(&w->mem, *watch_reg(w, 1));
	struct counter *c = NULL;
	struct shade s;

	for (u32 i = 0; i < w->n_counters; i++)
		if (w->counters[i].at == at)
			c = &w->counters[i];
	if (r->rule == RULE_NUM_NEW) {
		if (!c && w->n_counters < COUNTERS_MAX)
			c = &w->counters[w->n_counters++];
		if (c)
			*c = (struct counter){ at, (s32)shade_bits(&w->mem, *watch_reg(w, 2)),
					       (s32)shade_bits(&w->mem, *watch_reg(w, 3)), 0 };
		return shade_const(w->e, c && c->next > c->end ? (u64)-22 : 0);
	}
	if (!c || c->next >= c->end)
		return pointer_to(w, 0, 0);
	c->value = c->next++;
	s = pointer_to(w, memory_object(&w->mem, OBJECT_MEM, watch_key(w, 4), 4), 0);
	memory_store(&w->mem, s.object, 0, 4, shade_const(w->e, (u32)c->value));
	return s;
}

/* ---- calls ---- */

/* Objects among the arguments are given back. */
static void release_args(struct watch *w)
{
	for (u32 n = 1; n <= 5; n++)
		for (u32 i = 0; i < w->n_held; i++)
			if (watch_reg(w, n)->kind == SHADE_POINTER &&
			    watch_reg(w, n)->object == w->held[i].object)
				w->held[i--] = w->held[--w->n_held];
}

static void hold(struct watch *w, const struct result *r, struct shade r0)
{
	if (r->releases)
		release_args(w);
	if (!r->acquires || r0.kind != SHADE_POINTER || !r0.object || w->n_held == HELD_MAX)
		return;
	w->held[w->n_held].object = r0.object;
	w->held[w->n_held++].pc = w->pc;
}

static void after_call(struct watch *w, struct shade r0)
{
	for (u32 i = 1; i <= 5; i++)
		*watch_reg(w, i) = (struct shade){ 0 };
	*watch_reg(w, 0) = r0;
}

static void do_helper(struct watch *w, const struct insn *i)
{
	const struct helper_proto *p = helper_proto_for((u32)i->imm, w->plan->prog_type, 0);
	const struct result *r = &w->plan->results[w->pc];
	const struct plan_map *m;
	struct shade r0;
	s32 map;

	if (!p)
		p = helper_proto((u32)i->imm);
	if (!p) {
		watch_end(w, TRIAL_ENDED);
		return;
	}
	if (!check_args(w, p))
		return;
	for (u32 n = 0; n < 5; n++)
		if (ARG_KIND(p->arg[n]) == ARG_FUNC)
			return; /* calls back: see watch_call_back() */
	if (r->kind == RESULT_UNKNOWN) {
		watch_end(w, watch_at_target(w) && w->out->n_goals ? TRIAL_AT_TARGET : TRIAL_ENDED);
		return;
	}
	m = map_arg(w, p, &map);
	r0 = i->imm == HELPER_map_lookup_elem && m && r->kind == RESULT_VALUE ?
	     lookup(w, m, map) : watch_result(w, r, watch_key(w, 0));
	fill_written(w, p);
	hold(w, r, r0);
	after_call(w, r0);
	watch_set(w, 0, r0);
	watch_skip(w, 1);
}

static void do_kfunc(struct watch *w)
{
	const struct result *r = &w->plan->results[w->pc];
	struct shade r0;

	if (watch_at_target(w) && w->plan->reg > 0 && w->plan->reg <= 5 &&
	    !watch_readable(w, (u32)w->plan->reg))
		return;
	if (r->kind == RESULT_UNKNOWN) {
		watch_end(w, TRIAL_ENDED);
		return;
	}
	r0 = r->rule ? counter_call(w, r) : watch_result(w, r, watch_key(w, 0));
	hold(w, r, r0);
	after_call(w, r0);
	watch_set(w, 0, r0);
	watch_skip(w, 1);
}

void watch_call(struct watch *w)
{
	const struct insn *i = watch_insn(w);

	if (i->src == CALL_SUBPROG)
		watch_enter(w);
	else if (i->src == CALL_KFUNC)
		do_kfunc(w);
	else
		do_helper(w, i);
}

/* ---- callbacks ---- */

/* Arguments of the callback's turn n. */
static void set_callback_args(struct watch *w, u32 helper, const struct shade r[6], u32 turn)
{
	struct shade *to = w->frames[w->depth].r;

	for (u32 i = 0; i <= 5; i++)
		to[i] = (struct shade){ 0 };
	if (helper == HELPER_loop) {
		to[1] = shade_const(w->e, turn);
		to[2] = r[3];
	} else if (helper == HELPER_for_each_map_elem) {
		s32 map = r[1].kind == SHADE_POINTER ? w->mem.objects.p[r[1].object].map : -1;
		const struct plan_map *m = map >= 0 ? &w->plan->maps[map] : NULL;
		u64 key = watch_key(w, 0x40) + ((u64)turn << 56);

		to[1] = r[1];
		to[2] = pointer_to(w, memory_object(&w->mem, OBJECT_MEM, key,
						    m ? m->key_size : 0), 0);
		to[3] = pointer_to(w, memory_object(&w->mem, OBJECT_VALUE, key,
						    m ? m->value_size : 0), 0);
		to[4] = r[3];
	} else {
		for (u32 i = 1; i <= 5; i++)
			to[i] = pointer_to(w, memory_object(&w->mem, OBJECT_KERNEL,
							    watch_key(w, 0x50 + i), UINT32_MAX), 0);
	}
}

/* Turns that a callback takes where no number says so: an input. */
static u8 *turns_input(struct watch *w)
{
	s32 input = inputs_get(w->e->in, watch_key(w, 0x60), 1, INPUT_TURNS, w->pc);

	return input < 0 ? NULL : inputs_at(w->e->in, (u32)input);
}

/* Does the callback take one more turn?  As the path goes, with what must hold for it. */
static bool wants_turn(struct watch *w, u32 helper, struct shade count, u32 turn)
{
	const struct insn above = jump_op(JMP_JGT);
	const struct trial_step *next = watch_next(w);
	bool wanted = next && next->depth == w->depth + 1, more;
	u8 *turns;

	if (w->over || turn >= LOOPS_MAX)
		return false;
	if (helper != HELPER_loop) {
		turns = turns_input(w);
		if (turns && w->path)
			*turns = (u8)(turn + wanted);
		return w->path ? wanted : turns && *turns > turn;
	}
	more = shade_bits(&w->mem, count) > turn;
	if (!next)
		wanted = more;
	if (count.kind == SHADE_NUMBER)
		expr_require(w->e, &above, count.expr, expr_const(w->e, turn), wanted);
	if (more != wanted)
		watch_end(w, TRIAL_DIVERGED);
	return more && wanted;
}

/* A callback that returns not nought is called no more.  Is it to go on? */
static bool goes_on(struct watch *w)
{
	const struct insn differs = jump_op(JMP_JNE);
	const struct trial_step *next = watch_next(w);
	struct shade ret = *watch_reg(w, 0);
	bool wanted = next && next->depth == w->depth + 1, stops;

	if (ret.kind != SHADE_NUMBER)
		return true;
	stops = expr_value(w->e, ret.expr) != 0;
	if (!wanted) {
		expr_require(w->e, &differs, ret.expr, 0, stops);
		return !stops;
	}
	expr_require(w->e, &differs, ret.expr, 0, false);
	if (stops)
		watch_end(w, TRIAL_DIVERGED);
	return !stops;
}

u64 watch_call_back(struct watch *w, const u64 r[5])
{
	u32 helper = (u32)watch_insn(w)->imm, pc = w->pc, turn = 0;
	const struct result *gives = &w->plan->results[pc];
	struct shade args[6], r0;
	bool go = !w->over;

	memcpy(args, w->frames[w->depth].r, sizeof(args));
	for (; go && wants_turn(w, helper, args[1], turn); turn++) {
		const struct trial_step *next;
		u64 a[6] = { 0 };

		watch_enter(w);
		set_callback_args(w, helper, args, turn);
		for (u32 i = 1; i <= 5; i++)
			a[i] = shade_bits(&w->mem, w->frames[w->depth].r[i]);
		w->env->call_back(w->env, r[1], a[1], a[2], a[3], a[4], a[5]);
		w->pc = w->over ? w->pc : pc;
		next = watch_next(w);
		if (!w->over && next && next->pc == pc && next->depth == w->depth)
			w->at++; /* the verifier comes back to the call before it goes on */
		go = !w->over && goes_on(w);
	}
	if (w->over)
		return 0;
	r0 = gives->kind == RESULT_UNKNOWN ? shade_const(w->e, turn) :
					     watch_result(w, gives, watch_key(w, 0));
	after_call(w, r0);
	return shade_bits(&w->mem, r0);
}
