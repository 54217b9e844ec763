/* SPDX-License-Identifier: BSD-2-Clause */
/* map/ring.h - the pages that both kinds of ring buffers have. */
#pragma once
#include "map/handle.h"

u64 *ring_consumer_pos(const struct map *m);
u64 *ring_producer_pos(const struct map *m);
u8 *ring_data(const struct map *m);
int ring_check(const struct map_attr *a);
void ring_layout(struct map *m, struct layout *l);
