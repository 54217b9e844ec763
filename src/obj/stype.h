/* SPDX-License-Identifier: BSD-2-Clause */
/* obj/stype.h - types of a script's values: for the front end that computes with them and the printer
 * that shows them.
 *
 * A type never changes once it is made; all live in the arena they were made in.  Two types may be equal without being the same
 * struct: stype_same().
 */
#pragma once
#include "base/arena.h"
#include "base/str.h"

struct btf;

enum stype_kind {
#define STYPE(name, text, flags) ST_##name,
#include "obj/stype.def"
#undef STYPE
	ST_KINDS,
};

/* What a pointer of a script points into: how it is read. */
enum stype_space {
	SS_NONE,    /* not known: kernel memory first, then user memory, as the probe suggests */
	SS_KERNEL,  /* probe_read_kernel */
	SS_USER,    /* probe_read_user */
	SS_CTX,     /* the program's context: directly */
	SS_BTF,     /* a kernel pointer that the verifier knows: directly */
	SS_MAP,     /* value of a map, own memory: directly */
};

enum stack_mode { STACK_BPFTRACE, STACK_PERF, STACK_RAW, STACK_BUILD_ID };
enum stype_clock { CLOCK_OF_BOOT, CLOCK_OF_MONOTONIC, CLOCK_OF_TAI };
enum tseries_fn { TSERIES_LAST, TSERIES_AVG, TSERIES_MAX, TSERIES_MIN, TSERIES_SUM };

struct stype_field {
	const char *name;   /* NULL: of a tuple, or an anonymous member (see STRUCT below) */
	const struct stype *type;
	s64 off;            /* bytes from the start; of an enumerator: its value */
	u32 bit_off, bits;  /* of a bitfield: bits from off on (little endian numbering), else bits is 0 */
	bool data_loc;      /* tracepoint: 4 bytes, offset in the low and length in the high half, of
			     * a string or array that lies in the record */
	bool slot;          /* argument in a register or ctx word: read 8 bytes, then narrow */
};

struct stype {
	enum stype_kind kind;
	u32 size;           /* bytes of a value in memory; of an aggregation: of one CPU's share */
	bool is_signed;
	bool is_union;      /* STRUCT */
	bool is_fwd;        /* STRUCT without members known */
	u32 n;              /* ARRAY: elements; BUF: bytes; HIST: bits; TSERIES: intervals; stacks: frames;
			     * TIMESTAMP: enum stype_clock; STR: 1 for what was an array of char */
	u32 mode;           /* stacks: enum stack_mode; TSERIES: enum tseries_fn */
	s64 min, max, step; /* LHIST; TSERIES: step is the interval in ns */
	enum stype_space space; /* PTR: of its target */
	const struct stype *of; /* PTR, ARRAY, TSERIES (the value's) */
	const struct stype_field *fields; /* STRUCT (members of anonymous structs lifted), TUPLE, RECORD, ENUM */
	u32 n_fields;
	u32 align;          /* STRUCT: bytes, where attributes say other than its members do; 0: as they do */
	const char *name;   /* "struct task_struct", "enum pid_type", "uint64", a typedef; NULL: none */
	const char *text;   /* TIMESTAMP, CGROUP: the format, the hierarchy */
	const struct btf *btf; /* where name comes from; NULL: the script.  Not kept in objects */
	u32 btf_id;
	bool is_literal;    /* STR of a literal, INT that fits any width: may adapt */
};

enum { STYPE_FIELDS_MAX = 65535, STYPE_DEPTH_MAX = 64 };

enum stype_flag { STYPE_SCALAR = 1, STYPE_AGG = 2, STYPE_MEM = 4 };
bool stype_is(const struct stype *t, enum stype_flag flag); /* false for NULL */
static inline bool stype_is_scalar(const struct stype *t) { return stype_is(t, STYPE_SCALAR); }
static inline bool stype_is_agg(const struct stype *t) { return stype_is(t, STYPE_AGG); }
static inline bool stype_is_mem(const struct stype *t) { return stype_is(t, STYPE_MEM); }
const char *stype_kind_text(enum stype_kind k);

/* ---- making: all in the arena ---- */
const struct stype *stype_int(u32 size, bool is_signed);  /* static: no arena; size 1, 2, 4, 8 */
const struct stype *stype_none(void);
const struct stype *stype_void(void);
const struct stype *stype_bool(void);
const struct stype *stype_simple(enum stype_kind k);      /* KSYM, INET, MAC, USYM, STRERROR, USERNAME, COUNT */
const struct stype *stype_str(struct arena *a, u32 size); /* with the NUL */
/* A STR that was char[n]: it may be full, and was not cut. */
const struct stype *stype_chars(struct arena *a, u32 n);
const struct stype *stype_buf(struct arena *a, u32 n);
const struct stype *stype_ptr(struct arena *a, const struct stype *to, enum stype_space space);
const struct stype *stype_array(struct arena *a, const struct stype *of, u32 n);
const struct stype *stype_stack(struct arena *a, enum stype_kind k, u32 frames, enum stack_mode mode);
/* SUM to STATS, of signed or unsigned values. */
const struct stype *stype_agg(struct arena *a, enum stype_kind k, bool is_signed);
const struct stype *stype_hist(struct arena *a, u32 bits);
const struct stype *stype_lhist(struct arena *a, s64 min, s64 max, s64 step);
const struct stype *stype_tseries(struct arena *a, const struct stype *of, s64 interval_ns, u32 n,
				  enum tseries_fn fn);
/* Fields laid out as C would, offsets filled in.  names NULL: a tuple. */
const struct stype *stype_tuple(struct arena *a, const struct stype *const *types,
				const char *const *names, u32 n);
/* The same, in another space (PTR only). */
const struct stype *stype_in_space(struct arena *a, const struct stype *t, enum stype_space space);

/* ---- asking ---- */
bool stype_same(const struct stype *a, const struct stype *b); /* layout and meaning; spaces of pointers don't count */
/* As a message has it: "uint64", "struct task_struct *", "(int64,string[16])". */
void stype_text(const struct stype *t, struct str *out);
const char *stype_name(struct arena *a, const struct stype *t);
u32 stype_align(const struct stype *t);
/* Member by name (those of anonymous members, too) or tuple member by number: NULL, none. */
const struct stype_field *stype_field(const struct stype *t, const char *name);

/* ---- histograms: which values a bucket of hist(v, bits) counts ---- */
/*	0          below 0
 *	1          0
 *	2 ..       for bits k: values 1 .. 2^k - 1 one bucket each, then 2^k buckets to each power of two */
u32 stype_hist_buckets(u32 bits);           /* their number */
u32 stype_hist_bucket(s64 v, u32 bits);
void stype_hist_range(u32 bucket, u32 bits, s64 *from, s64 *to); /* [from, to) */
u32 stype_lhist_buckets(const struct stype *t);
