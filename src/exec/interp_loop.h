/* SPDX-License-Identifier: BSD-2-Clause */
/* exec/interp_loop.h - the body of the interpreter, included by interp.c once per mode.
 *
 * LOOP_NAME is the function, LOOP_CHECKED says whether loads, stores and calls are checked.  i is
 * the insn being run, r its frame's registers.  `line` is where the present straight line began: its
 * length is taken off the step budget when a jump leaves it, so an insn costs nothing by itself.
 * The step hook is a second dispatch table, in which every code leads to the hook.
 */

#define DST r[i->dst]
#define SRC r[i->src]
#define IMM ((u64)(s64)i->imm)
#define DISPATCH goto *dispatch[i->code]
#define NEXT   \
	do {   \
		i++; \
		DISPATCH; \
	} while (0)
/* Leaves the straight line that ends with i and goes on at target. */
#define GO(target)                                  \
	do {                                        \
		left -= i - line + 1;               \
		i = line = (target);                \
		if (unlikely(left < 0))             \
			goto out_of_time;           \
		DISPATCH;                           \
	} while (0)
#define CHECK_ACCESS(addr, size, write)                                                         \
	do {                                                                                    \
		if (LOOP_CHECKED &&                                                             \
		    !access_ok(env, stack_low, stack_size, (addr), (size), (write)))            \
			goto fail;                                                              \
	} while (0)

u64 LOOP_NAME(struct run *run, const struct exec_prog *prog, u32 pc, const u64 args[5])
{
	static const void *const real[256] = {
		[0 ... 255] = &&bad_insn,
#define ALU(name, code, ...)                             \
		[CLS_ALU64 | SRC_K | code] = &&a64k_##name, \
		[CLS_ALU64 | SRC_X | code] = &&a64x_##name, \
		[CLS_ALU | SRC_K | code] = &&a32k_##name,   \
		[CLS_ALU | SRC_X | code] = &&a32x_##name,
#include "isa/alu.def"
#undef ALU
#define JMP(name, code, ...)                            \
		[CLS_JMP | SRC_K | code] = &&j64k_##name,  \
		[CLS_JMP | SRC_X | code] = &&j64x_##name,  \
		[CLS_JMP32 | SRC_K | code] = &&j32k_##name, \
		[CLS_JMP32 | SRC_X | code] = &&j32x_##name,
#include "isa/jmp.def"
#undef JMP
		[CLS_JMP | JMP_JA] = &&ja_off,
		[CLS_JMP32 | JMP_JA] = &&ja_imm,
		[CLS_JMP | JMP_CALL] = &&call,
		[CLS_JMP | JMP_EXIT] = &&exit,
		[CLS_JMP | JMP_JCOND] = &&may_goto,
		[CLS_ALU | SRC_K | ALU_END] = &&to_le,
		[CLS_ALU | SRC_X | ALU_END] = &&to_be,
		[CLS_ALU64 | SRC_K | ALU_END] = &&swap,
		[CLS_LD | MODE_IMM | SZ_DW] = &&wide,
#define MEM(bits, size)                                          \
		[CLS_LDX | MODE_MEM | size] = &&load##bits,      \
		[CLS_ST | MODE_MEM | size] = &&store_imm##bits,  \
		[CLS_STX | MODE_MEM | size] = &&store##bits,
		MEM(8, SZ_B) MEM(16, SZ_H) MEM(32, SZ_W) MEM(64, SZ_DW)
#undef MEM
		[CLS_LDX | MODE_MEMSX | SZ_B] = &&load_signed8,
		[CLS_LDX | MODE_MEMSX | SZ_H] = &&load_signed16,
		[CLS_LDX | MODE_MEMSX | SZ_W] = &&load_signed32,
		[CLS_LDX | MODE_PROBE | SZ_B] = &&probe,
		[CLS_LDX | MODE_PROBE | SZ_H] = &&probe,
		[CLS_LDX | MODE_PROBE | SZ_W] = &&probe,
		[CLS_LDX | MODE_PROBE | SZ_DW] = &&probe,
		[CLS_LDX | MODE_PROBESX | SZ_B] = &&probe,
		[CLS_LDX | MODE_PROBESX | SZ_H] = &&probe,
		[CLS_LDX | MODE_PROBESX | SZ_W] = &&probe,
		[CLS_STX | MODE_ATOMIC | SZ_B] = &&atomic,
		[CLS_STX | MODE_ATOMIC | SZ_H] = &&atomic,
		[CLS_STX | MODE_ATOMIC | SZ_W] = &&atomic,
		[CLS_STX | MODE_ATOMIC | SZ_DW] = &&atomic,
		[CLS_LD | MODE_ABS | SZ_B] = &&packet,
		[CLS_LD | MODE_ABS | SZ_H] = &&packet,
		[CLS_LD | MODE_ABS | SZ_W] = &&packet,
		[CLS_LD | MODE_IND | SZ_B] = &&packet,
		[CLS_LD | MODE_IND | SZ_H] = &&packet,
		[CLS_LD | MODE_IND | SZ_W] = &&packet,
	};
	static const void *const stepped[256] = { [0 ... 255] = &&step };
	struct exec_env *env = run->env;
	const void *const *dispatch = env->step ? stepped : real;
	const struct insn *i = prog->insns + pc, *line = i, *back = NULL;
	const u32 first_depth = env->depth;
	s64 left = run->steps_left;
	u64 stack_low, stack_size;
	struct run_frame *f;
	helper_fn fn;
	u64 r[16];

	mem_zero(r, sizeof(r));
	mem_copy(&r[1], args, 5 * sizeof(r[1]));

enter: /* a new frame for the function at i, which will return to back */
	if (env->depth >= EXEC_FRAMES_MAX) {
		i = back ? back - 1 : i;
		run_fail(env, -ELOOP);
		goto fail;
	}
	if (unlikely(left < 0)) /* a loop of callbacks that are straight lines */
		goto out_of_time;
	f = &run->frames[env->depth++];
	f->prog = prog;
	f->back = back;
	mem_copy(f->saved, &r[6], sizeof(f->saved));
	f->may_goto_left = EXEC_MAY_GOTO_MAX;
	stack_size = (u64)env->depth * EXEC_STACK_BYTES;
	stack_low = (u64)run->stack + EXEC_STACK_ALL - stack_size;
	r[REG_FP] = stack_low + EXEC_STACK_BYTES;
	if (LOOP_CHECKED && env->depth > run->zeroed) {
		mem_zero((void *)stack_low, EXEC_STACK_BYTES);
		run->zeroed = env->depth;
	}
	DISPATCH;

step:
	env->step(env, prog, (u32)(i - prog->insns), r);
	goto *real[i->code];

	/* ---- arithmetic and jumps, from the tables ---- */
#define ALU(name, code, ...)                                             \
a64k_##name:                                                             \
	DST = op_alu64(code, i->off, DST, IMM);                          \
	NEXT;                                                            \
a32k_##name:                                                             \
	DST = op_alu32(code, i->off, DST, IMM);                          \
	NEXT;                                                            \
a32x_##name:                                                             \
	DST = op_alu32(code, i->off, DST, SRC);                          \
	NEXT;                                                            \
a64x_##name:                                                             \
	if (code == ALU_MOV && unlikely(i->off == 1))                    \
		goto addr_cast;                                          \
	DST = op_alu64(code, i->off, DST, SRC);                          \
	NEXT;
#include "isa/alu.def"
#undef ALU
#define JMP(name, code, ...)                                             \
j64k_##name:                                                             \
	if (op_jmp64(code, DST, IMM))                                    \
		GO(i + 1 + i->off);                                      \
	NEXT;                                                            \
j64x_##name:                                                             \
	if (op_jmp64(code, DST, SRC))                                    \
		GO(i + 1 + i->off);                                      \
	NEXT;                                                            \
j32k_##name:                                                             \
	if (op_jmp32(code, DST, IMM))                                    \
		GO(i + 1 + i->off);                                      \
	NEXT;                                                            \
j32x_##name:                                                             \
	if (op_jmp32(code, DST, SRC))                                    \
		GO(i + 1 + i->off);                                      \
	NEXT;
#include "isa/jmp.def"
#undef JMP
ja_off:
	GO(i + 1 + i->off);
ja_imm:
	GO(i + 1 + i->imm);
may_goto:
	if (!f->may_goto_left)
		GO(i + 1 + i->off);
	f->may_goto_left--;
	NEXT;
to_le:
	DST = op_end(false, DST, i->imm);
	NEXT;
to_be:
	DST = op_end(true, DST, i->imm);
	NEXT;
swap:
	DST = op_swap(DST, i->imm);
	NEXT;
addr_cast: /* both directions: the program sees the arena at one address */
	DST = (u32)SRC ? env->arena_base | (u32)SRC : 0;
	NEXT;
wide:
	if (i->src == PSEUDO_FUNC)
		DST = exec_func_value((u32)(i - prog->insns + 1 + i->imm));
	else
		DST = insn_imm64(i);
	i += 2;
	DISPATCH;

	/* ---- memory ---- */
#define MEM_GET(bits, addr) mem_get##bits((const void *)(addr))
#define MEM_PUT(bits, addr, v) mem_put##bits((void *)(addr), (u##bits)(v))
#define mem_get8(p) (*(const u8 *)(p))
#define mem_put8(p, v) (*(u8 *)(p) = (v))
#define MEM(bits)                                                        \
load##bits : {                                                           \
	u64 addr = SRC + (u64)(s64)i->off;                               \
	CHECK_ACCESS(addr, bits / 8, false);                             \
	DST = MEM_GET(bits, addr);                                       \
	NEXT;                                                            \
}                                                                        \
store##bits : {                                                          \
	u64 addr = DST + (u64)(s64)i->off;                               \
	CHECK_ACCESS(addr, bits / 8, true);                              \
	MEM_PUT(bits, addr, SRC);                                        \
	NEXT;                                                            \
}                                                                        \
store_imm##bits : {                                                      \
	u64 addr = DST + (u64)(s64)i->off;                               \
	CHECK_ACCESS(addr, bits / 8, true);                              \
	MEM_PUT(bits, addr, IMM);                                        \
	NEXT;                                                            \
}
	MEM(8) MEM(16) MEM(32) MEM(64)
#undef MEM
#define MEM_SIGNED(bits)                                                 \
load_signed##bits : {                                                    \
	u64 addr = SRC + (u64)(s64)i->off;                               \
	CHECK_ACCESS(addr, bits / 8, false);                             \
	DST = (u64)(s64)(s##bits)MEM_GET(bits, addr);                    \
	NEXT;                                                            \
}
	MEM_SIGNED(8) MEM_SIGNED(16) MEM_SIGNED(32)
#undef MEM_SIGNED
#undef mem_get8
#undef mem_put8
#undef MEM_GET
#undef MEM_PUT
probe:
	DST = run_probe(env, SRC + (u64)(s64)i->off, insn_size_bytes(i->code),
			INSN_MODE(i->code) == MODE_PROBESX);
	NEXT;
atomic: {
	u32 size = insn_size_bytes(i->code);
	bool is_load = i->imm == ATOMIC_LOAD_ACQ;
	u64 addr = (is_load ? SRC : DST) + (u64)(s64)i->off;

	CHECK_ACCESS(addr, size, !is_load);
	if (LOOP_CHECKED && addr % size) { /* a split lock may be fatal to the process */
		env->error_addr = addr;
		run_fail(env, -EFAULT);
		goto fail;
	}
	if (is_load)
		DST = load_acquire(addr, size);
	else if (i->imm == ATOMIC_STORE_REL)
		store_release(addr, size, SRC);
	else if (size == 8 ? !atomic64(i->imm, addr, &SRC, &r[0])
			   : size != 4 || !atomic32(i->imm, addr, &SRC, &r[0]))
		goto bad_insn;
	NEXT;
}
packet: {
	u32 off = (u32)i->imm + (INSN_MODE(i->code) == MODE_IND ? (u32)SRC : 0), value = 0;

	if (env->packet_load && !env->packet_load(env, (s32)off, insn_size_bytes(i->code), &value)) {
		r[0] = value;
		NEXT;
	}
	r[0] = 0; /* past the packet's end: the program returns 0 */
	goto exit;
}

	/* ---- calls ---- */
call:
	if (i->src == CALL_SUBPROG) {
		left -= i - line + 1;
		if (unlikely(left < 0))
			goto out_of_time;
		back = i + 1;
		i = line = back + i->imm;
		goto enter;
	}
	env->error_pc = (u32)(i - prog->insns);
	if (LOOP_CHECKED && !call_ok(env, i, r))
		goto fail;
	run->prog = prog;
	run->steps_left = left;
	if (i->src == CALL_HELPER && i->imm == HELPER_tail_call) {
		const struct exec_prog *next = tail_call(env, r, &r[0]);

		if (unlikely(env->error))
			goto ended;
		if (!next)
			NEXT;
		prog = f->prog = next;
		f->may_goto_left = EXEC_MAY_GOTO_MAX;
		env->hit[0].size = env->hit[1].size = 0;
		GO(next->insns);
	}
	fn = call_target(prog, i);
	if (unlikely(!fn)) {
		run_fail(env, -ENOSYS);
		goto fail;
	}
	r[0] = fn(r[1], r[2], r[3], r[4], r[5], env);
	left = run->steps_left;
	if (LOOP_CHECKED && env->packet) /* the call may have moved it */
		env->hit[0].size = env->hit[1].size = 0;
	if (unlikely(env->error))
		goto ended;
	NEXT;
exit:
	left -= i - line + 1;
	back = f->back;
	env->depth--;
	if (env->depth == first_depth) {
		run->steps_left = left;
		return r[0];
	}
	mem_copy(&r[6], f->saved, sizeof(f->saved));
	f--;
	prog = f->prog;
	stack_size -= EXEC_STACK_BYTES;
	stack_low += EXEC_STACK_BYTES;
	r[REG_FP] += EXEC_STACK_BYTES;
	i = line = back;
	if (unlikely(left < 0))
		goto out_of_time;
	DISPATCH;

	/* ---- ends before time ---- */
bad_insn:
	run_fail(env, -EINVAL);
	goto fail;
out_of_time:
	run_fail(env, -ETIME);
fail:
	env->error_pc = (u32)(i - prog->insns);
ended:
	env->depth = first_depth;
	return 0;
}

#undef DST
#undef SRC
#undef IMM
#undef DISPATCH
#undef NEXT
#undef GO
#undef CHECK_ACCESS
