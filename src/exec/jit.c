/* SPDX-License-Identifier: BSD-2-Clause */
/* exec/jit.c - the compiler's driver: what functions need, addresses, memory.
 *
 * Jumps begin short and grow where they must, never back, so passes end; the last one changed
 * nothing and its code is the result.  Code lies in one mapping behind struct jit_code, near this
 * library's own text where there is room, so that helpers are in reach of a direct call.
 */
#include "exec/jit.h"
#include "base/sys.h"
#include "exec/jit_arch.h"
#include <errno.h>
#include <sys/mman.h>

enum {
	PAGE = 4096,
	NEAR = 64 << 20,      /* bytes that are left free below our text */
	NEAR_RANGE = 1 << 29, /* over which mappings are spread, so that most find their hint free */
	FUNC_ALIGN = 16,
	LOOP_ALIGN = 64,      /* a fetch window: a small loop then runs at a branch a cycle */
};

static void *pages_map(u64 near, u64 bytes)
{
	long p = sys_call6(SYS_mmap, (long)near, (long)bytes, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return p < 0 && p > -PAGE ? NULL : (void *)p;
}

static void pages_unmap(void *p, u64 bytes)
{
	if (bytes)
		sys_call2(SYS_munmap, p, bytes);
}

static bool is_tail_call(const struct insn *i)
{
	return insn_is_call(i) && i->src == CALL_HELPER && i->imm == HELPER_tail_call;
}

/* What insn pc asks of its function f. */
static void scan_insn(struct jit *j, struct jit_func *f, u32 pc)
{
	const struct insn *i = &j->prog->insns[pc];
	enum insn_class cls = INSN_CLASS(i->code);
	u32 target;

	f->saved |= (u8)((1u << i->dst | 1u << i->src) >> 6 & 15);
	f->uses_frame |= i->dst == REG_FP || i->src == REG_FP;
	f->calls |= insn_probes(i);
	if (insn_is_call(i)) {
		f->calls = true;
		if (i->src != CALL_SUBPROG)
			f->may_fail = true;
		if (is_tail_call(i))
			f->uses_frame = true;
		return;
	}
	if (cls == CLS_LD) {
		if (!insn_is_wide(i)) {
			f->calls = true;
		} else if (i->src == PSEUDO_FUNC) {
			j->has_callbacks = true;
			j->funcs[func_list_find(&j->list, pc + 1 + (u32)i->imm)].is_callback = true;
		}
		return;
	}
	if ((cls != CLS_JMP && cls != CLS_JMP32) || insn_is_exit(i))
		return;
	f->may_goto |= INSN_OP(i->code) == JMP_JCOND;
	target = pc + 1 + (u32)(i->code == (CLS_JMP32 | JMP_JA) ? i->imm : i->off);
	j->marks[target] |= AT_TARGET | (target <= pc ? AT_LOOP_HEAD : 0);
}

/* Spreads what a function needs to its callers; false when nothing is new. */
static bool spread(struct jit *j, u32 f)
{
	struct jit_func *caller = &j->funcs[f];
	bool new = false;

	for (u32 pc = j->list.start[f]; pc < j->list.start[f + 1]; pc++) {
		const struct insn *i = &j->prog->insns[pc];
		const struct jit_func *callee;

		if (!insn_is_subprog_call(i))
			continue;
		callee = &j->funcs[func_list_find(&j->list, pc + 1 + (u32)i->imm)];
		if (callee->depth >= caller->depth || callee->uses_frame > caller->uses_frame ||
		    callee->may_fail > caller->may_fail)
			new = true;
		caller->depth = MAX(caller->depth, callee->depth + 1);
		caller->uses_frame |= callee->uses_frame;
		caller->may_fail |= callee->may_fail;
	}
	return new;
}

static int analyse(struct jit *j)
{
	bool new = true;

	for (u32 f = 0; f < j->list.n; f++) {
		j->funcs[f].depth = 1;
		for (u32 pc = j->list.start[f]; pc < j->list.start[f + 1]; pc++) {
			const struct insn *i = &j->prog->insns[pc];

			scan_insn(j, &j->funcs[f], pc);
			if (insn_is_subprog_call(i) && pc + 1 + (u32)i->imm == 0)
				return -EINVAL;
			pc += insn_is_wide(i);
		}
	}
	if (j->funcs[0].is_callback)
		return -EINVAL;
	/* a callback's frame lies below that of whoever calls its helper */
	for (u32 f = 0; j->has_callbacks && f < j->list.n; f++)
		j->funcs[f].uses_frame |= j->funcs[f].calls;
	while (new) {
		new = false;
		for (u32 f = 0; f < j->list.n; f++) {
			new |= spread(j, f);
			if (j->funcs[f].depth > EXEC_FRAMES_MAX)
				return -ELOOP;
		}
	}
	return 0;
}

static void place(struct jit *j, u32 *at)
{
	u32 here = emit_at(&j->e);

	if (*at != here)
		j->changed = true;
	*at = here;
}

static void emit_func(struct jit *j, u32 f)
{
	struct jit_func *fn = &j->funcs[f];

	jit_arch_align(j, FUNC_ALIGN);
	place(j, &fn->at);
	jit_arch_prologue(j, f);
	for (u32 pc = j->list.start[f]; pc < j->list.start[f + 1];) {
		if (j->marks[pc] & AT_LOOP_HEAD)
			jit_arch_align(j, LOOP_ALIGN);
		place(j, &j->at[pc]);
		pc += jit_arch_insn(j, f, pc);
	}
	if (fn->fail_used) {
		place(j, &fn->fail_at);
		jit_arch_end(j, f);
	}
}

static void emit_all(struct jit *j)
{
	struct jit_code *code = j->code;
	u32 n = 0;

	j->e.p = j->e.start;
	code->entry = (helper_fn)j->e.p;
	jit_arch_stub(j, 0);
	for (u32 f = 1; f < j->list.n; f++) {
		if (!j->funcs[f].is_callback)
			continue;
		jit_arch_align(j, FUNC_ALIGN);
		code->callbacks[n++] = (struct jit_callback){ j->list.start[f], j->funcs[f].depth,
							      (helper_fn)j->e.p };
		jit_arch_stub(j, f);
	}
	for (u32 f = 0; f < j->list.n; f++)
		emit_func(j, f);
}

/* The program in a fresh mapping of map_bytes, text from text_off on. */
static int compile(struct jit *j, u32 text_off, u64 map_bytes)
{
	struct jit_code *code = j->code;

	code->map_bytes = map_bytes;
	code->text = j->e.start = (u8 *)code + text_off;
	j->e.end = (u8 *)code + map_bytes;
	for (u32 f = 0; f < j->list.n; f++)
		code->n_callbacks += j->funcs[f].is_callback;
	j->first_pass = true;
	do {
		j->changed = false;
		emit_all(j);
		j->first_pass = false;
	} while (j->changed);
	if (j->e.p > j->e.end)
		return -ENOMEM;
	code->text_bytes = emit_at(&j->e);
	code->depth = j->funcs[0].depth;
	code->body = code->text + j->funcs[0].at;
	code->map_bytes = ALIGN_UP(text_off + (u64)code->text_bytes, PAGE);
	pages_unmap((u8 *)code + code->map_bytes, map_bytes - code->map_bytes);
	return (int)sys_call3(SYS_mprotect, code, code->map_bytes, PROT_READ | PROT_EXEC);
}

/* Where the code of a program had best lie: below our text, in reach of a direct call. */
static u64 near_text(const struct exec_prog *prog, u64 map_bytes)
{
	u64 spread = ((u64)prog->insns >> 4) * 0x9e3779b97f4a7c15 >> 32;

	return ((u64)jit_compile & ~(u64)(PAGE - 1)) - NEAR - map_bytes - spread % NEAR_RANGE / PAGE * PAGE;
}

int jit_compile(const struct exec_prog *prog, struct jit_code **out)
{
	u64 n = prog->n_insns, scratch_bytes = ALIGN_UP(sizeof(struct jit) + n * 5, PAGE), map_bytes;
	struct jit *j = pages_map(0, scratch_bytes);
	u32 text_off;
	int err;

	if (!j)
		return -ENOMEM;
	j->prog = prog;
	j->at = (u32 *)(j + 1);
	j->marks = (u8 *)(j->at + n);
	func_list_make(prog->insns, prog->n_insns, &j->list);
	err = jit_arch_begin(j) ? analyse(j) : -ENOTSUP;
	if (err)
		goto out;
	text_off = ALIGN_UP((u32)(sizeof(*j->code) + j->list.n * sizeof(struct jit_callback)), 64u);
	map_bytes = text_off + n * JIT_INSN_BYTES_MAX;
	map_bytes += (u64)j->list.n * (JIT_FUNC_BYTES_MAX + JIT_STUB_BYTES_MAX);
	map_bytes = ALIGN_UP(map_bytes, PAGE);
	j->code = pages_map(near_text(prog, map_bytes), map_bytes);
	err = j->code ? compile(j, text_off, map_bytes) : -ENOMEM;
	if (err && j->code)
		pages_unmap(j->code, j->code->map_bytes);
	if (!err)
		*out = j->code;
out:
	pages_unmap(j, scratch_bytes);
	return err;
}

void jit_free(struct jit_code *code)
{
	if (code)
		pages_unmap(code, code->map_bytes);
}

const void *jit_text(const struct jit_code *code, u32 *size_bytes)
{
	*size_bytes = code->text_bytes;
	return code->text;
}
