/* SPDX-License-Identifier: BSD-2-Clause */
/* abi/helper.c - the helper table, by id and by name. */
#include "abi/helper.h"
#include "abi/helper_flag.h"

static const struct helper_proto protos[HELPER_ID_MAX] = {
#define HELPER(id_, name_, ret_, a1, a2, a3, a4, a5, flags_)              \
	[id_] = { .id = id_, .flags = flags_, .ret = RET_##ret_,          \
		  .arg = { ARG_##a1, ARG_##a2, ARG_##a3, ARG_##a4, ARG_##a5 }, \
		  .name = #name_ },
#include "abi/helper.def"
#undef HELPER
};

const struct helper_proto *helper_proto(u32 id)
{
	return id && id < HELPER_ID_MAX ? &protos[id] : NULL;
}

static bool text_equal(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return *a == *b;
}

u32 helper_id_by_name(const char *name)
{
	if (name[0] == 'b' && name[1] == 'p' && name[2] == 'f' && name[3] == '_')
		name += 4;
	for (u32 id = 1; id < HELPER_ID_MAX; id++)
		if (text_equal(protos[id].name, name))
			return id;
	return 0;
}
