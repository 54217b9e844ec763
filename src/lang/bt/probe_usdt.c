/* SPDX-License-Identifier: BSD-2-Clause */
/* lang/bt/probe_usdt.c - registers by name, and the arguments that USDT notes describe.
 *
 *	args  := { SIZE "@" place }                    SIZE negative: signed
 *	place := "$" NUMBER | "%" REG | [ NUMBER ] "(" "%" REG [ "," "%" REG [ "," SCALE ] ] ")"
 */
#include "lang/bt/probe_priv.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { USDT_ARGS_MAX = 64 };

#if defined(__x86_64__)
/* Byte offsets in struct pt_regs, by every name. */
static const struct {
	const char *names;
	s32 off;
} regs[] = {
	{" r15 r15d r15w r15b ", 0},	{" r14 r14d r14w r14b ", 8},  {" r13 r13d r13w r13b ", 16},
	{" r12 r12d r12w r12b ", 24},	{" bp rbp ebp bpl ", 32},     {" bx rbx ebx bl bh ", 40},
	{" r11 r11d r11w r11b ", 48},	{" r10 r10d r10w r10b ", 56}, {" r9 r9d r9w r9b ", 64},
	{" r8 r8d r8w r8b ", 72},	{" ax rax eax al ah ", 80},   {" cx rcx ecx cl ch ", 88},
	{" dx rdx edx dl dh ", 96},	{" si rsi esi sil ", 104},    {" di rdi edi dil ", 112},
	{" orig_ax orig_rax ", 120},	{" ip rip eip pc ", 128},     {" cs ", 136},
	{" flags eflags rflags ", 144}, {" sp rsp esp spl ", 152},    {" ss ", 160},
};
static const char *const arg_regs[] = { "di", "si", "dx", "cx", "r8", "r9" };
#else
static const struct {
	const char *names;
	s32 off;
} regs[] = { { " ", 0 } };
static const char *const arg_regs[] = { "" };
#endif

static s32 reg_find(const char *name, size_t len)
{
	char wanted[16];

	if (!len || len > 10 || memchr(name, ' ', len))
		return -1;
	snprintf(wanted, sizeof(wanted), " %.*s ", (int)len, name);
	for (u32 i = 0; i < ARRAY_SIZE(regs); i++)
		if (strstr(regs[i].names, wanted))
			return regs[i].off;
	return -1;
}

s32 bt_reg_find(const char *name)
{
	return reg_find(name, strlen(name));
}

s32 bt_arg_reg(u32 n)
{
	return n < ARRAY_SIZE(arg_regs) ? bt_reg_find(arg_regs[n]) : -1;
}

static bool take_reg(const char **p, s32 *off)
{
	size_t n = **p == '%' ? strcspn(*p + 1, ",) ") : 0;

	if (!n)
		return false;
	*off = reg_find(*p + 1, n);
	*p += n + 1;
	return *off >= 0;
}

/* The address "N(%reg,%reg,scale)". */
static bool parse_mem(const char *p, struct usdt_arg *arg)
{
	char *end;

	arg->kind = USDT_ARG_MEM;
	if (*p != '(') {
		arg->value = strtoll(p, &end, 0);
		if (end == p)
			return false;
		p = end;
	}
	if (*p++ != '(' || !take_reg(&p, &arg->reg))
		return false;
	if (*p == ',') {
		p++;
		if (!take_reg(&p, &arg->index))
			return false;
		arg->scale = 1;
		if (*p == ',') {
			arg->scale = (u32)strtoul(p + 1, &end, 10);
			p = end;
		}
		if (arg->scale != 1 && arg->scale != 2 && arg->scale != 4 && arg->scale != 8)
			return false;
	}
	return !strcmp(p, ")");
}

static bool parse_place(const char *p, struct usdt_arg *arg)
{
	char *end;

	arg->reg = arg->index = -1;
	if (*p == '%') {
		arg->kind = USDT_ARG_REG;
		return take_reg(&p, &arg->reg) && !*p;
	}
	if (*p == '$') {
		arg->kind = USDT_ARG_CONST;
		arg->value = strtoll(p + 1, &end, 0);
		return end != p + 1 && !*end;
	}
	return parse_mem(p, arg);
}

/* A constant is written with the width of the assembler's, "2@$-536" for 65000. */
static s64 narrow(s64 v, u32 bytes, bool is_signed)
{
	u32 shift = 64 - 8 * bytes;
	u64 high = (u64)v << shift;

	return is_signed ? (s64)high >> shift : (s64)(high >> shift);
}

s32 usdt_args_parse(struct arena *a, const char *text, struct usdt_arg **out)
{
	struct usdt_arg *args = arena_alloc(a, USDT_ARGS_MAX * sizeof(*args));
	char *save = NULL, *copy = arena_strdup(a, text);
	s32 n = 0;

	for (char *p = strtok_r(copy, " ", &save); p; p = strtok_r(NULL, " ", &save)) {
		struct usdt_arg *arg = &args[n];
		char *at;
		s64 size = strtol(p, &at, 10);
		u64 bytes = size < 0 ? 0 - (u64)size : (u64)size;

		if (n == USDT_ARGS_MAX || *at != '@' ||
		    (bytes != 1 && bytes != 2 && bytes != 4 && bytes != 8) ||
		    !parse_place(at + 1, arg))
			return -EINVAL;
		arg->bytes = (u32)bytes;
		arg->is_signed = size < 0;
		if (arg->kind == USDT_ARG_CONST)
			arg->value = narrow(arg->value, arg->bytes, arg->is_signed);
		n++;
	}
	*out = args;
	return n;
}
