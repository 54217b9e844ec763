/* SPDX-License-Identifier: BSD-2-Clause */
/* base/hash.h - a table from strings to numbers. */
#pragma once
#include "base/types.h"

struct strmap_slot {
	const char *key; /* borrowed: must outlive the table; NULL where free */
	u32 hash;
	u32 value;
};

struct strmap {
	struct strmap_slot *slots; /* owned; open addressing, n_slots is a power of two */
	u32 n_slots, n;
};

u32 hash_bytes(const void *data, size_t size, u32 seed);

/* Sets key to value, over an older one.  0 or -ENOMEM. */
int strmap_set(struct strmap *m, const char *key, u32 value);
bool strmap_get(const struct strmap *m, const char *key, u32 *value);
void strmap_free(struct strmap *m);
