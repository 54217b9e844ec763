/* SPDX-License-Identifier: BSD-2-Clause */
/* lang/bt/text.h - bytes that functions on strings work with: what fn_string.c, fn_compare.c,
 * fn_search.c and emit_ring.c share.
 */
#pragma once
#include "lang/bt/emit.h"

/* Bytes that can be read directly: text up to the first NUL, or to size. */
struct text {
	struct val *p;
	u32 size;
};

/* Strings, arrays of char and pointers to char are strings to such a function: else a mistake. */
bool text_check(struct sema *s, struct node *n, const char *what);
/* The bytes of such a node; what a pointer leads to is read, max_strlen bytes at most. */
struct text text_of(struct emit *e, const struct node *n);
/* An integer or pointer as a pointer into the memory that its type, or the probe, says. */
struct val *text_address(struct emit *e, const struct node *n);
/* The smaller of both, as unsigned numbers. */
struct val *text_min(struct emit *e, struct val *v, u64 max);
/* Where n is str() of an address: reads the string to where it is to lie, n->type->size bytes at
 * most.  False: it is something else. */
bool text_read_to(struct emit *e, const struct node *n, struct val *to);
/* The tuple of a call's action. */
const struct stype *emit_record_type(struct emit *e, const struct node *call);
/* A record that was built elsewhere, into the ring as it is: 0 or a negative errno. */
struct val *emit_ring_output(struct emit *e, struct val *record, struct val *size);
