/* SPDX-License-Identifier: BSD-2-Clause */
/* verify/fixup.c - what the kernel finds only while it rewrites an accepted program.
 *
 * Nothing is rewritten here.  Insns that no path reached are gone by then, so only reached ones count.
 * Kernel 6.18: do_misc_fixups(), fixup_kfunc_call(), fixup_call_args().
 */
#include "verify/fixup.h"
#include "verify/call.h"
#include <errno.h>

static int no_jit(struct verify *v, const struct insn *i)
{
	if (v->k->jit)
		return 0;
	if (insn_is_call(i) && i->src == CALL_KFUNC)
		return v_refuse(v, -EINVAL, WHY_CALL,
				"calling kernel functions are not allowed in non-JITed programs");
	if (insn_is_wide(i) && i->src == PSEUDO_FUNC)
		return v_refuse(v, -EINVAL, WHY_CALL,
				"callbacks are not allowed in non-JITed programs");
	if (insn_is_call(i) && i->src == CALL_HELPER && i->imm == HELPER_tail_call &&
	    v->n_subprogs > 1)
		return v_refuse(v, -EINVAL, WHY_CALL, "tail_calls are not allowed in non-JITed "
						      "programs with bpf-to-bpf calls");
	return 0;
}

int fixup_check(struct verify *v)
{
	for (u32 pc = 0; pc < v->n_insns; pc++) {
		const struct insn *i = &v->insns[pc];
		const struct insn_aux *aux = &v->aux[pc];
		int err;

		if (!aux->seen)
			continue;
		v->pc = pc;
		if (insn_is_call(i) && i->src == CALL_KFUNC && !i->imm)
			return v_refuse(v, -EINVAL, WHY_CALL, "invalid kernel function call not "
							      "eliminated in verifier pass");
		if (insn_is_call(i) && i->src == CALL_HELPER && i->imm == HELPER_tail_call &&
		    aux->call_map_unpriv && aux->call_map_poison)
			return v_refuse(v, -EINVAL, WHY_CALL, "tail_call abusing map_ptr");
		err = no_jit(v, i);
		if (err)
			return err;
		if (insn_is_wide(i))
			pc++;
	}
	return 0;
}
