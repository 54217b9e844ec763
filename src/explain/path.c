/* SPDX-License-Identifier: BSD-2-Clause */
/* explain/path.c - two verifications: one finds the path, one looks at it. */
#include "explain/path.h"
#include "verify/log.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* First run: each insn walked is a node, whose number is the token that the verifier carries along the
 * path; paths that branch off share their beginning. */
struct node {
	u32 parent; /* node number, 0: none */
	u32 pc;
};

struct tree {
	struct node *nodes; /* [0] is unused */
	u32 n, cap;
	bool failed;        /* memory is out */
};

static u64 tree_insn(void *arg, const struct verify *v, u32 pc, u64 token)
{
	struct tree *t = arg;

	(void)v;
	if (t->n >= t->cap) {
		u32 cap = t->cap ? t->cap * 2 : 4096;
		struct node *more = t->failed ? NULL : realloc(t->nodes, cap * sizeof(*more));

		if (!more) {
			t->failed = true;
			return token;
		}
		t->nodes = more;
		t->cap = cap;
	}
	t->nodes[t->n] = (struct node){ (u32)token, pc };
	return t->n++;
}

/* Second run: the same insns in the same order. */
struct look {
	struct path *path;
	const u32 *wanted;  /* node numbers of the steps, ascending */
	u32 n_wanted, next; /* of wanted */
	u32 node;           /* that the next insn is */
};

static char *state_text(const struct verify *v)
{
	struct verify *w = (struct verify *)v; /* log_reg() uses buffers of it */
	const struct frame *f = state_cur(v->cur);
	struct str out = {0};

	for (u32 i = 0; i < REG_MAX; i++) {
		if (f->regs[i].type == REG_NOT_INIT)
			continue;
		str_addf(&out, "%sR%u=", out.len ? " " : "", i);
		log_reg(w, f, &f->regs[i], &out);
	}
	return str_take(&out);
}

static void refs_keep(struct path *p, const struct state *st)
{
	for (u32 i = 0; i < st->n_refs && p->n_refs < ARRAY_SIZE(p->refs); i++)
		p->refs[p->n_refs++] = st->refs[i];
}

static u64 look_insn(void *arg, const struct verify *v, u32 pc, u64 token)
{
	struct look *l = arg;
	struct path_step *s;

	(void)token;
	if (l->next < l->n_wanted && l->node == l->wanted[l->next]) {
		s = &l->path->steps[l->next++];
		s->pc = pc;
		s->frame = v->cur->curframe;
		memcpy(s->regs, state_cur(v->cur)->regs, sizeof(s->regs));
		if (l->next == l->n_wanted) {
			l->path->state = state_text(v);
			refs_keep(l->path, v->cur);
		}
	}
	return l->node++;
}

/* Nodes that lead to the last one, the latest PATH_STEPS_MAX of them, in ascending order. */
static u32 *lineage(const struct tree *t, u32 *n, u64 *n_before)
{
	u64 all = 0;
	u32 *ids;

	for (u32 i = t->n - 1; i; i = t->nodes[i].parent)
		all++;
	*n = (u32)MIN(all, (u64)PATH_STEPS_MAX);
	*n_before = all - *n;
	ids = malloc(MAX(*n, 1u) * sizeof(*ids));
	if (!ids)
		return NULL;
	for (u32 i = t->n - 1, left = *n; left; i = t->nodes[i].parent)
		ids[--left] = i;
	return ids;
}

static void run(const struct verify_prog *p, const struct profile *k,
		u64 (*insn)(void *, const struct verify *, u32, u64), void *arg)
{
	struct verify_opts o = { .observer = { .arg = arg, .insn = insn } };
	struct verify_result res;

	verify(p, k, &o, &res);
	verify_result_free(&res);
}

int path_find(const struct verify_prog *p, const struct profile *k, const struct verify_result *res,
	      struct path *out)
{
	struct tree t = { .n = 1 };
	struct look l = { .path = out, .node = 1 };
	u32 *ids = NULL;
	int err = 0;

	*out = (struct path){0};
	run(p, k, tree_insn, &t);
	if (t.failed)
		err = -ENOMEM;
	if (err || t.n == 1)
		goto out;
	ids = lineage(&t, &l.n_wanted, &out->n_before);
	out->steps = calloc(MAX(l.n_wanted, 1u), sizeof(*out->steps));
	if (!ids || !out->steps) {
		err = -ENOMEM;
		goto out;
	}
	l.wanted = ids;
	run(p, k, look_insn, &l);
	out->n = l.next;
	out->ends_at_refusal = out->n && out->steps[out->n - 1].pc == res->pc;
out:
	free(t.nodes);
	free(ids);
	if (err)
		path_free(out);
	return err;
}

void path_free(struct path *p)
{
	free(p->steps);
	free(p->state);
	*p = (struct path){0};
}

/* ---- where a value comes from ---- */

/* Does the insn write r?  A call writes r0 and leaves r1..r5 without a value. */
static bool writes(const struct insn *i, u32 r)
{
	switch (INSN_CLASS(i->code)) {
	case CLS_ALU:
	case CLS_ALU64:
	case CLS_LDX:
		return i->dst == r;
	case CLS_LD:
		return insn_is_wide(i) ? i->dst == r : r <= 5;
	case CLS_STX:
		if (INSN_MODE(i->code) != MODE_ATOMIC)
			return false;
		if (i->imm == ATOMIC_LOAD_ACQ)
			return i->dst == r;
		if (!(i->imm & ATOMIC_FETCH))
			return false;
		return i->imm == ATOMIC_CMPXCHG ? r == 0 : i->src == r;
	case CLS_JMP:
		return insn_is_call(i) && r <= 5;
	default:
		return false;
	}
}

u32 path_def(const struct path *p, const struct insn *insns, u32 at, u32 r, bool *entered)
{
	u32 frame = p->steps[at].frame;

	*entered = false;
	for (u32 j = at; j-- > 0;) {
		const struct path_step *s = &p->steps[j];

		if (s->frame < frame) {
			*entered = true;
			return p->n;
		}
		if (s->frame == frame && writes(&insns[s->pc], r))
			return j;
	}
	return p->n;
}
