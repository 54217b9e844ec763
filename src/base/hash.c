/* SPDX-License-Identifier: BSD-2-Clause */
/* base/hash.c - open addressing, at most two thirds full. */
#include "base/hash.h"
#include "base/mem.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Multiply and fold, eight bytes a step (the construction of wyhash, Wang Yi 2019). */
static u64 mix(u64 a, u64 b)
{
	unsigned __int128 r = (unsigned __int128)a * b;

	return (u64)r ^ (u64)(r >> 64);
}

u32 hash_bytes(const void *data, size_t size, u32 seed)
{
	const u8 *p = data;
	u64 h = seed ^ 0xa0761d6478bd642full, tail = 0;
	size_t n = size;

	for (; n >= 8; n -= 8, p += 8)
		h = mix(h ^ mem_get64(p), 0xe7037ed1a0b428dbull);
	memcpy(&tail, p, n);
	h = mix(h ^ tail, 0x8ebc6af09c88c6e3ull ^ size);
	return (u32)(h ^ (h >> 32));
}

static struct strmap_slot *find(const struct strmap *m, const char *key, u32 hash)
{
	u32 i = hash & (m->n_slots - 1);

	while (m->slots[i].key && (m->slots[i].hash != hash || strcmp(m->slots[i].key, key) != 0))
		i = (i + 1) & (m->n_slots - 1);
	return &m->slots[i];
}

static int grow(struct strmap *m)
{
	struct strmap bigger = { .n_slots = m->n_slots ? m->n_slots * 2 : 16, .n = m->n };

	bigger.slots = calloc(bigger.n_slots, sizeof(*bigger.slots));
	if (!bigger.slots)
		return -ENOMEM;
	for (u32 i = 0; i < m->n_slots; i++)
		if (m->slots[i].key)
			*find(&bigger, m->slots[i].key, m->slots[i].hash) = m->slots[i];
	free(m->slots);
	*m = bigger;
	return 0;
}

int strmap_set(struct strmap *m, const char *key, u32 value)
{
	u32 hash = hash_bytes(key, strlen(key), 0);
	struct strmap_slot *s;

	if ((u64)(m->n + 1) * 3 > (u64)m->n_slots * 2) {
		int err = grow(m);

		if (err)
			return err;
	}
	s = find(m, key, hash);
	m->n += !s->key;
	*s = (struct strmap_slot){ .key = key, .hash = hash, .value = value };
	return 0;
}

bool strmap_get(const struct strmap *m, const char *key, u32 *value)
{
	struct strmap_slot *s;

	if (!m->n_slots)
		return false;
	s = find(m, key, hash_bytes(key, strlen(key), 0));
	if (!s->key)
		return false;
	*value = s->value;
	return true;
}

void strmap_free(struct strmap *m)
{
	free(m->slots);
	*m = (struct strmap){0};
}
