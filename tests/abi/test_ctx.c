/* SPDX-License-Identifier: BSD-2-Clause */
/* abi/ctx.def against the running kernel's own BTF, and what its columns allow. */
#include "test.h"
#include "abi/ctx.h"
#include "abi/uapi.h"
#include "btf/btf.h"

static struct btf *kernel;
static const char *ctx_struct;
static u32 n_found;

/* Lines that stand for a part of a struct, or for several fields, have names that no struct knows. */
static void field(const char *name, u32 off, u32 size)
{
	u32 id = btf_find(kernel, ctx_struct, BTF_STRUCT);
	struct btf_field f;

	if (!id || !btf_find_field(kernel, id, name, &f) || !size)
		return;
	CHECK(off >= f.bit_off / 8 && off < f.bit_off / 8 + MAX(btf_size(kernel, f.type), 1));
	n_found += off == f.bit_off / 8;
}

TEST(offsets_are_the_kernels)
{
	if (btf_load_kernel(NULL, &kernel))
		SKIP("this kernel has no BTF");
#define CTX(name, text) ctx_struct = text;
#define FIELD(ctx, name, off, size, ...) \
	if (CTX_##ctx < CTX_RAW_TP)      \
		field(#name, off, size);
#include "abi/ctx.def"
#undef CTX
#undef FIELD
	CHECK(n_found > 100);
	btf_free(kernel);
}

static bool ok(u32 prog, u32 attach, bool write, s32 off, u32 size)
{
	struct ctx_use use = { .prog_type = prog, .attach_type = attach, .write = write,
			       .bpf_capable = true };
	u32 whole;

	return ctx_field_find(ctx_of_prog(prog), off, size, &use, &whole) != NULL;
}

TEST(columns_allow_what_they_say)
{
	CHECK(ok(BPF_PROG_TYPE_SCHED_CLS, 0, false, 76, 4));     /* data */
	CHECK(!ok(BPF_PROG_TYPE_SOCKET_FILTER, 0, false, 76, 4));
	CHECK(!ok(BPF_PROG_TYPE_SCHED_CLS, 0, false, 76, 2));
	CHECK(ok(BPF_PROG_TYPE_SCHED_CLS, 0, false, 2, 2));      /* half of len */
	CHECK(!ok(BPF_PROG_TYPE_SCHED_CLS, 0, false, 1, 2));
	CHECK(ok(BPF_PROG_TYPE_SCHED_CLS, 0, true, 56, 8));      /* cb */
	CHECK(!ok(BPF_PROG_TYPE_SCHED_CLS, 0, true, 64, 8));
	CHECK(!ok(BPF_PROG_TYPE_SK_SKB, 0, true, 48, 4));
	CHECK(!ok(BPF_PROG_TYPE_SCHED_CLS, 0, false, 181, 1));   /* padding */
	CHECK(!ok(BPF_PROG_TYPE_SCHED_CLS, 0, false, 192, 4));
	CHECK(!ok(BPF_PROG_TYPE_SCHED_CLS, 0, false, -4, 4));
	CHECK(ok(BPF_PROG_TYPE_XDP, BPF_XDP_DEVMAP, false, 20, 4));
	CHECK(!ok(BPF_PROG_TYPE_XDP, BPF_XDP, false, 20, 4));
	CHECK(ok(BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_INET6_BIND, true, 8, 8));
	CHECK(!ok(BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_INET4_BIND, true, 8, 8));
	CHECK(!ok(BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_INET4_BIND, false, 0, 8));
	CHECK(ok(BPF_PROG_TYPE_SK_LOOKUP, BPF_SK_LOOKUP, false, 36, 4));
	CHECK(!ok(BPF_PROG_TYPE_SK_LOOKUP, BPF_SK_LOOKUP, false, 38, 4));
	CHECK(ok(BPF_PROG_TYPE_SYSCALL, 0, true, 3, 8));
	CHECK(!ok(BPF_PROG_TYPE_SYSCALL, 0, true, 65535, 1));
	CHECK(!ok(BPF_PROG_TYPE_EXT, 0, false, 0, 4));
	CHECK(!ok(BPF_PROG_TYPE_MAX, 0, false, 0, 4));
}
