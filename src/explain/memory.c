/* SPDX-License-Identifier: BSD-2-Clause */
/* explain/memory.c - objects of a trial, what they hold, and where that comes from. */
#include "explain/memory.h"

enum { DENSE_MAX = 1 << 16 };

void memory_init(struct memory *m, struct exprs *e)
{
	m->e = e;
	memory_object(m, OBJECT_NULL, 0, 0);
}

void memory_free(struct memory *m)
{
	for (u32 i = 0; i < m->objects.n; i++)
		vec_free(&m->objects.p[i].cells);
	vec_free(&m->objects);
}

static enum input_kind content_kind(enum object_kind kind)
{
	return kind == OBJECT_CTX ? INPUT_CONTEXT : kind == OBJECT_PACKET ? INPUT_PACKET :
	       kind == OBJECT_VALUE ? INPUT_VALUE : INPUT_CONTENT;
}

/* Kernel memory, far from what was placed before unless an input says otherwise.  The address as an
 * expression. */
static u32 place_object(struct memory *m, u64 key)
{
	const struct insn le = jump_op(JMP_JLE);
	u64 at = (u64)m->objects.n << 28, low = 0xffff800000000000;
	s32 input = inputs_get(m->e->in, key ^ 0xadd0000000000000, 8, INPUT_ADDRESS, m->pc);
	u32 n;

	if (input < 0)
		return expr_const(m->e, low + at);
	/* the input is the distance from the place that is taken by itself */
	n = expr_op64(m->e, ALU_ADD, expr_input(m->e, (u32)input, 0, 8), expr_const(m->e, at));
	expr_require(m->e, &le, n, expr_const(m->e, 0x7fffffff0000), true);
	return expr_op64(m->e, ALU_ADD, n, expr_const(m->e, low));
}

u32 memory_object(struct memory *m, enum object_kind kind, u64 key, u32 size)
{
	struct object *o;

	for (u32 i = 0; i < m->objects.n; i++)
		if (m->objects.p[i].kind == kind && m->objects.p[i].key == key)
			return i;
	o = vec_add(&m->objects);
	if (!o)
		return 0;
	o->kind = kind;
	o->key = key;
	o->size = size;
	o->map = -1;
	o->base_expr = kind == OBJECT_NULL || kind == OBJECT_STACK ? 0 : place_object(m, key);
	o->base = expr_value(m->e, o->base_expr);
	o->input = kind == OBJECT_NULL || kind == OBJECT_STACK || size > DENSE_MAX ? -1 :
		   inputs_get(m->e->in, key, size, content_kind(kind), m->pc);
	return m->objects.n - 1;
}

u64 shade_bits(const struct memory *m, struct shade s)
{
	u64 v = expr_value(m->e, s.expr);

	return s.kind == SHADE_POINTER ? m->objects.p[s.object].base + v : v;
}

/* Bytes of a value, from byte `from`. */
static struct shade part(struct memory *m, struct shade s, u32 from, u32 size, u32 whole)
{
	if (s.kind == SHADE_UNSET || (!from && size == whole))
		return s;
	if (s.kind == SHADE_POINTER)
		s = shade_const(m->e, shade_bits(m, s));
	return shade_number(expr_part(m->e, s.expr, from * 8, size));
}

static bool fits(u64 off, u32 size, u64 limit)
{
	return size <= limit && off <= limit - size;
}

/* Bytes that were never stored to. */
static struct shade initial(struct memory *m, u32 object, u64 off, u32 size)
{
	const struct object *o = &m->objects.p[object];
	u64 v = 0;
	s32 input;

	if (o->kind == OBJECT_STACK)
		return (struct shade){ 0 };
	if (o->known && fits(off, size, o->size)) {
		memcpy(&v, o->known + off, size);
		return shade_const(m->e, v);
	}
	if (o->input >= 0 && fits(off, size, m->e->in->list.p[o->input].size))
		return shade_number(expr_input(m->e, (u32)o->input, (u32)off, size));
	input = inputs_get(m->e->in, o->key * 31 + (off << 4 | size), size, content_kind(o->kind),
			   m->pc);
	return input < 0 ? shade_const(m->e, 0) :
			   shade_number(expr_input(m->e, (u32)input, 0, size));
}

static const struct cell *cell_at(const struct object *o, u64 off)
{
	for (u32 i = o->cells.n; i-- > 0;)
		if (off - o->cells.p[i].off < o->cells.p[i].size)
			return &o->cells.p[i];
	return NULL;
}

static bool touches(const struct object *o, u64 off, u32 size)
{
	for (u32 i = 0; i < o->cells.n; i++)
		if (o->cells.p[i].off < off + size &&
		    off < (u64)o->cells.p[i].off + o->cells.p[i].size)
			return true;
	return false;
}

static struct shade load_byte(struct memory *m, u32 object, u64 off)
{
	const struct cell *c = cell_at(&m->objects.p[object], off);

	return c ? part(m, c->what, (u32)(off - c->off), 1, c->size) : initial(m, object, off, 1);
}

struct shade memory_load(struct memory *m, u32 object, s64 at, u32 size)
{
	u64 off = (u64)at;
	const struct cell *c = cell_at(&m->objects.p[object], off);
	struct shade all = { 0 }, byte;

	if (c && off + size <= (u64)c->off + c->size)
		return part(m, c->what, (u32)(off - c->off), size, c->size);
	if (!touches(&m->objects.p[object], off, size))
		return initial(m, object, off, size);
	for (u32 i = 0; i < size; i++) {
		byte = load_byte(m, object, off + i);
		if (byte.kind == SHADE_UNSET)
			return byte;
		byte.expr = expr_op64(m->e, ALU_LSH, byte.expr, expr_const(m->e, i * 8));
		all = i ? shade_number(expr_op64(m->e, ALU_OR, all.expr, byte.expr)) : byte;
	}
	return all;
}

void memory_store(struct memory *m, u32 object, s64 at, u32 size, struct shade what)
{
	u64 off = (u64)at;

	/* what was there and is not covered stays, byte by byte */
	for (u32 i = 0; i < m->objects.p[object].cells.n;) {
		struct object *o = &m->objects.p[object];
		struct cell c = o->cells.p[i];

		if (c.off >= off + size || off >= (u64)c.off + c.size) {
			i++;
			continue;
		}
		o->cells.p[i] = o->cells.p[--o->cells.n];
		for (u32 b = 0; b < c.size; b++) {
			struct cell left = { c.off + b, 1, { 0 } };

			if (left.off >= off && left.off < off + size)
				continue;
			left.what = part(m, c.what, b, 1, c.size);
			vec_push(&m->objects.p[object].cells, left);
		}
	}
	vec_push(&m->objects.p[object].cells, ((struct cell){ (u32)off, (u8)size, what }));
}

void memory_fill(struct memory *m, u32 object, s64 off, u32 size, u64 key)
{
	s32 input = inputs_get(m->e->in, key, size, INPUT_WRITTEN, m->pc);

	for (u32 i = 0; input >= 0 && i < size;) {
		u32 n = size - i >= 8 && !((off + i) & 7) ? 8 : 1;

		memory_store(m, object, off + i, n,
			     shade_number(expr_input(m->e, (u32)input, i, n)));
		i += n;
	}
}
