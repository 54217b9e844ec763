/* SPDX-License-Identifier: BSD-2-Clause */
/* engine/user/prog.h - loading a program: the stages of BPF_PROG_LOAD.
 *
 *	attr ─> copy ─> check ─> resolve ─> calls ─> verify ─> object
 *
 * verify is the verifier's place.  Until there is one, a program is accepted as it is and runs in
 *the checked interpreter.
 */
#pragma once
#include "engine/user/session.h"

struct prog_load {
	struct session *s;
	const union bpf_attr *attr;
	struct prog_object *prog;
	struct diag dg; /* sentences of a refusal, for the log */
	u32 fd_array_cnt;
};

/* Refuses with a line for the log; the format has no newline. */
int prog_refuse(struct prog_load *l, u32 pc, int err, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* Poisoned calls: a CO-RE relocation or weak kernel function that was not found.  Only reaching one
 * is a mistake.  libbpf's numbers. */
static inline bool call_is_poison(const struct insn *i)
{
	return insn_is_call(i) && i->src == CALL_HELPER && (u32)i->imm >= 0xbad2310;
}

/* expected_attach_type and attach_btf_id fit the type: 0 or -EINVAL.  May change attr's attach type
 * to the default of its type.  Kernel bpf_prog_load_check_attach(). */
int prog_check_attach(u32 prog_type, u32 *attach_type, bool has_target);
/* Does this engine know the type at all? */
bool prog_type_known(u32 prog_type);

/* Map fds become maps, in both copies of the insns; callees stay. */
int prog_resolve(struct prog_load *l);
/* Marks insns that can run: *reached has n_insns bytes, not 0 where they can; caller frees.
 * -ENOMEM. */
int prog_reach(const struct prog_object *p, u8 **reached);
/* Every helper that can be called exists, may be called by this type and under this licence. */
int prog_check_calls(struct prog_load *l);

bool license_is_gpl(const char *license);

/* First 8 bytes of SHA-256 over the insns without map fds: the kernel's tag since 6.18. */
void prog_tag(const struct prog_object *p, u8 tag[BPF_TAG_SIZE]);

/* Place in the source of an insn of the run: false without line_info. */
bool prog_line_at(const struct prog_object *p, u32 pc, struct prog_line *out);
