/* SPDX-License-Identifier: BSD-2-Clause */
/* lang/bt/compile.h - a script's tree to a module of IR.
 *
 *	text  ── bt_parse ──> tree  ── expand ──> macros, imports, settings, parameters put in
 *	      ── probes ──> one tree a program      lang/bt/probe.h
 *	      ── check ──>  names and types         lang/bt/check.h
 *	      ── emit ──>   IR                       lang/bt/emit.h
 *	      ── mod_optimize ──> what gen_obj() takes, and the struct script that goes into its object
 */
#pragma once
#include "ir/pass.h"
#include "lang/bt/ast.h"
#include "lang/bt/world.h"
#include "obj/script.h"

enum bt_stage { BT_STAGE_AST, BT_STAGE_TYPES, BT_STAGE_IR, BT_STAGE_PASSES, BT_STAGE_INSNS };

struct bt_opts {
	u32 compat;               /* 0: newest; 17: bpftrace 0.17 */
	bool unsafe;              /* system(), signal(), override() ... allowed */
	bool partial;             /* probes that can't be had are warned of and left out */
	const char *const *params; /* $1 ... */
	u32 n_params;
	const char *const *named; /* "name=value" or "name", behind -- */
	u32 n_named;
	s32 pid;                  /* -p, or of the command: the predicate of every probe; 0: none */
	const char *command;      /* the command's program; NULL: none */
	bool has_command;         /* there will be one; its pid is in start_map (obj/script.h) */
	bool helper_errors;       /* -k */
	bool no_warnings;
	bool test_mode, bench_mode;
	const char *probe_filter; /* --probe-filter; NULL: none */
	struct str *dump;         /* stages asked for are printed here; NULL: none */
	u32 dump_stages;          /* 1 << enum bt_stage */
	const char *dump_pass;    /* only this pass of BT_STAGE_PASSES; NULL: all */
	const char *const *includes; /* --include: files put before the script */
	u32 n_includes;
};

/* Compiles.  All mistakes are in dg, each with its place.  -EINVAL, -ENOENT (no probe is there),
 * -E2BIG.  The program's tree is changed and stays the caller's; module and script become his.
 * Stage BT_STAGE_INSNS is gen_obj()'s to dump. */
int bt_compile(struct bt_program *p, const struct bt_world *w, const struct bt_opts *opts,
	       struct diag *dg, struct mod **out, struct script **script);
