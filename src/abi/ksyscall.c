/* SPDX-License-Identifier: BSD-2-Clause */
/* abi/ksyscall.c - from a kernel function to the system calls that pass it. */
#include "abi/ksyscall.h"
#include "abi/syscall.h"
#include "base/str.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define FROM_LIST(a, b, c, d, e, f, ...) \
	{ KSYM_##a, KSYM_##b, KSYM_##c, KSYM_##d, KSYM_##e, KSYM_##f }

static const struct {
	const char *function, *call;
	u8 from[6];
} table[] = {
#define KSYM(function, call, ...) \
	{ #function, #call,         \
	  FROM_LIST(__VA_ARGS__ __VA_OPT__(,) ZERO, ZERO, ZERO, ZERO, ZERO, ZERO) },
#include "abi/ksyscall.def"
#undef KSYM
};

static const struct {
	const char *prefix;
	enum ksym_args args;
} prefixes[] = {
	{ "__x64_sys_", KSYM_REGS },
	{ "__se_sys_", KSYM_PLAIN },
	{ "__do_sys_", KSYM_PLAIN },
	{ "sys_", KSYM_REGS },
};

static int find_generic(const char *function, struct ksym *out)
{
	for (u32 i = 0; i < ARRAY_SIZE(prefixes); i++) {
		if (!str_starts(function, prefixes[i].prefix))
			continue;

		const char *name = function + strlen(prefixes[i].prefix);
		const struct syscall_info *call = syscall_by_function(name);

		if (!call && prefixes[i].args == KSYM_REGS)
			call = syscall_by_name(name);
		if (!call || !call->function)
			return -ENOENT;
		memset(out, 0, sizeof(*out));
		out->args = prefixes[i].args;
		out->n_calls = 1;
		out->calls[0].nr = call->nr;
		for (u32 a = 0; a < ARRAY_SIZE(out->calls[0].from); a++)
			out->calls[0].from[a] = (u8)(a < call->n_args ? KSYM_ARG0 + a : KSYM_ZERO);
		return 0;
	}
	return -ENOENT;
}

int ksym_find(const char *function, struct ksym *out)
{
	struct ksym found = { .args = KSYM_PLAIN };

	for (u32 i = 0; i < ARRAY_SIZE(table); i++) {
		const struct syscall_info *call = syscall_by_name(table[i].call);

		if (strcmp(table[i].function, function) || !call || found.n_calls == KSYM_CALLS_MAX)
			continue;

		struct ksym_call *c = &found.calls[found.n_calls++];

		c->nr = call->nr;
		memcpy(c->from, table[i].from, sizeof(c->from));
	}
	if (!found.n_calls)
		return find_generic(function, out);
	*out = found;
	return 0;
}

int ksym_at(u32 index, char *name, size_t size)
{
	for (u32 i = 0; i < syscall_count(); i++) {
		const struct syscall_info *call = syscall_at(i);

		if (!call->function || index--)
			continue;
		snprintf(name, size, "__x64_sys_%s", call->function);
		return 0;
	}
	for (u32 i = 0; i < ARRAY_SIZE(table); i++) {
		if ((i && !strcmp(table[i].function, table[i - 1].function)) || index--)
			continue;
		snprintf(name, size, "%s", table[i].function);
		return 0;
	}
	return -ENOENT;
}
