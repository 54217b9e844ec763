/* SPDX-License-Identifier: BSD-2-Clause */
/* lang/bt/fn_compare.c - strncmp and memcmp: eight bytes at a time.
 *
 * For words a and b of both sides, z = (a - 0x01..01) & ~a & 0x80..80 has its lowest bit in the
 * byte of a's first NUL; z ^ (z - 1) covers the bytes up to that one, or all where there is none.
 * Where a ^ b is 0 under it the words are the same text.  A loop over 1,024 bytes is 128 rounds for
 * the verifier, of a dozen insns each.
 */
#include "lang/bt/emit_unit.h"
#include "lang/bt/func.h"
#include "lang/bt/text.h"
#include <string.h>

enum { STRAIGHT_WORDS = 4 }; /* up to here no loop is made */

static const s64 ones = 0x0101010101010101, tops = (s64)0x8080808080808080;

/* May 8 bytes be loaded at once?  The stack must be aligned for that. */
static bool is_aligned(const struct val *p)
{
	if (p->space != SPACE_STACK)
		return true;
	while (p->op == OP_PTRADD && p->args[1]->op == OP_CONST && p->args[1]->imm % 8 == 0)
		p = p->args[0];
	return p->op == OP_ALLOCA;
}

static struct val *load(struct emit *e, enum ir_type type, struct val *p, s64 off, u32 shift)
{
	struct val *v = ir_load(e->b, type, p, off);

	if (type != IR_I64)
		v = ir_cast(e->b, OP_ZEXT, IR_I64, v);
	return shift ? emit_bin_imm(e, OP_SHL, v, shift) : v;
}

/* The next n bytes (0 to 8) as a word; what lacks is 0. */
static struct val *load_word(struct emit *e, struct val *p, s64 off, u32 n, bool aligned)
{
	struct val *v = NULL, *part;
	u32 done = 0;

	if (n >= 8 && aligned)
		return load(e, IR_I64, p, off, 0);
	while (done < n) {
		u32 left = aligned ? n - done : 1;
		enum ir_type type = left >= 4 ? IR_I32 : left >= 2 ? IR_I16 : IR_I8;

		part = load(e, type, p, off + done, done * 8);
		v = v ? emit_bin(e, OP_OR, v, part) : part;
		done += ir_type_bytes(type);
	}
	return v ? v : emit_i64(e, 0);
}

struct comparison {
	struct text a, b;
	const char *a_known, *b_known; /* NULL: not when the script is compiled */
	bool a_aligned, b_aligned;
	bool is_text;	   /* ends behind a NUL */
	struct val *limit; /* bytes to be compared at most; NULL: `most` */
	u32 most;
	bool wants_sign; /* else 0 or 1 */
	struct blk *end;
	struct val *result; /* phi in end */
};

static void answer(struct emit *e, struct comparison *c, struct val *v)
{
	phi_add(c->result, v);
	ir_jmp(e->b, c->end);
}

/* The difference of the first bytes that are not the same; d: a ^ b, not 0. */
static struct val *difference(struct emit *e, struct val *a, struct val *b, struct val *d)
{
	for (u32 bits = 32; bits >= 8; bits /= 2) {
		struct val *low = emit_bin_imm(e, OP_AND, d, (s64)((1ull << bits) - 1));
		struct val *skip = ir_select(e->b, emit_cmp_imm(e, OP_EQ, low, 0),
					     emit_i64(e, bits), emit_i64(e, 0));

		a = emit_bin(e, OP_LSHR, a, skip);
		b = emit_bin(e, OP_LSHR, b, skip);
		d = emit_bin(e, OP_LSHR, d, skip);
	}
	return emit_bin(e, OP_SUB, emit_narrow(e, a, stype_int(1, true)),
			emit_narrow(e, b, stype_int(1, true)));
}

/* Goes on where the words are the same and neither text nor limit ends with them.  left: bytes of
 * the limit that are left, NULL: enough. */
static void compare_word(struct emit *e, struct comparison *c, struct val *a, struct val *b,
			 struct val *left)
{
	struct blk *differ = blk_new(e->fn), *same = blk_new(e->fn), *go;
	struct val *d = emit_bin(e, OP_XOR, a, b), *z = NULL;

	if (c->is_text) {
		z = emit_bin_imm(e, OP_AND,
				 emit_bin(e, OP_AND, emit_bin_imm(e, OP_SUB, a, ones),
					  emit_bin_imm(e, OP_XOR, a, -1)),
				 tops);
		d = emit_bin(e, OP_AND, d, emit_bin(e, OP_XOR, z, emit_bin_imm(e, OP_SUB, z, 1)));
	}
	if (left) {
		struct val *bits = emit_bin_imm(e, OP_SHL, left, 3);
		struct val *mask =
			emit_bin_imm(e, OP_SUB, emit_bin(e, OP_SHL, emit_i64(e, 1), bits), 1);

		mask = ir_select(e->b, ir_cmp(e->b, OP_ULT, left, emit_i64(e, 8)), mask,
				 emit_i64(e, -1));
		d = emit_bin(e, OP_AND, d, mask);
	}
	ir_br(e->b, emit_cmp_imm(e, OP_NE, d, 0), differ, same);
	e->b = differ;
	answer(e, c, c->wants_sign ? difference(e, a, b, d) : emit_i64(e, 1));
	e->b = same;
	if (z) {
		struct blk *ended = blk_new(e->fn);

		go = blk_new(e->fn);
		ir_br(e->b, emit_cmp_imm(e, OP_NE, z, 0), ended, go);
		e->b = ended;
		answer(e, c, emit_i64(e, 0));
		e->b = go;
	}
}

/* Ends where nothing of the limit is left; else the bytes that are. */
static struct val *limit_left(struct emit *e, struct comparison *c, struct val *off)
{
	struct blk *ended, *go;
	struct val *left;

	if (!c->limit)
		return NULL;
	left = emit_bin(e, OP_SUB, c->limit, off);
	ended = blk_new(e->fn);
	go = blk_new(e->fn);
	ir_br(e->b, ir_cmp(e->b, OP_SLE, left, emit_i64(e, 0)), ended, go);
	e->b = ended;
	answer(e, c, emit_i64(e, 0));
	e->b = go;
	return left;
}

static u32 rest(const struct text *t, u32 off)
{
	return t->size > off ? MIN(t->size - off, 8u) : 0;
}

/* One side's word at an offset; of what is known it is a constant. */
static struct val *word_at(struct emit *e, const struct text *t, const char *known, u32 off,
			   bool aligned)
{
	size_t len = known ? strlen(known) : 0;
	u64 word = 0;

	if (!known)
		return load_word(e, t->p, off, rest(t, off), aligned);
	if (off < len)
		memcpy(&word, known + off, MIN(len - off, sizeof(word)));
	return emit_i64(e, (s64)word);
}

/* Words from `off` to `to`, one after another. */
static void compare_straight(struct emit *e, struct comparison *c, u32 off, u32 to)
{
	for (; off < to; off += 8) {
		struct val *left = limit_left(e, c, emit_i64(e, off));
		struct val *a = word_at(e, &c->a, c->a_known, off, c->a_aligned);
		struct val *b = word_at(e, &c->b, c->b_known, off, c->b_aligned);

		if (!left && c->most - off < 8)
			left = emit_i64(e, c->most - off);
		compare_word(e, c, a, b, left);
	}
}

/* Words that both sides have whole, up to `to`. */
static void compare_loop(struct emit *e, struct comparison *c, u32 to)
{
	struct blk *head = blk_new(e->fn), *body = blk_new(e->fn), *out = blk_new(e->fn);
	struct val *zero = emit_i64(e, 0), *off, *left;

	ir_jmp(e->b, head);
	off = ir_phi(head, IR_I64);
	phi_add(off, zero);
	e->b = head;
	ir_br(e->b, ir_cmp(e->b, OP_ULT, off, emit_i64(e, to)), body, out);
	e->b = body;
	left = limit_left(e, c, off);
	compare_word(e, c, load(e, IR_I64, ir_ptradd(e->b, c->a.p, off), 0, 0),
		     load(e, IR_I64, ir_ptradd(e->b, c->b.p, off), 0, 0), left);
	phi_add(off, emit_bin_imm(e, OP_ADD, off, 8));
	ir_jmp(e->b, head);
	e->b = out;
}

static struct val *compare(struct emit *e, struct comparison *c)
{
	u32 both = MIN(c->a.size, c->b.size), whole = MIN(both, c->most) / 8 * 8, to = c->most;

	c->a_aligned = is_aligned(c->a.p);
	c->b_aligned = is_aligned(c->b.p);
	c->end = blk_new(e->fn);
	c->result = ir_phi(c->end, IR_I64);
	/* where one side has ended the other differs, or ends in the same word */
	if (c->is_text)
		to = MIN(to, both / 8 * 8 + 8);
	if (whole > STRAIGHT_WORDS * 8 && c->a_aligned && c->b_aligned) {
		compare_loop(e, c, whole);
		compare_straight(e, c, whole, to);
	} else {
		compare_straight(e, c, 0, to);
	}
	answer(e, c, emit_i64(e, 0));
	e->b = c->end;
	return c->result;
}

/* ---- strncmp ---- */

static void set_const(struct node *n, s64 v)
{
	n->is_const = true;
	n->konst = v;
}

void func_check_strncmp(struct sema *s, struct node *n)
{
	struct node *a = n->kids, *b = a->next, *count = b->next;

	n->type = stype_int(8, true);
	if (!text_check(s, a, "strncmp()") || !text_check(s, b, "strncmp()") ||
	    !sema_want_int(s, count, false))
		return;
	if (count->is_const && count->konst < 0)
		sema_error(s, count, "strncmp() can't compare %lld bytes", (long long)count->konst);
	else if (count->is_const && a->str && b->str)
		set_const(n, strncmp(a->str, b->str, (size_t)count->konst) != 0);
}

struct rv func_emit_strncmp(struct emit *e, const struct node *n)
{
	const struct node *a = n->kids, *b = a->next, *count = b->next;
	struct comparison c = {.is_text = true, .a_known = a->str, .b_known = b->str};
	const char *known = a->str ? a->str : b->str;

	c.a = text_of(e, a);
	c.b = text_of(e, b);
	c.most = MAX(c.a.size, c.b.size);
	if (known) {
		/* a text that ends before this one differs from it there */
		c.is_text = false;
		c.most = (u32)MIN(strlen(known) + 1, (size_t)c.most);
	}
	if (count->is_const)
		c.most = (u32)MIN((u64)count->konst, (u64)c.most);
	else
		c.limit = emit_scalar(e, count);
	return (struct rv){n->type, compare(e, &c)};
}

/* ---- memcmp ---- */

static u32 memory_size(const struct node *n)
{
	return n->type->size;
}

void func_check_memcmp(struct sema *s, struct node *n)
{
	struct node *a = n->kids, *b = a->next, *count = b->next;
	u32 most;

	n->type = stype_int(8, true);
	if (!sema_want_int(s, count, false) || a->type->kind == ST_NONE || b->type->kind == ST_NONE)
		return;
	most = MIN(memory_size(a), memory_size(b));
	if (!count->is_const)
		return;
	if (count->konst < 0)
		sema_error(s, count, "memcmp() can't compare %lld bytes", (long long)count->konst);
	else if ((u64)count->konst > most)
		sema_warn(s, count, "memcmp() of %lld bytes compares %u: that is all there is",
			  (long long)count->konst, most);
}

/* The bytes of any value: a scalar is put into memory first. */
static struct text memory_of(struct emit *e, const struct node *n)
{
	struct rv v = emit_expr(e, n);
	struct text t = {NULL, n->type->size};

	if (!stype_is_scalar(n->type)) {
		t.p = emit_direct(e, v);
		return t;
	}
	t.p = emit_temp(e, 8);
	emit_store(e, v, n->type, t.p, 0, true);
	return t;
}

struct rv func_emit_memcmp(struct emit *e, const struct node *n)
{
	const struct node *count = node_kid(n, 2);
	struct comparison c = {.wants_sign = true};

	c.a = memory_of(e, n->kids);
	c.b = memory_of(e, n->kids->next);
	c.most = MIN(c.a.size, c.b.size);
	if (count->is_const)
		c.most = (u32)MIN((u64)count->konst, (u64)c.most);
	else
		c.limit = text_min(e, emit_scalar(e, count), c.most);
	return (struct rv){n->type, compare(e, &c)};
}
