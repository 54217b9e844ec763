/* SPDX-License-Identifier: BSD-2-Clause */
/* lang/bt/emit_ring.c - records for user space.
 *
 * A record is reserved in the ring and its arguments are written where they will be read.  What may
 * leave the program, or changes something, comes before the reservation: a record that was reserved
 * is always submitted, and what is lost for want of room are records only, no effects.
 *
 *	scalars, and arguments with effects   computed
 *	reserve                               else: count the loss
 *	header, scalars stored, strings and the like written in place
 *	submit
 */
#include "abi/helper.h"
#include "abi/uapi.h"
#include "lang/bt/emit_unit.h"
#include "lang/bt/text.h"

enum {
	RING_FEW = 1 << 18,    /* each program puts a handful into it, and is run by user space */
	RING_EVENTS = 1 << 21,
	RING_LOOP = 1 << 24,   /* a program may run for long before user space reads */
	RING_MAX = 1 << 28,
};

/* Depth is bounded by the parser. */
static bool has_loop(const struct node *n)
{
	if (n->kind == NODE_FOR || n->kind == NODE_WHILE)
		return true;
	for (const struct node *k = n->kids; k; k = k->next)
		if (has_loop(k))
			return true;
	return false;
}

/* The ring costs time and twice its size in memory: as much of it as the script may want. */
static u32 ring_default(const struct emit *e)
{
	bool few = true;

	if (has_loop(e->s->prog->root))
		return RING_LOOP;
	for (u32 i = 0; i < e->s->probes.n; i++)
		switch (e->s->probes.p[i]->hook) {
		case HOOK_BEGIN: case HOOK_END: case HOOK_INTERVAL: case HOOK_SELF:
			break;
		default:
			few = false;
		}
	return few ? RING_FEW : RING_EVENTS;
}

/* As many pages as the setting says, one for each CPU at least (0.17: as many for each), in all a
 * power of 2, as the kernel wants it. */
static u32 ring_bytes(const struct emit *e)
{
	u64 page = e->s->w->page_size ? e->s->w->page_size : 4096, cpus = MAX(e->s->w->n_cpus, 1u);
	u64 pages = MIN((u64)e->s->set.perf_rb_pages, (u64)RING_MAX / page), size = page;
	u64 want = !pages ? ring_default(e)
			  : page * (sema_compat17(e->s) ? pages * cpus : MAX(pages, cpus));

	while (size < want && size < RING_MAX)
		size *= 2;
	return (u32)size;
}

u32 emit_events_map(struct emit *e)
{
	if (e->events_map == UINT32_MAX)
		e->events_map = mod_map(e->m, &(struct ir_map){
						      .name = "osmia_events",
						      .type = BPF_MAP_TYPE_RINGBUF,
						      .max_entries = ring_bytes(e),
					      });
	return e->events_map;
}

static u32 counts_map(struct emit *e)
{
	if (e->counts_map == UINT32_MAX)
		e->counts_map = mod_map(e->m, &(struct ir_map){
						      .name = "osmia_counts",
						      .type = BPF_MAP_TYPE_PERCPU_ARRAY,
						      .key_size = 4,
						      .value_size = 8,
						      .max_entries = COUNT_HOWMANY,
					      });
	return e->counts_map;
}

static void count_add(struct emit *e, struct val *c, struct val *n)
{
	struct val *map = ir_ref(e->b, OP_MAP, counts_map(e), 0), *args[2], *p;
	struct emit_mark mark = scratch_mark(e);
	struct val *key = emit_temp(e, 4);
	struct emit_if f;

	ir_store(e->b, ir_cast(e->b, OP_TRUNC, IR_I32, c), key, 0);
	args[0] = map;
	args[1] = key;
	p = emit_helper_ptr(e, HELPER_map_lookup_elem, SPACE_MAP_VALUE, 2, args);
	f = emit_if(e, emit_is_null(e, p));
	emit_else(e, &f);
	ir_store(e->b, ir_bin(e->b, OP_ADD, ir_load(e->b, IR_I64, p, 0), n), p, 0);
	emit_endif(e, &f);
	scratch_release(e, mark);
}

void emit_count_at(struct emit *e, struct val *c)
{
	count_add(e, c, emit_i64(e, 1));
}

void emit_count(struct emit *e, enum script_count c)
{
	emit_count_at(e, emit_i64(e, c));
}

/* An action's record: header filled in.  exit_status: of exit(), which must not get lost; NULL: another action. */
static struct emit_record reserve(struct emit *e, u32 action, u32 size, struct val *exit_status)
{
	struct emit_record r = {0};
	struct val *args[3];
	u32 ring = emit_events_map(e), room = e->m->maps.p[ring].max_entries;

	if (size > room / 2 && e->scratch->at)
		sema_warn(e->s, e->scratch->at,
			  "a record of %u bytes hardly fits the ring of %u (perf_rb_pages)", size, room);
	args[0] = ir_ref(e->b, OP_MAP, ring, 0);
	args[1] = emit_i64(e, size);
	args[2] = emit_i64(e, 0);
	r.p = emit_helper_ptr(e, HELPER_ringbuf_reserve, SPACE_RECORD, 3, args);
	r.there = emit_if(e, emit_is_null(e, r.p));
	emit_count(e, COUNT_EVENTS_LOST);
	if (exit_status) {
		emit_count(e, COUNT_EXIT_LOST);
		count_add(e, emit_i64(e, COUNT_EXIT_STATUS), exit_status);
	}
	emit_else(e, &r.there);
	ir_store(e->b, emit_i64(e, (s64)((u64)size << 32 | action)), r.p, 0);
	return r;
}

struct val *emit_ring_output(struct emit *e, struct val *record, struct val *size)
{
	struct val *ring = ir_ref(e->b, OP_MAP, emit_events_map(e), 0);

	return emit_call(e, HELPER_ringbuf_output, ring, record, size, emit_i64(e, 0));
}

/* Actions may move when one is added: what is kept of them is their tuple. */
const struct stype *emit_record_type(struct emit *e, const struct node *call)
{
	static const struct stype none = { .kind = ST_TUPLE, .size = sizeof(struct script_record) };

	if (call->action)
		return e->s->script->actions.p[call->action - 1].args;
	e->failed = true; /* it has none: the check found a mistake, which was to end here */
	return &none;
}

struct emit_record emit_record_begin(struct emit *e, const struct node *call)
{
	return reserve(e, call->action - 1, emit_record_type(e, call)->size, NULL);
}

struct emit_record emit_record_exit(struct emit *e, const struct node *call, struct val *status)
{
	return reserve(e, call->action - 1, emit_record_type(e, call)->size, status);
}

void emit_record_end(struct emit *e, struct emit_record *r)
{
	emit_call(e, HELPER_ringbuf_submit, r->p, emit_i64(e, 0));
	emit_endif(e, &r->there);
}

/* Must it be computed whether there is room for a record or not? */
static bool has_effect(const struct node *n)
{
	if (n->kind == NODE_BLOCK || n->kind == NODE_IF || n->kind == NODE_INCREMENT ||
	    n->kind == NODE_ASSIGN)
		return true;
	if (n->kind == NODE_CALL && !n->func)
		return true;
	for (const struct node *k = n->kids; k; k = k->next)
		if (has_effect(k))
			return true;
	return false;
}

void emit_action(struct emit *e, const struct node *call, const struct node *first)
{
	const struct stype *args;
	const struct node *arg;
	struct emit_record r;
	struct rv *early;
	u32 n;

	args = emit_record_type(e, call);
	n = args->n_fields;
	early = arena_alloc(&e->m->arena, (n + 1) * sizeof(*early));
	arg = first;
	for (u32 i = 0; i < n && arg; i++, arg = arg->next) {
		const struct stype *type = args->fields[i].type;

		if (stype_is_scalar(type)) {
			early[i] = (struct rv){type, emit_scalar(e, arg)};
		} else if (has_effect(arg)) {
			early[i] = emit_expr(e, arg);
			if (early[i].v)
				early[i].v = emit_direct(e, early[i]);
		}
	}
	r = reserve(e, call->action - 1, args->size, NULL);
	arg = first;
	for (u32 i = 0; i < n && arg; i++, arg = arg->next) {
		const struct stype_field *f = &args->fields[i];

		if (early[i].v)
			emit_store(e, early[i], f->type, r.p, f->off, true);
		else if (!text_read_to(e, arg, emit_add(e, r.p, f->off)))
			emit_to(e, arg, f->type, r.p, f->off, false);
	}
	emit_record_end(e, &r);
}
