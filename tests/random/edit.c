/* SPDX-License-Identifier: BSD-2-Clause */
/* random/edit.c - cases copied, changed at random, cut, written down. */
#include "random/edit.h"
#include <string.h>

enum { INSNS_MAX = 20000 };

u64 rng_next(struct rng *r)
{
	u64 z = r->s += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

u64 rng_number(struct rng *r)
{
	u64 n;

	switch (rng_below(r, 6)) {
	case 0:
	case 1:
		n = rng_below(r, 16);
		break;
	case 2:
		n = rng_below(r, 600);
		break;
	case 3:
		n = (1ull << rng_below(r, 64)) - rng_below(r, 3) + 1;
		break;
	case 4:
		n = 0x7fffffff + (u64)rng_below(r, 4) - 1;
		break;
	default:
		n = rng_next(r);
	}
	return rng_one_in(r, 4) ? -n : n;
}

/* ---- copies ---- */

#define COPY_LIST(to, from)                                                            \
	do {                                                                           \
		(to)->p = NULL;                                                        \
		(to)->n = (to)->cap = 0;                                               \
		for (u32 i_ = 0; i_ < (from)->n; i_++)                                 \
			(void)!vec_push(to, (from)->p[i_]);                            \
	} while (0)

struct vcase *vcase_copy(const struct vcase *c)
{
	struct vcase *copy = malloc(sizeof(*copy));

	*copy = *c;
	copy->insns = malloc((c->n_insns + 1) * sizeof(*c->insns));
	memcpy(copy->insns, c->insns, c->n_insns * sizeof(*c->insns));
	COPY_LIST(&copy->maps, &c->maps);
	COPY_LIST(&copy->fixes, &c->fixes);
	COPY_LIST(&copy->names, &c->names);
	COPY_LIST(&copy->funcs, &c->funcs);
	return copy;
}

void vcase_copy_free(struct vcase *c)
{
	if (!c)
		return;
	free(c->insns);
	vec_free(&c->maps);
	vec_free(&c->fixes);
	vec_free(&c->names);
	vec_free(&c->funcs);
	free(c);
}

/* ---- insns that come and go ---- */

/* Where insn pc is after n insns at `at` came (n > 0) or went; one that went is where they were. */
static s64 moved(s64 pc, s64 at, s64 n)
{
	if (n > 0)
		return pc >= at ? pc + n : pc;
	return pc >= at - n ? pc + n : pc > at ? at : pc;
}

static bool is_jump(const struct insn *i)
{
	u8 cls = INSN_CLASS(i->code), op = INSN_OP(i->code);

	return (cls == CLS_JMP || cls == CLS_JMP32) && op != JMP_CALL && op != JMP_EXIT;
}

/* Relative targets of insns, whose own places are not changed yet. */
static void retarget(struct vcase *c, s64 at, s64 n)
{
	for (s64 pc = 0; pc < c->n_insns; pc++) {
		struct insn *i = &c->insns[pc];
		s64 here = moved(pc, at, n);

		if (n < 0 && pc >= at && pc < at - n)
			continue;
		if (i->code == (CLS_JMP32 | JMP_JA) || insn_is_subprog_call(i) ||
		    (insn_is_wide(i) && i->src == PSEUDO_FUNC))
			i->imm = (s32)(moved(pc + 1 + i->imm, at, n) - here - 1);
		else if (is_jump(i))
			i->off = (s16)(moved(pc + 1 + i->off, at, n) - here - 1);
		if (insn_is_wide(i))
			pc++;
	}
}

/* Lists of places; what went takes its entries along. */
#define MOVE_LIST(list, field, at, n)                                                  \
	do {                                                                           \
		u32 kept_ = 0;                                                         \
		for (u32 i_ = 0; i_ < (list)->n; i_++) {                               \
			s64 pc_ = (list)->p[i_].field;                                 \
			if ((n) < 0 && pc_ >= (at) && pc_ < (at) - (n))                \
				continue;                                              \
			(list)->p[kept_] = (list)->p[i_];                              \
			(list)->p[kept_++].field = (u32)moved(pc_, at, n);             \
		}                                                                      \
		(list)->n = kept_;                                                     \
	} while (0)

static void move_lists(struct vcase *c, s64 at, s64 n)
{
	MOVE_LIST(&c->fixes, pc, at, n);
	MOVE_LIST(&c->names, pc, at, n);
	/* a function stays where it begins: insns before its first one are another's */
	for (u32 i = 0; i < c->funcs.n; i++)
		if (c->funcs.p[i].insn_off)
			c->funcs.p[i].insn_off = (u32)moved(c->funcs.p[i].insn_off, at, n);
}

bool vcase_insert(struct vcase *c, u32 pc, u32 n)
{
	struct insn *bigger;

	if (pc > c->n_insns || c->n_insns + n > INSNS_MAX)
		return false;
	bigger = realloc(c->insns, (c->n_insns + n + 1) * sizeof(*c->insns));
	if (!bigger)
		return false;
	c->insns = bigger;
	retarget(c, pc, n);
	memmove(c->insns + pc + n, c->insns + pc, (c->n_insns - pc) * sizeof(*c->insns));
	memset(c->insns + pc, 0, n * sizeof(*c->insns));
	c->n_insns += n;
	move_lists(c, pc, n);
	return true;
}

void vcase_delete(struct vcase *c, u32 pc, u32 n)
{
	if (pc + n > c->n_insns)
		n = c->n_insns - pc;
	retarget(c, pc, -(s64)n);
	memmove(c->insns + pc, c->insns + pc + n, (c->n_insns - pc - n) * sizeof(*c->insns));
	c->n_insns -= n;
	move_lists(c, pc, -(s64)n);
}

/* ---- random changes ---- */

static void change_code(struct insn *i, struct rng *r)
{
	u8 cls = INSN_CLASS(i->code);

	switch (rng_below(r, 4)) {
	case 0: /* another operation */
		i->code = (u8)((i->code & 0x0f) | rng_below(r, 16) << 4);
		break;
	case 1: /* another width */
		i->code = cls == CLS_ALU ? i->code ^ CLS_ALU ^ CLS_ALU64 :
			  cls == CLS_ALU64 ? i->code ^ CLS_ALU ^ CLS_ALU64 :
			  cls == CLS_JMP || cls == CLS_JMP32 ? i->code ^ CLS_JMP ^ CLS_JMP32 :
			  (u8)((i->code & ~0x18) | rng_below(r, 4) << 3);
		break;
	case 2: /* register or constant */
		i->code ^= SRC_X;
		break;
	default:
		i->code = (u8)rng_below(r, 256);
	}
}

static void change_field(struct insn *i, struct rng *r)
{
	switch (rng_below(r, 6)) {
	case 0:
		i->dst = rng_below(r, 11) & 15;
		break;
	case 1:
		i->src = rng_below(r, 11) & 15;
		break;
	case 2:
		i->off = (s16)(i->off + (s32)rng_below(r, 17) - 8);
		break;
	case 3:
		i->imm = (s32)rng_number(r);
		break;
	case 4:
		i->imm += (s32)rng_below(r, 17) - 8;
		break;
	default:
		change_code(i, r);
	}
}

/* File descriptors and ids go only where they are still read as such. */
static void drop_stray(struct vcase *c)
{
	u32 kept = 0;

	for (u32 i = 0; i < c->fixes.n; i++) {
		const struct insn *in = &c->insns[c->fixes.p[i].pc];

		if (insn_is_wide(in) && (in->src == PSEUDO_MAP_FD || in->src == PSEUDO_MAP_VALUE))
			c->fixes.p[kept++] = c->fixes.p[i];
	}
	c->fixes.n = kept;
	kept = 0;
	for (u32 i = 0; i < c->names.n; i++) {
		const struct insn *in = &c->insns[c->names.p[i].pc];

		if ((insn_is_wide(in) && in->src == PSEUDO_BTF_ID) ||
		    (insn_is_call(in) && in->src == CALL_KFUNC))
			c->names.p[kept++] = c->names.p[i];
	}
	c->names.n = kept;
}

static void mutate(struct vcase *c, struct rng *r)
{
	u32 at = rng_below(r, c->n_insns), other = rng_below(r, c->n_insns), n;
	struct insn copy = c->insns[other];

	switch (rng_below(r, 10)) {
	case 0:
		if (c->n_insns > 2)
			vcase_delete(c, at, insn_is_wide(&c->insns[at]) ? 2 : 1);
		break;
	case 1: /* one insn again, somewhere else */
		if (!insn_is_wide(&copy) && vcase_insert(c, at, 1))
			c->insns[at] = copy;
		break;
	case 2: /* a new move or load */
		if (vcase_insert(c, at, 1))
			c->insns[at] = (struct insn){
				.code = (u8)(rng_one_in(r, 2) ? CLS_ALU64 | ALU_MOV | SRC_X :
								CLS_ALU | ALU_MOV | SRC_X),
				.dst = rng_below(r, 10) & 15, .src = rng_below(r, 11) & 15,
			};
		break;
	case 3: /* a jump over some */
		n = rng_below(r, 6);
		if (vcase_insert(c, at, 1))
			c->insns[at] = (struct insn){
				.code = (u8)(CLS_JMP | SRC_K | (1 + rng_below(r, 13)) << 4),
				.dst = rng_below(r, 11) & 15, .imm = (s32)rng_number(r),
				.off = (s16)(at + n < c->n_insns ? n : 0),
			};
		break;
	case 4: /* flags and attach types decide rules, too */
		if (rng_one_in(r, 8))
			c->flags ^= 1u << rng_below(r, 8);
		else if (rng_one_in(r, 8))
			c->attach_type = rng_below(r, 58);
		else
			change_field(&c->insns[at], r);
		break;
	default:
		change_field(&c->insns[at], r);
	}
}

void vcase_mutate(struct vcase *c, struct rng *r)
{
	mutate(c, r);
	drop_stray(c);
}

/* ---- writing ---- */

static void write_hex(FILE *f, const void *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		fprintf(f, "%02x", ((const u8 *)p)[i]);
}

static void write_map(FILE *f, const struct vc_map *m)
{
	fprintf(f, "map %s %u %u %u %u 0x%x", m->label, m->type, m->key_size, m->value_size,
		m->max_entries, m->flags);
	if (m->inner)
		fprintf(f, " inner=%s", m->inner);
	if (m->blob)
		fprintf(f, " btf=%s,%u,%u", m->blob->name, m->btf_key, m->btf_value);
	if (m->extra)
		fprintf(f, " extra=%lu", m->extra);
	fputc('\n', f);
	if (m->first && m->key_size <= 64) {
		fprintf(f, "init %s %0*d ", m->label, (int)m->key_size * 2, 0);
		write_hex(f, m->first, m->value_size);
		fputc('\n', f);
	}
	if (m->frozen)
		fprintf(f, "freeze %s\n", m->label);
}

static void write_blob(FILE *f, const struct vc_blob *b)
{
	fprintf(f, "blob %s ", b->name);
	write_hex(f, b->raw, b->size);
	fputc('\n', f);
}

void vcase_write(const struct vcase *c, FILE *f)
{
	static const char *const kinds[] = {
		[VC_FUNC] = "func", [VC_LSM] = "lsm",       [VC_ITER] = "iter",
		[VC_RAW_TP] = "raw_tp", [VC_STRUCT] = "struct",
	};
	const struct vc_blob *seen = c->btf;

	fputs("vcase 1\n", f);
	if (c->btf)
		write_blob(f, c->btf);
	for (u32 i = 0; i < c->maps.n; i++) {
		if (c->maps.p[i].blob && c->maps.p[i].blob != seen)
			write_blob(f, c->maps.p[i].blob);
		seen = c->maps.p[i].blob ? c->maps.p[i].blob : seen;
	}
	fprintf(f, "case %s\nprog_type %u x\nattach_type %u\n", c->name, c->prog_type,
		c->attach_type);
	if (c->attach)
		fprintf(f, "attach_btf %s %s\n", kinds[c->attach], c->attach_name);
	fprintf(f, "prog_flags 0x%x\nlicense %s\n", c->flags, c->license);
	for (u32 i = 0; i < c->maps.n; i++)
		write_map(f, &c->maps.p[i]);
	for (u32 i = 0; i < c->fixes.n; i++)
		fprintf(f, "fix %s %u\n", c->maps.p[c->fixes.p[i].map].label, c->fixes.p[i].pc);
	for (u32 i = 0; i < c->names.n; i++)
		fprintf(f, "%s %u %s\n", c->names.p[i].is_var ? "kvar" : "kfunc", c->names.p[i].pc,
			c->names.p[i].name);
	if (c->btf)
		fprintf(f, "prog_btf %s\n", c->btf->name);
	for (u32 i = 0; i < c->funcs.n; i++)
		fprintf(f, "func_info %u %u\n", c->funcs.p[i].insn_off, c->funcs.p[i].type_id);
	fprintf(f, "insns %u\n", c->n_insns);
	for (u32 i = 0; i < c->n_insns; i++) {
		write_hex(f, &c->insns[i], sizeof(c->insns[i]));
		fputc('\n', f);
	}
	fputs("end\n", f);
}
