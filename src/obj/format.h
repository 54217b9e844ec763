/* SPDX-License-Identifier: BSD-2-Clause */
/* obj/format.h - format strings of printf and its kin, taken apart: for the front end that checks
 * them and the printer that follows them.
 *
 *	conversion := '%' { '-' | '+' | ' ' | '#' | '0' }
 *		      [ width ] [ '.' precision ] [ length ] letters
 *
 * What looks like none ("%q", a '%' at the end) is text.  As bpftrace 0.17 reads it there is '-'
 * alone of the flags and '0', in that order, no '*', and fewer letters.
 */
#pragma once
#include "base/types.h"

struct stype;

enum format_conv {
#define CONV(name, ...) FORMAT_##name,
#include "obj/format.def"
#undef CONV
};

/* How much of an integer is meant: int where nothing is said. */
enum format_length {
	LENGTH_INT,
	LENGTH_HH,
	LENGTH_H,
	LENGTH_L,
	LENGTH_LL,
	LENGTH_J,
	LENGTH_Z,
	LENGTH_T
};

enum { FORMAT_WIDTH_MAX = 65535 };

struct format_spec {
	bool left, plus, space, alt, zero; /* - + ' ' # 0 */
	bool star_width, star_precision;   /* '*': an integer argument before the value says it */
	bool too_wide; /* width or precision above FORMAT_WIDTH_MAX, and cut to it */
	u32 width;     /* 0: none */
	s32 precision; /* -1: none */
	enum format_length length;
	enum format_conv conv;
};

struct format_piece {
	const char *text; /* where it stands in the format */
	size_t len;
	bool is_spec; /* else text to be printed: len bytes; of "%%" the second '%' */
	struct format_spec spec;
};

/* The piece that starts at **at, which then points behind it; false at the end.  compat: 17 for
 * 0.17. */
bool format_next(const char **at, u32 compat, struct format_piece *out);
/* Its letters as the format has them, "d". */
const char *format_conv_text(enum format_conv c);
/* May a value of that type stand for it? */
bool format_takes(enum format_conv c, const struct stype *t);
/* Is it one that no value fits ("%f")? */
bool format_is_foreign(enum format_conv c);
/* Bytes of an integer that it prints: 1, 2, 4, 8. */
u32 format_bytes(const struct format_spec *f);
