/* SPDX-License-Identifier: BSD-2-Clause */
/* load/tree.c - a prologue that lets a program run only for tasks of a process tree.
 *
 *	r6 = r1
 *	r1 = LEVEL
 *	call get_current_ancestor_cgroup_id
 *	r1 = ID ll
 *	if r0 == r1 goto +2
 *	r0 = 0
 *	exit
 *	r1 = r6
 *
 * The tree has a cgroup v2 of its own.  r6 is free at a program's start, r2 to r5 hold nothing yet.
 */
#include "abi/helper.h"
#include "load/priv.h"
#include <errno.h>

/* Types that run in the context of the task that caused them and may call the helper. */
static bool type_has_task(u32 type)
{
	switch (type) {
	case BPF_PROG_TYPE_KPROBE: case BPF_PROG_TYPE_TRACEPOINT: case BPF_PROG_TYPE_PERF_EVENT:
	case BPF_PROG_TYPE_RAW_TRACEPOINT: case BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE:
	case BPF_PROG_TYPE_TRACING: case BPF_PROG_TYPE_LSM:
		return true;
	default:
		return false;
	}
}

int tree_prologue(struct load *l, const struct prog *p, struct insn *out, u32 max, struct diag *dg)
{
	u64 id;
	u32 level;
	int err = l->e->ops->target_tree ? l->e->ops->target_tree(l->e, &id, &level) : -ENOTSUP;

	if (err == -ENOTSUP)
		return 0; /* the engine limits by itself */
	if (err)
		return diag_error(dg, func_place(l, p->func), err,
				  "there is no process tree to limit to");
	if (!type_has_task(p->pub.type) || p->pub.attach_type == BPF_TRACE_ITER)
		return diag_error(
			dg, func_place(l, p->func), -ENOTSUP,
			"program '%s' can't be limited to a process tree: a %s program does not "
			"run for a task, or can't ask which",
			p->pub.fn->name, prog_type_text(p->pub.type));

	const struct insn prologue[] = {
		{ .code = CLS_ALU64 | SRC_X | ALU_MOV, .dst = 6, .src = 1 },
		{ .code = CLS_ALU64 | SRC_K | ALU_MOV, .dst = 1, .imm = (s32)level },
		{ .code = CLS_JMP | JMP_CALL, .imm = HELPER_get_current_ancestor_cgroup_id },
		{ .code = CLS_LD | MODE_IMM | SZ_DW, .dst = 1, .imm = (s32)id },
		{ .imm = (s32)(id >> 32) },
		{ .code = CLS_JMP | SRC_X | JMP_JEQ, .dst = 0, .src = 1, .off = 2 },
		{ .code = CLS_ALU64 | SRC_K | ALU_MOV, .dst = 0 },
		{ .code = CLS_JMP | JMP_EXIT },
		{ .code = CLS_ALU64 | SRC_X | ALU_MOV, .dst = 1, .src = 6 },
	};

	if (max < ARRAY_SIZE(prologue))
		return -E2BIG;
	for (u32 i = 0; i < ARRAY_SIZE(prologue); i++)
		out[i] = prologue[i];
	return ARRAY_SIZE(prologue);
}
