/* SPDX-License-Identifier: BSD-2-Clause */
/* engine/user/prog.h - loading a program: the stages of BPF_PROG_LOAD.
 *
 *	attr ─> copy ─> BTF ─> verify ─> resolve maps ─> settle ─> compile ─> object
 */
#pragma once
#include "engine/user/session.h"
#include "verify/verify.h"

struct prog_load {
	struct session *s;
	const union bpf_attr *attr;
	struct prog_object *prog;
	struct diag dg; /* sentences of a refusal, for the log */
	struct verify_result verdict;
	s32 *fds; /* owned: the client's fd_array, as far as it is used */
	u32 n_fds;
};

/* Refuses with a line for the log; the format has no newline. */
int prog_refuse(struct prog_load *l, u32 pc, int err, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* Map fds become maps, in both copies of the insns.  Of a verified program. */
int prog_resolve(struct prog_load *l);
/* First 8 bytes of SHA-256 over the insns without map fds: the kernel's tag since 6.18. */
void prog_tag(const struct prog_object *p, u8 tag[BPF_TAG_SIZE]);

/* Place in the source of an insn of the run: false without line_info. */
bool prog_line_at(const struct prog_object *p, u32 pc, struct prog_line *out);
