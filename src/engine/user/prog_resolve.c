/* SPDX-License-Identifier: BSD-2-Clause */
/* engine/user/prog_resolve.c - the maps that a program's insns name by fd become handles and
 * addresses.
 *
 * The verifier has accepted the program: what it checked of maps is so.  Kernel 6.18:
 * resolve_pseudo_ldimm64().
 */
#include "engine/user/object.h"
#include "engine/user/prog.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Notes that the program uses the map.  The caller's pointer is good as long as the program. */
static int use_map(struct prog_load *l, struct map_object *m)
{
	struct prog_object *p = l->prog;

	for (u32 i = 0; i < p->n_maps; i++)
		if (p->maps[i] == m)
			return 0;
	if (p->n_maps == BPF_MAX_USED_MAPS)
		return -E2BIG;
	if (m->attr.type == BPF_MAP_TYPE_PROG_ARRAY && map_take_prog(m, p))
		return prog_refuse(l, 0, -EINVAL, "prog array map %u holds programs of type %s",
				   m->o.id, prog_type_text(m->owner_type));
	p->maps[p->n_maps++] = m;
	object_get(&m->o);
	return 0;
}

/* The fd that a wide load means: its imm, or an index into fd_array. */
static s32 wide_fd(const struct prog_load *l, const struct insn *i)
{
	if (i->src == PSEUDO_MAP_FD || i->src == PSEUDO_MAP_VALUE)
		return i->imm;
	return (u32)i->imm < l->n_fds ? l->fds[(u32)i->imm] : -1;
}

static int resolve_map(struct prog_load *l, u32 pc)
{
	struct insn *given = &l->prog->insns[pc], *run = &l->prog->run[pc];
	bool is_value = given->src == PSEUDO_MAP_VALUE || given->src == PSEUDO_MAP_IDX_VALUE;
	struct map_object *m;
	struct object *o;
	int err = session_by_fd(l->s, wide_fd(l, given), OBJECT_MAP, &o);

	if (err)
		return err;
	m = map_of(o);
	err = use_map(l, m);
	if (err)
		return err;
	if (is_value) {
		u8 *value = map_first_value(m->map);

		if (m->attr.type != BPF_MAP_TYPE_ARRAY || m->attr.max_entries != 1 || !value)
			return -EINVAL;
		insn_set_imm64(run, (u64)value + (u32)given[1].imm);
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
		int err = session_any_fd(l->s, i < l->n_fds ? l->fds[i] : -1, &o);

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
		if (i->src != PSEUDO_IMM64 && i->src != PSEUDO_FUNC)
			err = resolve_map(l, pc);
		pc++;
	}
	return err;
}
