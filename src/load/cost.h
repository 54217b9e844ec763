/* SPDX-License-Identifier: BSD-2-Clause */
/* load/cost.h - which source lines a program's insns come from. */
#pragma once
#include "load/priv.h"

/* Notes: the lines of a function that most insns are of, and how many. */
void cost_explain(struct load *l, u32 func, struct diag *dg);
