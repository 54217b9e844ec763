/* SPDX-License-Identifier: BSD-2-Clause */
/* verify/btfinfo.c - func_info and line_info: do they describe this program?
 *
 * func_info has one record a function, in order, line_info at least one where each function begins.
 * Both arrive as arrays of the sizes that Linux 6.18 knows; records of other sizes are the loader's.
 * Kernel 6.18: check_btf_info_early(), check_btf_info().
 */
#include "verify/subprog.h"
#include "abi/uapi.h"
#include <errno.h>
#include <limits.h>

/* Functions that BTF does not describe may not return to the kernel from within. */
static int abnormal_return_check(struct verify *v)
{
	for (u32 i = 1; i < v->n_subprogs; i++) {
		if (v->subprogs[i].has_ld_abs)
			return v_refuse(v, -EINVAL, WHY_BTF,
					"LD_ABS is not allowed in subprogs without BTF");
		if (v->subprogs[i].has_tail_call)
			return v_refuse(v, -EINVAL, WHY_BTF,
					"tail_call is not allowed in subprogs without BTF");
	}
	return 0;
}

int btf_info_early(struct verify *v)
{
	const struct verify_prog *p = v->prog;
	u32 prev = 0;

	if (!p->n_func_info && !p->n_line_info)
		return 0;
	if (!p->btf)
		return -EBADF;
	for (u32 i = 0; i < p->n_func_info; i++) {
		u32 off = p->func_info[i].insn_off, id = p->func_info[i].type_id;
		const struct btf_type *t = btf_type(p->btf, id);

		if (!i && off)
			return v_refuse_open(v, -EINVAL, WHY_BTF, "nonzero insn_off %u for the first "
					     "func info record", off);
		if (i && off <= prev)
			return v_refuse_open(v, -EINVAL, WHY_BTF, "same or smaller insn offset (%u) "
					     "than previous func info record (%u)", off, prev);
		if (btf_kind(t) != BTF_FUNC)
			return v_refuse_open(v, -EINVAL, WHY_BTF, "invalid type id %d in func info",
					     (s32)id);
		if (btf_kind(btf_type(p->btf, t->type)) != BTF_FUNC_PROTO)
			return -EINVAL;
		prev = off;
	}
	return 0;
}

/* Returns the function a number that fits r0, as a tail call or LD_ABS in it would? */
static bool returns_scalar(const struct btf *btf, const struct btf_type *proto)
{
	const struct btf_type *t = btf_resolve(btf, proto->type);

	return (btf_kind(t) == BTF_INT && t->size <= sizeof(u64)) || btf_is_enum(t);
}

/* check_btf_func(). */
static int funcs_check(struct verify *v)
{
	const struct verify_prog *p = v->prog;

	if (!p->n_func_info)
		return abnormal_return_check(v);
	if (p->n_func_info != v->n_subprogs)
		return v_refuse(v, -EINVAL, WHY_BTF,
				"number of funcs in func_info doesn't match number of subprogs");
	for (u32 i = 0; i < p->n_func_info; i++) {
		const struct btf_type *t = btf_type(p->btf, p->func_info[i].type_id);
		struct subprog *s = &v->subprogs[i];
		bool scalar = returns_scalar(p->btf, btf_type(p->btf, t->type));

		if (s->start != p->func_info[i].insn_off)
			return v_refuse(v, -EINVAL, WHY_BTF, "func_info BTF section doesn't match "
					"subprog layout in BPF program");
		if (i && !scalar && s->has_ld_abs)
			return v_refuse(v, -EINVAL, WHY_BTF,
					"LD_ABS is only allowed in functions that return 'int'.");
		if (i && !scalar && s->has_tail_call)
			return v_refuse(v, -EINVAL, WHY_BTF,
					"tail_call is only allowed in functions that return 'int'.");
		s->is_global = btf_func_linkage(t) == BTF_GLOBAL;
		s->name = btf_str(p->btf, t->name_off);
	}
	return 0;
}

/* Bytes of the string section: btf_str() does not tell an empty string from an offset past the end. */
static u32 btf_strings_size(const struct btf *btf)
{
	enum { STR_LEN_AT = 20 }; /* in struct btf_header */
	u32 size;
	const u8 *raw = btf_raw(btf, &size);
	u32 len = 0;

	if (size >= STR_LEN_AT + sizeof(len))
		__builtin_memcpy(&len, raw + STR_LEN_AT, sizeof(len));
	return len;
}

/* One record of line_info; *next is the function whose beginning was not yet seen. */
static int line_check(struct verify *v, u32 i, u32 prev_off, u32 strings, u32 *next)
{
	const struct bpf_line_info *l = &v->prog->line_info[i];
	struct subprog *s = &v->subprogs[*next];

	if ((i && l->insn_off <= prev_off) || l->insn_off >= v->n_insns)
		return v_refuse(v, -EINVAL, WHY_BTF,
				"Invalid line_info[%u].insn_off:%u (prev_offset:%u prog->len:%u)",
				i, l->insn_off, prev_off, v->n_insns);
	if (!v->insns[l->insn_off].code)
		return v_refuse(v, -EINVAL, WHY_BTF, "Invalid insn code at line_info[%u].insn_off", i);
	if (l->line_off >= strings || l->file_name_off >= strings)
		return v_refuse(v, -EINVAL, WHY_BTF,
				"Invalid line_info[%u].line_off or .file_name_off", i);
	if (*next == v->n_subprogs)
		return 0;
	if (l->insn_off == s->start) {
		s->line_idx = i;
		++*next;
	} else if (s->start < l->insn_off) {
		return v_refuse(v, -EINVAL, WHY_BTF, "missing bpf_line_info for func#%u", *next);
	}
	return 0;
}

/* check_btf_line(). */
static int lines_check(struct verify *v)
{
	const struct verify_prog *p = v->prog;
	u32 strings, prev = 0, next = 0;

	if (!p->n_line_info)
		return 0;
	if (p->n_line_info > INT_MAX / sizeof(struct bpf_line_info))
		return -EINVAL;
	strings = btf_strings_size(p->btf);
	for (u32 i = 0; i < p->n_line_info; i++) {
		int err = line_check(v, i, prev, strings, &next);

		if (err)
			return err;
		prev = p->line_info[i].insn_off;
	}
	if (next != v->n_subprogs)
		return v_refuse(v, -EINVAL, WHY_BTF,
				"missing bpf_line_info for %u funcs starting from func#%u",
				v->n_subprogs - next, next);
	return 0;
}

int btf_info_check(struct verify *v)
{
	int err = funcs_check(v);

	return err ? err : lines_check(v);
}
