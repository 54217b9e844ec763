/* SPDX-License-Identifier: BSD-2-Clause */
/* explain/expr.c - expressions over inputs: made, evaluated, inverted. */
#include "explain/expr.h"
#include "isa/alu.h"

enum { NODES_MAX = 1 << 20, DEPTH_MAX = 2000, INPUTS_MAX = 1 << 27 /* bytes */ };

/* ---- inputs ---- */

void inputs_free(struct inputs *in)
{
	vec_free(&in->list);
	vec_free(&in->bytes);
}

s32 inputs_get(struct inputs *in, u64 key, u32 size, enum input_kind kind, u32 pc)
{
	struct input *i;

	for (u32 n = 0; n < in->list.n; n++)
		if (in->list.p[n].key == key && in->list.p[n].size >= size)
			return (s32)n;
	if (size > INPUTS_MAX - in->bytes.n || !vec_reserve(&in->bytes, size) || !vec_reserve(&in->list, 1))
		return -1;
	memset(in->bytes.p + in->bytes.n, 0, size);
	i = &in->list.p[in->list.n];
	*i = (struct input){ .key = key, .kind = kind, .pc = pc, .size = size, .at = in->bytes.n };
	in->bytes.n += size;
	return (s32)in->list.n++;
}

/* ---- nodes ---- */

void exprs_free(struct exprs *e)
{
	vec_free(&e->nodes);
	vec_free(&e->conds);
}

static u64 low_bytes(u64 v, u32 size)
{
	return size >= 8 ? v : v & ((1ull << size * 8) - 1);
}

static bool cmp_holds(const struct insn *op, u64 a, u64 b)
{
	return jmp_taken((enum jmp_op)INSN_OP(op->code), INSN_CLASS(op->code) == CLS_JMP, a, b);
}

static u64 node_eval(const struct exprs *e, const struct node *n)
{
	const struct node *all = e->nodes.p;
	u64 v = 0;

	switch (n->kind) {
	case NODE_CONST:
		return n->value;
	case NODE_INPUT:
		memcpy(&v, inputs_at(e->in, n->input) + n->off, n->size);
		return v;
	case NODE_ALU:
		return alu_insn_eval(&n->op, all[n->a].value, all[n->b].value);
	case NODE_PART:
		return low_bytes(all[n->a].value >> n->shift, n->size);
	case NODE_CMP:
		return cmp_holds(&n->op, all[n->a].value, all[n->b].value);
	}
	return 0;
}

/* 0, the constant nought, when there is no room for more. */
static u32 add(struct exprs *e, struct node n)
{
	if (!e->nodes.n && !vec_push(&e->nodes, (struct node){ 0 }))
		return 0;
	n.value = node_eval(e, &n);
	if (!n.varies && n.kind != NODE_CONST)
		n = (struct node){ .value = n.value };
	if (e->nodes.n >= NODES_MAX || !vec_push(&e->nodes, n))
		return 0;
	return e->nodes.n - 1;
}

void exprs_clear(struct exprs *e)
{
	e->nodes.n = e->conds.n = 0;
	expr_const(e, 0);
}

u32 expr_const(struct exprs *e, u64 value)
{
	u32 *recent = &e->recent[(value ^ value >> 8) % ARRAY_SIZE(e->recent)];

	if (*recent < e->nodes.n && e->nodes.p[*recent].kind == NODE_CONST &&
	    e->nodes.p[*recent].value == value)
		return *recent;
	return *recent = add(e, (struct node){ .value = value });
}

u32 expr_input(struct exprs *e, u32 input, u32 off, u32 size)
{
	return add(e, (struct node){ .kind = NODE_INPUT, .varies = true, .input = input, .off = off,
				     .size = (u8)size });
}

u32 expr_alu(struct exprs *e, const struct insn *op, u32 a, u32 b)
{
	return add(e, (struct node){ .kind = NODE_ALU, .op = *op, .a = a, .b = b,
				     .varies = expr_varies(e, a) || expr_varies(e, b) });
}

u32 expr_op64(struct exprs *e, enum alu_op op, u32 a, u32 b)
{
	const struct insn i = { .code = (u8)((u32)op | SRC_X | CLS_ALU64) };

	return expr_alu(e, &i, a, b);
}

u32 expr_part(struct exprs *e, u32 a, u32 shift_bits, u32 size)
{
	if (!shift_bits && size >= 8)
		return a;
	return add(e, (struct node){ .kind = NODE_PART, .a = a, .shift = (u8)shift_bits,
				     .size = (u8)size, .varies = expr_varies(e, a) });
}

u32 expr_cmp(struct exprs *e, const struct insn *op, u32 a, u32 b)
{
	return add(e, (struct node){ .kind = NODE_CMP, .op = *op, .a = a, .b = b,
				     .varies = expr_varies(e, a) || expr_varies(e, b) });
}

void expr_require(struct exprs *e, const struct insn *op, u32 a, u32 b, bool want)
{
	if (expr_varies(e, a) || expr_varies(e, b))
		vec_push(&e->conds, ((struct cond){ .op = *op, .a = a, .b = b, .want = want }));
}

/* ---- search ---- */

static u64 rand64(struct exprs *e)
{
	e->seed = e->seed * 6364136223846793005ull + 1442695040888963407ull;
	return (e->seed >> 33) ^ (e->seed << 31);
}

static void eval_all(struct exprs *e)
{
	for (u32 i = 0; i < e->nodes.n; i++)
		if (e->nodes.p[i].varies)
			e->nodes.p[i].value = node_eval(e, &e->nodes.p[i]);
}

static bool holds(const struct exprs *e, const struct cond *c)
{
	return cmp_holds(&c->op, expr_value(e, c->a), expr_value(e, c->b)) == c->want;
}

static u32 n_violated(const struct exprs *e)
{
	u32 n = 0;

	for (u32 i = 0; i < e->conds.n; i++)
		n += !holds(e, &e->conds.p[i]);
	return n;
}

static bool push(struct exprs *e, u32 at, u64 want, u32 depth);
static bool push_cmp(struct exprs *e, const struct insn *op, u32 a, u32 b, bool want, u32 depth);

/* x with x * odd == 1 (mod 2^64): Newton's iteration doubles the right bits. */
static u64 odd_inverse(u64 odd)
{
	u64 x = odd;

	for (int i = 0; i < 6; i++)
		x *= 2 - odd * x;
	return x;
}

/* d such that d OP s == want, where the operation is one of 64 bits.  cur: d as it is; what the operation
 * hides of d stays so. */
static bool invert_left(u32 op, u64 cur, u64 s, u64 want, u64 *d)
{
	u32 n = s & 63;

	switch (op) {
	case ALU_ADD:
		*d = want - s;
		return true;
	case ALU_SUB:
		*d = want + s;
		return true;
	case ALU_XOR:
		*d = want ^ s;
		return true;
	case ALU_AND:
		*d = (want & s) | (cur & ~s);
		return !(want & ~s);
	case ALU_OR:
		*d = (want & ~s) | (cur & s);
		return (want & s) == s;
	case ALU_MUL:
		if (s & 1) {
			*d = want * odd_inverse(s);
			return true;
		}
		*d = s ? want / s : 0;
		return s && *d * s == want;
	case ALU_DIV:
		*d = want * s + (s ? cur % s : 0);
		return s && want <= UINT64_MAX / s;
	case ALU_MOD:
		*d = s ? cur / s * s + want : want;
		return !s || want < s;
	case ALU_LSH:
		*d = want >> n | (n ? cur & ~(UINT64_MAX >> n) : 0);
		return *d << n == want;
	case ALU_RSH:
		*d = want << n | (n ? cur & ((1ull << n) - 1) : 0);
		return *d >> n == want;
	case ALU_ARSH:
		*d = want << n | (n ? cur & ((1ull << n) - 1) : 0);
		return (u64)((s64)*d >> n) == want;
	}
	return false;
}

/* s such that d OP s == want. */
static bool invert_right(u32 op, u64 d, u64 cur, u64 want, u64 *s)
{
	switch (op) {
	case ALU_SUB:
		*s = d - want;
		return true;
	case ALU_DIV:
		*s = want ? d / want : d + 1;
		return *s && d / *s == want;
	case ALU_ADD:
	case ALU_XOR:
	case ALU_AND:
	case ALU_OR:
	case ALU_MUL:
		return invert_left(op, cur, d, want, s);
	case ALU_LSH:
	case ALU_RSH:
		for (*s = 0; *s < 64; ++*s)
			if ((op == ALU_LSH ? d << *s : d >> *s) == want)
				return true;
	}
	return false;
}

static bool push_alu(struct exprs *e, const struct node *n, u64 want, u32 depth)
{
	const struct node *a = &e->nodes.p[n->a], *b = &e->nodes.p[n->b];
	bool is32 = INSN_CLASS(n->op.code) == CLS_ALU;
	u32 op = INSN_OP(n->op.code);
	u64 v, high = is32 ? ~0xffffffffull : 0;

	if (is32 && want >> 32)
		return false;
	if (op == ALU_MOV) {
		v = n->op.off ? low_bytes(want, (u32)n->op.off / 8) : want;
		if (n->op.off && alu_sign_extend(v, (u32)n->op.off) != want && !is32)
			return false;
		return push(e, n->b, n->op.off || is32 ? (b->value & ~low_bytes(~0ull,
			    n->op.off ? (u32)n->op.off / 8 : 4)) | v : v, depth);
	}
	if (op == ALU_NEG)
		return push(e, n->a, is32 ? (a->value & high) | (u32)-want : -want, depth);
	if (op == ALU_END)
		return push(e, n->a, alu_end(&n->op, want), depth);
	/* either side may give; mostly the one that varies alone */
	if (a->varies && (!b->varies || rand64(e) & 1)) {
		u64 s = is32 ? (u32)b->value : b->value, cur = is32 ? (u32)a->value : a->value;

		if (!invert_left(op, cur, is32 && (op == ALU_LSH || op == ALU_RSH) ? s & 31 : s, want,
				 &v))
			return false;
		return push(e, n->a, is32 ? (a->value & high) | (u32)v : v, depth);
	}
	if (!b->varies || !invert_right(op, is32 ? (u32)a->value : a->value,
					is32 ? (u32)b->value : b->value, want, &v))
		return false;
	return push(e, n->b, is32 ? (b->value & high) | (u32)v : v, depth);
}

/* Makes node at come to want, by its inputs.  False: no way was found. */
static bool push(struct exprs *e, u32 at, u64 want, u32 depth)
{
	const struct node n = e->nodes.p[at];

	if (!n.varies || depth > DEPTH_MAX)
		return n.value == want;
	switch (n.kind) {
	case NODE_INPUT:
		if (low_bytes(want, n.size) != want)
			return false;
		memcpy(inputs_at(e->in, n.input) + n.off, &want, n.size);
		return true;
	case NODE_PART:
		if (low_bytes(want, n.size) != want)
			return false;
		return push(e, n.a, (e->nodes.p[n.a].value &
				     ~(low_bytes(~0ull, n.size) << n.shift)) | want << n.shift,
			    depth + 1);
	case NODE_ALU:
		return push_alu(e, &n, want, depth + 1);
	case NODE_CMP:
		return want <= 1 && push_cmp(e, &n.op, n.a, n.b, want, depth + 1);
	default:
		return false;
	}
}

/* A value for the one side that makes the comparison with the other give want; the edges first. */
static u64 choose(struct exprs *e, const struct insn *op, u64 cur, u64 other, bool left, bool want)
{
	static const u64 edges[] = { 0, 1, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000,
				     INT64_MAX, 1ull << 63, UINT64_MAX };
	u64 v = other;

	for (u32 i = 0; i < 64; i++) {
		u64 r = rand64(e);

		switch (i < 8 ? i : 8 + r % 8) {
		case 0:
			v = other;
			break;
		case 1:
			v = other + 1;
			break;
		case 2:
			v = other - 1;
			break;
		case 3:
			v = cur | other;
			break;
		case 4:
			v = cur & ~other;
			break;
		case 5:
			v = (cur & ~0xffffffffull) | (u32)other;
			break;
		case 8: case 9: case 10:
			v = edges[rand64(e) % ARRAY_SIZE(edges)];
			break;
		case 11: case 12:
			v = other + (rand64(e) % 4096) - 2048;
			break;
		case 13:
			v = other ^ 1ull << rand64(e) % 64;
			break;
		case 14:
			v = rand64(e) >> rand64(e) % 64;
			break;
		default:
			v = edges[r % ARRAY_SIZE(edges)] + (rand64(e) % 5) - 2;
		}
		if ((left ? cmp_holds(op, v, other) : cmp_holds(op, other, v)) == want)
			return v;
	}
	return v;
}

static bool push_cmp(struct exprs *e, const struct insn *op, u32 a, u32 b, bool want, u32 depth)
{
	bool left = expr_varies(e, a) && (!expr_varies(e, b) || rand64(e) & 1);
	u64 va = expr_value(e, a), vb = expr_value(e, b);

	return push(e, left ? a : b, choose(e, op, left ? va : vb, left ? vb : va, left, want),
		    depth);
}

/* Gives some input that the node depends on a value at random. */
static void shake(struct exprs *e, u32 at)
{
	static const u64 edges[] = { 0, 1, 2, 0x7f, 0x80, 0xff, 0x7fffffff, 0x80000000, 0xffffffff,
				     1ull << 63, INT64_MAX, UINT64_MAX };
	const struct node *n = &e->nodes.p[at];
	u64 v = rand64(e), r = rand64(e) % 4;

	while (n->varies && n->kind != NODE_INPUT) {
		bool left = expr_varies(e, n->a) &&
			    (n->kind == NODE_PART || !expr_varies(e, n->b) || rand64(e) & 1);

		n = &e->nodes.p[left ? n->a : n->b];
	}
	if (n->kind != NODE_INPUT)
		return;
	v = r == 0 ? edges[v % ARRAY_SIZE(edges)] : r == 1 ? n->value ^ 1ull << v % 64 :
	    r == 2 ? v % 256 : v;
	memcpy(inputs_at(e->in, n->input) + n->off, &v, n->size);
}

bool exprs_solve(struct exprs *e, u32 tries)
{
	u32 bad, n_bytes = e->in->bytes.n;
	u8 *before;

	eval_all(e);
	bad = n_violated(e);
	if (!bad)
		return true;
	before = malloc((size_t)n_bytes + 1);
	for (u32 t = 0; before && bad && t < tries; t++) {
		u32 skip = (u32)(rand64(e) % bad), now;
		const struct cond *c = e->conds.p;

		while (holds(e, c) || skip--)
			c++;
		memcpy(before, e->in->bytes.p, n_bytes);
		if (!push_cmp(e, &c->op, c->a, c->b, c->want, 0) || rand64(e) % 8 == 0)
			shake(e, expr_varies(e, c->a) && (!expr_varies(e, c->b) || t & 1) ? c->a :
				 c->b);
		eval_all(e);
		now = n_violated(e);
		/* a step that makes things worse is taken now and then: the way may lead over it */
		if (now <= bad || rand64(e) % 16 == 0) {
			bad = now;
			continue;
		}
		memcpy(e->in->bytes.p, before, n_bytes);
		eval_all(e);
	}
	free(before);
	return !bad;
}
