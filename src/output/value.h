/* SPDX-License-Identifier: BSD-2-Clause */
/* output/value.h - values of a BTF type as text and as JSON.
 *
 * Bytes come from programs and may be anything: what lies past size is printed as "?" (JSON null),
 * strings end at the first NUL and have control characters escaped.
 */
#pragma once
#include "base/str.h"
#include "base/types.h"

struct btf;

/* Nested values keep C's shape: {.pid = 1, .name = "x"}, [1, 2]; enums by name, pointers in hex. */
void value_text(const struct btf *btf, u32 type, const void *data, size_t size, struct str *out);
void value_json(const struct btf *btf, u32 type, const void *data, size_t size, struct str *out);

/* The width bits at bit_off (little endian bit numbering), sign-extended where is_signed. */
u64 value_bits(const void *data, u32 bit_off, u32 width, bool is_signed);

/* Is it an array of char, to be shown as a string? */
bool value_is_string(const struct btf *btf, u32 type);
/* Signed or unsigned integer, enum, bool or pointer of up to 8 bytes: true and the value. */
bool value_integer(const struct btf *btf, u32 type, const void *data, size_t size, u64 *value,
		   bool *is_signed);

void json_string(struct str *out, const char *s, size_t n);
/* Text with control characters, quotes and backslashes escaped. */
void text_escaped(struct str *out, const char *s, size_t n);
/* 16 bytes a line: offset, hex, characters. */
void hex_dump(struct str *out, const void *data, size_t size, const char *indent);
