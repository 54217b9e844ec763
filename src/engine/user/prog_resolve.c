/* SPDX-License-Identifier: BSD-2-Clause */
/* engine/user/prog_resolve.c - what the insns of a program name: maps by fd, helpers by number.
 *
 * Kernel 6.18: resolve_pseudo_ldimm64() and check_helper_call(); sentences are theirs where they
 * have one.
 */
#include "abi/helper_use.h"
#include "engine/user/command.h"
#include "engine/user/object.h"
#include "engine/user/prog.h"
#include "exec/exec.h"
#include "helper/helper.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Kernel 6.18: check_map_prog_compatibility(). */
static bool sleepable_takes(u32 map_type)
{
	switch (map_type) {
	case BPF_MAP_TYPE_PROG_ARRAY:
	case BPF_MAP_TYPE_PERF_EVENT_ARRAY:
	case BPF_MAP_TYPE_STACK_TRACE:
	case BPF_MAP_TYPE_CGROUP_ARRAY:
	case BPF_MAP_TYPE_LPM_TRIE:
	case BPF_MAP_TYPE_BLOOM_FILTER:
	case BPF_MAP_TYPE_DEVMAP:
	case BPF_MAP_TYPE_DEVMAP_HASH:
	case BPF_MAP_TYPE_CPUMAP:
	case BPF_MAP_TYPE_XSKMAP:
	case BPF_MAP_TYPE_SOCKMAP:
	case BPF_MAP_TYPE_SOCKHASH:
	case BPF_MAP_TYPE_REUSEPORT_SOCKARRAY:
		return false;
	}
	return true;
}

/* Notes that the program uses the map.  The caller's pointer is good as long as the program. */
static int use_map(struct prog_load *l, struct map_object *m)
{
	struct prog_object *p = l->prog;

	for (u32 i = 0; i < p->n_maps; i++)
		if (p->maps[i] == m)
			return 0;
	if (p->n_maps == BPF_MAX_USED_MAPS)
		return prog_refuse(l, 0, -E2BIG,
				   "The total number of maps per program has reached "
				   "the limit of %u",
				   BPF_MAX_USED_MAPS);
	if ((p->flags & BPF_F_SLEEPABLE) && !sleepable_takes(m->attr.type))
		return prog_refuse(l, 0, -EINVAL,
				   "Sleepable programs can only use array, hash, ringbuf "
				   "and local storage maps");
	if (m->attr.type == BPF_MAP_TYPE_PROG_ARRAY && map_take_prog(m, p))
		return prog_refuse(l, 0, -EINVAL, "prog array map %u holds programs of type %s",
				   m->o.id, prog_type_text(m->owner_type));
	p->maps[p->n_maps++] = m;
	object_get(&m->o);
	return 0;
}

/* The fd that a wide load means: its imm, or an index into fd_array. */
static int wide_fd(struct prog_load *l, u32 pc, s32 *fd)
{
	const struct insn *i = &l->prog->insns[pc];
	u64 index = (u32)i->imm;

	if (i->src == PSEUDO_MAP_FD || i->src == PSEUDO_MAP_VALUE) {
		*fd = i->imm;
		return 0;
	}
	if (!l->attr->fd_array)
		return prog_refuse(l, pc, -EPROTO, "fd_idx without fd_array is invalid");
	if (client_read(fd, l->attr->fd_array + index * sizeof(*fd), sizeof(*fd)))
		return -EFAULT;
	return 0;
}

static int resolve_map(struct prog_load *l, u32 pc)
{
	struct insn *given = &l->prog->insns[pc], *run = &l->prog->run[pc];
	bool is_value = given->src == PSEUDO_MAP_VALUE || given->src == PSEUDO_MAP_IDX_VALUE;
	struct map_object *m;
	struct object *o;
	u32 off = (u32)given[1].imm;
	s32 fd;
	int err;

	if (!is_value && off)
		return prog_refuse(l, pc, -EINVAL, "unrecognized bpf_ld_imm64 insn");
	err = wide_fd(l, pc, &fd);
	if (err)
		return err;
	err = session_by_fd(l->s, fd, OBJECT_MAP, &o);
	if (err)
		return prog_refuse(l, pc, err, "fd %d is not pointing to valid bpf_map", fd);
	m = map_of(o);
	err = use_map(l, m);
	if (err)
		return err;
	if (is_value) {
		u8 *value = m->attr.type == BPF_MAP_TYPE_ARRAY && m->attr.max_entries == 1
				    ? map_first_value(m->map)
				    : NULL;

		if (!value || off >= m->attr.value_size)
			return prog_refuse(l, pc, -EINVAL,
					   "invalid access to map value pointer, "
					   "value_size=%u off=%u",
					   m->attr.value_size, off);
		insn_set_imm64(run, (u64)value + off);
	} else {
		insn_set_imm64(run, (u64)m->map);
	}
	run->src = PSEUDO_IMM64;
	given->src = is_value ? PSEUDO_MAP_VALUE : PSEUDO_MAP_FD;
	given->imm = (s32)m->o.id;
	return 0;
}

/* fd_array with a count binds maps that no insn names.  Kernel process_fd_array(). */
static int resolve_fd_array(struct prog_load *l)
{
	for (u32 i = 0; i < l->attr->fd_array_cnt; i++) {
		struct object *o;
		s32 fd;
		int err;

		if (client_read(&fd, l->attr->fd_array + (u64)i * sizeof(fd), sizeof(fd)))
			return -EFAULT;
		err = session_any_fd(l->s, fd, &o);
		if (!err && o->kind == OBJECT_BTF)
			continue;
		if (!err && o->kind != OBJECT_MAP)
			err = -EINVAL;
		if (!err)
			err = use_map(l, map_of(o));
		if (err)
			return prog_refuse(l, 0, err, "fd_array[%u] is not a map and not BTF", i);
	}
	return 0;
}

int prog_resolve(struct prog_load *l)
{
	struct prog_object *p = l->prog;
	int err = 0;

	p->maps = calloc(BPF_MAX_USED_MAPS, sizeof(struct map_object *));
	if (!p->maps)
		return -ENOMEM;
	if (l->attr->fd_array_cnt)
		err = resolve_fd_array(l);
	for (u32 pc = 0; pc < p->n_insns && !err; pc++) {
		const struct insn *i = &p->insns[pc];

		if (!insn_is_wide(i))
			continue;
		if (pc + 1 == p->n_insns)
			return prog_refuse(l, pc, -EINVAL, "invalid bpf_ld_imm64 insn");
		switch (i->src) {
		case PSEUDO_IMM64:
		case PSEUDO_FUNC:
			break;
		case PSEUDO_BTF_ID:
			err = prog_refuse(l, pc, -EINVAL,
					  "kernel variables (btf_id %d) do not exist "
					  "in the user engine",
					  i->imm);
			break;
		default:
			err = resolve_map(l, pc);
		}
		pc++;
	}
	return err;
}

static int check_helper(struct prog_load *l, u32 pc)
{
	const struct prog_object *p = l->prog;
	u32 id = (u32)p->insns[pc].imm;
	const struct helper_proto *proto = helper_proto(id);

	if (!proto || !id)
		return prog_refuse(l, pc, -EINVAL, "invalid func unknown#%d", (s32)id);
	if (!helper_allowed(id, p->type, p->attach_type))
		return prog_refuse(l, pc, -EINVAL,
				   "program of this type cannot use helper bpf_%s#%u", proto->name,
				   id);
	if (!helper_has_body(id))
		return prog_refuse(l, pc, -EINVAL,
				   "helper bpf_%s#%u does not exist in the user engine",
				   proto->name, id);
	if ((proto->flags & HELPER_GPL) && !p->gpl)
		return prog_refuse(l, pc, -EINVAL,
				   "cannot call GPL-restricted function from "
				   "non-GPL compatible program");
	return 0;
}

int prog_check_calls(struct prog_load *l)
{
	const struct prog_object *p = l->prog;
	u8 *reached = NULL;
	int err = prog_reach(p, &reached);

	for (u32 pc = 0; pc < p->n_insns && !err; pc++) {
		const struct insn *i = &p->insns[pc];

		if (!reached[pc] || !insn_is_call(i) || i->src == CALL_SUBPROG || call_is_poison(i))
			continue;
		if (i->src == CALL_KFUNC)
			err = prog_refuse(l, pc, -EINVAL,
					  "kernel function btf_id %d does not exist in "
					  "the user engine",
					  i->imm);
		else
			err = check_helper(l, pc);
	}
	free(reached);
	return err;
}
