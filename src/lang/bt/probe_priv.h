/* SPDX-License-Identifier: BSD-2-Clause */
/* lang/bt/probe_priv.h - what the files about probes share.
 *
 *	attach.c       the text of an attach point
 *	probe.c        PROBE nodes to programs: places grouped
 *	probe_find.c   an attach point to the places that it fits, through the world
 *	probe_args.c   types of arguments: formats of tracepoints, BTF, DWARF
 *	probe_watch.c  watchpoints on an argument
 *	probe_usdt.c   registers, and where arguments of USDT probes lie
 *	probe_list.c   `osmia list`, -l and -lv
 */
#pragma once
#include "lang/bt/attach.h"

/* Values of the setting missing_probes. */
enum { MISSING_ERROR, MISSING_WARN, MISSING_IGNORE };

/* One place of a PROBE node, before places are grouped. */
struct probe_place {
	struct script_attach a;
	const struct node *node;   /* ATTACH */
	const char *usdt_args;     /* of a USDT probe's note; "" */
	const struct stype *args;  /* filled in where the body asks for them */
	const struct stype *retval;
	const struct stype_field *ret_field;
};
typedef VEC(struct probe_place) probe_places;

/* What a body asks about its probe. */
struct probe_uses {
	bool args, argn, probe, retval, func;
};

/* ---- probe_find.c ---- */
/* Adds the places of one attach point; what is missing is said as the settings want it.  expand: each place of a
 * pattern by itself, not one for all.  0, or a negative errno after a mistake was told. */
int probe_find(struct sema *s, const struct node *node, const struct script_attach *a, bool expand,
	       probe_places *out);

/* ---- probe_args.c ---- */
/* Finds the types of a place's arguments; without them they stay NULL. */
void probe_args(struct sema *s, struct probe_place *p);
/* A line of a tracepoint's format: its declaration and numbers.  False: no field. */
struct tp_decl {
	const char *text;          /* "const char * filename" */
	u32 len, off, size;
	bool is_signed;
};
/* The next field behind *at, which moves on; the common ones come first. */
bool tp_next(const char **at, struct tp_decl *out);
/* FUNC_PROTO of a function, of a raw tracepoint without its first parameter; 0: not known. */
u32 probe_proto(const struct btf *btf, enum script_hook hook, const char *fn, u32 *first);

/* ---- probe_watch.c ---- */
/* Raw text of the call that it makes: a script itself may not. */
#define PROBE_WATCH_MADE "made"
/* Of a watchpoint whose address is a function's argument, attaches[attach]: the places where the function begins,
 * and a PROBE node for them that tells user space.  Mistakes are told. */
int probe_watch(struct sema *s, const struct probe_place *p, u32 attach, struct node **node, probe_places *out);

/* ---- probe_usdt.c ---- */
/* "8@%rdi -4@$5 ...": arguments in the arena; their number, or -EINVAL for a form that is not known. */
s32 usdt_args_parse(struct arena *a, const char *text, struct usdt_arg **out);
