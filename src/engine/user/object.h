/* SPDX-License-Identifier: BSD-2-Clause */
/* engine/user/object.h - what the files of the commands offer each other about maps, programs and
 * links.
 */
#pragma once
#include "engine/user/session.h"

/* Takes map over; attr is copied.  NULL when memory is out: map stays the caller's. */
struct map_object *map_object_new(struct map *map, const struct map_attr *attr);
/* Puts the objects that slots of a map of maps or programs refer to. */
void map_put_slots(struct session *s, struct map_object *m);
/* Enters a program into the map's type check: 0, or -EINVAL when programs of another type are in
 * there.  Kernel bpf_prog_map_compatible(). */
int map_take_prog(struct map_object *m, const struct prog_object *p);
