/* SPDX-License-Identifier: BSD-2-Clause */
/* verify/kfunc.h - kernel functions: facts by BTF id, and questions that other files have. */
#pragma once
#include "verify/call.h"

/* Kernel functions whose rules have code of their own; others go by their BTF and flags. */
enum kfunc_special {
	KF_NONE,
#define KFUNC_SPECIAL(name) KF_##name,
#include "verify/kfunc_special.def"
#undef KFUNC_SPECIAL
};

/* What an argument is by its BTF.  Kernel 6.18: enum kfunc_ptr_arg_type. */
enum kfunc_arg_kind {
	KARG_SCALAR,
	KARG_IGNORED,
	KARG_CTX,
	KARG_ALLOC,          /* an allocated object */
	KARG_REFCOUNTED,     /* one that counts its references */
	KARG_DYNPTR,
	KARG_ITER,
	KARG_LIST_HEAD,
	KARG_LIST_NODE,
	KARG_RB_ROOT,
	KARG_RB_NODE,
	KARG_CONST_STR,
	KARG_MAP,
	KARG_WORKQUEUE,
	KARG_TASK_WORK,
	KARG_IRQ_FLAG,
	KARG_RES_LOCK,
	KARG_BY_REG,         /* the register decides: one of the following */
	KARG_BTF,            /* a kernel struct */
	KARG_CALLBACK,
	KARG_MEM,            /* as many bytes as the type has */
	KARG_MEM_SIZE,       /* as many as the next argument says */
	KARG_NULL,
	KARG_BAD,            /* neither scalar nor pointer */
};

/* Endings of parameter names, by their numbers in kfunc.c's table. */
enum kfunc_mark {
	MARK_SIZE = 1 << 0,
	MARK_CONST_SIZE = 1 << 1,
	MARK_CONST = 1 << 2,
	MARK_IGNORED = 1 << 3,
	MARK_PROG = 1 << 4,
	MARK_MAP = 1 << 5,
	MARK_ALLOC = 1 << 6,
	MARK_UNINIT = 1 << 7,
	MARK_OPTIONAL = 1 << 8,
	MARK_REFCOUNTED = 1 << 9,
	MARK_NULLABLE = 1 << 10,
	MARK_STR = 1 << 11,
	MARK_IRQ_FLAG = 1 << 12,
	MARK_ITER = 1 << 13,
	MARK_RDONLY_SIZE = 1 << 14, /* whole names: bytes behind the pointer that is returned */
	MARK_RDWR_SIZE = 1 << 15,
};

struct kfunc_arg {
	enum kfunc_arg_kind kind;
	u32 marks;
	u32 type;                    /* without modifiers */
	u32 target;                  /* of a pointer, without modifiers */
	bool callback;               /* points to a function */
};

enum { KFUNC_ARGS_MAX = 5 };

/* A function that the program calls. */
struct kfunc {
	u32 id;                      /* FUNC in btf */
	s16 off;                     /* of the call insn: 0 the kernel's BTF, else an fd in fd_array */
	enum kfunc_special special;
	const struct btf *btf;
	bool module;
	const char *name;
	u32 proto;                   /* FUNC_PROTO */
	u32 n_args;
	/* the rest is known once it was asked for: the program's type counts */
	bool known, allowed;
	u32 flags;                   /* enum kfunc_flag of abi/kfunc.h */
	struct kfunc_arg args[KFUNC_ARGS_MAX];
};

/* What the arguments of a call turned out to be: struct bpf_kfunc_call_arg_meta. */
struct kfunc_call {
	const struct kfunc *k;
	u32 pc;
	u32 ref_obj_id;
	u8 release_regno;
	bool arg_prog;
	bool r0_rdonly;
	u64 r0_size;
	bool has_constant;
	u64 constant;
	bool arg_owning_ref;
	const struct btf *arg_btf;   /* of an object or node */
	u32 arg_btf_id;
	u32 subprog;
	const struct record_field *list_head, *rb_root;
	enum dynptr_type dynptr;
	u32 dynptr_id, dynptr_ref;
	u32 iter_frame, iter_slot;
	u32 ret_btf_id;
	struct call_meta map;        /* map and map_uid only */
};

/* Enters a call's function at find time: add_kfunc_call().  Sentences: "calling kernel function is
 * not supported without CONFIG_DEBUG_INFO_BTF" ... */
int kfunc_add(struct verify *v, const struct insn *call);
enum kfunc_special kfunc_special(struct verify *v, const struct insn *call);
const char *kfunc_name(struct verify *v, const struct insn *call); /* "<error>" where unknown */
bool kfunc_is_acquire(struct verify *v, const struct insn *call);
bool kfunc_may_sleep(struct verify *v, const struct insn *call);
bool kfunc_is_iter_next(struct verify *v, const struct insn *call);
bool kfunc_is_iter_new(struct verify *v, const struct insn *call);
bool kfunc_changes_pkt(struct verify *v, const struct insn *call);
bool kfunc_calls_back_sync(struct verify *v, const struct insn *call);
bool kfunc_calls_back_async(struct verify *v, const struct insn *call);
bool kfunc_is_throw(struct verify *v, const struct insn *call);
bool kfunc_is_fastcall(struct verify *v, const struct insn *call, u32 *n_args);
/* May it be called while a lock is held?  kfunc_spin_allowed(). */
bool kfunc_spin_allowed(struct verify *v, const struct insn *call);
u32 kfunc_n_args(struct verify *v, const struct insn *call);
/* Its prototype, asked without a word in the log; false where fetch_kfunc_meta() fails: unknown, or
 * not for this program. */
bool kfunc_shape(struct verify *v, const struct insn *call, u32 *n_args, bool *is_void,
		 bool *fastcall);
/* Is the register's owner trusted as KF_TRUSTED_ARGS asks?  is_trusted_reg(). */
bool reg_is_trusted(struct verify *v, const struct reg *r);
bool in_rcu_cs(struct verify *v);

/* Kernel struct that a register of this base type stands for: "sock", "bpf_map"; NULL: none, or by
 * its own BTF.  reg2btf_ids[]. */
const char *reg_kernel_struct(u32 base);
bool type_has_unsafe_flags(u32 type);      /* bpf_type_has_unsafe_modifiers() */
/* Is a struct (4 deep at most) made of numbers only?  __btf_type_is_scalar_struct(). */
bool btf_is_scalar_struct(struct verify *v, const struct btf *btf, u32 id);

/* The call's function with all that is known of it; NULL where fetch_kfunc_meta() fails. */
const struct kfunc *kfunc_of(struct verify *v, const struct insn *call);
/* ---- kfunc_args.c ---- */
int kfunc_args(struct verify *v, struct kfunc_call *c);     /* check_kfunc_args() */
/* ---- kfunc_ret.c ---- */
int kfunc_result(struct verify *v, struct kfunc_call *c);   /* r0 */

/* ---- kfunc_graph.c: allocated objects, lists and trees of them ---- */
bool kfunc_is_list(enum kfunc_special s);
bool kfunc_is_tree(enum kfunc_special s);
int graph_root_arg(struct verify *v, struct kfunc_call *c, u32 regno, enum field_kind kind);
int graph_node_arg(struct verify *v, struct kfunc_call *c, u32 regno, enum field_kind kind);
int graph_insert(struct verify *v, struct kfunc_call *c);   /* push, add: a reference given up */
int alloc_result(struct verify *v, struct kfunc_call *c);   /* r0 of bpf_obj_new() and its like */

/* ---- iter.c ---- */
/* process_iter_arg() and process_iter_next_call(), by the kfunc's files; the latter pushes the path
 * where the iterator is drained. */
int iter_arg(struct verify *v, u32 regno, u32 pc, const struct btf *btf, u32 iter_btf_id, u32 n_slots,
	     enum kfunc_special which, bool is_new, bool is_next, bool is_destroy, u32 kfunc_flags,
	     u32 *frameno, u32 *slot);
int iter_next(struct verify *v, u32 pc, u32 frameno, u32 slot);
