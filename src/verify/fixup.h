/* SPDX-License-Identifier: BSD-2-Clause */
/* verify/fixup.h, resolve - what is looked up before, and what the kernel finds only after the walk. */
#pragma once
#include "verify/env.h"

int resolve_wide(struct verify *v);  /* resolve_pseudo_ldimm64() and check_map_prog_compatibility() */
int ld_imm_check(struct verify *v, struct insn *i); /* check_ld_imm() */
int fixup_check(struct verify *v);   /* errors of do_misc_fixups(), convert_ctx_accesses(), JIT */
