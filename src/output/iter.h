/* SPDX-License-Identifier: BSD-2-Clause */
/* output/iter.h - what attached iterators write. */
#pragma once
#include "base/diag.h"
#include "base/types.h"

struct load;

/* Runs every attached iterator once and hands its text on.  Bytes written, or a negative errno. */
s64 iters_print(struct load *l, void (*write)(void *arg, const char *text, size_t n), void *arg,
		struct diag *dg);
