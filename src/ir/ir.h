/* SPDX-License-Identifier: BSD-2-Clause */
/* ir/ir.h - the SSA form between every front end and gen/.
 *
 *	mod ── maps[]     obj_map templates, by index
 *	    ── fns[]      blk[0] is the entry
 *	          blk ── first..last   values in order; the last one ends the block
 *	              ── preds[]       in the order of phi arguments
 *	    ── cores[], externs[], strings of the BTF under construction
 *
 * A value is an instruction and its result.  Every value has one type: an integer of 1 to 64 bits or a
 * pointer, and a pointer has a space, which says how it may be read.  Everything of a module lives in
 * its arena and dies with it.  The text of a module (ir/text.c) is what --dump prints, and
 * ir/read.c reads it back: tests are files of it.
 *
 *	fn @main prog "tracepoint/syscalls/sys_enter_openat" (ptr.ctx %0) i64 {
 *	b0:
 *		%1 = load.i64 %0, 16
 *		%2 = const.i64 42
 *		%3 = eq %1, %2
 *		br %3, b1, b2
 *	b1:
 *		%5 = helper.i64 get_current_pid_tgid
 *		...
 */
#pragma once
#include "base/arena.h"
#include "base/diag.h"
#include "base/str.h"
#include "base/vec.h"
#include "btf/build.h"

enum ir_op {
#define OP(name, ...) OP_##name,
#include "ir/op.def"
#undef OP
	OP_MAX,
};

enum ir_type { IR_VOID, IR_I1, IR_I8, IR_I16, IR_I32, IR_I64, IR_PTR };

/* What a pointer points to, as far as known: how a load through it must be made.  Filled in by front
 * ends where they know, by the provenance pass elsewhere. */
enum ir_space {
	SPACE_UNKNOWN,    /* an address that came out of nowhere: probe_read_kernel */
	SPACE_STACK, SPACE_CTX, SPACE_MAP_VALUE, SPACE_MAP, SPACE_RECORD, /* directly */
	SPACE_PACKET,     /* directly, after a bounds check */
	SPACE_BTF,        /* a typed kernel pointer that the verifier lets be read */
	SPACE_KERNEL,     /* probe_read_kernel */
	SPACE_USER,       /* probe_read_user */
	SPACE_FUNC,
};

struct blk;

struct val {
	enum ir_op op;
	enum ir_type type;
	enum ir_space space;       /* of IR_PTR */
	u32 id;                    /* for print, unique in the function */
	u32 n_args;
	struct val **args;
	s64 imm;
	u32 index;                 /* map, function, helper ...: ir/op.def */
	bool is_signed;            /* LOAD: sign-extends when widened; front end's hint for printing */
	bool is_volatile;          /* LOAD, STORE: neither dropped nor moved */
	u32 line;                  /* index + 1 into mod->lines; 0: none */
	struct blk *blk;
	struct val *prev, *next;
	struct val *repl;          /* replaced by: val_resolve(); NULL: itself */
	u32 n_uses;                /* as of the last fn_count_uses() */
	u32 mark;                  /* of the pass that runs */
	const char *name;          /* from the source, for people; NULL: none */
};

struct blk {
	u32 id;                    /* order of creation; bN in text */
	struct fn *fn;
	struct val *first, *last;
	struct blk *to[2];         /* of the terminator; NULL: none */
	VEC(struct blk *) preds;
	struct blk *next;          /* layout order */
	/* as of the last fn_order() */
	u32 rpo;
	struct blk *idom;
	u32 dom_pre, dom_size;     /* place in the tree of dominators, number of those it dominates */
	u32 depth;                 /* in loops */
	u32 mark;
};

enum fn_kind { FN_PROG, FN_SUBPROG, FN_CALLBACK };

struct fn {
	struct mod *mod;
	u32 index;
	const char *name;
	enum fn_kind kind;
	const char *section;       /* FN_PROG: "kprobe/vfs_read" */
	u32 prog_type, attach_type, prog_flags; /* where the section does not say it; 0 */
	enum ir_type ret;
	VEC(struct val *) params;
	struct blk *entry, *last_blk;
	u32 n_blks, n_vals;        /* handed out; ids stay below */
	bool always_inline, never_inline, is_global;
	u32 btf_id;                /* FUNC in the module's BTF; 0: gen makes one */
};

struct ir_line {
	const char *file, *text;
	u32 line, col;
};
struct ir_core {               /* obj/obj.h, obj_core_reloc */
	u32 type_id;
	const char *spec;
	u32 kind;
};
struct ir_extern {
	const char *name;
	bool is_func, is_weak;
	u32 btf_id;
};
/* A map as BPF_MAP_CREATE takes it, with types in the module's BTF (0: none). */
struct ir_map {
	const char *name;
	u32 type, key_size, value_size, max_entries, flags;
	u32 btf_key_id, btf_value_id;
	const void *data;          /* first value of a data section: value_size bytes; NULL: none */
	bool rdonly;
};

struct mod {
	struct arena arena;
	const char *license;
	VEC(struct fn *) fns;
	VEC(struct ir_map) maps;
	VEC(struct ir_line) lines;
	VEC(struct ir_core) cores;
	VEC(struct ir_extern) externs;
	struct btf_builder btf;    /* types of maps, functions, CO-RE roots */
	u32 line;                  /* that new values get */
};

/* ---- making (build.c) ---- */
struct mod *mod_new(void);     /* NULL: no memory */
void mod_free(struct mod *m);
struct fn *fn_new(struct mod *m, const char *name, enum fn_kind kind, enum ir_type ret);
struct val *fn_param(struct fn *f, enum ir_type type, enum ir_space space);
struct blk *blk_new(struct fn *f);
u32 mod_map(struct mod *m, const struct ir_map *map);
u32 mod_line(struct mod *m, const char *file, u32 line, u32 col, const char *text);

/* All of these append to the block, which must not be ended yet. */
struct val *ir_const(struct blk *b, enum ir_type type, s64 v);
struct val *ir_bin(struct blk *b, enum ir_op op, struct val *x, struct val *y);
struct val *ir_cmp(struct blk *b, enum ir_op op, struct val *x, struct val *y);
struct val *ir_cast(struct blk *b, enum ir_op op, enum ir_type to, struct val *x);
struct val *ir_select(struct blk *b, struct val *cond, struct val *x, struct val *y);
struct val *ir_ptradd(struct blk *b, struct val *p, struct val *bytes);
struct val *ir_alloca(struct fn *f, u32 bytes, u32 align);   /* at the start of the entry block */
struct val *ir_load(struct blk *b, enum ir_type type, struct val *p, s64 off);
struct val *ir_store(struct blk *b, struct val *v, struct val *p, s64 off);
struct val *ir_zero(struct blk *b, struct val *p, u32 bytes);
struct val *ir_copy(struct blk *b, struct val *to, struct val *from, u32 bytes);
struct val *ir_atomic(struct blk *b, u32 op, enum ir_type fetched, struct val *v, struct val *p,
		      s64 off);
struct val *ir_ref(struct blk *b, enum ir_op op, u32 index, s64 imm); /* MAP, GLOBAL, FUNC, CORE, EXTERN */
struct val *ir_call(struct blk *b, enum ir_op op, u32 index, enum ir_type ret, u32 n_args,
		    struct val *const *args);
struct val *ir_phi(struct blk *b, enum ir_type type); /* arguments: phi_add(), as preds come */
void phi_add(struct val *phi, struct val *v);
void ir_jmp(struct blk *b, struct blk *to);
void ir_br(struct blk *b, struct val *cond, struct blk *yes, struct blk *no);
void ir_ret(struct blk *b, struct val *v);            /* v NULL: nothing */
void ir_unreachable(struct blk *b);

/* The plain form of all of these: arguments are set by the caller. */
struct val *val_new(struct blk *b, enum ir_op op, enum ir_type type, u32 n_args);
struct val *val_before(struct val *at, enum ir_op op, enum ir_type type, u32 n_args);

/* ---- changing ---- */
void val_append(struct blk *b, struct val *v);
void val_insert(struct val *before, struct val *v);
void val_remove(struct val *v);                       /* out of its block */
void val_replace(struct val *v, struct val *by);      /* uses follow by val_resolve() */
struct val *val_resolve(struct val *v);
void fn_resolve(struct fn *f);                        /* makes every argument its own resolution */
void fn_count_uses(struct fn *f);
void blk_drop_edge(struct blk *from, u32 i); /* to[i], with its arguments of phis */
bool blk_dominates(const struct blk *a, const struct blk *b); /* as of fn_order() */
void fn_order(struct fn *f);                          /* drops unreachable blocks; rpo, idom, depth */
/* What ir/op.def says of an operation. */
enum op_flag {
	OP_PURE = 1, OP_READS = 2, OP_WRITES = 4, OP_ENDS = 8, OP_COMMUTES = 16,
};
bool op_is(enum ir_op op, u32 flags);                 /* has all of them */
const char *op_text(enum ir_op op);
s32 op_n_args(enum ir_op op);                         /* -1: any number */
const char *ir_type_text(enum ir_type t);
const char *ir_space_text(enum ir_space s);
u32 ir_type_bytes(enum ir_type t);
u32 ir_type_bits(enum ir_type t);

/* ---- text.c, read.c, check.c ---- */
void mod_print(const struct mod *m, struct str *out);
void fn_print(const struct fn *f, struct str *out);
void val_print(const struct val *v, struct str *out); /* in its block, without newline */
/* -EINVAL with place (line) in dg. */
int mod_read(const char *text, const char *file, struct diag *dg, struct mod **out);
/* Is the form valid: ended blocks, phis, types, dominance?  0, or -EINVAL with what is wrong. */
int mod_check(const struct mod *m, struct diag *dg);
