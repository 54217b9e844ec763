/* SPDX-License-Identifier: BSD-2-Clause */
/* engine/user/prog_verify.c - the verifier's verdict on a program, and what it means for its run.
 *
 * The program is judged as the client gave it, by Linux 6.18's rules with Osmia's own types.  What the
 * kernel would do with an accepted one is done here: insns that no path reaches are taken out, loads
 * through pointers to kernel structs are marked as such that may fault.  Then what is left must be
 * what this engine has.
 */
#include "engine/user/command.h"
#include "engine/user/verdict.h"
#include "exec/exec.h"
#include "helper/helper.h"
#include "isa/check.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The next insn from *pc on that has an index into fd_array. */
static const struct insn *next_indexed(const struct prog_object *p, u32 *pc)
{
	for (; *pc < p->n_insns; ++*pc) {
		const struct insn *i = &p->insns[*pc];

		if (insn_is_wide(i) && (i->src == PSEUDO_MAP_IDX || i->src == PSEUDO_MAP_IDX_VALUE))
			return i;
		if (insn_is_call(i) && i->src == CALL_KFUNC && i->off > 0)
			return i;
	}
	return NULL;
}

/* As much of the client's fd_array as the insns use, or its count says. */
static int copy_fd_array(struct prog_load *l)
{
	const union bpf_attr *attr = l->attr;
	u32 need = attr->fd_array_cnt, pc = 0;
	const struct insn *i;

	if (!attr->fd_array)
		return 0;
	for (; (i = next_indexed(l->prog, &pc)); pc++) {
		u32 index = insn_is_call(i) ? (u32)i->off : (u32)i->imm;

		need = MAX(need, index < UINT32_MAX ? index + 1 : index);
	}
	if (need > INT32_MAX / sizeof(*l->fds))
		return -EFAULT;
	l->fds = calloc(MAX(need, 1u), sizeof(*l->fds));
	if (!l->fds)
		return -ENOMEM;
	l->n_fds = need;
	return client_read(l->fds, attr->fd_array, (u64)need * sizeof(*l->fds));
}

/* A frozen map's value is a constant, unless its maker is another process, which may change it. */
static const struct verify_map *host_map(void *arg, s32 fd)
{
	struct prog_load *l = arg;
	struct map_info info;
	struct map_object *m;
	struct object *o;

	if (session_by_fd(l->s, fd, OBJECT_MAP, &o))
		return NULL;
	m = map_of(o);
	map_info(m->map, &info);
	m->vm.frozen = info.frozen && !m->foreign;
	m->vm.value = NULL;
	if (m->vm.frozen && m->attr.type == BPF_MAP_TYPE_ARRAY)
		m->vm.value = map_first_value(m->map);
	return &m->vm;
}

static const struct btf *host_btf(void *arg, s32 fd, bool *module)
{
	struct prog_load *l = arg;
	struct object *o;

	*module = false;
	if (!fd)
		return l->s->target_btf;
	return session_by_fd(l->s, fd, OBJECT_BTF, &o) ? NULL : btf_of(o)->btf;
}

int prog_verify(struct prog_load *l)
{
	const struct prog_object *p = l->prog;
	const struct profile *k = session_profile(l->s);
	u32 log_max = l->attr->log_level & LOG_FIXED ? 0 : l->attr->log_size;
	const struct verify_opts o = { .log_level = l->attr->log_level & ~(u32)LOG_FIXED,
				       .log_max = log_max > 1 ? log_max - 1 : log_max };
	struct verify_prog vp = {
		.insns = p->insns,
		.n_insns = p->n_insns,
		.type = p->type,
		.attach_type = p->attach_type,
		.flags = p->flags,
		.name = p->name,
		.gpl = p->gpl,
		.attach_btf_id = p->attach_btf_id,
		.btf = p->btf ? p->btf->btf : NULL,
		.func_info = p->func_info,
		.n_func_info = p->n_func_info,
		.line_info = p->line_info,
		.n_line_info = p->n_line_info,
		.host = { .arg = l, .map = host_map, .btf = host_btf },
	};
	int err = k ? copy_fd_array(l) : -ENOMEM;

	if (err)
		return err;
	vp.fd_array = l->fds;
	vp.n_fd_array = l->n_fds;
	return verify(&vp, k, &o, &l->verdict);
}

/* ---- what an accepted program becomes ---- */

/* Dead insns end the program: nothing else about them matters.  Kernel opt_remove_dead_code(). */
static void drop_dead(struct prog_object *p, const u8 *bits)
{
	for (u32 pc = 0; pc < p->n_insns; pc++)
		if (!(bits[pc] & INSN_REACHED))
			p->run[pc] = (struct insn){ .code = CLS_JMP | JMP_EXIT };
}

/* Loads become probing ones; what else is done to a kernel struct can't be done to its copies here. */
static int mark_probes(struct prog_load *l, const u8 *bits)
{
	struct prog_object *p = l->prog;

	for (u32 pc = 0; pc < p->n_insns; pc++) {
		struct insn *i = &p->run[pc];
		u8 mode = INSN_MODE(i->code);

		if (!(bits[pc] & INSN_REACHED) || !(bits[pc] & (INSN_PROBES | INSN_BTF)))
			continue;
		if (INSN_CLASS(i->code) != CLS_LDX)
			return prog_refuse(l, pc, -EOPNOTSUPP,
					   "writing to kernel structs is not possible in the user engine");
		i->code = (u8)((i->code & ~0xe0) | (mode == MODE_MEMSX ? MODE_PROBESX : MODE_PROBE));
	}
	return 0;
}

/* Helpers of the kernel that this engine has not, arenas, buffers of writable tracepoints. */
static int refuse_absent(struct prog_load *l, const u8 *bits)
{
	const struct prog_object *p = l->prog;

	for (u32 pc = 0; pc < p->n_insns; pc++) {
		const struct insn *i = &p->run[pc];
		u32 id = (u32)i->imm;

		if (bits[pc] & INSN_REACHED && bits[pc] & INSN_ARENA)
			return prog_refuse(l, pc, -EOPNOTSUPP, "the user engine has no arenas");
		if (!insn_is_call(i) || i->src == CALL_SUBPROG)
			continue;
		if (i->src == CALL_KFUNC)
			return prog_refuse(l, pc, -EINVAL,
					   "kernel function btf_id %d does not exist in the user engine",
					   i->imm);
		if (!helper_has_body(id))
			return prog_refuse(l, pc, -EINVAL,
					   "helper bpf_%s#%u does not exist in the user engine",
					   helper_proto(id) ? helper_proto(id)->name : "?", id);
	}
	if (l->verdict.max_tp_access)
		return prog_refuse(l, 0, -EOPNOTSUPP,
				   "no tracepoint of the user engine has a writable buffer");
	return 0;
}

int prog_settle(struct prog_load *l)
{
	const struct verify_result *r = &l->verdict;
	struct prog_object *p = l->prog;
	int err;

	if (!r->insns || r->n_insns != p->n_insns)
		return -EFAULT;
	drop_dead(p, r->insns);
	err = refuse_absent(l, r->insns);
	if (!err)
		err = insns_check(p->run, p->n_insns, (struct place){0}, &l->dg);
	if (!err)
		err = mark_probes(l, r->insns);
	p->n_verified = r->processed;
	p->max_ctx_offset = r->max_ctx_offset;
	p->max_tp_access = r->max_tp_access;
	return err;
}
