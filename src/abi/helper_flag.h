/* SPDX-License-Identifier: BSD-2-Clause */
/* abi/helper_flag.h - helper flags as helper.def and helper_variant.def write them.  Only for the
 * files that expand those tables' flags. */
#pragma once
#include "abi/helper.h"

enum {
	GPL = HELPER_GPL,
	SLEEP = HELPER_MAY_SLEEP,
	PKT = HELPER_PKT_ACCESS,
	PKT_CHANGES = HELPER_PKT_CHANGES,
	ACQUIRES = HELPER_ACQUIRES,
	RELEASES = HELPER_RELEASES,
	FASTCALL = HELPER_FASTCALL,
	BY_TARGET = HELPER_BY_TARGET,
};
