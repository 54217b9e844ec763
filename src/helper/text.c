/* SPDX-License-Identifier: BSD-2-Clause */
/* helper/text.c - printing, and numbers and comparisons of text.
 *
 * Kernel 6.18: kernel/trace/bpf_trace.c (trace_printk), kernel/bpf/helpers.c (the rest).
 */
#include "helper/access.h"
#include "helper/body.h"
#include "helper/format.h"
#include <errno.h>

static u64 trace_print(struct exec_env *env, const char *fmt, u32 fmt_size, const u64 *args,
		       u32 n_args)
{
	char text[FORMAT_TEXT_BYTES];
	struct format_args packed;
	s64 fmt_len = format_prepare(env, fmt, fmt_size, args, n_args, &packed);
	u32 len;

	if (fmt_len < 0)
		return RESULT(fmt_len);
	len = format_print(text, sizeof(text), fmt, (u32)fmt_len, &packed);
	env->host->printk(env->host->arg, text, MIN(len, (u32)sizeof(text) - 1));
	return len;
}

BODY(trace_printk)
{
	const u64 args[3] = { r3, r4, r5 };

	return trace_print(env, PTR(r1), (u32)r2, args, 3);
}

static bool args_size_ok(u64 args, u32 size)
{
	return size % 8 == 0 && size <= FORMAT_ARGS_MAX * 8 && (!size || args);
}

BODY(trace_vprintk)
{
	u64 args[FORMAT_ARGS_MAX] = { 0 };

	if (!args_size_ok(r3, (u32)r4))
		return RESULT(-EINVAL);
	if (r4)
		mem_copy(args, PTR(r3), (u32)r4);
	return trace_print(env, PTR(r1), (u32)r2, args, (u32)r4 / 8);
}

/* The result counts the NUL, whether it fitted or not.  The format lies in a read-only map, but
 * other processes share it: its end is looked for once, inside the program's memory. */
BODY(snprintf)
{
	u64 args[FORMAT_ARGS_MAX] = { 0 };
	struct format_args packed;
	s64 len;

	if (!args_size_ok(r4, (u32)r5))
		return RESULT(-EINVAL);
	if (r5)
		mem_copy(args, PTR(r4), (u32)r5);
	len = own_text_len(env, r3, UINT32_MAX - 1);
	if (len >= 0)
		len = format_prepare(env, PTR(r3), (u32)len + 1, args, (u32)r5 / 8, &packed);
	if (len < 0)
		return RESULT(len);
	return format_print(PTR(r1), (u32)r2, PTR(r3), (u32)len, &packed) + 1ul;
}

/* Kernel's ctype: isspace() knows the no-break space of Latin-1 too. */
static bool is_space(u8 c)
{
	return c == ' ' || (c >= '\t' && c <= '\r') || c == 0xa0;
}

static u32 digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return (u32)(c - '0');
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? (u32)(c - 'a' + 10) : 99;
}

/* Base 0 and a "0x" before base 16.  Kernel: _parse_integer_fixup_radix. */
static const char *radix(const char *s, u32 *base)
{
	if (*base == 0) {
		*base = 10;
		if (s[0] == '0')
			*base = (s[1] | 0x20) == 'x' && digit_value(s[2]) < 16 ? 16 : 8;
	}
	if (*base == 16 && s[0] == '0' && (s[1] | 0x20) == 'x')
		s += 2;
	return s;
}

/* Bytes used, or -EINVAL, -ERANGE.  At most 63 characters behind blanks and sign are looked at.
 * Kernel: __bpf_strtoull. */
static s64 parse_number(const char *buf, u64 size, u64 flags, u64 *out, bool *negative)
{
	u32 base = flags & 0x1f;
	const char *s, *digits;
	bool overflow = false;
	u64 at = 0, n, v = 0;
	char text[64];

	if (!size || flags & ~0x1ful || (base != 0 && base != 8 && base != 10 && base != 16))
		return -EINVAL;
	while (at < size && is_space((u8)buf[at]))
		at++;
	*negative = at < size && buf[at] == '-';
	at += *negative;
	n = MIN(size - at, sizeof(text) - 1);
	if (!n)
		return -EINVAL;
	mem_copy(text, buf + at, n);
	text[n] = 0;
	digits = s = radix(text, &base);
	for (; digit_value(*s) < base; s++)
		overflow |= __builtin_mul_overflow(v, (u64)base, &v) ||
			    __builtin_add_overflow(v, (u64)digit_value(*s), &v);
	if (overflow)
		return -ERANGE;
	if (s == digits)
		return -EINVAL;
	*out = v;
	return (s64)at + (s - text);
}

BODY(strtol)
{
	void *out = PTR(r4);
	bool negative;
	s64 used;
	u64 v;

	mem_put64(out, 0);
	used = parse_number(PTR(r1), r2, r3, &v, &negative);
	if (used < 0)
		return RESULT(used);
	if (negative ? (s64)(0 - v) > 0 : (s64)v < 0)
		return RESULT(-ERANGE);
	mem_put64(out, negative ? 0 - v : v);
	return RESULT(used);
}

BODY(strtoul)
{
	void *out = PTR(r4);
	bool negative;
	s64 used;
	u64 v;

	mem_put64(out, 0);
	used = parse_number(PTR(r1), r2, r3, &v, &negative);
	if (used < 0)
		return RESULT(used);
	if (negative)
		return RESULT(-EINVAL);
	mem_put64(out, v);
	return RESULT(used);
}

/* Answers -1, 0 or 1, as the kernel's strncmp() does.  The second text is read only as far as the
 * program's memory goes: its NUL may go while it is read. */
BODY(strncmp)
{
	const u8 *a = PTR(r1), *b = PTR(r3);
	u32 size = (u32)r2;

	if (!own_mem_ok(env, r3, size, false)) {
		s64 len = own_text_len(env, r3, size);

		size = len < 0 ? 0 : MIN(size, (u32)len + 1);
	}
	for (u32 i = 0; i < size; i++) {
		if (a[i] != b[i])
			return RESULT(a[i] < b[i] ? -1 : 1);
		if (!a[i])
			break;
	}
	return 0;
}
