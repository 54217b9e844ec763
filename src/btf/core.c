/* SPDX-License-Identifier: BSD-2-Clause */
/* btf/core.c - CO-RE relocations. */
#include "btf/core.h"
#include <string.h>

u32 core_essential_len(const char *name)
{
	size_t n = strlen(name);

	/* X___Y, where X and Y are no underscores: the last one counts. */
	for (size_t i = n < 5 ? 0 : n - 4; i-- > 0;)
		if (name[i] != '_' && memcmp(name + i + 1, "___", 3) == 0 && name[i + 4] != '_')
			return i + 1;
	return n;
}
