/* SPDX-License-Identifier: BSD-2-Clause */
/* lang/bt/emit_mem.c - values in memory: reads and copies of every space, fields, and putting a
 * value of one type where another is wanted.
 */
#include "abi/helper.h"
#include "lang/bt/emit_unit.h"
#include "lang/bt/func.h"
#include <errno.h>
#include <string.h>

enum { INLINE_BYTES = 64 }; /* up to here copies and zeroes are insns, from there on a call */

/* ---- reading and copying ---- */

struct val *emit_add(struct emit *e, struct val *p, s64 off)
{
	return off ? ir_ptradd(e->b, p, emit_i64(e, off)) : p;
}

bool emit_is_direct(enum ir_space s)
{
	return s == SPACE_STACK || s == SPACE_MAP_VALUE || s == SPACE_RECORD;
}

/* May a load go through it? */
static bool is_loadable(enum ir_space s)
{
	return emit_is_direct(s) || s == SPACE_CTX || s == SPACE_BTF || s == SPACE_PACKET;
}

enum ir_space emit_space(struct emit *e, const struct stype *ptr_type)
{
	(void)e;
	switch (ptr_type->space) {
	case SS_KERNEL:
		return SPACE_KERNEL;
	case SS_USER:
		return SPACE_USER;
	case SS_CTX:
		return SPACE_CTX;
	case SS_BTF:
		return SPACE_BTF;
	case SS_MAP:
		return SPACE_MAP_VALUE;
	default:
		return SPACE_UNKNOWN;
	}
}

void emit_zero(struct emit *e, struct val *p, u32 bytes)
{
	if (bytes <= INLINE_BYTES)
		ir_zero(e->b, p, bytes);
	else
		emit_call(e, HELPER_probe_read_kernel, p, emit_i64(e, bytes), emit_zeros(e, bytes));
}

void emit_copy(struct emit *e, struct val *to, struct val *from, u32 bytes)
{
	if (bytes <= INLINE_BYTES)
		ir_copy(e->b, to, from, bytes);
	else
		emit_call(e, HELPER_probe_read_kernel, to, emit_i64(e, bytes), from);
}

/* Memory of no known space is read as the processor finds it: kernel and user addresses are told
 * apart by the helper. */
static u32 reader(enum ir_space s, bool is_str)
{
	if (s == SPACE_USER)
		return is_str ? HELPER_probe_read_user_str : HELPER_probe_read_user;
	if (s == SPACE_UNKNOWN)
		return is_str ? HELPER_probe_read_str : HELPER_probe_read;
	return is_str ? HELPER_probe_read_kernel_str : HELPER_probe_read_kernel;
}

static void fault(struct emit *e, u32 helper, struct val *ret)
{
	struct emit_if f = emit_if(e, ir_cmp(e->b, OP_SLT, ret, emit_i64(e, 0)));

	emit_failed(e, COUNT_PROBE_FAULT, helper, ret);
	emit_endif(e, &f);
}

struct val *emit_read_some(struct emit *e, struct val *dst, struct val *n, struct val *src)
{
	u32 id = reader(src->space, false);
	struct val *ret = emit_call(e, id, dst, n, src);

	if (!emit_is_direct(src->space) && src->space != SPACE_CTX)
		fault(e, id, ret);
	return ret;
}

struct val *emit_read(struct emit *e, struct val *dst, u32 n, struct val *src)
{
	if (!emit_is_direct(src->space))
		return emit_read_some(e, dst, emit_i64(e, n), src);
	emit_copy(e, dst, src, n);
	return emit_i64(e, 0);
}

struct val *emit_read_str(struct emit *e, struct val *dst, struct val *n, struct val *src)
{
	u32 id = reader(src->space, true);
	struct val *ret = emit_call(e, id, dst, n, src);

	if (!emit_is_direct(src->space))
		fault(e, id, ret);
	return ret;
}

/* ---- loads ---- */

static enum ir_type ir_of(u32 bytes)
{
	return bytes == 1 ? IR_I8 : bytes == 2 ? IR_I16 : bytes == 4 ? IR_I32 : IR_I64;
}

/* Is p + off a multiple of n, as far as constants tell?  Bases are multiples of 8. */
static bool is_aligned(const struct val *p, s64 off, u32 n)
{
	while (p->op == OP_PTRADD && p->args[1]->op == OP_CONST) {
		off += p->args[1]->imm;
		p = p->args[0];
	}
	return !(off & (n - 1));
}

/* n bytes as a number, byte for byte. */
static struct val *load_bytes(struct emit *e, struct val *p, s64 off, u32 n)
{
	struct val *v = NULL;

	for (u32 i = 0; i < n; i++) {
		struct val *x = ir_cast(e->b, OP_ZEXT, IR_I64, ir_load(e->b, IR_I8, p, off + i));

		if (i)
			x = ir_bin(e->b, OP_SHL, x, emit_i64(e, 8 * i));
		v = v ? ir_bin(e->b, OP_OR, v, x) : x;
	}
	return v;
}

static struct val *load_direct(struct emit *e, u32 bytes, bool is_signed, struct val *p, s64 off)
{
	enum ir_type t = ir_of(bytes);
	struct val *v;

	if (p->space == SPACE_STACK && !is_aligned(p, off, ir_type_bytes(t))) {
		v = load_bytes(e, p, off, bytes);
		return t == IR_I64 ? v
				   : ir_cast(e->b, is_signed ? OP_SEXT : OP_ZEXT, IR_I64,
					     ir_cast(e->b, OP_TRUNC, t, v));
	}
	v = ir_load(e->b, t, p, off);
	return t == IR_I64 ? v : ir_cast(e->b, is_signed ? OP_SEXT : OP_ZEXT, IR_I64, v);
}

struct val *emit_load(struct emit *e, const struct stype *type, struct val *p, s64 off)
{
	struct val *t;

	if (off < INT16_MIN || off > INT16_MAX - 8) {
		p = emit_add(e, p, off);
		off = 0;
	}
	if (is_loadable(p->space))
		return load_direct(e, type->size, type->is_signed, p, off);
	t = emit_temp(e, 8);
	emit_read(e, t, type->size, emit_add(e, p, off));
	return load_direct(e, type->size, type->is_signed, t, 0);
}

struct val *emit_direct(struct emit *e, struct rv v)
{
	struct val *t;

	if (emit_is_direct(v.v->space))
		return v.v;
	t = emit_temp(e, v.type->size);
	emit_read(e, t, v.type->size, v.v);
	return t;
}

/* ---- fields ---- */

static struct val *load_bits(struct emit *e, struct val *p, const struct stype_field *f)
{
	u32 shift = f->bit_off % 8, bits = MIN(f->bits, 64u), n = MIN((shift + bits + 7) / 8, 8u);
	struct val *v;

	p = emit_add(e, p, f->bit_off / 8);
	if (!is_loadable(p->space)) {
		struct val *t = emit_temp(e, 8);

		ir_zero(e->b, t, 8);
		emit_read(e, t, n, p);
		v = ir_load(e->b, IR_I64, t, 0);
	} else {
		v = load_bytes(e, p, 0, n);
	}
	v = ir_bin(e->b, OP_SHL, v, emit_i64(e, 64 - bits - MIN(shift, 64 - bits)));
	return ir_bin(e->b, f->type->is_signed ? OP_ASHR : OP_LSHR, v, emit_i64(e, 64 - bits));
}

/* Where a tracepoint's string or array of varying length lies: its offset from the record is in the
 * low half of 4 bytes. */
static struct rv load_loc(struct emit *e, struct val *base, const struct stype_field *f,
			  const struct stype *type)
{
	struct val *loc = emit_load(e, stype_int(4, false), base, f->off), *p, *t;

	loc = ir_bin(e->b, OP_AND, loc, emit_i64(e, 0xffff));
	p = ir_bin(e->b, OP_ADD, emit_int(e, base), loc);
	p = emit_ptr(e, p, SPACE_KERNEL);
	if (type->kind != ST_STR)
		return (struct rv){type, p};
	t = emit_temp(e, type->size);
	emit_read_str(e, t, emit_i64(e, type->size), p);
	return (struct rv){type, t};
}

struct rv emit_field(struct emit *e, struct rv of, const struct stype_field *f,
		     const struct stype *type)
{
	if (f->data_loc)
		return load_loc(e, of.v, f, type);
	if (f->bits)
		return (struct rv){type, load_bits(e, emit_add(e, of.v, f->off), f)};
	if (f->slot && stype_is_scalar(type))
		return (struct rv){
			type,
			emit_narrow(e, emit_load(e, stype_int(8, false), of.v, f->off), type)};
	if (stype_is_scalar(type))
		return (struct rv){type, emit_load(e, type, of.v, f->off)};
	return (struct rv){type, emit_add(e, of.v, f->off)};
}

/* ---- putting ---- */

static void put_scalar(struct emit *e, struct val *v, const struct stype *type, struct val *to)
{
	enum ir_type t = ir_of(type->size);

	v = emit_int(e, v);
	if (t == IR_I64 || is_aligned(to, 0, type->size) || to->space != SPACE_STACK) {
		ir_store(e->b, t == IR_I64 ? v : ir_cast(e->b, OP_TRUNC, t, v), to, 0);
		return;
	}
	for (u32 i = 0; i < type->size; i++)
		ir_store(e->b,
			 ir_cast(e->b, OP_TRUNC, IR_I8,
				 ir_bin(e->b, OP_LSHR, v, emit_i64(e, 8 * i))),
			 to, i);
}

/* Constant bytes as stores. */
static void put_bytes(struct emit *e, const u8 *data, u32 n, struct val *to)
{
	for (u32 off = 0; off < n;) {
		u32 size = 8;
		u64 word = 0;

		while (size > n - off || !is_aligned(to, off, size))
			size /= 2;
		memcpy(&word, data + off, size);
		ir_store(e->b,
			 ir_const(e->b, ir_of(size),
				  (s64)(word << (64 - 8 * size)) >> (64 - 8 * size)),
			 to, off);
		off += size;
	}
}

static void put_literal(struct emit *e, const char *text, const struct stype *type, struct val *to,
			enum emit_how how)
{
	u32 n = (u32)MIN(strlen(text) + 1, (size_t)type->size);

	if (how == PUT_CLEAN && n < type->size)
		emit_zero(e, to, type->size);
	if (n <= 2 * INLINE_BYTES)
		put_bytes(e, (const u8 *)text, n, to);
	else
		emit_copy(e, to, emit_bytes(e, text, n), n);
}

/* Are there zeroes only behind the string's end?  Names of tasks, and what maps hold. */
static bool is_clean(const struct node *n)
{
	if (n->kind == NODE_MAP)
		return true;
	return (n->kind == NODE_NAME || n->kind == NODE_CALL) && n->func && !n->kids &&
	       !strcmp(n->func->name, "comm");
}

static void put_str(struct emit *e, struct rv v, const struct stype *type, struct val *to,
		    enum emit_how how, bool clean)
{
	u32 have = v.type->size, n = MIN(have, type->size);
	struct emit_if full;
	struct val *ret;

	if ((how == PUT_PLAIN || clean) && have <= INLINE_BYTES) {
		if (how == PUT_CLEAN && have < type->size)
			emit_zero(e, emit_add(e, to, have), type->size - have);
		emit_read(e, to, n, v.v);
		if (how == PUT_PLAIN && have < type->size)
			ir_store(e->b, ir_const(e->b, IR_I8, 0), to, have);
		return;
	}
	if (how == PUT_CLEAN)
		emit_zero(e, to, type->size);
	/* a string that fills its memory has no NUL: one byte more leaves room for the helper's */
	ret = emit_read_str(e, to, emit_i64(e, MIN(have + 1, type->size)), v.v);
	if (have < type->size) {
		ir_store(e->b, ir_const(e->b, IR_I8, 0), to, have);
		return;
	}
	/* without such room the helper's NUL may stand over the last character */
	full = emit_if(e, emit_cmp_imm(e, OP_EQ, ret, type->size));
	emit_read(e, emit_add(e, to, type->size - 1), 1, emit_add(e, v.v, type->size - 1));
	emit_endif(e, &full);
}

/* Field i of a record that is to become another, whose fields may stand in another order. */
static const struct stype_field *same_part(const struct stype *from, const struct stype *to, u32 i)
{
	return to->kind == ST_RECORD ? stype_field(from, to->fields[i].name) : &from->fields[i];
}

/* Tuples and records whose parts differ in width. */
static void put_parts(struct emit *e, struct rv v, const struct stype *type, struct val *to,
		      enum emit_how how)
{
	if (how == PUT_CLEAN)
		emit_zero(e, to, type->size);
	for (u32 i = 0; i < type->n_fields && i < v.type->n_fields; i++) {
		const struct stype_field *f = same_part(v.type, type, i);
		struct emit_mark m = scratch_mark(e);

		if (f)
			emit_put(e, emit_field(e, v, f, f->type), type->fields[i].type,
				 emit_add(e, to, type->fields[i].off), how == PUT_CLEAN ? PUT_ZEROED : how);
		scratch_release(e, m);
	}
}

void emit_put(struct emit *e, struct rv v, const struct stype *type, struct val *to,
	      enum emit_how how)
{
	if (!v.v || !v.type)
		return;
	if (how == PUT_PLAIN && to->space == SPACE_STACK && !stype_is_scalar(type))
		how = PUT_CLEAN;
	if (v.v->type != IR_PTR || (stype_is_scalar(type) && stype_is_scalar(v.type))) {
		if (stype_is_scalar(type) || stype_is_agg(type))
			put_scalar(e, v.v, stype_is_agg(type) ? stype_int(8, false) : type, to);
	} else if (type->kind == ST_STR && v.type->kind == ST_STR) {
		put_str(e, v, type, to, how, false);
	} else if ((type->kind == ST_TUPLE || type->kind == ST_RECORD) &&
		   v.type->kind == type->kind && (how != PUT_PLAIN || !stype_same(type, v.type))) {
		put_parts(e, v, type, to, how);
	} else {
		u32 n = MIN(type->size, v.type->size);

		if (how == PUT_CLEAN && n < type->size)
			emit_zero(e, to, type->size);
		emit_read(e, to, n, v.v);
	}
}

static void put_tuple(struct emit *e, const struct node *n, const struct stype *type,
		      struct val *to, enum emit_how how)
{
	u32 i = 0;

	if (how == PUT_CLEAN || (how == PUT_PLAIN && to->space == SPACE_STACK)) {
		emit_zero(e, to, type->size);
		how = PUT_ZEROED;
	}
	/* in the order in which they are written, each to where its name is */
	for (const struct node *k = n->kids; k && i < type->n_fields; k = k->next, i++) {
		const struct stype_field *f = k->kind == NODE_FIELD_INIT ? stype_field(type, k->text) : &type->fields[i];

		if (f)
			emit_put_node(e, k->kind == NODE_FIELD_INIT ? k->kids : k, f->type, emit_add(e, to, f->off), how);
	}
}

void emit_put_node(struct emit *e, const struct node *n, const struct stype *type, struct val *to,
		   enum emit_how how)
{
	struct emit_mark m;

	if ((n->kind == NODE_TUPLE && type->kind == ST_TUPLE) ||
	    (n->kind == NODE_RECORD && type->kind == ST_RECORD)) {
		put_tuple(e, n, type, to, how);
		return;
	}
	m = scratch_mark(e);
	if (how == PUT_PLAIN && to->space == SPACE_STACK && !stype_is_scalar(type))
		how = PUT_CLEAN; /* the verifier wants every byte of the stack written before it is
				    read */
	if (n->str && type->kind == ST_STR) {
		put_literal(e, n->str, type, to, how);
	} else {
		struct rv v = emit_expr(e, n);

		if (v.v && v.v->type == IR_PTR && type->kind == ST_STR && v.type->kind == ST_STR)
			put_str(e, v, type, to, how, is_clean(n));
		else
			emit_put(e, v, type, to, how);
	}
	scratch_release(e, m);
}

void emit_to(struct emit *e, const struct node *n, const struct stype *type, struct val *to,
	     s64 off, bool clean)
{
	emit_put_node(e, n, type, emit_add(e, to, off), clean ? PUT_CLEAN : PUT_PLAIN);
}

void emit_store(struct emit *e, struct rv v, const struct stype *type, struct val *to, s64 off,
		bool clean)
{
	emit_put(e, v, type, emit_add(e, to, off), clean ? PUT_CLEAN : PUT_PLAIN);
}
