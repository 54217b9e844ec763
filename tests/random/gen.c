/* SPDX-License-Identifier: BSD-2-Clause */
/* random/gen.c - programs made at random that mean something often enough.
 *
 * A program is a list of statements: arithmetic, branches over statements, loops, spills, map and packet
 * accesses with their checks, calls.  What each register holds is followed roughly, so that most
 * statements fit; once in a while one is taken that does not, or leaves out its check.
 */
#include "random/gen.h"
#include "abi/helper.h"
#include "abi/uapi.h"
#include "btf/build.h"

enum hold { H_NONE, H_NUM, H_SMALL, H_CTX, H_FP, H_VALUE, H_PKT, H_PKT_END, H_MEM };

struct gen {
	struct rng *r;
	struct vcase *c;
	enum hold reg[11];
	u32 size[11];          /* bytes that a pointer may reach */
	u32 depth;
	bool in_callee;
	u64 written;           /* stack slots that hold something */
	VEC(u32) calls;        /* insns to be pointed at functions */
};

/* ---- what a case refers to ---- */

enum { MAP_ARRAY, MAP_HASH, MAP_RING, MAP_LOCK, MAP_PERCPU, MAP_FROZEN, MAP_OUTER, MAP_INNER, N_MAPS };

static const struct vc_blob *types(void)
{
	static struct vc_blob blob = { .name = "btf0" };
	struct btf_builder b = {0};
	u32 size, u32_id, u64_id, proto, lock;

	if (blob.btf)
		return &blob;
	btf_add_int(&b, "int", 4, BTF_INT_SIGNED);                      /* 1 */
	u64_id = btf_add_int(&b, "unsigned long", 8, 0);                /* 2 */
	u32_id = btf_add_int(&b, "unsigned int", 4, 0);                 /* 3 */
	lock = btf_add_struct(&b, BTF_STRUCT, "bpf_spin_lock", 4);      /* 4 */
	btf_add_member(&b, "val", u32_id, 0, 0);
	btf_add_struct(&b, BTF_STRUCT, "val", 16);                      /* 5 */
	btf_add_member(&b, "lock", lock, 0, 0);
	btf_add_member(&b, "n", u64_id, 64, 0);
	proto = btf_add_proto(&b, 1);                                   /* 6 */
	btf_add(&b, "main_prog", BTF_FUNC, false, BTF_GLOBAL, proto);   /* 7 */
	proto = btf_add_proto(&b, u64_id);                              /* 8 */
	btf_add_param(&b, "a", u64_id);
	btf_add_param(&b, "b", u64_id);
	btf_add(&b, "sub", BTF_FUNC, false, BTF_STATIC, proto);         /* 9 */
	btf_add(&b, "global", BTF_FUNC, false, BTF_GLOBAL, proto);      /* 10 */
	if (!btf_build(&b, NULL, (struct place){0}, &blob.btf)) {
		const void *raw = btf_raw(blob.btf, &size);
		u8 *copy = malloc(size);

		memcpy(copy, raw, size);
		blob.raw = copy;
		blob.size = size;
	}
	btf_builder_free(&b);
	return &blob;
}
enum { TYPE_MAIN = 7, TYPE_SUB = 9, TYPE_GLOBAL = 10, TYPE_VAL = 5, TYPE_INT = 3 };

static const struct vc_map all_maps[N_MAPS] = {
	[MAP_ARRAY] = { "array", NULL, BPF_MAP_TYPE_ARRAY, 4, 48, 1, 0, .blob = NULL },
	[MAP_HASH] = { "hash", NULL, BPF_MAP_TYPE_HASH, 8, 24, 8, 0, .blob = NULL },
	[MAP_RING] = { "ring", NULL, BPF_MAP_TYPE_RINGBUF, 0, 0, 4096, 0, .blob = NULL },
	[MAP_LOCK] = { "lock", NULL, BPF_MAP_TYPE_ARRAY, 4, 16, 1, 0, .btf_key = TYPE_INT,
		       .btf_value = TYPE_VAL },
	[MAP_PERCPU] = { "percpu", NULL, BPF_MAP_TYPE_PERCPU_ARRAY, 4, 16, 4, 0, .blob = NULL },
	[MAP_FROZEN] = { "frozen", NULL, BPF_MAP_TYPE_ARRAY, 4, 32, 1, BPF_F_RDONLY_PROG,
			 .frozen = true },
	[MAP_OUTER] = { "outer", "inner", BPF_MAP_TYPE_ARRAY_OF_MAPS, 4, 4, 1, 0, .blob = NULL },
	[MAP_INNER] = { "inner", NULL, BPF_MAP_TYPE_ARRAY, 4, 48, 2, 0, .blob = NULL },
};

/* The case's map of that kind, added where it has none. */
static u32 use_map(struct gen *g, u32 which)
{
	struct vc_map m = all_maps[which];

	if (which == MAP_OUTER)
		use_map(g, MAP_INNER);
	for (u32 i = 0; i < g->c->maps.n; i++)
		if (g->c->maps.p[i].label == m.label)
			return i;
	if (m.btf_value)
		m.blob = types();
	(void)!vec_push(&g->c->maps, m);
	return g->c->maps.n - 1;
}

/* ---- emitting ---- */

static u32 pick(struct gen *g, u32 n)
{
	return rng_below(g->r, n);
}

static bool rarely(struct gen *g)
{
	return rng_one_in(g->r, 150);
}

/* At the end; jumps to what is still to come stay as they are. */
static u32 emit(struct gen *g, u8 code, u32 dst, u32 src, s32 off, s32 imm)
{
	struct vcase *c = g->c;
	struct insn *more = c->insns;
	u32 pc = c->n_insns;

	if (pc % 64 == 0)
		more = realloc(c->insns, (pc + 64 + 1) * sizeof(*more));
	if (!more)
		return pc ? pc - 1 : 0;
	c->insns = more;
	c->insns[c->n_insns++] = (struct insn){ .code = code, .dst = dst & 15, .src = src & 15,
						.off = (s16)off, .imm = imm };
	return pc;
}

static void set(struct gen *g, u32 reg, enum hold h, u32 size)
{
	g->reg[reg] = h;
	g->size[reg] = size;
}

static void mov_imm(struct gen *g, u32 dst, s64 v)
{
	if (v == (s32)v) {
		emit(g, CLS_ALU64 | ALU_MOV | SRC_K, dst, 0, 0, (s32)v);
	} else {
		emit(g, CLS_LD | MODE_IMM | SZ_DW, dst, 0, 0, (s32)v);
		emit(g, 0, 0, 0, 0, (s32)(v >> 32));
	}
	set(g, dst, H_NUM, 0);
}

static void mov_reg(struct gen *g, u32 dst, u32 src)
{
	emit(g, CLS_ALU64 | ALU_MOV | SRC_X, dst, src, 0, 0);
	set(g, dst, g->reg[src], g->size[src]);
}

static void load_map(struct gen *g, u32 dst, u32 which)
{
	u32 map = use_map(g, which), pc = emit(g, CLS_LD | MODE_IMM | SZ_DW, dst, PSEUDO_MAP_FD, 0, 0);

	emit(g, 0, 0, 0, 0, 0);
	(void)!vec_push(&g->c->fixes, ((struct vc_fix){ pc, map }));
	set(g, dst, H_NONE, 0);
}

static void call(struct gen *g, s32 helper)
{
	const struct helper_proto *p = helper_proto((u32)helper);

	emit(g, CLS_JMP | JMP_CALL, 0, CALL_HELPER, 0, helper);
	for (u32 i = 1; i <= 5; i++)
		set(g, i, H_NONE, 0);
	set(g, 0, p && p->ret == RET_VOID ? H_NONE : H_NUM, 0);
}

static void kfunc(struct gen *g, const char *name)
{
	u32 pc = emit(g, CLS_JMP | JMP_CALL, 0, CALL_KFUNC, 0, 0);

	(void)!vec_push(&g->c->names, ((struct vc_name){ pc, name, false }));
	for (u32 i = 0; i <= 5; i++)
		set(g, i, H_NONE, 0);
}

/* A register that holds that, or any now and then; 11: none. */
static u32 with(struct gen *g, enum hold h)
{
	u32 start = pick(g, 11);

	if (rng_one_in(g->r, 400))
		return start;
	for (u32 i = 0; i < 11; i++)
		if (g->reg[(start + i) % 11] == h)
			return (start + i) % 11;
	return 11;
}

static u32 with_num(struct gen *g)
{
	u32 reg = with(g, rng_one_in(g->r, 2) ? H_NUM : H_SMALL);

	if (reg == 11)
		reg = with(g, H_NUM);
	if (reg == 11) {
		reg = 6 + pick(g, 4);
		if (g->reg[reg] == H_CTX)
			reg = 0;
		mov_imm(g, reg, (s64)rng_number(g->r));
	}
	return reg;
}

/* Any register that holds something. */
static u32 with_any(struct gen *g)
{
	u32 reg = pick(g, 11);

	return g->reg[reg] != H_NONE || rng_one_in(g->r, 400) ? reg : with_num(g);
}

/* Somewhere to put a result: not the saved context, most of the time. */
static u32 target(struct gen *g)
{
	u32 reg = pick(g, 10);

	return g->reg[reg] == H_CTX && !rarely(g) ? (reg + 1) % 10 : reg;
}

static const u8 sizes[] = { SZ_B, SZ_H, SZ_W, SZ_DW };
static const u8 bytes[] = { 1, 2, 4, 8 };

/* ---- statements ---- */

static void alu(struct gen *g)
{
	u32 dst = with_num(g), src, op = pick(g, 14) << 4;
	u8 cls = rng_one_in(g->r, 2) ? CLS_ALU64 : CLS_ALU;
	s32 imm;

	if (op == ALU_NEG) {
		emit(g, cls | ALU_NEG, dst, 0, 0, 0);
	} else if (op == ALU_END) {
		emit(g, cls | ALU_END | (cls == CLS_ALU && pick(g, 2) ? SRC_X : 0), dst, 0, 0,
		     16 << pick(g, 3));
	} else if (rng_one_in(g->r, 2)) {
		src = with_num(g);
		emit(g, (u8)(cls | op | SRC_X), dst, src,
		     op == ALU_MOV && pick(g, 2) ? 8 << pick(g, cls == CLS_ALU ? 2 : 3) :
		     (op == ALU_DIV || op == ALU_MOD) && pick(g, 2) ? ALU_SIGNED : 0, 0);
	} else {
		imm = (s32)rng_number(g->r);
		if (op == ALU_LSH || op == ALU_RSH || op == ALU_ARSH)
			imm = (s32)pick(g, cls == CLS_ALU ? 32 : 64);
		if ((op == ALU_DIV || op == ALU_MOD) && !imm)
			imm = 3;
		if (op == ALU_END)
			imm = 32;
		emit(g, (u8)(cls | op), dst, 0, 0, imm);
	}
	g->reg[dst] = H_NUM;
}

/* A number that is surely below n. */
static u32 small(struct gen *g, u32 n)
{
	u32 reg = with_num(g);

	switch (pick(g, 4)) {
	case 0:
		emit(g, CLS_ALU64 | ALU_AND | SRC_K, reg, 0, 0, (s32)(n - 1));
		break;
	case 1:
		emit(g, CLS_ALU | ALU_AND | SRC_K, reg, 0, 0, (s32)(n - 1));
		break;
	case 2:
		emit(g, CLS_ALU64 | ALU_MOD | SRC_K, reg, 0, 0, (s32)n);
		break;
	default: /* over the exit below */
		emit(g, (pick(g, 2) ? CLS_JMP : CLS_JMP32) | JMP_JLT | SRC_K, reg, 0, 2, (s32)n);
		emit(g, CLS_ALU64 | ALU_MOV | SRC_K, 0, 0, 0, 0);
		emit(g, CLS_JMP | JMP_EXIT, 0, 0, 0, 0);
	}
	g->reg[reg] = H_SMALL;
	return reg;
}

static void stack_store(struct gen *g)
{
	u32 w = pick(g, 4), slot = pick(g, 8), reg = pick(g, 2) ? with_num(g) : with_any(g);
	s32 off = -8 * (s32)(slot + 1);

	if (g->reg[reg] != H_NUM && g->reg[reg] != H_SMALL)
		w = 3;
	if (w < 3)
		off += (s32)(pick(g, 8 / bytes[w]) * bytes[w]);
	if (rng_one_in(g->r, 4))
		emit(g, CLS_ST | MODE_MEM | sizes[w], REG_FP, 0, off, (s32)rng_number(g->r));
	else
		emit(g, CLS_STX | MODE_MEM | sizes[w], REG_FP, reg, off, 0);
	g->written |= 1ull << slot;
}

static void stack_load(struct gen *g)
{
	u32 w = pick(g, 4), slot = pick(g, 8), dst = target(g);
	s32 off = -8 * (s32)(slot + 1) + (s32)(pick(g, 8 / bytes[w]) * bytes[w]);

	if (!(g->written >> slot & 1) && !rarely(g))
		return;
	emit(g, CLS_LDX | (w < 3 && pick(g, 4) == 0 ? MODE_MEMSX : MODE_MEM) | sizes[w], dst, REG_FP,
	     off, 0);
	set(g, dst, H_NUM, 0);
}

/* r2 = fp - 16 with n known bytes there. */
static void key_on_stack(struct gen *g, u32 arg)
{
	emit(g, CLS_ST | MODE_MEM | SZ_DW, REG_FP, 0, -80, (s32)pick(g, 3));
	mov_reg(g, arg, REG_FP);
	emit(g, CLS_ALU64 | ALU_ADD | SRC_K, arg, 0, 0, -80);
}

static void exit_if_null(struct gen *g, u32 reg)
{
	if (rarely(g))
		return;
	emit(g, CLS_JMP | JMP_JNE | SRC_K, reg, 0, 2, 0);
	emit(g, CLS_ALU64 | ALU_MOV | SRC_K, 0, 0, 0, 0);
	emit(g, CLS_JMP | JMP_EXIT, 0, 0, 0, 0);
}

static bool is_tracing(const struct gen *g)
{
	return g->c->prog_type == BPF_PROG_TYPE_KPROBE ||
	       g->c->prog_type == BPF_PROG_TYPE_TRACEPOINT;
}

/* Locks are for programs that neither trace nor filter sockets. */
static bool may_lock(struct gen *g)
{
	return (!is_tracing(g) && g->c->prog_type != BPF_PROG_TYPE_SOCKET_FILTER) || rarely(g);
}

static void lookup(struct gen *g)
{
	static const u32 which[] = { MAP_ARRAY, MAP_HASH, MAP_PERCPU, MAP_LOCK, MAP_OUTER, MAP_FROZEN };
	u32 map = which[pick(g, ARRAY_SIZE(which))], keep = 7 + pick(g, 3);

	if (map == MAP_LOCK && !may_lock(g))
		map = MAP_ARRAY;
	key_on_stack(g, 2);
	load_map(g, 1, map);
	call(g, HELPER_map_lookup_elem);
	exit_if_null(g, 0);
	if (map == MAP_OUTER) {
		mov_reg(g, 1, 0);
		mov_reg(g, 2, REG_FP);
		emit(g, CLS_ALU64 | ALU_ADD | SRC_K, 2, 0, 0, -80);
		call(g, HELPER_map_lookup_elem);
		exit_if_null(g, 0);
		map = MAP_INNER;
	}
	set(g, 0, H_VALUE, all_maps[map].value_size);
	mov_reg(g, keep, 0);
}

/* A load, store or atomic operation through a pointer, with or without a part that varies. */
static void access_mem(struct gen *g, enum hold h)
{
	u32 ptr = with(g, h), w = pick(g, 4), size, reg;
	s32 off;

	if (ptr == 11 || !(size = g->size[ptr]))
		return;
	if (pick(g, 3) == 0 && size >= 16 && ptr != REG_FP) {
		u32 by = small(g, size / 2);

		if (by == ptr)
			return;
		emit(g, CLS_ALU64 | (pick(g, 6) ? ALU_ADD : ALU_SUB) | SRC_X, ptr, by, 0, 0);
		size /= 2;
		g->size[ptr] = size;
	}
	if (bytes[w] > size)
		w = 0;
	off = (s32)pick(g, size - bytes[w] + 1);
	if (!rarely(g) && pick(g, 4))
		off -= off % bytes[w];
	switch (pick(g, 6)) {
	case 0:
	case 1:
		reg = target(g);
		emit(g, CLS_LDX | (w < 3 && pick(g, 6) == 0 ? MODE_MEMSX : MODE_MEM) | sizes[w], reg,
		     ptr, off, 0);
		set(g, reg, H_NUM, 0);
		break;
	case 2:
		emit(g, CLS_ST | MODE_MEM | sizes[w], ptr, 0, off, (s32)rng_number(g->r));
		break;
	case 3: {
		static const s32 ops[] = { ATOMIC_ADD, ATOMIC_OR, ATOMIC_AND, ATOMIC_XOR,
					   ATOMIC_ADD | ATOMIC_FETCH, ATOMIC_XCHG, ATOMIC_CMPXCHG };

		reg = with_num(g);
		w = 2 + pick(g, 2);
		off -= off % bytes[w];
		emit(g, CLS_STX | MODE_ATOMIC | sizes[w], ptr, reg, off, ops[pick(g, 7)]);
		break;
	}
	default:
		reg = pick(g, 4) ? with_num(g) : with_any(g);
		emit(g, CLS_STX | MODE_MEM | sizes[w], ptr, reg, off, 0);
	}
}

static void packet(struct gen *g)
{
	u32 ctx = with(g, H_CTX), data = 2, end = 3, n = 1 + pick(g, 40);
	bool xdp = g->c->prog_type == BPF_PROG_TYPE_XDP;
	static const u8 ops[] = { JMP_JGT, JMP_JGE, JMP_JLT, JMP_JLE };

	if (ctx == 11)
		return;
	emit(g, CLS_LDX | MODE_MEM | SZ_W, data, ctx, xdp ? 0 : 76, 0);
	emit(g, CLS_LDX | MODE_MEM | SZ_W, end, ctx, xdp ? 4 : 80, 0);
	if (pick(g, 3) == 0) {
		u32 by = small(g, 64);

		if (by == data || by == end)
			return;
		emit(g, CLS_ALU64 | ALU_ADD | SRC_X, data, by, 0, 0);
	}
	emit(g, CLS_ALU64 | ALU_MOV | SRC_X, 4, data, 0, 0);
	emit(g, CLS_ALU64 | ALU_ADD | SRC_K, 4, 0, 0, (s32)n);
	if (pick(g, 2))
		emit(g, CLS_JMP | ops[pick(g, 2)] | SRC_X, 4, end, 1, 0);
	else
		emit(g, CLS_JMP | ops[pick(g, 4)] | SRC_X, end, 4, 1, 0);
	emit(g, CLS_JMP | JMP_JA, 0, 0, 2, 0);
	emit(g, CLS_ALU64 | ALU_MOV | SRC_K, 0, 0, 0, 0);
	emit(g, CLS_JMP | JMP_EXIT, 0, 0, 0, 0);
	set(g, 0, H_NONE, 0);
	set(g, 2, H_PKT, n);
	set(g, 3, H_PKT_END, 0);
	set(g, 4, H_PKT, 0);
	access_mem(g, H_PKT);
	if (pick(g, 2))
		mov_reg(g, 7 + pick(g, 3), 2);
}

static void ctx_access(struct gen *g)
{
	u32 ctx = with(g, H_CTX), dst = target(g), w = is_tracing(g) ? 3 : 2, n;

	if (ctx == 11)
		return;
	if (pick(g, 6) == 0)
		w = pick(g, 4);
	n = g->c->prog_type == BPF_PROG_TYPE_XDP ? 6 : is_tracing(g) ? 21 : pick(g, 3) ? 19 : 48;
	emit(g, CLS_LDX | MODE_MEM | sizes[w], dst, ctx,
	     (s32)(pick(g, n) * (is_tracing(g) ? 8 : 4)), 0);
	set(g, dst, H_NUM, 0);
}

static void statements(struct gen *g, u32 n);

/* Registers whose content two paths may leave different. */
static void forget_changed(struct gen *g, const struct gen *before)
{
	for (u32 i = 0; i < 11; i++)
		if (g->reg[i] != before->reg[i])
			set(g, i, H_NONE, 0);
	g->written &= before->written;
}

static void branch(struct gen *g)
{
	u32 reg = pick(g, 4) ? with_num(g) : with_any(g), pc, other = with_num(g);
	u8 cls = pick(g, 3) ? CLS_JMP : CLS_JMP32;
	u32 op = (1 + pick(g, 7)) << 4;
	struct gen before;

	if (pick(g, 2))
		op = (10 + pick(g, 4)) << 4; /* unsigned and signed less */
	if (pick(g, 2))
		pc = emit(g, (u8)(cls | op | SRC_X), reg, other, 0, 0);
	else
		pc = emit(g, (u8)(cls | op | SRC_K), reg, 0, 0, (s32)rng_number(g->r));
	before = *g;
	statements(g, 1 + pick(g, 4));
	g->c->insns[pc].off = (s16)(g->c->n_insns - pc - 1);
	if (pick(g, 3) == 0) { /* else */
		struct gen then = *g;
		u32 skip = emit(g, CLS_JMP | JMP_JA, 0, 0, 0, 0);

		g->c->insns[pc].off++;
		memcpy(g->reg, before.reg, sizeof(g->reg));
		memcpy(g->size, before.size, sizeof(g->size));
		g->written = before.written;
		statements(g, 1 + pick(g, 3));
		g->c->insns[skip].off = (s16)(g->c->n_insns - skip - 1);
		forget_changed(g, &then);
	}
	forget_changed(g, &before);
}

static void loop(struct gen *g)
{
	u32 reg = 7 + pick(g, 3), top, n = 1 + pick(g, 12);
	struct gen before;

	if (pick(g, 5) == 0) { /* until a counter of the interpreter ends it */
		top = g->c->n_insns;
		before = *g;
		statements(g, 1 + pick(g, 2));
		forget_changed(g, &before);
		emit(g, CLS_JMP | JMP_JCOND, 0, 0, 1, 0);
		emit(g, CLS_JMP | JMP_JA, 0, 0, (s32)top - (s32)g->c->n_insns - 1, 0);
		return;
	}
	mov_imm(g, reg, pick(g, 2) ? 0 : n);
	set(g, reg, H_NONE, 0);
	top = g->c->n_insns;
	before = *g;
	statements(g, 1 + pick(g, 2));
	forget_changed(g, &before);
	if (g->c->insns[top - 1].imm) {
		emit(g, CLS_ALU64 | ALU_ADD | SRC_K, reg, 0, 0, -1);
		emit(g, CLS_JMP | JMP_JNE | SRC_K, reg, 0, (s32)top - (s32)g->c->n_insns - 1, 0);
	} else {
		emit(g, CLS_ALU64 | ALU_ADD | SRC_K, reg, 0, 0, 1);
		emit(g, CLS_JMP | JMP_JLT | SRC_K, reg, 0, (s32)top - (s32)g->c->n_insns - 1, (s32)n);
	}
	set(g, reg, H_NUM, 0);
}

/* for (i in 0..n) by an open-coded iterator. */
static void iterate(struct gen *g)
{
	u32 top, pc;
	struct gen before;

	if (g->depth > 2)
		return;
	mov_reg(g, 1, REG_FP);
	emit(g, CLS_ALU64 | ALU_ADD | SRC_K, 1, 0, 0, -96 - 8 * (s32)g->depth);
	mov_imm(g, 2, 0);
	mov_imm(g, 3, 1 + pick(g, 20));
	kfunc(g, "bpf_iter_num_new");
	top = g->c->n_insns;
	before = *g;
	mov_reg(g, 1, REG_FP);
	emit(g, CLS_ALU64 | ALU_ADD | SRC_K, 1, 0, 0, -96 - 8 * (s32)before.depth);
	kfunc(g, "bpf_iter_num_next");
	pc = emit(g, CLS_JMP | JMP_JEQ | SRC_K, 0, 0, 0, 0);
	set(g, 0, H_VALUE, 4);
	statements(g, 1 + pick(g, 3));
	emit(g, CLS_JMP | JMP_JA, 0, 0, (s32)top - (s32)g->c->n_insns - 1, 0);
	g->c->insns[pc].off = (s16)(g->c->n_insns - pc - 1);
	forget_changed(g, &before);
	if (rarely(g))
		return;
	mov_reg(g, 1, REG_FP);
	emit(g, CLS_ALU64 | ALU_ADD | SRC_K, 1, 0, 0, -96 - 8 * (s32)before.depth);
	kfunc(g, "bpf_iter_num_destroy");
}

static void ring(struct gen *g)
{
	u32 n = 8 << pick(g, 4), keep = 7 + pick(g, 3);

	load_map(g, 1, MAP_RING);
	mov_imm(g, 2, n);
	mov_imm(g, 3, 0);
	call(g, HELPER_ringbuf_reserve);
	exit_if_null(g, 0);
	set(g, 0, H_MEM, n);
	mov_reg(g, keep, 0);
	for (u32 i = pick(g, 3); i; i--)
		access_mem(g, H_MEM);
	if (!rarely(g)) {
		mov_reg(g, 1, keep);
		mov_imm(g, 2, 0);
		call(g, pick(g, 2) ? HELPER_ringbuf_submit : HELPER_ringbuf_discard);
	}
	for (u32 i = 0; i < 10; i++)
		if (g->reg[i] == H_MEM)
			set(g, i, H_NONE, 0);
}

static void section_of_lock(struct gen *g)
{
	u32 keep = 7 + pick(g, 3);

	if (!may_lock(g))
		return;
	key_on_stack(g, 2);
	load_map(g, 1, MAP_LOCK);
	call(g, HELPER_map_lookup_elem);
	exit_if_null(g, 0);
	set(g, 0, H_VALUE, 16);
	mov_reg(g, keep, 0);
	mov_reg(g, 1, keep);
	call(g, HELPER_spin_lock);
	emit(g, CLS_LDX | MODE_MEM | SZ_DW, 2, keep, 8, 0);
	emit(g, CLS_ALU64 | ALU_ADD | SRC_K, 2, 0, 0, 1);
	emit(g, CLS_STX | MODE_MEM | SZ_DW, keep, 2, 8, 0);
	if (rarely(g))
		statements(g, 1);
	mov_reg(g, 1, keep);
	if (!rarely(g))
		call(g, HELPER_spin_unlock);
	set(g, 2, H_NONE, 0);
}

static void sections(struct gen *g)
{
	static const char *const pairs[][2] = {
		{ "bpf_rcu_read_lock", "bpf_rcu_read_unlock" },
		{ "bpf_preempt_disable", "bpf_preempt_enable" },
	};
	u32 which = pick(g, 2);

	kfunc(g, pairs[which][0]);
	statements(g, 1 + pick(g, 2));
	if (!rarely(g))
		kfunc(g, pairs[which][1]);
}

static void simple_call(struct gen *g)
{
	u32 n;

	switch (pick(g, 7)) {
	case 0:
		call(g, HELPER_get_prandom_u32);
		break;
	case 1:
		call(g, HELPER_ktime_get_ns);
		break;
	case 2:
		call(g, HELPER_get_smp_processor_id);
		break;
	case 3: /* bytes of the stack, as many as a number says */
		n = small(g, 16);
		mov_reg(g, 2, n);
		mov_reg(g, 1, REG_FP);
		emit(g, CLS_ALU64 | ALU_ADD | SRC_K, 1, 0, 0, -64);
		emit(g, CLS_ST | MODE_MEM | SZ_DW, REG_FP, 0, -64, 0);
		emit(g, CLS_ST | MODE_MEM | SZ_DW, REG_FP, 0, -56, 0);
		if (pick(g, 2))
			emit(g, CLS_ALU64 | ALU_ADD | SRC_K, 2, 0, 0, 1);
		mov_imm(g, 3, 0);
		call(g, pick(g, 2) ? HELPER_trace_printk : HELPER_get_current_comm);
		break;
	case 4:
		mov_reg(g, 3, REG_FP);
		emit(g, CLS_ALU64 | ALU_ADD | SRC_K, 3, 0, 0, -48);
		for (s32 off = -48; off < 0; off += 8)
			emit(g, CLS_ST | MODE_MEM | SZ_DW, REG_FP, 0, off, 0);
		g->written |= 0x3f;
		key_on_stack(g, 2);
		load_map(g, 1, pick(g, 2) ? MAP_ARRAY : MAP_HASH);
		mov_imm(g, 4, 0);
		call(g, HELPER_map_update_elem);
		break;
	case 5: /* any helper with what is at hand */
		call(g, (s32)pick(g, HELPER_ID_MAX));
		break;
	default:
		mov_imm(g, 1, (s64)rng_number(g->r));
		mov_imm(g, 2, 8);
		call(g, HELPER_jiffies64);
	}
}

static void subprog_call(struct gen *g)
{
	u32 pc;

	if (g->in_callee && pick(g, 3))
		return;
	for (u32 arg = 1; arg <= 2; arg++) {
		u32 from = pick(g, 3) ? with_num(g) : with_any(g);

		if (from != arg)
			mov_reg(g, arg, from);
	}
	pc = emit(g, CLS_JMP | JMP_CALL, 0, CALL_SUBPROG, 0, 0);
	(void)!vec_push(&g->calls, pc);
	for (u32 i = 1; i <= 5; i++)
		set(g, i, H_NONE, 0);
	set(g, 0, H_NUM, 0);
	g->c->btf = types();
}

/* bpf_loop() or for_each with a function of the program. */
static void callback(struct gen *g)
{
	u32 pc;

	if (g->in_callee)
		return;
	if (pick(g, 2)) {
		mov_imm(g, 1, 1 + pick(g, 10));
		pc = emit(g, CLS_LD | MODE_IMM | SZ_DW, 2, PSEUDO_FUNC, 0, 0);
		emit(g, 0, 0, 0, 0, 0);
		mov_reg(g, 3, REG_FP);
		mov_imm(g, 4, 0);
		call(g, HELPER_loop);
	} else {
		load_map(g, 1, pick(g, 2) ? MAP_ARRAY : MAP_HASH);
		pc = emit(g, CLS_LD | MODE_IMM | SZ_DW, 2, PSEUDO_FUNC, 0, 0);
		emit(g, 0, 0, 0, 0, 0);
		mov_reg(g, 3, REG_FP);
		mov_imm(g, 4, 0);
		call(g, HELPER_for_each_map_elem);
	}
	(void)!vec_push(&g->calls, pc);
	g->c->btf = types();
}

static void pointer_math(struct gen *g)
{
	u32 ptr = with(g, pick(g, 2) ? H_VALUE : H_PKT), by = with_num(g);

	if (ptr == 11 || ptr == REG_FP || by == ptr)
		return;
	if (pick(g, 2))
		emit(g, (pick(g, 8) ? CLS_ALU64 : CLS_ALU) | (pick(g, 3) ? ALU_ADD : ALU_SUB) | SRC_X,
		     ptr, by, 0, 0);
	else
		emit(g, CLS_ALU64 | ALU_ADD | SRC_K, ptr, 0, 0, (s32)pick(g, 16) - 4);
}

static void value_direct(struct gen *g)
{
	u32 map = pick(g, 2) ? MAP_ARRAY : MAP_FROZEN, dst = 7 + pick(g, 3), pc;
	u32 off = pick(g, all_maps[map].value_size);

	pc = emit(g, CLS_LD | MODE_IMM | SZ_DW, dst, PSEUDO_MAP_VALUE, 0, 0);
	emit(g, 0, 0, 0, 0, (s32)off);
	(void)!vec_push(&g->c->fixes, ((struct vc_fix){ pc, use_map(g, map) }));
	set(g, dst, H_VALUE, all_maps[map].value_size - off);
}

static void copy_any(struct gen *g)
{
	u32 from = pick(g, 11), to = target(g);

	if (g->reg[from] != H_NONE || rarely(g))
		mov_reg(g, to, from);
}

static void constant(struct gen *g)
{
	mov_imm(g, target(g), (s64)rng_number(g->r));
}

static void access_value(struct gen *g)
{
	access_mem(g, H_VALUE);
}

static void access_stack(struct gen *g)
{
	u32 ptr = 7 + pick(g, 3), by;

	mov_reg(g, ptr, REG_FP);
	emit(g, CLS_ALU64 | ALU_ADD | SRC_K, ptr, 0, 0, -64);
	by = small(g, 32);
	if (by == ptr)
		return;
	if (pick(g, 2))
		emit(g, CLS_ALU64 | ALU_AND | SRC_K, by, 0, 0, 0x38);
	emit(g, CLS_ALU64 | ALU_ADD | SRC_X, ptr, by, 0, 0);
	set(g, ptr, H_VALUE, 8);
	access_mem(g, H_VALUE);
	set(g, ptr, H_NONE, 0);
}

static const struct {
	void (*fn)(struct gen *g);
	u32 weight;
} kinds[] = {
	{ alu, 24 }, { constant, 6 }, { copy_any, 8 }, { branch, 14 }, { stack_store, 10 },
	{ stack_load, 8 }, { lookup, 5 }, { access_value, 10 }, { packet, 4 }, { ctx_access, 4 },
	{ loop, 2 }, { iterate, 1 }, { ring, 2 }, { section_of_lock, 1 }, { sections, 1 },
	{ simple_call, 4 }, { subprog_call, 3 }, { callback, 1 }, { pointer_math, 3 },
	{ value_direct, 2 }, { access_stack, 2 },
};

static void statements(struct gen *g, u32 n)
{
	if (g->depth > 5 || g->c->n_insns > 600)
		return;
	g->depth++;
	while (n--) {
		u32 at = pick(g, 115), i = 0;

		while (i + 1 < ARRAY_SIZE(kinds) && at >= kinds[i].weight)
			at -= kinds[i++].weight;
		kinds[i].fn(g);
	}
	g->depth--;
}

static void end(struct gen *g)
{
	if (!rarely(g))
		mov_imm(g, 0, pick(g, 2));
	emit(g, CLS_JMP | JMP_EXIT, 0, 0, 0, 0);
}

static void start(struct gen *g, bool main)
{
	memset(g->reg, 0, sizeof(g->reg));
	memset(g->size, 0, sizeof(g->size));
	set(g, REG_FP, H_FP, 0);
	set(g, 1, main ? H_CTX : H_NUM, 0);
	set(g, 2, main ? H_NONE : H_NUM, 0);
	g->written = 0;
	g->in_callee = !main;
	if (main)
		mov_reg(g, 6, 1);
}

/* Functions for the calls made so far, and for those that these make. */
static void functions(struct gen *g)
{
	u32 n = 0, starts[4];

	/* each is called, else it would be no function */
	while (n < ARRAY_SIZE(starts) && n < g->calls.n && (!n || pick(g, 2))) {
		starts[n] = g->c->n_insns;
		start(g, false);
		statements(g, 1 + pick(g, 6));
		end(g);
		n++;
	}
	if (!n)
		return;
	(void)!vec_push(&g->c->funcs, ((struct vc_func){ 0, TYPE_MAIN }));
	for (u32 i = 0; i < n; i++)
		(void)!vec_push(&g->c->funcs, ((struct vc_func){
			starts[i], pick(g, 4) ? TYPE_SUB : TYPE_GLOBAL }));
	for (u32 i = 0; i < g->calls.n; i++) {
		u32 pc = g->calls.p[i];

		g->c->insns[pc].imm = (s32)(starts[i < n ? i : pick(g, n)] - pc - 1);
	}
}

struct vcase *vcase_random(struct rng *r)
{
	static const u32 types_of[] = { BPF_PROG_TYPE_SOCKET_FILTER, BPF_PROG_TYPE_SCHED_CLS,
					BPF_PROG_TYPE_XDP, BPF_PROG_TYPE_KPROBE,
					BPF_PROG_TYPE_TRACEPOINT, BPF_PROG_TYPE_CGROUP_SKB };
	struct vcase *c = calloc(1, sizeof(*c));
	struct gen g = { .r = r, .c = c };

	if (!c)
		return NULL;
	c->license = "GPL";
	c->prog_type = types_of[pick(&g, ARRAY_SIZE(types_of))];
	if (pick(&g, 3) == 0)
		c->flags = 1u << pick(&g, 4);
	start(&g, true);
	statements(&g, 3 + pick(&g, 25));
	end(&g);
	functions(&g);
	if (!c->funcs.n)
		c->btf = NULL;
	vec_free(&g.calls);
	return c;
}
