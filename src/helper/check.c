/* SPDX-License-Identifier: BSD-2-Clause */
/* helper/check.c - the guard before every helper call of an unverified program.
 *
 * Proves of the values in r1..r5 what the verifier proves of their types: memory arguments lie in
 * the program's own memory, maps are its maps and fit the helper, records are reserved, dynptrs
 * name memory that the program may touch anyway.  What is shared with other processes may change
 * after the check; bodies read such bytes once or stay inside what was checked.
 */
#include "abi/helper_use.h"
#include "abi/uapi.h"
#include "helper/access.h"
#include "helper/held.h"
#include "helper/helper.h"
#include "helper/record.h"
#include "map/map.h"
#include <errno.h>

enum { ARG_BYTES_MAX = 1 << 29 }; /* kernel BPF_MAX_VAR_SIZ */

struct call {
	struct exec_env *env;
	u32 id;
	const struct helper_proto *proto;
	const u64 *args;
	struct map *map;      /* of the last ARG_MAP */
	struct map_info info; /* its */
};

static bool mem_arg_ok(const struct call *c, u32 i, u64 size)
{
	u64 addr = c->args[i];

	if (size > ARG_BYTES_MAX)
		return false;
	return !size || own_mem_ok(c->env, addr, size, c->proto->arg[i] & ARG_WRITE);
}

static int mem_ok(const struct call *c, u32 i)
{
	u32 arg = c->proto->arg[i], size_kind;
	u64 size;

	if (arg & ARG_FIXED_SIZE)
		return mem_arg_ok(c, i, ARG_BYTES(arg)) ? 0 : -EACCES;
	size_kind = ARG_KIND(c->proto->arg[i + 1]);
	size = c->args[i + 1];
	if (!size && size_kind == ARG_SIZE)
		return -EACCES;
	return mem_arg_ok(c, i, size) ? 0 : -EACCES;
}

static int map_arg_ok(struct call *c, u32 i)
{
	struct map *m = (struct map *)c->args[i];

	if (!c->env->map_ok || !c->env->map_ok(c->env, m))
		return -EINVAL;
	c->map = m;
	map_info(m, &c->info);
	return helper_map_ok(c->id, c->info.attr.type, c->env->prog->prog_type, 0) ? 0 : -EINVAL;
}

/* A value or a key of the map before.  Values are writable where the helper writes them. */
static int element_ok(const struct call *c, u32 i, u32 size)
{
	bool write = c->proto->arg[i] & ARG_WRITE;

	if (!c->map)
		return -EINVAL;
	return !size || own_mem_ok(c->env, c->args[i], size, write) ? 0 : -EACCES;
}

/* A field of a map value that the engine or the map manages. */
static int field_ok(const struct call *c, u32 i, u32 size, u32 align)
{
	u64 addr = c->args[i];
	struct map *m = c->env->map_at ? c->env->map_at(c->env, addr) : NULL;

	if (!m || addr % align || !map_mem_ok(m, addr, size, true))
		return -EACCES;
	return 0;
}

/* It must lie in the stack, which no other process writes, or be the one a callback was given. */
static int dynptr_ok(const struct call *c, u32 i)
{
	u32 arg = c->proto->arg[i];
	const struct dynptr *p = (const struct dynptr *)c->args[i];
	bool given = c->env->scratch[SCRATCH_DYNPTR] == c->args[i] && c->args[i];
	u64 end;

	if (given && !(arg & (ARG_WRITE | ARG_RELEASE)))
		return 0;
	if ((u64)p % 8 || !own_stack_has(c->env, (u64)p, sizeof(*p)))
		return -EACCES;
	if (arg & ARG_UNINIT || !p->data)
		return 0;
	if (arg & ARG_RELEASE)
		return held_find(c->env, HELD_RECORD, p->data) ? 0 : -EACCES;
	end = (u64)p->offset + dynptr_size(p);
	return own_mem_ok(c->env, (u64)p->data, end, !(p->size & DYNPTR_RDONLY)) ? 0 : -EACCES;
}

static int arg_ok(struct call *c, u32 i)
{
	u32 arg = c->proto->arg[i];
	u64 v = c->args[i];

	if (arg & ARG_NULLABLE && !v) {
		bool sized = ARG_KIND(arg) == ARG_MEM && !(arg & ARG_FIXED_SIZE);

		return sized && c->args[i + 1] ? -EACCES : 0;
	}
	switch (ARG_KIND(arg)) {
	case ARG_MAP:
		return map_arg_ok(c, i);
	case ARG_KEY:
		return element_ok(c, i, c->map ? c->info.attr.key_size : 0);
	case ARG_VALUE:
		return element_ok(c, i, c->map ? c->info.attr.value_size : 0);
	case ARG_MEM:
		return mem_ok(c, i);
	case ARG_CTX:
		return v == (u64)c->env->ctx ? 0 : -EINVAL;
	case ARG_RECORD:
		return held_find(c->env, HELD_RECORD, (const void *)v) ? 0 : -EINVAL;
	case ARG_SPIN_LOCK:
		return field_ok(c, i, sizeof(struct bpf_spin_lock), 4);
	case ARG_TIMER:
		return field_ok(c, i, sizeof(struct bpf_timer), 8);
	case ARG_KPTR:
		return field_ok(c, i, sizeof(u64), 8);
	case ARG_DYNPTR:
		return dynptr_ok(c, i);
	case ARG_CONST_STR:
		return own_text_len(c->env, v, ARG_BYTES_MAX) < 0 ? -EACCES : 0;
	default: /* numbers, sizes, functions, and addresses that bodies only compare */
		return 0;
	}
}

int helper_call_ok(struct exec_env *env, u32 helper, const u64 args[5])
{
	u32 prog_type = env->prog->prog_type;
	struct call c; /* info is filled with the map */

	c.env = env;
	c.id = helper;
	c.args = args;
	c.map = NULL;
	c.proto = helper_proto_for(helper, prog_type, 0);
	if (!c.proto)
		return -EINVAL;
	for (u32 i = 0; i < 5 && c.proto->arg[i] != ARG_NONE; i++) {
		int err = arg_ok(&c, i);

		if (err) {
			env->error_addr = args[i];
			return err;
		}
	}
	return 0;
}
