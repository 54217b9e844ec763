/* SPDX-License-Identifier: BSD-2-Clause */
/* helper/format.c - parses, checks and prints the kernel's subset of printf formats.
 *
 *	spec := '%' { '0' | '+' | '-' | ' ' } [ width ] conv
 *	conv := 's' | 'c' | [ 'l' [ 'l' ] ] ( 'i' | 'd' | 'u' | 'x' | 'X' )
 *	      | 'p' [ 'K' | 'x' | 's' | 'S' | 'B' | 'ks' | 'us' | ( 'i' | 'I' ) ( '4' | '6' ) ]
 *
 * Symbol names are not known in user space: %ps, %pS and %pB print the address, as the kernel does
 * for one that no symbol covers.
 */
#include "helper/format.h"
#include "base/mem.h"
#include "helper/access.h"
#include <errno.h>

enum { FLAG_ZERO = 1, FLAG_PLUS = 2, FLAG_LEFT = 4, FLAG_SPACE = 8, FLAG_SIGNED = 16,
	FLAG_UPPER = 32 };

enum { WIDTH_NONE = -1, WIDTH_MAX = (1 << 23) - 1 }; /* kernel FIELD_WIDTH_MAX */

enum conv {
	CONV_INT,     /* bytes 4 or 8 */
	CONV_CHAR,
	CONV_STRING,  /* source says from where */
	CONV_POINTER, /* hashed, or plain where source is 'x' */
	CONV_SYMBOL,
	CONV_READY,   /* made into text by format_prepare: %pB, %pks, %pus, %pI4 and its like */
};

struct spec {
	enum conv conv;
	u32 flags;
	s32 width;
	u32 bytes;    /* of the argument, CONV_INT */
	u32 base;
	char source;  /* letter behind %p, or 's' */
	char ip;      /* '4' or '6' behind 'i' or 'I', else 0 */
};

static bool is_ascii_text(u8 c)
{
	return c >= 0x80 || (c >= ' ' && c <= '~') || (c >= '\t' && c <= '\r');
}

static bool is_space(u8 c)
{
	return c == ' ' || (c >= '\t' && c <= '\r') || c == 0xa0;
}

/* The kernel's ctype is Latin-1: letters from 0xc0 on but for two signs, signs before. */
static bool is_alnum(u8 c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= 0xc0 && c != 0xd7 && c != 0xf7);
}

static bool is_punct(u8 c)
{
	return !is_alnum(c) && ((c > ' ' && c <= '~') || c > 0xa0);
}

static bool ends_word(u8 c)
{
	return !c || is_space(c) || is_punct(c);
}

/* The rest of a format.  It may change while it is read, so its end never depends on a NUL. */
struct cursor {
	const char *p, *end;
};

static u8 peek(const struct cursor *c, u32 n)
{
	return (u64)(c->end - c->p) > n ? (u8)c->p[n] : 0;
}

static bool skip(struct cursor *c, u32 n)
{
	c->p += n;
	return true;
}

/* What follows %p. */
static bool parse_pointer(struct cursor *c, struct spec *s)
{
	s->conv = CONV_POINTER;
	s->source = 'p';
	if (ends_word(peek(c, 0)))
		return true;
	s->source = (char)peek(c, 0);
	switch (s->source) {
	case 'k':
	case 'u':
		s->conv = CONV_READY;
		return peek(c, 1) == 's' && ends_word(peek(c, 2)) && skip(c, 2);
	case 'K':
	case 'x':
		return skip(c, 1);
	case 's':
	case 'S':
		s->conv = CONV_SYMBOL;
		return skip(c, 1);
	case 'B':
		s->conv = CONV_READY;
		return skip(c, 1);
	case 'i':
	case 'I':
		s->conv = CONV_READY;
		s->ip = (char)peek(c, 1);
		return (s->ip == '4' || s->ip == '6') && skip(c, 2);
	}
	return false;
}

static bool parse_int(struct cursor *c, struct spec *s)
{
	s->conv = CONV_INT;
	s->bytes = 4;
	for (u32 n = 0; n < 2 && peek(c, 0) == 'l'; n++) {
		s->bytes = 8;
		skip(c, 1);
	}
	s->base = 10;
	switch (peek(c, 0)) {
	case 'i':
	case 'd':
		s->flags |= FLAG_SIGNED;
		return skip(c, 1);
	case 'u':
		return skip(c, 1);
	case 'X':
		s->flags |= FLAG_UPPER;
		/* fall through */
	case 'x':
		s->base = 16;
		return skip(c, 1);
	}
	return false;
}

static u32 flag_of(u8 c)
{
	switch (c) {
	case '0': return FLAG_ZERO;
	case '+': return FLAG_PLUS;
	case '-': return FLAG_LEFT;
	case ' ': return FLAG_SPACE;
	}
	return 0;
}

static void parse_flags_width(struct cursor *c, struct spec *s)
{
	u32 flag, width = 0;

	while ((flag = flag_of(peek(c, 0)))) {
		s->flags |= flag;
		skip(c, 1);
	}
	if (peek(c, 0) < '1' || peek(c, 0) > '9')
		return;
	for (; peek(c, 0) >= '0' && peek(c, 0) <= '9'; skip(c, 1))
		width = width * 10 + (u32)(peek(c, 0) - '0');
	s->width = MIN((s32)width, (s32)WIDTH_MAX);
}

/* c is behind the '%' and moves behind the spec.  False when it is not allowed. */
static bool parse_spec(struct cursor *c, struct spec *s)
{
	*s = (struct spec){ .width = WIDTH_NONE };
	parse_flags_width(c, s);
	switch (peek(c, 0)) {
	case 'p':
		return skip(c, 1) && parse_pointer(c, s);
	case 's':
		s->conv = CONV_STRING;
		s->source = 's';
		return skip(c, 1) && ends_word(peek(c, 0));
	case 'c':
		s->conv = CONV_CHAR;
		return skip(c, 1);
	}
	return parse_int(c, s);
}

/* ---- first step: arguments ---- */

struct packer {
	struct exec_env *env;
	struct format_args *out;
	u32 used;
};

static char *put_hex(char *p, u64 v, u32 digits)
{
	while (digits-- > 0)
		*p++ = "0123456789abcdef"[v >> digits * 4 & 15];
	return p;
}

static char *put_decimal(char *p, u32 v, u32 min_digits)
{
	char digits[10];
	u32 n = 0;

	do
		digits[n++] = '0' + v % 10;
	while (v /= 10);
	while (min_digits-- > n)
		*p++ = '0';
	while (n)
		*p++ = digits[--n];
	return p;
}

/* Kernel: ip4_string, ip6_string; lower-case letters leave the separators out, or pad. */
static char *put_ip(char *p, const u8 *ip, const struct spec *s)
{
	if (s->ip == '4') {
		for (u32 i = 0; i < 4; i++) {
			if (i)
				*p++ = '.';
			p = put_decimal(p, ip[i], s->source == 'i' ? 3 : 1);
		}
		return p;
	}
	for (u32 i = 0; i < 16; i += 2) {
		if (i && s->source == 'I')
			*p++ = ':';
		p = put_hex(p, (u64)ip[i] << 8 | ip[i + 1], 4);
	}
	return p;
}

static char *put_address(char *p, u64 v)
{
	u32 digits = 1;

	while (digits < 16 && v >> digits * 4)
		digits++;
	*p++ = '0';
	*p++ = 'x';
	return put_hex(p, v, digits);
}

/* A text that no read can make fail: cut at the end of the space, its length counts in full. */
static int pack_text(struct packer *pk, const char *text, u32 len)
{
	u32 space = FORMAT_BIN_BYTES - MIN(pk->used, (u32)FORMAT_BIN_BYTES);
	u32 n = MIN(len, space ? space - 1 : 0);

	if (space) {
		mem_copy(pk->out->bytes + pk->used, text, n);
		pk->out->bytes[pk->used + n] = 0;
	}
	pk->used += len + 1;
	return 0;
}

static int pack_ip(struct packer *pk, u64 arg, const struct spec *s)
{
	u32 size = s->ip == '4' ? 4 : 16;
	char text[48], *end;
	u8 ip[16];

	if (pk->used + size > FORMAT_BIN_BYTES)
		return -ENOSPC;
	read_kernel(pk->env, ip, size, arg);
	end = put_ip(text, ip, s);
	return pack_text(pk, text, (u32)(end - text));
}

static int pack_string(struct packer *pk, u64 arg, const struct spec *s)
{
	char *dst = (char *)pk->out->bytes + pk->used;
	s64 len = -EFAULT;
	u32 space;

	if (pk->used >= FORMAT_BIN_BYTES)
		return -ENOSPC;
	space = FORMAT_BIN_BYTES - pk->used;
	if (s->source != 'u')
		len = read_kernel_str(pk->env, dst, space, arg);
	if (len < 0 && s->source != 'k')
		len = read_user_str(pk->env, dst, space, arg);
	if (len < 0) {
		dst[0] = 0;
		len = 1;
	}
	pk->used += (u32)len;
	return 0;
}

static int pack_word(struct packer *pk, u64 arg, u32 bytes)
{
	u32 at = ALIGN_UP(pk->used, 4u);

	if (at + bytes > FORMAT_BIN_BYTES)
		return -ENOSPC;
	mem_copy(pk->out->bytes + at, &arg, bytes);
	pk->used = at + bytes;
	return 0;
}

static int pack(struct packer *pk, u64 arg, const struct spec *s)
{
	char text[20], *end;

	switch (s->conv) {
	case CONV_STRING:
		return pack_string(pk, arg, s);
	case CONV_CHAR:
		if (pk->used >= FORMAT_BIN_BYTES)
			return -ENOSPC;
		pk->out->bytes[pk->used++] = (u8)arg;
		return 0;
	case CONV_READY:
		if (s->ip)
			return pack_ip(pk, arg, s);
		if (s->source != 'B')
			return pack_string(pk, arg, s);
		end = put_address(text, arg);
		return pack_text(pk, text, (u32)(end - text));
	case CONV_INT:
		return pack_word(pk, arg, s->bytes);
	case CONV_POINTER:
	case CONV_SYMBOL:
		return pack_word(pk, arg, 8);
	}
	return -EINVAL;
}

s64 format_prepare(struct exec_env *env, const char *fmt, u32 fmt_size, const u64 *args, u32 n_args,
		   struct format_args *out)
{
	struct packer pk = { env, out, 0 };
	u32 n_specs = 0, len = 0;
	struct cursor c;

	while (len < fmt_size && fmt[len])
		len++;
	if (len == fmt_size)
		return -EINVAL;
	c = (struct cursor){ fmt, fmt + len };
	while (c.p < c.end) {
		struct spec s;
		int err;

		if (!is_ascii_text(peek(&c, 0)))
			return -EINVAL;
		if (peek(&c, 0) != '%') {
			skip(&c, 1);
			continue;
		}
		skip(&c, 1);
		if (peek(&c, 0) == '%') {
			skip(&c, 1);
			continue;
		}
		if (n_specs >= n_args || !parse_spec(&c, &s))
			return -EINVAL;
		err = pack(&pk, args[n_specs++], &s);
		if (err)
			return err;
	}
	return len;
}

/* ---- second step: text ---- */

struct printer {
	char *dst;
	u32 size, len;        /* len counts what did not fit too */
	const u8 *args;
	u32 used;
};

static void print_char(struct printer *p, char c)
{
	if (p->len < p->size)
		p->dst[p->len] = c;
	p->len++;
}

static void print_pad(struct printer *p, char c, s32 n)
{
	for (; n > 0; n--) {
		if (p->len >= p->size) {
			p->len += (u32)n;
			return;
		}
		print_char(p, c);
	}
}

static void print_text(struct printer *p, const char *text, u32 len)
{
	for (u32 i = 0; i < len; i++)
		print_char(p, text[i]);
}

static void print_padded(struct printer *p, const struct spec *s, const char *text, u32 len)
{
	s32 pad = s->width - (s32)len;

	if (!(s->flags & FLAG_LEFT))
		print_pad(p, ' ', pad);
	print_text(p, text, len);
	if (s->flags & FLAG_LEFT)
		print_pad(p, ' ', pad);
}

/* Kernel: number(). */
static void print_int(struct printer *p, const struct spec *s, u64 v)
{
	const char *digit = s->flags & FLAG_UPPER ? "0123456789ABCDEF" : "0123456789abcdef";
	char text[24], sign = 0;
	bool zeroes = s->flags & FLAG_ZERO && !(s->flags & FLAG_LEFT);
	s32 n = 0, pad;

	if (s->flags & FLAG_SIGNED) {
		if ((s64)v < 0) {
			sign = '-';
			v = 0 - v;
		} else if (s->flags & FLAG_PLUS) {
			sign = '+';
		} else if (s->flags & FLAG_SPACE) {
			sign = ' ';
		}
	}
	do
		text[n++] = digit[v % s->base];
	while (v /= s->base);
	pad = s->width - n - !!sign;
	if (!zeroes && !(s->flags & FLAG_LEFT))
		print_pad(p, ' ', pad);
	if (sign)
		print_char(p, sign);
	if (zeroes)
		print_pad(p, '0', pad);
	while (n)
		print_char(p, text[--n]);
	if (s->flags & FLAG_LEFT)
		print_pad(p, ' ', pad);
}

/* What stands for a pointer: the kernel shows 32 bits of a keyed hash; errors stay visible. */
static u64 pointer_hash(u64 v)
{
	if (!v || v >= (u64)-4095)
		return v;
	v ^= v >> 33;
	v *= 0xff51afd7ed558ccd;
	v ^= v >> 33;
	v *= 0xc4ceb9fe1a85ec53;
	return (u32)(v >> 32);
}

static void print_pointer(struct printer *p, const struct spec *s, u64 v)
{
	struct spec as_int = *s;

	as_int.base = 16;
	as_int.flags &= ~(u32)FLAG_SIGNED;
	if (s->width == WIDTH_NONE) {
		as_int.width = 16;
		as_int.flags |= FLAG_ZERO;
	}
	print_int(p, &as_int, s->source == 'x' ? v : pointer_hash(v));
}

static u64 take_word(struct printer *p, u32 bytes)
{
	u32 at = ALIGN_UP(p->used, 4u);
	u64 v = 0;

	if (at + bytes > FORMAT_BIN_BYTES)
		return 0;
	mem_copy(&v, p->args + at, bytes);
	p->used = at + bytes;
	return v;
}

static const char *take_text(struct printer *p, u32 *len)
{
	const char *text = (const char *)p->args + p->used;
	u32 n = 0;

	while (p->used + n < FORMAT_BIN_BYTES && text[n])
		n++;
	*len = n;
	p->used = MIN(p->used + n + 1, (u32)FORMAT_BIN_BYTES);
	return text;
}

static void print_spec(struct printer *p, const struct spec *s)
{
	char text[20], c, *end;
	const char *ready;
	u32 len;
	u64 v;

	switch (s->conv) {
	case CONV_INT:
		v = take_word(p, s->bytes);
		if (s->bytes == 4 && s->flags & FLAG_SIGNED)
			v = (u64)(s64)(s32)v;
		print_int(p, s, v);
		return;
	case CONV_CHAR:
		c = p->used < FORMAT_BIN_BYTES ? (char)p->args[p->used++] : 0;
		print_padded(p, s, &c, 1);
		return;
	case CONV_STRING:
		ready = take_text(p, &len);
		print_padded(p, s, ready, len);
		return;
	case CONV_READY:
		ready = take_text(p, &len);
		print_text(p, ready, len);
		return;
	case CONV_POINTER:
		print_pointer(p, s, take_word(p, 8));
		return;
	case CONV_SYMBOL:
		end = put_address(text, take_word(p, 8));
		print_padded(p, s, text, (u32)(end - text));
		return;
	}
}

u32 format_print(char *dst, u32 size, const char *fmt, u32 len, const struct format_args *args)
{
	struct printer p = { dst, size, 0, args->bytes, 0 };
	struct cursor c = { fmt, fmt + len };

	while (c.p < c.end) {
		u8 ch = peek(&c, 0);
		struct spec s;

		skip(&c, 1);
		if (ch != '%') {
			print_char(&p, (char)ch);
			continue;
		}
		if (peek(&c, 0) == '%') {
			print_char(&p, '%');
			skip(&c, 1);
			continue;
		}
		if (!parse_spec(&c, &s))
			continue;
		print_spec(&p, &s);
		if (s.conv == CONV_POINTER || s.conv == CONV_SYMBOL || s.conv == CONV_READY)
			while (is_alnum(peek(&c, 0))) /* as bstr_printf() does behind a pointer */
				skip(&c, 1);
	}
	if (size)
		dst[MIN(p.len, size - 1)] = 0;
	return p.len;
}
