/* SPDX-License-Identifier: BSD-2-Clause */
/* engine/user/verdict.h - the verifier between BPF_PROG_LOAD and a run: every program is verified first,
 * against a profile whose kernel is this engine.
 */
#pragma once
#include "engine/user/prog.h"
#include "verify/verify.h"

enum { LOG_FIXED = 8 }; /* in log_level: the beginning counts; kernel BPF_LOG_FIXED */

/* What a verdict of this engine is for; made at its first use.  NULL: out of memory. */
const struct profile *session_profile(struct session *s);

/* A map as the verifier sees it: BTF_VALUE_ID and the kinds of fields are checked as the kernel does,
 * with its errnos.  a gets the offsets of the fields that map/ minds.  The record lives in arena. */
int map_describe(struct session *s, const union bpf_attr *attr, const struct btf *btf,
		 struct arena *arena, struct verify_map *vm, struct map_attr *a);
/* The same of a map that another session made: its BTF is not known, the offsets in attr are. */
void map_describe_foreign(struct map_object *m);
/* The template of a map of maps, which outlives the map that it was taken from. */
int map_describe_inner(struct session *s, struct map_object *m, const struct map_object *inner);

/* Judges the insns as the client gave them: 0, or the kernel's errno. */
int prog_verify(struct prog_load *l);
/* After the maps were put into run: what can't be reached goes, loads that may fault are marked, and
 * what this engine lacks is refused where it can be reached. */
int prog_settle(struct prog_load *l);
