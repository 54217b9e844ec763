/* SPDX-License-Identifier: BSD-2-Clause */
/* lang/bt/func.c - the table of functions and builtins. */
#include "lang/bt/func.h"
#include <ctype.h>
#include <string.h>

enum {
	B = FUNC_BARE,
	A = FUNC_ASYNC,
	U = FUNC_UNSAFE,
	L = FUNC_LAZY,
	V = FUNC_MAP_VALUE,
	S = FUNC_STATEMENT,
	C = FUNC_CONTEXT,
};

static const struct bt_func funcs[] = {
#define FUNC(name, min, max, flags) {#name, min, max, flags, func_check_##name, func_emit_##name},
#include "lang/bt/func.def"
#undef FUNC
};

/* arg0, arg1 ...: a register or word of the stack, by its number. */
static const struct bt_func argn = {"argN", 0, 0, B | C, func_check_argn, func_emit_argn};

/* Is it a prefix and a decimal number without leading zeros, of at most 3 digits? */
static bool is_numbered(const char *name, const char *prefix)
{
	size_t n = strlen(prefix), digits = 0;

	if (strncmp(name, prefix, n))
		return false;
	while (isdigit((u8)name[n + digits]))
		digits++;
	return digits && digits <= 3 && !name[n + digits] && (name[n] != '0' || digits == 1);
}

const struct bt_func *bt_func_find(const char *name)
{
	for (u32 i = 0; i < sizeof(funcs) / sizeof(funcs[0]); i++)
		if (!strcmp(funcs[i].name, name))
			return &funcs[i];
	return is_numbered(name, "arg") || is_numbered(name, "sarg") ? &argn : NULL;
}

const struct bt_func *bt_func_at(u32 i)
{
	return i < sizeof(funcs) / sizeof(funcs[0]) ? &funcs[i] : NULL;
}
