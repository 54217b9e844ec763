/* SPDX-License-Identifier: BSD-2-Clause */
/* verify/verify.c - the phases of a verification, in the kernel's order, and its result.
 *
 * Kernel 6.18: bpf_check().
 */
#include "verify/verify.h"
#include "verify/ctx.h"
#include "verify/cfg.h"
#include "verify/fixup.h"
#include "verify/live.h"
#include "verify/log.h"
#include "verify/prune.h"
#include "verify/subprog.h"
#include "verify/walk.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What one phase found refuses the program; the next ones rely on all before. */
static int (*const phases[])(struct verify *v) = {
	btf_info_early, subprogs_find, subprogs_check, btf_info_check, resolve_wide, cfg_check,
	cfg_postorder,  live_init,     target_check,   cfg_scc,        live_regs,    fastcall_mark,
	walk_main,      walk_subprogs, depth_check,    fixup_check,
};

u32 v_type(const struct verify *v)
{
	const struct verify_target *t = v->prog->target;

	if (v->prog_type != BPF_PROG_TYPE_EXT || !t)
		return v->prog_type;
	return t->saved_prog_type ? t->saved_prog_type : t->prog_type;
}

/* Kernel 6.18: bpf_allow_ptr_leaks() and its kin. */
static void caps_apply(struct verify *v)
{
	const struct profile *k = v->k;
	bool perfmon = k->caps == CAPS_ALL;

	v->bpf_capable = k->caps != CAPS_UNPRIV;
	v->allow_ptr_leaks = v->allow_uninit_stack = perfmon;
	v->bypass_spec_v1 = v->bypass_spec_v4 = perfmon || k->mitigations_off;
	v->strict_alignment = v->prog->flags & BPF_F_STRICT_ALIGNMENT &&
			      !(v->prog->flags & BPF_F_ANY_ALIGNMENT);
	v->test_state_freq = v->bpf_capable && v->prog->flags & BPF_F_TEST_STATE_FREQ;
	v->test_reg_invariants = v->bpf_capable && v->prog->flags & BPF_F_TEST_REG_INVARIANTS;
}

static int env_make(struct verify *v)
{
	const struct verify_prog *p = v->prog;

	if (!p->n_insns || p->n_insns > BPF_COMPLEXITY_INSNS)
		return -E2BIG;
	v->insns = calloc(p->n_insns, sizeof(*v->insns));
	v->aux = calloc(p->n_insns, sizeof(*v->aux));
	v->subprogs = calloc(BPF_MAX_SUBPROGS + 2, sizeof(*v->subprogs));
	if (!v->insns || !v->aux || !v->subprogs)
		return -ENOMEM;
	memcpy(v->insns, p->insns, p->n_insns * sizeof(*v->insns));
	v->n_insns = p->n_insns;
	for (u32 i = 0; i < v->n_insns; i++)
		v->aux[i].orig_pc = i;
	v->prog_type = p->type;
	v->attach_type = p->attach_type;
	v->sleepable = p->flags & BPF_F_SLEEPABLE;
	v->attach_btf = p->attach_btf ? p->attach_btf : v->k->btf;
	v->attach_btf_id = p->attach_btf_id;
	caps_apply(v);
	return precise_init(v);
}

static void env_free(struct verify *v)
{
	live_free(v);
	precise_free(v);
	reg_pool_free(v);
	free(v->insns);
	free(v->aux);
	free(v->subprogs);
	vec_free(&v->maps);
	vec_free(&v->kfunc_refs);
	str_free(&v->last_line);
	arena_free(&v->arena);
}

/* "processed N insns ..." and, when asked for, stack depths. */
static void stats_log(struct verify *v)
{
	if (v->opts.log_level & VERIFY_STATS) {
		v_log(v, "stack depth %u", v->subprogs[0].stack_depth);
		for (u32 i = 1; i < v->n_subprogs; i++)
			v_log(v, "+%u", v->subprogs[i].stack_depth);
		v_log(v, "\n");
	}
	v_log(v, "processed %u insns (limit %u) max_states_per_insn %u total_states %u "
		 "peak_states %u mark_read 0\n",
	      v->processed, (u32)BPF_COMPLEXITY_INSNS, v->max_states_per_insn, v->total_states,
	      v->peak_states);
}

/* Loads that the kernel turns into BPF_PROBE_MEM, in convert_ctx_accesses().  It goes by the pointer
 * that one path has there; aux->probes remembers those of all. */
static u8 insn_bits(const struct insn_aux *aux, const struct insn *i)
{
	enum insn_class cls = INSN_CLASS(i->code);
	u8 bits = aux->seen ? INSN_REACHED : 0;

	if (cls != CLS_LDX && cls != CLS_STX && cls != CLS_ST)
		return bits;
	if (aux->via_btf)
		bits |= INSN_BTF;
	if (aux->probes)
		bits |= INSN_PROBES;
	switch (aux->ptr_type) {
	case PTR_BTF:
	case PTR_BTF | T_UNTRUSTED:
	case PTR_BTF | T_ALLOC | T_UNTRUSTED:
	case PTR_MEM | T_RDONLY | T_UNTRUSTED:
		return bits | INSN_PROBES;
	case PTR_ARENA:
		return bits | INSN_ARENA;
	}
	return bits;
}

static int insns_fill(struct verify *v)
{
	struct verify_result *r = v->res;

	r->insns = calloc(v->n_insns, 1);
	if (!r->insns)
		return -ENOMEM;
	r->n_insns = v->n_insns;
	for (u32 pc = 0; pc < v->n_insns; pc++)
		r->insns[pc] = insn_bits(&v->aux[pc], &v->insns[pc]);
	return 0;
}

static void result_fill(struct verify *v, int err)
{
	struct verify_result *r = v->res;

	r->err = err;
	r->processed = v->processed;
	r->max_states_per_insn = v->max_states_per_insn;
	r->total_states = v->total_states;
	r->peak_states = v->peak_states;
	r->peak_bytes = v->peak_bytes;
	r->max_ctx_offset = v->max_ctx_offset;
	r->max_tp_access = v->max_tp_access;
	r->n_subprogs = MIN(v->n_subprogs, (u32)BPF_MAX_SUBPROGS);
	for (u32 i = 0; i < r->n_subprogs; i++)
		r->stack[i] = v->subprogs[i].stack_depth;
	if (err && v->last_line.len) {
		free(r->message);
		r->message = str_take(&v->last_line);
	}
	if (v->opts.log_level)
		stats_log(v);
	log_take(v);
}

int verify(const struct verify_prog *p, const struct profile *k, const struct verify_opts *o,
	   struct verify_result *out)
{
	struct verify v = { .prog = p, .k = k, .res = out };
	int err;

	memset(out, 0, sizeof(*out));
	out->reg = -1;
	if (o)
		v.opts = *o;
	err = env_make(&v);
	for (u32 i = 0; i < ARRAY_SIZE(phases) && !err; i++)
		err = phases[i](&v);
	if (!err)
		err = insns_fill(&v);
	result_fill(&v, err);
	env_free(&v);
	return out->err;
}

void verify_result_free(struct verify_result *r)
{
	free(r->message);
	free(r->log);
	free(r->insns);
	r->message = r->log = NULL;
	r->insns = NULL;
}

const char *verify_reason_text(enum verify_reason why)
{
	switch (why) {
#define REASON(name, text) case WHY_##name: return text;
#include "verify/reason.def"
#undef REASON
	case WHY_NONE:
		break;
	}
	return "";
}
