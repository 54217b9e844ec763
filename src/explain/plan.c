/* SPDX-License-Identifier: BSD-2-Clause */
/* explain/plan.c - what the verifier saw on the way to a refusal: the path, and by insn what a call
 * or a load through ctx or a kernel pointer gave. */
#include "explain/witness.h"
#include "abi/kfunc.h"
#include "verify/env.h"
#include "verify/kfunc.h"
#include <errno.h>

enum { RECORD_MAX = 4 << 20 };

struct node_at {
	u32 pc, depth, parent; /* parent: index + 1 */
};

struct recorder {
	VEC(struct node_at) nodes;
	struct plan *plan;
	const struct verify_prog *prog;
	const struct verify_map **maps; /* borrowed, as in plan->maps */
	bool full, speculative, begun;
};

/* ---- maps ---- */

static s32 map_index(struct recorder *rec, const struct verify_map *m)
{
	struct plan *p = rec->plan;
	struct plan_map *grown;
	const struct verify_map **names;

	for (u32 i = 0; i < p->n_maps; i++)
		if (rec->maps[i] == m)
			return (s32)i;
	grown = realloc(p->maps, (p->n_maps + 1) * sizeof(*grown));
	if (grown)
		p->maps = grown;
	names = realloc(rec->maps, (p->n_maps + 1) * sizeof(*names));
	if (names)
		rec->maps = names;
	if (!grown || !names || !m)
		return -1;
	rec->maps[p->n_maps] = m;
	grown[p->n_maps] = (struct plan_map){ m->type, m->key_size, m->value_size, m->max_entries,
					      NULL };
	if (m->frozen && m->value) {
		grown[p->n_maps].frozen = malloc((size_t)m->value_size + 1);
		if (grown[p->n_maps].frozen)
			memcpy(grown[p->n_maps].frozen, m->value, m->value_size);
	}
	return (s32)p->n_maps++;
}

/* ---- results ---- */

static void number_result(const struct reg *r, struct result *out)
{
	*out = (struct result){ .kind = RESULT_NUMBER, .map = -1, .umin = r->val.umin,
				.umax = r->val.umax, .smin = r->val.smin, .smax = r->val.smax };
}

/* A register right after it was set, as something that a run can be given. */
static void describe(struct recorder *rec, const struct reg *r, struct result *out)
{
	struct result got = { .map = -1, .off = r->off, .umax = UINT64_MAX, .smin = INT64_MIN,
			      .smax = INT64_MAX, .rule = out->rule,
			      .nullable = type_may_be_null(r->type) };

	switch (REG_BASE(r->type)) {
	case REG_NOT_INIT:
		got.kind = RESULT_NOTHING;
		break;
	case REG_SCALAR:
		number_result(r, &got);
		got.rule = out->rule;
		break;
	case PTR_CTX:
		got.kind = RESULT_CTX;
		break;
	case PTR_MAP_VALUE:
		got.kind = RESULT_VALUE;
		got.map = map_index(rec, r->map);
		break;
	case PTR_MAP:
		got.kind = RESULT_MAP;
		got.map = map_index(rec, r->map);
		break;
	case PTR_MEM:
		got.kind = r->type & T_UNTRUSTED ? RESULT_KERNEL : RESULT_OBJECT;
		got.size = r->mem_size;
		break;
	case PTR_PACKET:
	case PTR_PACKET_META:
		got.kind = RESULT_PACKET;
		break;
	case PTR_PACKET_END:
		got.kind = RESULT_PACKET_END;
		break;
	case PTR_BTF:
		got.kind = RESULT_KERNEL;
		if (r->type & T_ALLOC && r->btf) {
			got.kind = RESULT_OBJECT;
			got.size = btf_type(r->btf, r->btf_id)->size;
		}
		break;
	default:
		got.kind = RESULT_KERNEL;
	}
	got.acquires = out->acquires;
	got.releases = out->releases;
	*out = got;
}

/* References that the call takes, or ends. */
static void note_references(struct verify *v, const struct insn *i, u32 pc, struct result *out)
{
	const struct helper_proto *p = i->src == CALL_HELPER ? helper_proto((u32)i->imm) : NULL;
	const struct kfunc *f = i->src == CALL_KFUNC ? kfunc_of(v, i) : NULL;

	out->acquires = false;
	for (u32 n = 0; n < v->cur->n_refs; n++)
		out->acquires |= v->cur->refs[n].kind == REF_PTR && v->cur->refs[n].pc == pc;
	out->releases = f && f->flags & KFUNC_RELEASE;
	for (u32 n = 0; p && n < 5; n++)
		out->releases |= (p->arg[n] & ARG_RELEASE) != 0;
}

static enum result_rule rule_of(struct verify *v, const struct insn *i)
{
	if (!insn_is_call(i) || i->src != CALL_KFUNC)
		return RULE_NONE;
	switch (kfunc_special(v, i)) {
	case KF_bpf_iter_num_new:
		return RULE_NUM_NEW;
	case KF_bpf_iter_num_next:
		return RULE_NUM_NEXT;
	default:
		return RULE_NONE;
	}
}

/* The insn before, now that its result is known. */
static void note_result(struct recorder *rec, struct verify *v, u32 pc)
{
	const struct insn *i = &rec->plan->insns[pc];
	struct result *out = &rec->plan->results[pc];
	u32 class = INSN_CLASS(i->code);

	if (insn_is_call(i) && i->src != CALL_SUBPROG) {
		out->rule = rule_of(v, i);
		note_references(v, i, pc, out);
		describe(rec, v_reg(v, 0), out);
		/* the verifier takes it for any number, but it has 32 bits */
		if (i->src == CALL_HELPER && i->imm == HELPER_get_prandom_u32)
			out->umax = UINT32_MAX;
	} else if (class == CLS_LDX || insn_is_wide(i)) {
		describe(rec, v_reg(v, i->dst), out);
		if (insn_is_wide(i))
			rec->plan->map_of[pc] = out->map;
	}
}

static u64 on_insn(void *arg, const struct verify *cv, u32 pc, u64 token)
{
	struct recorder *rec = arg;
	struct verify *v = (struct verify *)cv;
	struct node_at n = { pc, v->cur->curframe, (u32)token };

	if (rec->full || pc >= rec->plan->n_insns)
		return token;
	rec->speculative = v->cur->speculative;
	if (token) {
		const struct node_at *last = &rec->nodes.p[token - 1];

		if (last->depth == n.depth)
			note_result(rec, v, last->pc);
	} else {
		/* a new beginning: the program, or a function that is verified alone */
		rec->plan->start = pc;
		for (u32 i = 1; i <= 5; i++) {
			rec->plan->args[i] = (struct result){ .map = -1 };
			describe(rec, v_reg(v, i), &rec->plan->args[i]);
		}
	}
	if (insn_is_exit(&rec->plan->insns[pc]) && !v->cur->curframe) {
		struct retval_range range;

		if (return_has_range(v, &range)) {
			rec->plan->ret_min = range.min;
			rec->plan->ret_max = range.max;
		}
	}
	if (rec->nodes.n >= RECORD_MAX || !vec_push(&rec->nodes, n))
		rec->full = true;
	return rec->nodes.n;
}

static int path_make(const struct recorder *rec, struct trial_path *path)
{
	u32 n = 0, at = rec->nodes.n;

	for (u32 i = at; i; i = rec->nodes.p[i - 1].parent)
		n++;
	if (!vec_reserve(&path->steps, n))
		return -ENOMEM;
	path->steps.n = n;
	for (; at; at = rec->nodes.p[at - 1].parent)
		path->steps.p[--n] = (struct trial_step){ rec->nodes.p[at - 1].pc,
						    rec->nodes.p[at - 1].depth };
	return 0;
}

static int plan_begin(const struct verify_prog *p, const struct verify_result *r, struct plan *plan)
{
	*plan = (struct plan){ .prog_type = p->type, .n_insns = p->n_insns, .reg = r->reg };
	plan->goal = r->why == WHY_RETURN ? GOAL_RETURN : r->why == WHY_REF ? GOAL_LEAK :
		     r->why == WHY_LOOP ? GOAL_ENDLESS : GOAL_FAULT;
	plan->insns = calloc((size_t)p->n_insns + 2, sizeof(*plan->insns));
	plan->map_of = calloc((size_t)p->n_insns + 2, sizeof(*plan->map_of));
	plan->results = calloc((size_t)p->n_insns + 2, sizeof(*plan->results));
	if (!plan->insns || !plan->map_of || !plan->results)
		return -ENOMEM;
	memcpy(plan->insns, p->insns, p->n_insns * sizeof(*plan->insns));
	for (u32 i = 0; i < p->n_insns; i++)
		plan->map_of[i] = plan->results[i].map = -1;
	return 0;
}

int plan_make(const struct verify_prog *p, const struct profile *k, const struct verify_result *r,
	      struct plan *plan, struct trial_path *path)
{
	struct recorder rec = { .plan = plan, .prog = p };
	struct verify_opts o = { .observer = { .arg = &rec, .insn = on_insn } };
	struct verify_result again;
	int err = plan_begin(p, r, plan);

	if (err)
		return -ENOTSUP;
	verify(p, k, &o, &again);
	verify_result_free(&again);
	if (!rec.nodes.n || rec.full || rec.speculative)
		err = -ENOTSUP;
	if (!err) {
		plan->target = rec.nodes.p[rec.nodes.n - 1].pc;
		err = path_make(&rec, path);
	}
	vec_free(&rec.nodes);
	free(rec.maps);
	return err;
}
