/* SPDX-License-Identifier: BSD-2-Clause */
/* base/cpu.h - how many CPUs there can be. */
#pragma once
#include "base/types.h"

/* Possible CPUs of the system, which is how many values a key of a per-CPU map has: the highest number
 * in /sys/devices/system/cpu/possible plus 1, else what sysconf(3) knows.  At least 1. */
u32 cpus_possible(void);
