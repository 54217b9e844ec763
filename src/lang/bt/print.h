/* SPDX-License-Identifier: BSD-2-Clause */
/* lang/bt/print.h - calls with a format, checked and made actions: what fn_print.c, fn_printk.c and
 * fn_claim.c share.
 */
#pragma once
#include "lang/bt/emit.h"

/* The ith argument, a string that is known now: else a mistake of the call, and NULL. */
const char *print_literal(struct sema *s, struct node *n, u32 i);
/* Holds the arguments from `first` on against the format: do they fit? */
bool print_check(struct sema *s, struct node *n, const char *fmt, struct node *first);
/* An action with a record of the values of these nodes; NULL but in the last pass. */
struct script_action *print_action(struct sema *s, struct node *n, enum script_action_kind kind,
				   const char *text, const struct node *first);

/* Is the program an iterator whose text is read from a file? */
bool print_is_pinned(const struct sema *s, const struct bt_probe *p);
/* A call with what the kernel's printk can print. */
void print_check_kernel(struct sema *s, struct node *n);
struct rv print_to_seq(struct emit *e, const struct node *n);
