/* SPDX-License-Identifier: BSD-2-Clause */
/* btf/core.h - CO-RE: what a program compiled against one kernel's types must be changed to for
 * another's.
 *
 * A relocation names a local type, a path into it ("0:1:2") and what of it the insn holds (a kind).
 * Candidates are the target's types of the same name but for a ___flavour; the local path is
 * matched by names in each, and all that match must agree.
 *
 *	struct core *c = core_new(local);
 *	for each relocation:  core_want(c, type_id);
 *	core_search(c, vmlinux);                       // one scan for all of them
 *	if (core_n_open(c)) for each module: core_search(c, module);
 *	for each relocation:  core_resolve(...), core_patch_insn(...);
 *	core_free(c);
 *
 * Semantics: kernel 6.18 tools/lib/bpf/relo_core.c, LLVM's "BPF CO-RE relocations".
 *
 *	core.c        candidates and decisions
 *	core_spec.c   paths: parsed, matched against a target, printed
 *	core_match.c  types that are compatible, or match
 *	core_patch.c  insns
 */
#pragma once
#include "base/diag.h"
#include "base/str.h"
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

/* What becomes of one relocation. */
struct core_result {
	u64 orig, value;         /* what the compiler put into the insn, and what belongs there */
	bool poison;             /* the target has nothing that fits: the insn must not be reached */
	bool validate;           /* the insn must hold orig before */
	bool bad_size;           /* loads and stores can't be adjusted to the target's size */
	u32 orig_size, new_size; /* bytes of the field, for loads and stores; 0: leave them */
	const struct btf *btf;   /* of the type that was chosen, NULL: none */
	u32 type_id;             /* that type */
};

struct core;

/* local is borrowed until core_free().  NULL when memory is out. */
struct core *core_new(const struct btf *local);
void core_free(struct core *c);

/* Announces a root type.  0, -EINVAL for an id out of range, -ENOMEM. */
int core_want(struct core *c, u32 type_id);
/* Looks among a target's own types for candidates.  The first call is for the kernel's BTF; roots
 * that found some there are not looked for in modules (split BTF).  target is borrowed until
 * core_free().  0 or -ENOMEM. */
int core_search(struct core *c, const struct btf *target);
/* Root types without a candidate so far. */
u32 core_n_open(const struct core *c);

/* Decides one relocation whose root was announced.  0; -EINVAL, -E2BIG, -ENOTSUP with a diag: a
 * path that is no path, or candidates that disagree. */
int core_resolve(struct core *c, u32 type_id, const char *spec, u32 kind, struct diag *dg,
		 struct place at, struct core_result *out);

/* Changes insns[pc] (and the next one of a wide load) as decided; a poisoned insn becomes a call of
 * helper CORE_POISON.  -EINVAL or -ERANGE with a diag when the insn is not what the result is for. */
int core_patch_insn(struct insn *insns, u32 n_insns, u32 pc, const struct core_result *r,
		    struct diag *dg, struct place at);

enum { CORE_POISON = 195896080 }; /* 0xbad2310, "bad relo" */

/* "byte_off struct task_struct.mm.pgd": what a relocation is about. */
void core_describe(const struct btf *local, u32 type_id, const char *spec, u32 kind,
		   struct str *out);
const char *core_kind_text(u32 kind); /* "byte_off", ...; "unknown" */

/* Bytes of a name without its ___flavour: "task_struct___old" has 11. */
u32 core_essential_len(const char *name);
