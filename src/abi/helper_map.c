/* SPDX-License-Identifier: BSD-2-Clause */
/* abi/helper_map.c - which maps a helper takes. */
#include "abi/helper_use.h"
#include "abi/uapi.h"

/* Sets of map types, as the table writes them. */
enum map_set {
#define MAP_TYPE(name, number, text) name = 1ull << number,
#include "abi/map_type.def"
#undef MAP_TYPE
	SOCKMAPS = SOCKMAP | SOCKHASH,
	MAPS_OF_MAPS = ARRAY_OF_MAPS | HASH_OF_MAPS,
	PLAIN = HASH | ARRAY | PERCPU_HASH | PERCPU_ARRAY | LRU_HASH | LRU_PERCPU_HASH | LPM_TRIE |
		STRUCT_OPS | ARENA,
};

static const u64 uses[HELPER_ID_MAX] = {
#define MAP_USE(name, set) [HELPER_##name] = set,
#include "abi/helper_map.def"
#undef MAP_USE
};

/* Programs that never run with the socket locked.  Kernel: may_update_sockmap(). */
static bool may_update_sockmap(u32 id, u32 prog_type, u32 attach_type)
{
	switch (prog_type) {
	case BPF_PROG_TYPE_TRACING:
		return attach_type == BPF_TRACE_ITER;
	case BPF_PROG_TYPE_SOCK_OPS:
		return id == HELPER_map_delete_elem;
	case BPF_PROG_TYPE_SOCKET_FILTER: case BPF_PROG_TYPE_SCHED_CLS:
	case BPF_PROG_TYPE_SCHED_ACT: case BPF_PROG_TYPE_XDP: case BPF_PROG_TYPE_SK_REUSEPORT:
	case BPF_PROG_TYPE_FLOW_DISSECTOR: case BPF_PROG_TYPE_SK_LOOKUP:
		return true;
	}
	return false;
}

bool helper_map_ok(u32 id, u32 map_type, u32 prog_type, u32 attach_type)
{
	u64 set = id < HELPER_ID_MAX && uses[id] ? uses[id] : PLAIN;

	if (map_type >= BPF_MAP_TYPE_MAX || !(set >> map_type & 1))
		return false;
	if ((id == HELPER_map_update_elem || id == HELPER_map_delete_elem) &&
	    1ull << map_type & SOCKMAPS)
		return may_update_sockmap(id, prog_type, attach_type);
	return true;
}
