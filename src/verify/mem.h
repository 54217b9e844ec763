/* SPDX-License-Identifier: BSD-2-Clause */
/* verify/mem.h - loads, stores, and memory that calls read or write. */
#pragma once
#include "verify/env.h"

enum access { ACC_READ, ACC_WRITE };

struct call_meta;    /* verify/call.h */
struct record_field; /* verify/record.h */

/* One touch of memory, as mem_access() hands it to the rules of a kind of pointer. */
struct mem_op {
	u32 pc;
	u32 regno; /* the pointer */
	s32 off;   /* the insn's and the register's fixed part */
	u32 size;  /* bytes */
	enum access t;
	s32 value_regno; /* loaded into or stored from; -1: neither */
	bool is_ldsx;
};

/* One load or store at reg + off of size bytes; value_regno: loaded into or stored from, -1:
 * neither. strict: alignment counts; is_ldsx: sign-extending load.  check_mem_access(). */
int mem_access(struct verify *v, u32 pc, u32 regno, s32 off, u32 size, enum access t,
	       s32 value_regno, bool strict_once, bool is_ldsx);
/* The insns of classes LDX, STX, ST with their register checks: check_load_mem(), check_store_reg()
 * and BPF_ST of do_check(); each with save_aux_ptr_type(). */
int mem_ldx(struct verify *v, struct insn *i);
/* What they share with atomic loads and stores; what names the insn in a flaw of bounds. */
int mem_load(struct verify *v, const struct insn *i, bool strict_once, bool is_ldsx,
	     bool allow_trust_mismatch, const char *what);
int mem_store(struct verify *v, const struct insn *i, bool strict_once);
int mem_stx(struct verify *v, struct insn *i);
int mem_st(struct verify *v, struct insn *i);
int mem_atomic(struct verify *v, struct insn *i); /* atomic.c: check_atomic() */
int mem_ld_abs(struct verify *v, struct insn *i); /* ldabs.c: check_ld_abs() */

/* ---- ranges ---- */
/* A stored pointer must not leak: "R%d leaks addr into PLACE". */
int mem_no_leak(struct verify *v, s32 value_regno, const char *place);
/* "R%d cannot write into TYPE"; always -EACCES. */
int mem_refuse_write(struct verify *v, u32 regno);
/* check_ptr_alignment(); off without the register's. */
int mem_aligned(struct verify *v, const struct reg *r, s32 off, u32 size, bool strict_once);
/* A tnum's text in the caller's buffer. */
enum { TNUM_TEXT_MAX = 48 };
const char *mem_tnum(struct tnum t, char buf[TNUM_TEXT_MAX]);
/* Fixed offset within [0, mem_size): __check_mem_access() and its sentences. */
int mem_range(struct verify *v, u32 regno, s32 off, u32 size, u32 mem_size, bool zero_size_ok);
/* The same with the register's variable offset: check_mem_region_access(). */
int mem_region(struct verify *v, u32 regno, s32 off, u32 size, u32 mem_size, bool zero_size_ok);
int mem_packet(struct verify *v, u32 regno, s32 off, u32 size, bool zero_size_ok);
/* How a map value is touched: by an insn, or by a helper. */
enum access_src { BY_INSN, BY_HELPER };
int mem_map_value(struct verify *v, u32 regno, s32 off, u32 size, bool zero_size_ok,
		  enum access_src src);
int mem_map_access_type(struct verify *v, u32 regno, s32 off, u32 size, enum access t);
/* A load or store through a pointer to a map value, its result too. */
int mem_map_value_op(struct verify *v, const struct mem_op *op);
/* A kptr or uptr field of a map value loaded or stored: check_map_kptr_access(); may the register's
 * pointer be put there: map_kptr_match_type(). */
int mem_kptr(struct verify *v, s32 value_regno, u32 pc, const struct record_field *field);
int mem_kptr_match(struct verify *v, const struct record_field *field, struct reg *r, u32 regno);
/* May this program touch packets directly, or through a helper (meta given) that may?
 * may_access_direct_pkt_data(). */
bool mem_pkt_ok(struct verify *v, const struct call_meta *meta, enum access t);
/* A pointer must have no (variable) offset: check_ptr_off_reg(); __check_ptr_off_reg(fixed_ok). */
int mem_ptr_off(struct verify *v, const struct reg *r, u32 regno);
int mem_ptr_off_fixed_ok(struct verify *v, const struct reg *r, u32 regno, bool fixed_ok);
/* A place in a buffer whose size is known only where the program is attached.  kind: "rdonly",
 * "rdwr", "tracepoint".  __check_buffer_access(), check_buffer_access(): raises *max_access. */
int mem_buffer(struct verify *v, const struct reg *r, u32 regno, s32 off, u32 size,
	       const char *kind, u32 *max_access);

/* ---- stack.c ---- */
int stack_read(struct verify *v, u32 ptr_regno, s32 off, u32 size, s32 dst_regno);
int stack_write(struct verify *v, u32 ptr_regno, s32 off, u32 size, s32 value_regno, u32 pc);
/* Bytes that a helper or atomic reads or writes there: check_stack_range_initialized().  With
 * meta->raw_mode they need not be initialised, and meta is set to where they are. */
int stack_range(struct verify *v, u32 regno, s32 off, s32 size, bool zero_size_ok, enum access t,
		struct call_meta *meta);
int stack_bounds(struct verify *v, u32 regno, s32 off, s32 size, enum access t);
/* Value of the slot at a known place, as load of size bytes into dst_regno would give. */
int stack_read_fixed(struct verify *v, struct frame *f, s32 off, u32 size, s32 dst_regno);
int stack_write_fixed(struct verify *v, struct frame *f, s32 off, u32 size, s32 value_regno,
		      u32 pc);

/* ---- memory of calls ---- */
/* check_helper_mem_access(); check_mem_size_reg(); check_mem_reg(); check_kfunc_mem_size_reg(). */
int mem_helper(struct verify *v, u32 regno, s32 size, enum access t, bool zero_size_ok,
	       struct call_meta *meta);
int mem_size_reg(struct verify *v, struct reg *size, u32 size_regno, enum access t,
		 bool zero_size_ok, struct call_meta *meta);
int mem_reg(struct verify *v, struct reg *r, u32 regno, u32 mem_size);
int mem_kfunc_size_reg(struct verify *v, struct reg *size, u32 size_regno);

/* A load of a constant from a frozen read-only map: bpf_map_direct_read(). */
bool mem_map_const(const struct verify_map *m, s64 off, u32 size, bool is_ldsx, u64 *value);
/* Insns of one place must all use the same kind of pointer: save_aux_ptr_type(). */
int mem_save_type(struct verify *v, u32 type, bool allow_trust_mismatch);
