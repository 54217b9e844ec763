/* SPDX-License-Identifier: BSD-2-Clause */
/* lang/bt/probe.h - attach points: from their text to places and programs.
 *
 * A PROBE node with several attach points, or wildcards, becomes as few programs as its body allows: one for
 * all places whose context looks the same to it.  Where it says `args`, `probe`, `func` or the like,
 * places that differ in it need programs of their own, or a cookie.
 */
#pragma once
#include "lang/bt/check.h"

/* A program to be. */
struct bt_probe {
	enum script_hook hook;
	struct node *node;          /* PROBE: its own copy of predicate and block */
	const char *fn_name;        /* of the program: unique, a C identifier */
	const char *section;        /* as SEC() would say it, without a place: "kprobe", "raw_tp", "tp_btf/x", "iter/task" */
	u32 prog_type, attach_type;
	bool is_missing;            /* it hooks nothing, which was told: only checked for more mistakes */
	bool is_user;               /* addresses of its context are user memory first */
	VEC(u32) attaches;          /* script->attaches indices; emit sets their func */
	const char *name;           /* what `probe` gives; NULL: differs, see cookies */
	const char *func;           /* what `func` gives; NULL: asks the kernel by address */
	const struct stype *args;   /* STRUCT in SS_CTX, offsets from ctx; NULL: no args here */
	const struct stype *retval; /* NULL: plain u64 */
	const struct stype_field *ret_field; /* where retval stands in ctx when it is an argument slot (fexit) */
	struct usdt_arg *usdt;      /* argN by where it lies; NULL: registers of the calling convention */
	u32 n_usdt;
	const char *binary;         /* uprobe, USDT: full path; NULL: none or several */
	bool has_dwarf;             /* its DWARF was asked for types */
};

/* Where an argument of a USDT probe lies. */
struct usdt_arg {
	u32 bytes;
	bool is_signed;
	enum { USDT_ARG_CONST, USDT_ARG_REG, USDT_ARG_MEM } kind;
	s64 value;               /* CONST; MEM: displacement */
	s32 reg, index;          /* byte offset in struct pt_regs; -1: none */
	u32 scale;
};

/* Parses and expands every attach point of the program: s->probes.  Errors have the attach point's place;
 * a name that is nowhere has the nearest ones. */
int bt_probes(struct sema *s);
/* Parses one attach point, parameters put in: into arena a.  For listings, too. */
int bt_attach_parse(struct arena *a, const char *text, struct place at, struct diag *dg,
		    struct script_attach *out);
/* fn, ns and target as patterns fit; "fentry" for a name of any spelling: HOOK_MAX for none. */
enum script_hook bt_hook_find(const char *name);
/* Offset in struct pt_regs of the nth argument, of a register by name; -1: none (x86-64). */
s32 bt_arg_reg(u32 n);
s32 bt_reg_find(const char *name);
