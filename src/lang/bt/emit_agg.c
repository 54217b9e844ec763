/* SPDX-License-Identifier: BSD-2-Clause */
/* lang/bt/emit_agg.c - aggregations: each CPU adds to its own share (obj/stype.def has the
 * layouts), readers add up all shares.
 *
 * A share is added to by plain loads and stores where nothing can come between, atomically
 * elsewhere.
 */
#include "abi/helper.h"
#include "isa/insn.h"
#include "lang/bt/emit_unit.h"
#include <errno.h>

/* May another task run the program on the same CPU before it has ended? */
static bool is_preemptible(const struct emit *e)
{
	if (e->s->w->is_user || !e->probe)
		return true;
	switch (e->probe->hook) {
	case HOOK_UPROBE:
	case HOOK_URETPROBE:
	case HOOK_USDT:
	case HOOK_ITER:
		return true;
	default:
		return false;
	}
}

static void add_to(struct emit *e, struct val *p, s64 off, struct val *x)
{
	if (is_preemptible(e))
		ir_atomic(e->b, ATOMIC_ADD, IR_VOID, x, p, off);
	else
		ir_store(e->b, emit_bin(e, OP_ADD, ir_load(e->b, IR_I64, p, off), x), p, off);
}

struct val *emit_agg_value(struct emit *e, const struct node *n, struct emit_if *f)
{
	const struct bt_map *m = n->map;
	struct val *key = emit_key(e, n);
	struct val *p = emit_map_element(e, m, key, emit_zeros(e, MAX(m->value->size, 8u)),
					 NULL);

	*f = emit_if(e, ir_cmp(e->b, OP_NE, emit_int(e, p), emit_i64(e, 0)));
	return p;
}

/* ---- adding ---- */

/* value, is set */
static void keep_least(struct emit *e, const struct stype *type, struct val *p, struct val *v)
{
	enum ir_op less = type->is_signed ? OP_SLT : OP_ULT;
	struct blk *set = blk_new(e->fn), *look = blk_new(e->fn), *end = blk_new(e->fn);
	struct val *have;

	ir_br(e->b, emit_cmp_imm(e, OP_EQ, ir_load(e->b, IR_I64, p, 8), 0), set, look);
	e->b = look;
	have = ir_load(e->b, IR_I64, p, 0);
	ir_br(e->b,
	      type->kind == ST_MIN ? ir_cmp(e->b, less, v, have) : ir_cmp(e->b, less, have, v), set,
	      end);
	e->b = set;
	ir_store(e->b, v, p, 0);
	ir_store(e->b, emit_i64(e, 1), p, 8);
	ir_jmp(e->b, end);
	e->b = end;
}

/* 2^k where v > limit, else 0: without a branch, for 0 <= v. */
static struct val *step_of(struct emit *e, struct val *v, s64 limit, u32 k)
{
	struct val *sign = emit_bin(e, OP_SUB, emit_i64(e, limit), v);

	return emit_bin_imm(e, OP_SHL, emit_bin_imm(e, OP_LSHR, sign, 63), k);
}

/* Which power of two v is at least, for v > 0. */
static struct val *log2_of(struct emit *e, struct val *v)
{
	struct val *log = NULL;

	for (s32 k = 5; k >= 0; k--) {
		struct val *step = step_of(e, v, (s64)((1ull << (1u << k)) - 1), (u32)k);

		if (k)
			v = emit_bin(e, OP_LSHR, v, step);
		log = log ? emit_bin(e, OP_ADD, log, step) : step;
	}
	return log;
}

/* The bucket of v > 0 and not less than 2^bits: one row of 2^bits buckets to each power of two. */
static struct val *hist_row(struct emit *e, struct val *v, u32 bits)
{
	struct val *rows = emit_bin_imm(e, OP_SUB, log2_of(e, v), bits), *sub;

	sub = emit_bin_imm(e, OP_AND, emit_bin(e, OP_LSHR, v, rows), (1 << bits) - 1);
	rows = emit_bin_imm(e, OP_SHL, rows, bits);
	return emit_bin_imm(e, OP_ADD, emit_bin(e, OP_ADD, rows, sub), (1 << bits) + 1);
}

static struct val *hist_bucket(struct emit *e, struct val *v, u32 bits)
{
	struct val *slot = ir_alloca(e->fn, 8, 8);
	struct emit_if f, small;

	ir_store(e->b, emit_i64(e, 0), slot, 0);
	f = emit_if(e, ir_cmp(e->b, OP_SLE, emit_i64(e, 0), v));
	ir_store(e->b, emit_bin_imm(e, OP_ADD, v, 1), slot, 0);
	small = emit_if(e, ir_cmp(e->b, OP_SLE, emit_i64(e, 1ll << bits), v));
	ir_store(e->b, hist_row(e, v, bits), slot, 0);
	emit_endif(e, &small);
	emit_endif(e, &f);
	return ir_load(e->b, IR_I64, slot, 0);
}

static struct val *lhist_bucket(struct emit *e, struct val *v, const struct stype *t)
{
	struct val *slot = ir_alloca(e->fn, 8, 8), *i;
	struct emit_if f, high;

	ir_store(e->b, emit_i64(e, 0), slot, 0);
	f = emit_if(e, ir_cmp(e->b, OP_SLE, emit_i64(e, t->min), v));
	high = emit_if(e, ir_cmp(e->b, OP_SLE, emit_i64(e, t->max), v));
	ir_store(e->b, emit_i64(e, (s64)stype_lhist_buckets(t) - 1), slot, 0);
	emit_else(e, &high);
	i = emit_bin(e, OP_UDIV, emit_bin_imm(e, OP_SUB, v, t->min), emit_i64(e, t->step));
	ir_store(e->b, emit_bin_imm(e, OP_ADD, i, 1), slot, 0);
	emit_endif(e, &high);
	emit_endif(e, &f);
	return ir_load(e->b, IR_I64, slot, 0);
}

/* One more in a bucket; the comparison is the verifier's. */
static void count_bucket(struct emit *e, struct val *p, struct val *bucket, u32 n)
{
	struct emit_if f = emit_if(e, emit_cmp_imm(e, OP_ULT, bucket, n));

	add_to(e, ir_ptradd(e->b, p, emit_bin_imm(e, OP_SHL, bucket, 3)), 0, emit_i64(e, 1));
	emit_endif(e, &f);
}

enum { SERIES_VALUE = 0, SERIES_META = 8, SERIES_EPOCH = 16, SERIES_BYTES = 24 };

static void series_put(struct emit *e, const struct stype *t, struct val *p, struct val *v,
		       struct val *now)
{
	enum ir_op less = t->is_signed || (t->of && t->of->is_signed) ? OP_SLT : OP_ULT;
	struct val *have = ir_load(e->b, IR_I64, p, SERIES_VALUE),
		   *meta = ir_load(e->b, IR_I64, p, SERIES_META);
	struct blk *set, *look, *end;

	switch (t->mode) {
	case TSERIES_LAST:
		ir_store(e->b, v, p, SERIES_VALUE);
		ir_store(e->b, now, p, SERIES_META);
		return;
	case TSERIES_SUM:
	case TSERIES_AVG:
		ir_store(e->b, emit_bin(e, OP_ADD, have, v), p, SERIES_VALUE);
		ir_store(e->b, emit_bin_imm(e, OP_ADD, meta, 1), p, SERIES_META);
		return;
	default:
		break;
	}
	set = blk_new(e->fn);
	look = blk_new(e->fn);
	end = blk_new(e->fn);
	ir_br(e->b, emit_cmp_imm(e, OP_EQ, meta, 0), set, look);
	ir_br(look,
	      t->mode == TSERIES_MIN ? ir_cmp(look, less, v, have) : ir_cmp(look, less, have, v),
	      set, end);
	ir_store(set, v, p, SERIES_VALUE);
	ir_store(set, ir_const(set, IR_I64, 1), p, SERIES_META);
	ir_jmp(set, end);
	e->b = end;
}

/* The interval of now has bucket interval % n; what is left there of an older one goes. */
static void add_series(struct emit *e, const struct stype *t, struct val *p, struct val *v)
{
	struct val *now = emit_helper(e, HELPER_ktime_get_tai_ns, 0, NULL);
	struct val *epoch = emit_bin_imm(e, OP_UDIV, now, MAX(t->step, 1));
	struct val *i = emit_bin_imm(e, OP_UREM, epoch, MAX(t->n, 1u));
	struct emit_if f = emit_if(e, emit_cmp_imm(e, OP_ULT, i, MAX(t->n, 1u))), old;

	p = ir_ptradd(e->b, p, emit_bin_imm(e, OP_MUL, i, SERIES_BYTES));
	old = emit_if(e, ir_cmp(e->b, OP_NE, ir_load(e->b, IR_I64, p, SERIES_EPOCH), epoch));
	ir_zero(e->b, p, SERIES_EPOCH);
	ir_store(e->b, epoch, p, SERIES_EPOCH);
	emit_endif(e, &old);
	series_put(e, t, p, v, now);
	emit_endif(e, &f);
}

void emit_agg(struct emit *e, const struct node *n, const struct node *call)
{
	const struct stype *t = n->map->value;
	struct val *v = call->kids ? emit_scalar(e, call->kids) : NULL, *p;
	struct emit_if f;

	p = emit_agg_value(e, n, &f);
	switch (t->kind) {
	case ST_COUNT:
		add_to(e, p, 0, emit_i64(e, 1));
		break;
	case ST_SUM:
		add_to(e, p, 0, v);
		break;
	case ST_MIN:
	case ST_MAX:
		keep_least(e, t, p, v);
		break;
	case ST_AVG:
	case ST_STATS:
		add_to(e, p, 0, v);
		add_to(e, p, 8, emit_i64(e, 1));
		break;
	case ST_HIST:
		count_bucket(e, p, hist_bucket(e, v, t->n), stype_hist_buckets(t->n));
		break;
	case ST_LHIST:
		count_bucket(e, p, lhist_bucket(e, v, t), stype_lhist_buckets(t));
		break;
	case ST_TSERIES:
		add_series(e, t, p, v);
		break;
	default:
		break;
	}
	emit_endif(e, &f);
}

/* ---- reading ---- */

struct sum {
	struct val *a, *b; /* 8 bytes each: the two words of all shares so far */
};

static void add_share(struct emit *e, const struct stype *t, const struct sum *s, struct val *p)
{
	enum ir_op less = t->is_signed ? OP_SLT : OP_ULT;
	struct val *a = ir_load(e->b, IR_I64, s->a, 0), *b = ir_load(e->b, IR_I64, s->b, 0), *x,
		   *set;
	struct blk *have, *look, *take, *end;

	x = ir_load(e->b, IR_I64, p, 0);
	if (t->kind != ST_MIN && t->kind != ST_MAX) {
		ir_store(e->b, emit_bin(e, OP_ADD, a, x), s->a, 0);
		if (t->kind == ST_AVG || t->kind == ST_STATS)
			ir_store(e->b, emit_bin(e, OP_ADD, b, ir_load(e->b, IR_I64, p, 8)), s->b,
				 0);
		return;
	}
	have = blk_new(e->fn);
	look = blk_new(e->fn);
	take = blk_new(e->fn);
	end = blk_new(e->fn);
	set = ir_load(e->b, IR_I64, p, 8);
	ir_br(e->b, emit_cmp_imm(e, OP_EQ, set, 0), end, have);
	ir_br(have, ir_cmp(have, OP_EQ, b, ir_const(have, IR_I64, 0)), take, look);
	ir_br(look, t->kind == ST_MIN ? ir_cmp(look, less, x, a) : ir_cmp(look, less, a, x), take,
	      end);
	ir_store(take, x, s->a, 0);
	ir_store(take, ir_const(take, IR_I64, 1), s->b, 0);
	ir_jmp(take, end);
	e->b = end;
}

/* bpf_map_lookup_percpu_elem() came with Linux 5.19. */
static bool has_percpu_lookup(const struct emit *e)
{
	const struct bt_world *w = e->s->w;

	return w->is_user || !w->kernel_version || w->kernel_version >= (5u << 16 | 19 << 8);
}

struct val *emit_agg_read(struct emit *e, const struct bt_map *m, struct val *key)
{
	struct sum s = {ir_alloca(e->fn, 8, 8), ir_alloca(e->fn, 8, 8)};
	struct val *at = ir_alloca(e->fn, 8, 8), *cpu, *args[3], *p, *a, *b;
	struct blk *head = blk_new(e->fn), *body = blk_new(e->fn), *next = blk_new(e->fn),
		   *end = blk_new(e->fn), *there = blk_new(e->fn);

	if (!has_percpu_lookup(e) && e->scratch->at)
		emit_fail(e, e->scratch->at, -ENOTSUP,
			  "the value of %s is the sum over all CPUs: a program can read "
			  "that from Linux 5.19 on only",
			  m->name);
	ir_store(e->b, emit_i64(e, 0), s.a, 0);
	ir_store(e->b, emit_i64(e, 0), s.b, 0);
	ir_store(e->b, emit_i64(e, 0), at, 0);
	ir_jmp(e->b, head);
	e->b = head;
	cpu = ir_load(e->b, IR_I64, at, 0);
	ir_br(e->b, emit_cmp_imm(e, OP_ULT, cpu, MAX(e->s->w->n_possible_cpus, 1u)), body, end);
	e->b = body;
	args[0] = emit_map_ref(e, m);
	args[1] = key;
	args[2] = cpu;
	p = emit_helper_ptr(e, HELPER_map_lookup_percpu_elem, SPACE_MAP_VALUE, 3, args);
	ir_br(e->b, emit_is_null(e, p), end, there);
	e->b = there;
	add_share(e, m->value, &s, p);
	ir_jmp(e->b, next);
	e->b = next;
	ir_store(e->b, emit_bin_imm(e, OP_ADD, cpu, 1), at, 0);
	ir_jmp(e->b, head);
	e->b = end;
	a = ir_load(e->b, IR_I64, s.a, 0);
	if (m->value->kind != ST_AVG && m->value->kind != ST_STATS)
		return a;
	b = ir_load(e->b, IR_I64, s.b, 0);
	return emit_bin(e, m->value->is_signed ? OP_SDIV : OP_UDIV, a, b);
}
