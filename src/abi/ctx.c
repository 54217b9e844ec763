/* SPDX-License-Identifier: BSD-2-Clause */
/* abi/ctx.c - the tables of abi/ctx.def and abi/ctx_prog.def, and what their columns mean. */
#include "abi/ctx.h"
#include "abi/uapi.h"

/* Sets of program types and of attach types, as the table writes them. */
enum prog_set {
#define PROG_TYPE(name, number, text) P_##name = 1ull << number,
#include "abi/prog_type.def"
#undef PROG_TYPE
	/* a cgroup's skb program that CAP_BPF was there for */
	CAPABLE_CG_SKB = 1ull << 63,
	TC = P_SCHED_CLS | P_SCHED_ACT,
	LWT = P_LWT_IN | P_LWT_OUT | P_LWT_XMIT | P_LWT_SEG6LOCAL,
	SKBS = P_SOCKET_FILTER | TC | P_CGROUP_SKB | LWT | P_SK_SKB, /* not the flow dissector */
	DIRECT = TC | CAPABLE_CG_SKB | LWT | P_SK_SKB | P_FLOW_DISSECTOR,
	SOCKET = P_CGROUP_SKB | P_SK_SKB,
	NOBODY = 0,
	ANYBODY = UINT64_MAX,
};
enum attach_set {
#define ATTACH_TYPE(name, number, text) A_##name = 1ull << number,
#include "abi/attach_type.def"
#undef ATTACH_TYPE
	SOCK_NEW_OLD = A_CGROUP_INET_SOCK_CREATE | A_CGROUP_INET_SOCK_RELEASE,
	POST_BIND = A_CGROUP_INET4_POST_BIND | A_CGROUP_INET6_POST_BIND,
	ADDR4 = A_CGROUP_INET4_BIND | A_CGROUP_INET4_CONNECT | A_CGROUP_INET4_GETPEERNAME |
		A_CGROUP_INET4_GETSOCKNAME | A_CGROUP_UDP4_SENDMSG | A_CGROUP_UDP4_RECVMSG,
	ADDR6 = A_CGROUP_INET6_BIND | A_CGROUP_INET6_CONNECT | A_CGROUP_INET6_GETPEERNAME |
		A_CGROUP_INET6_GETSOCKNAME | A_CGROUP_UDP6_SENDMSG | A_CGROUP_UDP6_RECVMSG,
};

/* Rows in the order of the file; row[CTX_x_ROW] is the ctx's heading, its fields follow. */
enum ctx_row {
#define CTX(name, ...) CTX_##name##_ROW,
#define FIELD(ctx, name, ...) CTX_##ctx##_##name##_ROW,
#include "abi/ctx.def"
#undef CTX
#undef FIELD
	CTX_ROWS,
};

static const struct ctx_field rows[] = {
#define CTX(name, ...) { 0 },
#define FIELD(ctx, name, off_, size_, read_, readers_, write_, writers_, value_)                \
	{ .off = off_, .size = size_, .read = CTX_##read_, .write = CTX_##write_,               \
	  .value = CTX_##value_, .readers = readers_, .writers = writers_ },
#include "abi/ctx.def"
#undef CTX
#undef FIELD
};
_Static_assert(ARRAY_SIZE(rows) == CTX_ROWS, "one row a line");

static const u16 first[CTX_KIND_MAX] = {
#define CTX(name, ...) [CTX_##name] = CTX_##name##_ROW + 1,
#define FIELD(...)
#include "abi/ctx.def"
#undef CTX
#undef FIELD
};

static const struct {
	u8 ctx;
	const char *prog_struct, *kernel_struct;
} progs[BPF_PROG_TYPE_MAX] = {
#define PROG(type, ctx_, prog_, kernel_) \
	[BPF_PROG_TYPE_##type] = { CTX_##ctx_, prog_, kernel_ },
#include "abi/ctx_prog.def"
#undef PROG
};

enum ctx_kind ctx_of_prog(u32 prog_type)
{
	return prog_type < BPF_PROG_TYPE_MAX ? (enum ctx_kind)progs[prog_type].ctx : CTX_NONE;
}

const char *ctx_prog_struct(u32 prog_type)
{
	const char *s = prog_type < BPF_PROG_TYPE_MAX ? progs[prog_type].prog_struct : NULL;

	return s && *s ? s : NULL;
}

const char *ctx_kernel_struct(u32 prog_type)
{
	const char *s = prog_type < BPF_PROG_TYPE_MAX ? progs[prog_type].kernel_struct : NULL;

	return s && *s ? s : NULL;
}

static bool in_set(u64 set, enum ctx_kind ctx, const struct ctx_use *use)
{
	u32 bit = ctx == CTX_SK_BUFF ? use->prog_type : use->attach_type;

	if (ctx == CTX_SK_BUFF && bit == BPF_PROG_TYPE_CGROUP_SKB && use->bpf_capable &&
	    set & CAPABLE_CG_SKB)
		return true;
	return set == ANYBODY || (use->by_pointer && !use->write) || (bit < 63 && set >> bit & 1);
}

static bool width_ok(const struct ctx_field *f, enum ctx_width w, u32 off, u32 size, bool sx)
{
	bool inside = off + size <= (u32)f->off + f->size;

	switch (w) {
	case CTX_NO:
		return false;
	case CTX_BYTE:
		return size == 1;
	case CTX_WORD:
		return size == 4;
	case CTX_LONG:
		return size == 8;
	case CTX_PKT:
		return size == 4 && !sx;
	case CTX_NARROW:
		return size <= 4;
	case CTX_NARROW_AT:
		return off == f->off && size <= 4;
	case CTX_NARROW_16:
		return size == 2 || size == 4;
	case CTX_NARROW2:
		return size <= 2;
	case CTX_NARROW8:
		return true;
	case CTX_PORT:
		return size <= 2 || size == 4;
	case CTX_WIDE:
		return size <= 4 || inside;
	case CTX_WORDS:
		return size == 4 || (size == 8 && inside);
	case CTX_ANY:
		return inside;
	case CTX_RAW:
		return true;
	}
	return false;
}

/* Bytes of the whole field of those that may be loaded in part. */
static u32 width_whole(enum ctx_width w, u32 size)
{
	switch (w) {
	case CTX_NARROW: case CTX_NARROW_AT: case CTX_NARROW_16: case CTX_WIDE:
		return 4;
	case CTX_NARROW2:
		return 2;
	case CTX_NARROW8:
		return 8;
	case CTX_PORT:
		return size == 4 ? 4 : 2;
	default:
		return 0;
	}
}

const struct ctx_field *ctx_field_find(enum ctx_kind ctx, s32 off, u32 size,
				       const struct ctx_use *use, u32 *whole)
{
	const struct ctx_field *f;
	enum ctx_width w;

	if (ctx == CTX_NONE || ctx >= CTX_KIND_MAX || off < 0 || !size)
		return NULL;
	for (f = rows + first[ctx]; f < rows + CTX_ROWS && f->size; f++)
		if ((u32)off - f->off < f->size)
			break;
	if (f == rows + CTX_ROWS || !f->size)
		return NULL;
	w = use->write ? f->write : f->read;
	if (w != CTX_RAW && (u32)off % size)
		return NULL;
	if (!width_ok(f, w, (u32)off, size, use->sign_extends) ||
	    !in_set(use->write ? f->writers : f->readers, ctx, use))
		return NULL;
	*whole = use->write ? 0 : width_whole(w, size);
	return f;
}
