/* SPDX-License-Identifier: BSD-2-Clause */
/* verify/verify.h - accept or refuse a program, as Linux 6.18 would, with its reasons.
 *
 * An abstract interpreter of all paths.  It knows no engine and no file: whoever has a program
 * fills struct verify_prog, says what kernel it speaks for (struct profile), and gets a
 * verdict, the kernel's log and the reason as data.  Nothing is kept between calls; memory is bounded
 * by opts->max_bytes; safe on any bytes.
 */
#pragma once
#include "abi/uapi.h"
#include "base/diag.h"
#include "base/str.h"
#include "btf/btf.h"
#include "isa/insn.h"
#include "verify/profile.h"

struct btf_record; /* verify/record.h */
struct verify;     /* verify/env.h */

/* A map as a program sees it.  Two loads of one map must give one struct. */
struct verify_map {
	const char *name;      /* "" where it has none */
	u32 type, key_size, value_size, max_entries, flags;
	u64 extra;             /* map_extra */
	const struct btf *btf; /* borrowed; NULL: none */
	u32 btf_key_id, btf_value_id;
	u32 btf_vmlinux_value_id; /* struct_ops */
	const struct verify_map *inner; /* meta of a map of maps */
	bool frozen;
	const u8 *value;       /* first value of a frozen BPF_F_RDONLY_PROG array; NULL: not known */
	u64 user_addr;         /* of an arena */
	bool unpriv;           /* made without CAP_PERFMON: the kernel masks its indices */
	/* special fields of the value type; NULL where it has none: map_record_make() */
	const struct btf_record *record;
	void *arg;             /* the caller's */
};

/* What the insns refer to by file descriptor.  Both may answer NULL: no such thing. */
struct verify_host {
	void *arg;
	const struct verify_map *(*map)(void *arg, s32 fd);
	/* BTF behind an fd (wide loads of kernel variables, kfuncs of modules); *module: not vmlinux. */
	const struct btf *(*btf)(void *arg, s32 fd, bool *module);
};

/* The program that an EXT program replaces a function of, or a tracing program watches. */
struct verify_target {
	u32 prog_type, attach_type;
	const struct btf *btf;     /* the target program's */
	bool gpl, sleepable, has_exception_cb;
	bool is_tracing;           /* and what that one is attached to, for recursion rules */
	u32 n_func_info;
	const struct bpf_func_info *func_info;
	u32 n_insns;
	const struct insn *insns;
	u32 ctx_access_changes_pkt; /* changes_pkt_data of the target function */
	bool might_sleep;
	u32 saved_prog_type;
	bool unreliable; /* the target function's BTF was found not to fit its calls */
};

struct verify_prog {
	const struct insn *insns; /* borrowed; as given to BPF_PROG_LOAD */
	u32 n_insns;
	u32 type, attach_type, flags;
	const char *name;
	bool gpl;
	const struct btf *attach_btf; /* NULL: the profile's */
	bool attach_btf_is_module;
	u32 attach_btf_id;
	const struct verify_target *target; /* attach_prog_fd; NULL: none */
	const struct btf *btf;    /* the program's own; NULL: none */
	const struct bpf_func_info *func_info;
	u32 n_func_info;
	const struct bpf_line_info *line_info;
	u32 n_line_info;
	const s32 *fd_array;      /* NULL: none */
	u32 n_fd_array;           /* entries that may be read; UINT32_MAX where not told */
	struct verify_host host;
};

/* Why a program was refused; also the category of an explanation. */
enum verify_reason {
	WHY_NONE,
#define REASON(name, text) WHY_##name,
#include "verify/reason.def"
#undef REASON
};

/* Seen from outside: called before each insn is interpreted, on each path.  For explanations, the
 * soundness check and the debugger. */
struct state;
struct verify_observer {
	void *arg;
	/* Gets the token that it gave last on this path, 0 at first; a path that branches off has
	 * that of the insn where it did. */
	u64 (*insn)(void *arg, const struct verify *v, u32 pc, u64 token);
};

enum { VERIFY_LOG1 = 1, VERIFY_LOG2 = 2, VERIFY_STATS = 4 };

struct verify_opts {
	u32 log_level;       /* VERIFY_* bits; 0: only the final message */
	u32 log_max;         /* bytes of log kept: the end counts; 0: 64 MiB */
	u64 max_bytes;       /* memory for states; 0: 256 MiB, then -ENOMEM */
	u32 max_insns;       /* processed on all paths; 0: the kernel's million */
	/* Not 0: no path ends early because one like it was walked before (loops that end by
	 * themselves apart), and so many insns are the limit.  Then every value that can come to an
	 * insn lies in a state that the observer saw there: for tests of soundness. */
	u32 unpruned;
	struct verify_observer observer;
};

/* What whoever runs an accepted program must know of an insn: bits of verify_result.insns. */
enum verify_insn {
	INSN_REACHED = 1,  /* some path comes here */
	INSN_PROBES = 2,   /* a load through a pointer that may be stale or null: a fault reads as 0 */
	INSN_ARENA = 4,    /* an access to the arena, by the low 32 bits of its address */
	INSN_BTF = 8,      /* an access through a pointer to a kernel struct, stale or not */
};

struct verify_result {
	int err;                  /* 0: accepted; else the errno that bpf(2) gives */
	enum verify_reason why;
	u32 pc;                   /* insn concerned */
	s32 reg;                  /* register concerned, -1: none */
	char *message;            /* owned; the last line that the kernel would print, NULL: none */
	char *log;                /* owned; NULL when empty */
	size_t log_len;
	u64 log_peak;             /* bytes that the log was long at its longest: log_true_size - 1 */
	u32 processed, max_states_per_insn, total_states, peak_states;
	u32 stack[BPF_MAX_SUBPROGS]; /* bytes of each subprogram */
	u32 n_subprogs;
	u64 peak_bytes;
	u32 max_ctx_offset;       /* bytes of the context that may be touched: prog->aux's */
	u32 max_tp_access;        /* the same of a raw tracepoint's buffer */
	u8 *insns;                /* owned; enum verify_insn bits of each insn; NULL where refused */
	u32 n_insns;
};

/* The verdict of the profile's kernel.  Returns out->err; out is always filled and must be given to
 * verify_result_free(). */
int verify(const struct verify_prog *p, const struct profile *k, const struct verify_opts *o,
	   struct verify_result *out);
void verify_result_free(struct verify_result *r);
const char *verify_reason_text(enum verify_reason why);
