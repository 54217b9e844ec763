/* SPDX-License-Identifier: BSD-2-Clause */
/* output/hist.c - rows with a bar of up to 40 stars. */
#include "output/hist.h"

enum { BAR = 40 };

void hist_log2(const u64 *counts, u32 n, const char *unit, struct str *out)
{
	u32 last = 0;
	u64 top = 0;
	/* Slots from 32 on have bounds of more than ten digits: wider columns for all. */
	int width;

	n = MIN(n, (u32)HIST_SLOTS_MAX);
	for (u32 i = 0; i < n; i++)
		if (counts[i]) {
			last = i;
			top = MAX(top, counts[i]);
		}
	if (!top)
		return;
	width = last < 32 ? 10 : 20;
	str_addf(out, "%*s%-*s : count    distribution\n", width - 5, "", width + 9, unit);
	for (u32 i = 0; i <= last; i++) {
		u64 low = i ? 1ull << i : 0, high = i < 63 ? (2ull << i) - 1 : UINT64_MAX;
		u32 stars = (u32)((unsigned __int128)counts[i] * BAR / top);

		str_addf(out, "%*lu -> %-*lu : %-8lu |", width, low, width, high, counts[i]);
		for (u32 s = 0; s < BAR; s++)
			str_addc(out, s < stars ? '*' : ' ');
		str_add(out, "|\n");
	}
}
