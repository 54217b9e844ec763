/* SPDX-License-Identifier: BSD-2-Clause */
/* output/hist.h - histograms of powers of two, drawn as BCC's tools draw them. */
#pragma once
#include "base/str.h"
#include "base/types.h"

enum { HIST_SLOTS_MAX = 64 };

/* Slot i counts values from 2^i to 2^(i+1) - 1, slot 0 also 0.  Rows run from the first slot to the
 * last that is not 0; nothing is printed where all are. */
void hist_log2(const u64 *counts, u32 n, const char *unit, struct str *out);
