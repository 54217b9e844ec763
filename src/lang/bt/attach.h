/* SPDX-License-Identifier: BSD-2-Clause */
/* lang/bt/attach.h - the texts of attach points, for probe*.c. */
#pragma once
#include "base/arena.h"
#include "lang/bt/probe.h"

enum {
	ATTACH_LISTS_MAX = 4096,  /* texts that lists make of one */
	ATTACH_TEXT_MAX = 4096,   /* bytes of a text with lists */
};

/* $1 and the like outside of quotes replaced by the script's parameters.  NULL, and *why: not a parameter. */
const char *attach_params(struct arena *a, const char *text, const char *const *params, u32 n_params,
			  const char **why);
/* The texts that "x:{a,b}:c" stands for; their number, 1 without a list.  0: more than the limits. */
u32 attach_lists(struct arena *a, const char *text, const char ***out);
/* bt_attach_parse(), where the binary of uprobe and usdt may be left out because a process is given; is_list:
 * for a listing, where patterns may stand for numbers and parts be left out. */
int attach_parse(struct arena *a, const char *text, s32 pid, bool is_list, struct place at, struct diag *dg,
		 struct script_attach *out);
/* What `probe` says: "kprobe:vfs_read", "begin" (0.17: "BEGIN"). */
const char *attach_name(struct arena *a, const struct script_attach *s, u32 compat);
/* Has it '*', '?' or '['? */
bool attach_is_pattern(const char *text);
/* A number of the language: 0x10, 010, 1_000, 1e6, 10ms (in ns). */
bool attach_number(const char *text, u64 *out);
/* Flags of a kind of probe, as obj/hook.def has them. */
enum hook_flag { HOOK_USER = 1, HOOK_REGS = 2, HOOK_TYPED = 4, HOOK_WILD = 8 };
u32 hook_flags(enum script_hook h);
