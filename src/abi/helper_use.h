/* SPDX-License-Identifier: BSD-2-Clause */
/* abi/helper_use.h - which program types may call a helper, and with which prototype. */
#pragma once
#include "abi/helper.h"

/* May a program of this type, loaded for this attach type, call the helper?  A program of a type
 * that knows it gets the sentence "program of this type cannot use helper" when not.  EXT programs
 * ask for their target's type.  Kernel 6.18: env->ops->get_func_proto(). */
bool helper_allowed(u32 id, u32 prog_type, u32 attach_type);

/* The prototype that this program type sees; helper_proto(id) for most. */
const struct helper_proto *helper_proto_for(u32 id, u32 prog_type, u32 attach_type);

/* May a map of this type be the helper's ARG_MAP? Kernel 6.18: check_map_func_compatibility(),
 * whose sentence is "cannot pass map_type %d into func %s#%d". */
bool helper_map_ok(u32 id, u32 map_type, u32 prog_type, u32 attach_type);
