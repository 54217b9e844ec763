/* SPDX-License-Identifier: BSD-2-Clause */
/* verify/subprog.c - where functions begin, and that no jump leaves one.
 *
 * A function begins at insn 0, at the target of every call and of every function pointer, and at the
 * exception callback that a decl tag of the main program names.  What BTF says of functions is
 * btfinfo.c's; which insns are reached is cfg.c's.
 */
#include "verify/subprog.h"
#include "isa/check.h"
#include "verify/kfunc.h"
#include "verify/log.h"
#include <errno.h>
#include <string.h>

u32 subprog_containing(const struct verify *v, u32 pc)
{
	u32 lo = 0, hi = v->n_subprogs;

	/* The last whose start is not past pc: in [lo, hi). */
	while (hi - lo > 1) {
		u32 mid = lo + (hi - lo) / 2;

		if (v->subprogs[mid].start <= pc)
			lo = mid;
		else
			hi = mid;
	}
	return lo;
}

s32 subprog_at(const struct verify *v, u32 pc)
{
	u32 i = subprog_containing(v, pc);

	return i < v->n_subprogs && v->subprogs[i].start == pc ? (s32)i : -1;
}

/* Enters a function that begins at pc, keeping them in order.  add_subprog(). */
static int subprog_add(struct verify *v, s64 pc)
{
	u32 at;

	if (pc < 0 || pc >= v->n_insns)
		return v_refuse(v, -EINVAL, WHY_CFG, "call to invalid destination");
	if (subprog_at(v, (u32)pc) >= 0)
		return 0;
	if (v->n_subprogs >= BPF_MAX_SUBPROGS)
		return v_refuse(v, -E2BIG, WHY_LIMIT, "too many subprograms");
	at = v->n_subprogs++;
	while (at && v->subprogs[at - 1].start > pc) {
		v->subprogs[at] = v->subprogs[at - 1];
		at--;
	}
	v->subprogs[at] = (struct subprog){ .start = (u32)pc };
	return 0;
}

static bool is_func_ptr(const struct insn *i)
{
	return insn_is_wide(i) && i->src == PSEUDO_FUNC;
}

static bool is_kfunc_call(const struct insn *i)
{
	return insn_is_call(i) && i->src == CALL_KFUNC;
}

static int callees_add(struct verify *v)
{
	for (u32 pc = 0; pc < v->n_insns; pc++) {
		const struct insn *i = &v->insns[pc];
		bool local = is_func_ptr(i) || insn_is_subprog_call(i);
		int err;

		if (!local && !is_kfunc_call(i))
			continue;
		v->pc = pc;
		if (!v->bpf_capable)
			return v_refuse(v, -EPERM, WHY_PRIV,
					"loading/calling other bpf or kernel functions are allowed "
					"for CAP_BPF and CAP_SYS_ADMIN");
		err = local ? subprog_add(v, (s64)pc + i->imm + 1) : kfunc_add(v, i);
		if (err)
			return err;
	}
	return 0;
}

/* The name that a decl tag "exception_callback:NAME" of the main program gives, NULL: no tag. */
static int exception_tag(struct verify *v, const char **name)
{
	static const char key[] = "exception_callback:";
	const struct btf *btf = v->prog->btf;
	u32 main_id = v->prog->func_info[0].type_id;

	*name = NULL;
	for (u32 id = 0; (id = btf_next_decl_tag(btf, main_id, -1, id));) {
		const char *text = btf_name(btf, id);

		if (!str_starts(text, key))
			continue;
		if (*name)
			return v_refuse(v, -EEXIST, WHY_BTF,
					"multiple exception callback tags for main subprog");
		*name = text + strlen(key);
	}
	return 0;
}

/* Insn where the exception callback begins; 0: there is none.
 * bpf_find_exception_callback_insn_off(). */
static int exception_find(struct verify *v, u32 *pc)
{
	const struct verify_prog *p = v->prog;
	const char *name;
	u32 id;
	int err;

	*pc = 0;
	if (!p->n_func_info || !p->btf)
		return 0;
	err = exception_tag(v, &name);
	if (err || !name)
		return err;
	id = btf_find(p->btf, name, BTF_FUNC);
	if (!id)
		return v_refuse(v, -ENOENT, WHY_BTF,
				"exception callback '%s' could not be found in BTF", name);
	if (btf_func_linkage(btf_type(p->btf, id)) != BTF_GLOBAL)
		return v_refuse(v, -EINVAL, WHY_BTF,
				"exception callback '%s' must have global linkage", name);
	for (u32 i = 0; i < p->n_func_info; i++) {
		if (p->func_info[i].type_id != id)
			continue;
		*pc = p->func_info[i].insn_off;
		if (!*pc)
			return v_refuse(v, -EINVAL, WHY_BTF, "invalid exception callback insn_off "
					"in func_info: 0");
	}
	if (!*pc)
		return v_refuse(v, -EINVAL, WHY_BTF,
				"exception callback type id not found in func_info");
	return 0;
}

static int exception_add(struct verify *v)
{
	struct subprog *s;
	s32 i;
	u32 pc;
	int err = exception_find(v, &pc);

	if (err || !pc)
		return err;
	err = subprog_add(v, pc);
	if (err)
		return err;
	i = subprog_at(v, pc);
	s = &v->subprogs[i];
	v->exception_cb = i;
	s->is_cb = s->is_async_cb = s->is_exception_cb = true;
	return 0;
}

int subprogs_find(struct verify *v)
{
	int err = subprog_add(v, 0);

	err = err ? err : callees_add(v);
	err = err ? err : exception_add(v);
	if (err)
		return err;
	v->subprogs[v->n_subprogs].start = v->n_insns;
	if (log_states_on(v))
		for (u32 i = 0; i < v->n_subprogs; i++)
			v_log(v, "func#%u @%u\n", i, v->subprogs[i].start);
	return 0;
}

/* What an insn means for the function that it is in. */
static void insn_note(struct subprog *s, const struct insn *i, u32 pc)
{
	u32 mode = INSN_MODE(i->code);

	if (insn_is_call(i) && i->src == CALL_HELPER && i->imm == HELPER_tail_call)
		s->has_tail_call = s->tail_call_reachable = true;
	if (INSN_CLASS(i->code) == CLS_LD && (mode == MODE_ABS || mode == MODE_IND))
		s->has_ld_abs = true;
	if (insn_is_exit(i))
		s->exit_pc = pc;
}

static int subprog_check(struct verify *v, u32 index)
{
	struct subprog *s = &v->subprogs[index];
	u32 end = v->subprogs[index + 1].start;
	const struct insn *last = &v->insns[end - 1];

	for (u32 pc = s->start; pc < end; pc++) {
		const struct insn *i = &v->insns[pc];
		s64 to;

		insn_note(s, i, pc);
		v->pc = pc;
		if (!insn_is_jmp(i))
			continue;
		to = jmp_target(i, pc);
		if (to < s->start || to >= end)
			return v_refuse(v, -EINVAL, WHY_CFG,
					"jump out of range from insn %u to %d", pc, (s32)to);
	}
	if (!insn_is_exit(last) && last->code != (CLS_JMP | JMP_JA) &&
	    last->code != (CLS_JMP32 | JMP_JA))
		return v_refuse(v, -EINVAL, WHY_CFG, "last insn is not an exit or jmp");
	return 0;
}

int subprogs_check(struct verify *v)
{
	for (u32 i = 0; i < v->n_subprogs; i++) {
		int err = subprog_check(v, i);

		if (err)
			return err;
	}
	return 0;
}
