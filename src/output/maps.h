/* SPDX-License-Identifier: BSD-2-Clause */
/* output/maps.h - what is in the maps, by their BTF. */
#pragma once
#include "base/types.h"

struct btf;
struct load;
struct engine;

/* btf: the object's, NULL where it has none.
 * Writes every map with elements that can be read, and the variables of .data and .bss; histograms
 * where key or value has slots.  Maps of objects (programs, maps, buffers) are left out. */
void maps_print(struct load *l, struct engine *e, const struct btf *btf, bool json,
		void (*write)(void *arg, const char *text, size_t n), void *arg);
