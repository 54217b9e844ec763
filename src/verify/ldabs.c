/* SPDX-License-Identifier: BSD-2-Clause */
/* verify/ldabs.c - the old packet loads, LD_ABS and LD_IND: r0 = packet[imm + src], the context in
 * r6.
 *
 * Where the packet is too short they end the function with r0 = 0, so nothing may be held there.
 * Kernel 6.18: check_ld_abs().
 */
#include "verify/call.h"
#include "verify/live.h"
#include "verify/log.h"
#include "verify/mem.h"
#include "verify/walk.h"
#include <errno.h>

enum { CTX_REG = 6, N_CALLER_SAVED = 6 };

static int refuse_place(struct verify *v)
{
	u32 type = v_type(v);

	if (type != BPF_PROG_TYPE_SOCKET_FILTER && type != BPF_PROG_TYPE_SCHED_CLS &&
	    type != BPF_PROG_TYPE_SCHED_ACT)
		return v_refuse(v, -EINVAL, WHY_PERM,
				"BPF_LD_[ABS|IND] instructions not allowed for this program type");
	for (u32 i = v->cur->curframe; i; i--)
		if (v->cur->frame[i]->in_callback)
			return v_refuse(v, -EINVAL, WHY_PERM,
					"cannot use BPF_LD_[ABS|IND] within callback");
	return 0;
}

/* The function's hidden end is a path of its own: this one leaves the function with 0, and the
 * other goes on behind the insn. */
static int hidden_exit(struct verify *v)
{
	u32 pc = v->pc;
	int err;

	log_changed_reg(v, 0);
	if (!path_push(v, pc + 1, pc, false))
		return path_error(v);
	reg_known_zero_at(v, v_regs(v), 0);
	err = live_update(v);
	if (!err)
		err = call_return(v, &pc);
	v->pc = pc - 1; /* the walk steps behind it */
	return err;
}

int mem_ld_abs(struct verify *v, struct insn *i)
{
	bool indirect = INSN_MODE(i->code) == MODE_IND;
	struct reg *regs = v_regs(v);
	int err = refuse_place(v);

	if (err)
		return err;
	if (i->dst || i->off || INSN_SIZE(i->code) == SZ_DW || (!indirect && i->src))
		return v_refuse(v, -EINVAL, WHY_STRUCTURE, "BPF_LD_[ABS|IND] uses reserved fields");
	err = reg_use(v, CTX_REG, USE_SRC);
	if (!err)
		err = call_leak_check(v, false, true, "BPF_LD_[ABS|IND]");
	if (err)
		return err;
	if (regs[CTX_REG].type != PTR_CTX)
		return v_refuse_reg(v, -EINVAL, WHY_TYPE, CTX_REG,
				    "at the time of BPF_LD_ABS|IND R6 != pointer to skb");
	if (indirect)
		err = reg_use(v, i->src, USE_SRC);
	if (!err)
		err = mem_ptr_off(v, &regs[CTX_REG], CTX_REG);
	if (err)
		return err;
	for (u32 r = 0; r < N_CALLER_SAVED; r++) {
		reg_not_init_at(v, regs, r);
		reg_use(v, r, USE_DST_NO_MARK);
	}
	reg_unknown_at(v, regs, 0);
	regs[0].subreg_def = (s32)v->pc + 1; /* at most 32 bits are loaded */
	return v->cur->curframe ? hidden_exit(v) : 0;
}
