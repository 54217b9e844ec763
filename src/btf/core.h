/* SPDX-License-Identifier: BSD-2-Clause */
/* btf/core.h - CO-RE: what a program compiled against one kernel's types must be changed to for
 * another's.
 *
 * A relocation names a local type, a path into it ("0:1:2") and what of it the insn holds (a kind).
 * Candidates are the target's types of the same name but for a ___flavour; the local path is
 * matched by names in each, and all that match must agree.
 * Semantics: kernel 6.18 tools/lib/bpf/relo_core.c, LLVM's "BPF CO-RE relocations".
 */
#pragma once
#include "base/diag.h"
#include "base/types.h"
#include "btf/btf.h"
#include "isa/insn.h"

enum core_kind {
	CORE_FIELD_BYTE_OFFSET,
	CORE_FIELD_BYTE_SIZE,
	CORE_FIELD_EXISTS,
	CORE_FIELD_SIGNED,
	CORE_FIELD_LSHIFT_U64,
	CORE_FIELD_RSHIFT_U64,
	CORE_TYPE_ID_LOCAL,
	CORE_TYPE_ID_TARGET,
	CORE_TYPE_EXISTS,
	CORE_TYPE_SIZE,
	CORE_ENUMVAL_EXISTS,
	CORE_ENUMVAL_VALUE,
	CORE_TYPE_MATCHES,
	CORE_KIND_END,
};

/* Bytes of a name without its ___flavour: "task_struct___old" has 11. */
u32 core_essential_len(const char *name);
