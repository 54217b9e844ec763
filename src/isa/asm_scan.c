/* SPDX-License-Identifier: BSD-2-Clause */
/* isa/asm_scan.c - the assembler's scanner: names, registers, numbers, targets. */
#include "isa/asm_parse.h"
#include "base/str.h"
#include <ctype.h>
#include <errno.h>
#include <stdio.h>

static bool is_name_char(char c)
{
	return isalnum((u8)c) || c == '_' || c == '.' || c == '$';
}

bool asm_error(struct asm_parser *a, const char *at, const char *fmt, ...)
{
	struct place place = { .file = a->file, .line = a->line, .col = (u32)(at - a->begin) + 1 };
	va_list ap;

	va_start(ap, fmt);
	diag_verror(a->dg, place, -EINVAL, fmt, ap);
	va_end(ap);
	a->failed = true;
	return false;
}

bool asm_expected(struct asm_parser *a, const char *what)
{
	int len = 0;

	if (asm_at_end(a))
		return asm_error(a, a->p, "expected %s, the line ends here", what);
	while (a->p + len < a->end && len < 20 && is_name_char(a->p[len]))
		len++;
	return asm_error(a, a->p, "expected %s, not '%.*s'", what, len ? len : 1, a->p);
}

void asm_blanks(struct asm_parser *a)
{
	while (a->p < a->end && isspace((u8)*a->p))
		a->p++;
}

bool asm_at_end(struct asm_parser *a)
{
	asm_blanks(a);
	return a->p == a->end;
}

bool try_text(struct asm_parser *a, const char *text)
{
	size_t len = strlen(text);

	asm_blanks(a);
	if ((size_t)(a->end - a->p) < len || memcmp(a->p, text, len) != 0)
		return false;
	if (is_name_char(text[len - 1]) && a->p + len < a->end && is_name_char(a->p[len]))
		return false;
	a->p += len;
	return true;
}

bool want_text(struct asm_parser *a, const char *text)
{
	char what[32];

	if (try_text(a, text))
		return true;
	snprintf(what, sizeof(what), "'%s'", text);
	return asm_expected(a, what);
}

static size_t name_length(struct asm_parser *a)
{
	size_t len = 0;

	asm_blanks(a);
	if (a->p < a->end && !isdigit((u8)*a->p))
		while (a->p + len < a->end && is_name_char(a->p[len]))
			len++;
	return len;
}

bool try_name(struct asm_parser *a, const char **name)
{
	size_t len = name_length(a);
	char *copy;

	if (!len)
		return false;
	copy = arena_alloc(&a->arena, len + 1);
	memcpy(copy, a->p, len);
	a->p += len;
	*name = copy;
	return true;
}

bool try_word(struct asm_parser *a, char *word, size_t size)
{
	size_t len = name_length(a);

	if (!len || len >= size)
		return false;
	memcpy(word, a->p, len);
	word[len] = '\0';
	a->p += len;
	return true;
}

bool try_reg(struct asm_parser *a, u32 *reg, bool *is64)
{
	const char *p;
	u32 n = 0, digits = 0;

	asm_blanks(a);
	p = a->p;
	if (p < a->end && *p == '%')
		p++;
	if (p == a->end || (*p != 'r' && *p != 'w'))
		return false;
	*is64 = *p++ == 'r';
	for (; p < a->end && isdigit((u8)*p) && digits < 3; p++, digits++)
		n = n * 10 + (u32)(*p - '0');
	if (!digits || n >= REG_MAX || (p < a->end && is_name_char(*p)))
		return false;
	*reg = n;
	a->p = p;
	return true;
}

bool want_reg(struct asm_parser *a, u32 *reg, bool *is64)
{
	return try_reg(a, reg, is64) || asm_expected(a, "a register (r0 to r10, w0 to w10)");
}

bool want_reg64(struct asm_parser *a, u32 *reg)
{
	const char *at = a->p;
	bool is64;

	if (!try_reg(a, reg, &is64))
		return asm_expected(a, "a register (r0 to r10)");
	return is64 || asm_error(a, at, "a whole register stands here: r%u, not w%u", *reg, *reg);
}

bool asm_at_number(struct asm_parser *a)
{
	asm_blanks(a);
	return a->p < a->end && (isdigit((u8)*a->p) || *a->p == '-' || *a->p == '+');
}

bool want_number(struct asm_parser *a, struct asm_number *n)
{
	const char *p, *digits;
	u32 base = 10;
	u64 v = 0;

	asm_blanks(a);
	p = a->p;
	n->negative = p < a->end && *p == '-';
	if (p < a->end && (*p == '-' || *p == '+'))
		p++;
	while (p < a->end && isblank((u8)*p))
		p++;
	n->hex = a->end - p > 2 && p[0] == '0' && (p[1] == 'x' || p[1] == 'X');
	if (n->hex) {
		base = 16;
		p += 2;
	}
	for (digits = p; p < a->end && (u32)hex_digit(*p) < base; p++)
		if (__builtin_mul_overflow(v, base, &v) ||
		    __builtin_add_overflow(v, (u64)hex_digit(*p), &v))
			return asm_error(a, digits, "number has more than 64 bits");
	if (p == digits || (p < a->end && is_name_char(*p)))
		return asm_expected(a, "a number");
	if (n->negative && v > 1ull << 63)
		return asm_error(a, digits, "number has more than 64 bits");
	n->negative = n->negative && v;
	n->value = n->negative ? 0 - v : v;
	a->p = p;
	return true;
}

/* Hex digits may spell the 32 bits themselves. */
bool number_as_imm32(struct asm_parser *a, const char *at, struct asm_number n, s32 *imm)
{
	if (n.negative ? (s64)n.value < INT32_MIN
		       : n.value > (n.hex ? UINT32_MAX : (u64)INT32_MAX))
		return asm_error(a, at, "an immediate has 32 bits; a wide load is `r1 = 0x... ll` "
					"or `lddw`");
	*imm = (s32)(u32)n.value;
	return true;
}

bool want_imm32(struct asm_parser *a, s32 *imm)
{
	struct asm_number n;
	const char *at;

	asm_blanks(a);
	at = a->p;
	return want_number(a, &n) && number_as_imm32(a, at, n, imm);
}

bool want_word32(struct asm_parser *a, s32 *word)
{
	struct asm_number n;
	const char *at;

	asm_blanks(a);
	at = a->p;
	if (!want_number(a, &n))
		return false;
	if (n.negative ? (s64)n.value < INT32_MIN : n.value > UINT32_MAX)
		return asm_error(a, at, "this number has 32 bits");
	*word = (s32)(u32)n.value;
	return true;
}

bool want_imm64(struct asm_parser *a, u64 *imm)
{
	struct asm_number n;

	if (!want_number(a, &n))
		return false;
	*imm = n.value;
	return true;
}

/* Hex digits may spell the 16 bits themselves. */
static bool number_as_off(struct asm_parser *a, const char *at, struct asm_number n, s16 *off)
{
	if (n.negative ? (s64)n.value < INT16_MIN
		       : n.value > (n.hex ? UINT16_MAX : (u64)INT16_MAX))
		return asm_error(a, at, "an offset has 16 bits, -32768 to 32767");
	*off = (s16)(u16)n.value;
	return true;
}

bool want_off(struct asm_parser *a, s16 *off)
{
	struct asm_number n;
	const char *at;

	asm_blanks(a);
	at = a->p;
	*off = 0;
	if (at == a->end || (*at != '+' && *at != '-'))
		return true;
	return want_number(a, &n) && number_as_off(a, at, n, off);
}

/* "<LBB0_2>", as objdump explains a target. */
static void skip_explanation(struct asm_parser *a)
{
	const char *close;

	asm_blanks(a);
	if (a->p == a->end || *a->p != '<')
		return;
	close = memchr(a->p, '>', (size_t)(a->end - a->p));
	if (close)
		a->p = close + 1;
}

bool want_target(struct asm_parser *a, struct insn *i, bool in_imm)
{
	struct asm_number n;
	const char *at, *name;
	bool ok;

	asm_blanks(a);
	at = a->p;
	if (a->end - at > 2 && memcmp(at, "pc", 2) == 0 && (at[2] == '+' || at[2] == '-'))
		a->p += 2;
	if (a->p < a->end && (*a->p == '+' || *a->p == '-')) {
		ok = want_number(a, &n) &&
		     (in_imm ? number_as_imm32(a, at, n, &i->imm) : number_as_off(a, at, n, &i->off));
		skip_explanation(a);
		return ok;
	}
	if (try_name(a, &name))
		return asm_fixup(a, at, name, in_imm ? FIXUP_IMM : FIXUP_OFF);
	return asm_expected(a, "a label, +N or -N");
}
