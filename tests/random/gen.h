/* SPDX-License-Identifier: BSD-2-Clause */
/* random/gen.h - programs made at random that mean something often enough. */
#pragma once
#include "random/edit.h"

/* A new case; free it with vcase_copy_free().  Names and maps are static.  NULL: out of memory. */
struct vcase *vcase_random(struct rng *r);
