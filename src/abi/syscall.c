/* SPDX-License-Identifier: BSD-2-Clause */
/* abi/syscall.c - look-ups in the table of system calls. */
#include "abi/syscall.h"
#include <string.h>

static const struct syscall_info table[] = {
#define SYSCALL(nr, name, function, n, ...) { nr, #name, #function, n, { __VA_ARGS__ } },
#define SYSCALL_GONE(nr, name) { nr, #name, NULL, 0, { { NULL, NULL } } },
#include "abi/syscall.def"
#undef SYSCALL
#undef SYSCALL_GONE
};

u32 syscall_count(void)
{
	return ARRAY_SIZE(table);
}

const struct syscall_info *syscall_at(u32 index)
{
	return index < ARRAY_SIZE(table) ? &table[index] : NULL;
}

const struct syscall_info *syscall_info(u32 nr)
{
	u32 lo = 0, hi = ARRAY_SIZE(table);

	while (lo < hi) {
		u32 mid = (lo + hi) / 2;

		if (table[mid].nr < nr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < ARRAY_SIZE(table) && table[lo].nr == nr ? &table[lo] : NULL;
}

const struct syscall_info *syscall_by_name(const char *name)
{
	for (u32 i = 0; i < ARRAY_SIZE(table); i++)
		if (!strcmp(table[i].name, name))
			return &table[i];
	return syscall_by_function(name);
}

const struct syscall_info *syscall_by_function(const char *function)
{
	for (u32 i = 0; i < ARRAY_SIZE(table); i++)
		if (table[i].function && !strcmp(table[i].function, function))
			return &table[i];
	return NULL;
}
