/* SPDX-License-Identifier: BSD-2-Clause */
/* engine/user/btf.h - Osmia's own BTF: the types that user space can serve to programs. */
#pragma once
#include "btf/btf.h"

/* Builds it.  The caller frees it with btf_free(). */
int host_btf_build(struct diag *dg, struct btf **out);
