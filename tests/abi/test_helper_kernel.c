/* SPDX-License-Identifier: BSD-2-Clause */
/* abi: the helper tables against the running kernel, asked by loading small programs.
 *
 * The tables speak for Linux 6.18; on another kernel these tests are skipped.
 */
#include "abi/helper_use.h"
#include "abi/uapi.h"
#include "isa/insn.h"
#include "test.h"
#include <errno.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

static char verifier_log[1 << 16];

static long sys_bpf(enum bpf_cmd cmd, union bpf_attr *attr)
{
	return syscall(SYS_bpf, cmd, attr, sizeof(*attr));
}

static bool kernel_is_618(void)
{
	union bpf_attr a = { .map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4,
		.max_entries = 1 };
	struct utsname u;
	long fd = sys_bpf(BPF_MAP_CREATE, &a);

	if (fd >= 0)
		close((int)fd);
	return fd >= 0 && !uname(&u) && !strncmp(u.release, "6.18.", 5);
}
#define NEED_618()                                                       \
	do {                                                             \
		if (!kernel_is_618())                                    \
			SKIP("needs bpf(2) of a 6.18 kernel");           \
	} while (0)

struct kind {
	u32 prog, attach, flags;
};

/* Every program type that loads without a kernel function to attach to, with its attach types. */
static const struct kind kinds[] = {
	{ BPF_PROG_TYPE_SOCKET_FILTER, 0, 0 },
	{ BPF_PROG_TYPE_KPROBE, 0, 0 },
	{ BPF_PROG_TYPE_KPROBE, BPF_TRACE_KPROBE_MULTI, 0 },
	{ BPF_PROG_TYPE_KPROBE, BPF_TRACE_UPROBE_MULTI, 0 },
	{ BPF_PROG_TYPE_SCHED_CLS, 0, 0 },
	{ BPF_PROG_TYPE_SCHED_ACT, 0, 0 },
	{ BPF_PROG_TYPE_TRACEPOINT, 0, 0 },
	{ BPF_PROG_TYPE_XDP, BPF_XDP, 0 },
	{ BPF_PROG_TYPE_PERF_EVENT, BPF_PERF_EVENT, 0 },
	{ BPF_PROG_TYPE_CGROUP_SKB, BPF_CGROUP_INET_INGRESS, 0 },
	{ BPF_PROG_TYPE_CGROUP_SKB, BPF_CGROUP_INET_EGRESS, 0 },
	{ BPF_PROG_TYPE_CGROUP_SOCK, BPF_CGROUP_INET_SOCK_CREATE, 0 },
	{ BPF_PROG_TYPE_CGROUP_SOCK, BPF_CGROUP_INET_SOCK_RELEASE, 0 },
	{ BPF_PROG_TYPE_CGROUP_SOCK, BPF_CGROUP_INET4_POST_BIND, 0 },
	{ BPF_PROG_TYPE_LWT_IN, 0, 0 },
	{ BPF_PROG_TYPE_LWT_OUT, 0, 0 },
	{ BPF_PROG_TYPE_LWT_XMIT, 0, 0 },
	{ BPF_PROG_TYPE_LWT_SEG6LOCAL, 0, 0 },
	{ BPF_PROG_TYPE_SOCK_OPS, BPF_CGROUP_SOCK_OPS, 0 },
	{ BPF_PROG_TYPE_SK_SKB, 0, 0 },
	{ BPF_PROG_TYPE_CGROUP_DEVICE, BPF_CGROUP_DEVICE, 0 },
	{ BPF_PROG_TYPE_SK_MSG, BPF_SK_MSG_VERDICT, 0 },
	{ BPF_PROG_TYPE_RAW_TRACEPOINT, 0, 0 },
	{ BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE, 0, 0 },
	{ BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_INET4_BIND, 0 },
	{ BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_INET4_CONNECT, 0 },
	{ BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_INET6_CONNECT, 0 },
	{ BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_UNIX_CONNECT, 0 },
	{ BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_UDP4_SENDMSG, 0 },
	{ BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_UDP4_RECVMSG, 0 },
	{ BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_INET4_GETPEERNAME, 0 },
	{ BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_UNIX_GETSOCKNAME, 0 },
	{ BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_UNIX_GETPEERNAME, 0 },
	{ BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_UNIX_RECVMSG, 0 },
	{ BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_INET6_GETSOCKNAME, 0 },
	{ BPF_PROG_TYPE_SK_REUSEPORT, BPF_SK_REUSEPORT_SELECT_OR_MIGRATE, 0 },
	{ BPF_PROG_TYPE_FLOW_DISSECTOR, BPF_FLOW_DISSECTOR, 0 },
	{ BPF_PROG_TYPE_CGROUP_SYSCTL, BPF_CGROUP_SYSCTL, 0 },
	{ BPF_PROG_TYPE_CGROUP_SOCKOPT, BPF_CGROUP_GETSOCKOPT, 0 },
	{ BPF_PROG_TYPE_CGROUP_SOCKOPT, BPF_CGROUP_SETSOCKOPT, 0 },
	{ BPF_PROG_TYPE_SK_LOOKUP, BPF_SK_LOOKUP, 0 },
	{ BPF_PROG_TYPE_SYSCALL, 0, BPF_F_SLEEPABLE },
	{ BPF_PROG_TYPE_NETFILTER, BPF_NETFILTER, 0 },
};

/* 0, or a negative errno with the verifier's log in verifier_log. */
static int load(const struct kind *k, const struct insn *insns, u32 n, const char *license)
{
	union bpf_attr a = { .prog_type = k->prog, .expected_attach_type = k->attach,
		.prog_flags = k->flags,
			     .insns = (u64)insns, .insn_cnt = n, .license = (u64)license,
			     	.log_level = 1,
			     .log_buf = (u64)verifier_log, .log_size = sizeof(verifier_log) };
	long fd;

	verifier_log[0] = 0;
	fd = sys_bpf(BPF_PROG_LOAD, &a);
	if (fd >= 0)
		close((int)fd);
	return fd >= 0 ? 0 : -errno;
}

static bool log_says(const char *text)
{
	return strstr(verifier_log, text) != NULL;
}

static void load_call(const struct kind *k, u32 id, const char *license)
{
	const struct insn insns[] = { { .code = CLS_JMP | JMP_CALL, .imm = (s32)id },
				      { .code = CLS_ALU64 | ALU_MOV },
				      	{ .code = CLS_JMP | JMP_EXIT } };

	load(k, insns, ARRAY_SIZE(insns), license);
}

/* Left out by kernels for want of configuration or under lockdown. */
static bool may_be_left_out(u32 id)
{
	return id == HELPER_override_return || id == HELPER_probe_write_user;
}

TEST(program_types_may_call_what_the_kernel_lets_them)
{
	NEED_618();
	for (u32 i = 0; i < ARRAY_SIZE(kinds); i++) {
		const struct kind *k = &kinds[i];

		load_call(k, HELPER_map_lookup_elem, "GPL");
		if (!verifier_log[0])
			fail_msg("program type %u, attach type %u does not load at all", k->prog,
				k->attach);
		for (u32 id = 1; id < HELPER_ID_MAX; id++) {
			bool kernel, table = helper_allowed(id, k->prog, k->attach);

			load_call(k, id, "GPL");
			kernel = !log_says("cannot use helper");
			if (kernel != table && !(table && may_be_left_out(id)))
				fail_msg("program type %u, attach type %u and %s: the kernel says %d, the table %d",
					 k->prog, k->attach, helper_proto(id)->name, kernel, table);
		}
	}
}

TEST(gpl_and_sleep_flags_are_the_kernels)
{
	u32 asked = 0;

	NEED_618();
	for (u32 i = 0; i < ARRAY_SIZE(kinds); i++)
		for (u32 id = 1; id < HELPER_ID_MAX; id++) {
			const struct kind *k = &kinds[i];
			const struct helper_proto *p = helper_proto_for(id, k->prog, k->attach);
			bool gpl;

			load_call(k, id, "Proprietary");
			if (log_says("cannot use helper"))
				continue;
			asked++;
			gpl = log_says("cannot call GPL-restricted function");
			if (gpl != !!(p->flags & HELPER_GPL))
				fail_msg("type %u, %s: GPL is %d in the kernel", k->prog, p->name,
					gpl);
			load_call(k, id, "GPL");
			if (k->flags & BPF_F_SLEEPABLE)
				continue;
			if (log_says("might sleep") != !!(p->flags & HELPER_MAY_SLEEP))
				fail_msg("type %u, %s: sleeping is %d in the kernel", k->prog,
					p->name,
					 log_says("might sleep"));
		}
	CHECK(asked > 3000);
}

/* ---- prototypes: right arguments load; with one left out the kernel misses it ---- */

enum { MAP_KINDS = BPF_MAP_TYPE_MAX };
static int map_fds[MAP_KINDS];
static int text_fd = -1;

static int new_map(u32 type)
{
	union bpf_attr a = { .map_type = type, .key_size = 4, .value_size = 8, .max_entries = 4 };

	switch (type) {
	case BPF_MAP_TYPE_RINGBUF: case BPF_MAP_TYPE_USER_RINGBUF:
		a.key_size = a.value_size = 0;
		a.max_entries = 4096;
		break;
	case BPF_MAP_TYPE_QUEUE: case BPF_MAP_TYPE_STACK: case BPF_MAP_TYPE_BLOOM_FILTER:
		a.key_size = 0;
		break;
	case BPF_MAP_TYPE_PROG_ARRAY: case BPF_MAP_TYPE_PERF_EVENT_ARRAY: case BPF_MAP_TYPE_CGROUP_ARRAY:
	case BPF_MAP_TYPE_DEVMAP: case BPF_MAP_TYPE_CPUMAP: case BPF_MAP_TYPE_XSKMAP:
	case BPF_MAP_TYPE_SOCKMAP: case BPF_MAP_TYPE_SOCKHASH:
		a.value_size = 4;
	}
	return (int)sys_bpf(BPF_MAP_CREATE, &a);
}

static int map_for(u32 id, const struct kind *k)
{
	for (u32 type = 1; type < MAP_KINDS; type++) {
		if (!helper_map_ok(id, type, k->prog, k->attach))
			continue;
		/* an array of programs belongs to the first program type that used it */
		if (type == BPF_MAP_TYPE_PROG_ARRAY && map_fds[type] > 0) {
			close(map_fds[type]);
			map_fds[type] = 0;
		}
		if (!map_fds[type])
			map_fds[type] = new_map(type);
		if (map_fds[type] >= 0)
			return map_fds[type];
	}
	return -1;
}

static int text_map(void)
{
	union bpf_attr a = { .map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 8,
		.max_entries = 1,
			     .map_flags = BPF_F_RDONLY_PROG };
	union bpf_attr b = { 0 };
	u32 key = 0;

	if (text_fd >= 0)
		return text_fd;
	text_fd = (int)sys_bpf(BPF_MAP_CREATE, &a);
	b.map_fd = (u32)text_fd;
	b.key = (u64)&key;
	b.value = (u64) "%d\0\0\0\0\0";
	CHECK_EQ(sys_bpf(BPF_MAP_UPDATE_ELEM, &b), 0);
	memset(&b, 0, sizeof(b));
	b.map_fd = (u32)text_fd;
	CHECK_EQ(sys_bpf(BPF_MAP_FREEZE, &b), 0);
	return text_fd;
}

struct code {
	struct insn insns[64];
	u32 n;
};

static void put(struct code *c, u8 code, u8 dst, u8 src, s16 off, s32 imm)
{
	c->insns[c->n++] = (struct insn){ .code = code, .dst = dst & 15, .src = src & 15,
		.off = off, .imm = imm };
}

static void put_wide(struct code *c, u8 dst, u8 src, s32 imm)
{
	put(c, CLS_LD | MODE_IMM | SZ_DW, dst, src, 0, imm);
	put(c, 0, 0, 0, 0, 0);
}

/* False: such a value can't be had in a few insns. */
static bool put_arg(struct code *c, u32 id, const struct kind *k, u8 reg, u32 arg)
{
	int fd;

	switch (ARG_KIND(arg)) {
	case ARG_CTX:
		put(c, CLS_ALU64 | SRC_X | ALU_MOV, reg, 6, 0, 0);
		return true;
	case ARG_ANY:
		put(c, CLS_ALU64 | ALU_MOV, reg, 0, 0, 0);
		return true;
	case ARG_SIZE: case ARG_SIZE0: case ARG_ALLOC_SIZE:
		put(c, CLS_ALU64 | ALU_MOV, reg, 0, 0, 8);
		return true;
	case ARG_MAP:
		fd = map_for(id, k);
		put_wide(c, reg, PSEUDO_MAP_FD, fd);
		return fd >= 0;
	case ARG_CONST_STR:
		put_wide(c, reg, PSEUDO_MAP_VALUE, text_map());
		return true;
	case ARG_KEY: case ARG_VALUE: case ARG_MEM: case ARG_STACK:
		put(c, CLS_ALU64 | SRC_X | ALU_MOV, reg, REG_FP, 0, 0);
		put(c, CLS_ALU64 | ALU_ADD, reg, 0, 0, -64);
		return true;
	default:
		return false;
	}
}

/* A call whose first n arguments are given.  uninit leaves written memory uninitialised. */
static bool call_with(struct code *c, const struct kind *k, const struct helper_proto *p, u32 n)
{
	c->n = 0;
	put(c, CLS_ALU64 | SRC_X | ALU_MOV, 6, 1, 0, 0);
	put(c, CLS_ALU64 | ALU_MOV, 1, 0, 0, 0); /* then r1 is no ctx by chance */
	for (s16 off = -64; off < 0; off += 8)
		put(c, CLS_ST | MODE_MEM | SZ_DW, REG_FP, 0, off, 0);
	/* r1 must be unreadable when it is left out: a call of any helper does that */
	put(c, CLS_JMP | JMP_CALL, 0, 0, 0, HELPER_get_prandom_u32);
	for (u32 i = 0; i < n; i++)
		if (!put_arg(c, p->id, k, (u8)(i + 1), p->arg[i]))
			return false;
	put(c, CLS_JMP | JMP_CALL, 0, 0, 0, p->id);
	put(c, CLS_ALU64 | ALU_MOV, 0, 0, 0, k->prog == BPF_PROG_TYPE_CGROUP_SOCK_ADDR);
	put(c, CLS_JMP | JMP_EXIT, 0, 0, 0, 0);
	return true;
}

/* Refused for what no prototype says. */
static bool refused_for_more(void)
{
	return log_says("Unreleased reference") || log_says("should have been in") ||
	       log_says("not supported for program type") || log_says("Invalid format string") ||
	       log_says("Sleepable programs can only use");
}

TEST(prototypes_take_what_the_kernel_takes)
{
	static struct code c;
	u32 n_loaded = 0;

	NEED_618();
	for (u32 i = 0; i < ARRAY_SIZE(kinds); i++)
		for (u32 id = 1; id < HELPER_ID_MAX; id++) {
			const struct kind *k = &kinds[i];
			const struct helper_proto *p = helper_proto_for(id, k->prog, k->attach);
			u32 n = 0;
			int err;

			load_call(k, id, "GPL");
			if (log_says("cannot use helper") || log_says("might sleep"))
				continue;
			while (n < 5 && p->arg[n] != ARG_NONE)
				n++;
			if (!call_with(&c, k, p, n))
				continue;
			err = load(k, c.insns, c.n, "GPL");
			if (err && !refused_for_more())
				fail_msg("type %u, %s: right arguments are refused:\n%s", k->prog,
					p->name,
					 verifier_log);
			if (err && log_says("Sleepable programs can only use"))
				continue;
			n_loaded++;
			for (u32 left = 0; left < n; left++) {
				char missing[32];

				call_with(&c, k, p, left);
				load(k, c.insns, c.n, "GPL");
				snprintf(missing, sizeof(missing), "R%u !read_ok", left + 1);
				if (!log_says(missing))
					fail_msg("type %u, %s: argument %u is not missed:\n%s",
						k->prog, p->name,
						 left + 1, verifier_log);
			}
		}
	CHECK(n_loaded > 1500);
}

/* ---- arguments changed one at a time ---- */

enum change { ZERO_SIZE, NULL_MEMORY, READ_ONLY_MEMORY };

/* The call with right arguments, but for argument i.  False: the change says nothing here. */
static bool call_changed(struct code *c, const struct kind *k, const struct helper_proto *p, u32 n,
	u32 i,
			 enum change how, bool *accepted)
{
	u32 arg = p->arg[i], kind = ARG_KIND(arg),
		size = i < 4 ? ARG_KIND(p->arg[i + 1]) : ARG_NONE;
	u8 reg = (u8)(i + 1);

	if (kind != ARG_MEM || !call_with(c, k, p, n))
		return false;
	c->n -= 3; /* the call and the end */
	switch (how) {
	case ZERO_SIZE:
		if (arg & ARG_FIXED_SIZE)
			return false;
		*accepted = size == ARG_SIZE0;
		put(c, CLS_ALU64 | ALU_MOV, reg + 1, 0, 0, 0);
		break;
	case NULL_MEMORY:
		*accepted = arg & ARG_NULLABLE;
		put(c, CLS_ALU64 | ALU_MOV, reg, 0, 0, 0);
		if (!(arg & ARG_FIXED_SIZE))
			put(c, CLS_ALU64 | ALU_MOV, reg + 1, 0, 0, 0);
		break;
	case READ_ONLY_MEMORY:
		if (ARG_BYTES(arg) > 8)
			return false;
		*accepted = !(arg & ARG_WRITE);
		put_wide(c, reg, PSEUDO_MAP_VALUE, text_map());
		break;
	}
	put(c, CLS_JMP | JMP_CALL, 0, 0, 0, p->id);
	put(c, CLS_ALU64 | ALU_MOV, 0, 0, 0, k->prog == BPF_PROG_TYPE_CGROUP_SOCK_ADDR);
	put(c, CLS_JMP | JMP_EXIT, 0, 0, 0, 0);
	return true;
}

TEST(memory_arguments_are_as_strict_as_the_kernels)
{
	static struct code c;
	u32 asked = 0;

	NEED_618();
	for (u32 i = 0; i < ARRAY_SIZE(kinds); i++)
		for (u32 id = 1; id < HELPER_ID_MAX; id++) {
			const struct kind *k = &kinds[i];
			const struct helper_proto *p = helper_proto_for(id, k->prog, k->attach);
			u32 n = 0;

			load_call(k, id, "GPL");
			if (log_says("cannot use helper") || log_says("might sleep"))
				continue;
			while (n < 5 && p->arg[n] != ARG_NONE)
				n++;
			for (u32 arg = 0; arg < n; arg++)
				for (u32 how = 0; how <= READ_ONLY_MEMORY; how++) {
					bool accepted, kernel;

					if (!call_changed(&c, k, p, n, arg, how, &accepted))
						continue;
					kernel = !load(k, c.insns, c.n, "GPL") ||
						refused_for_more();
					if (log_says("Sleepable programs can only use"))
						continue;
					asked++;
					if (kernel != accepted)
						fail_msg("type %u, %s, argument %u, change %u: the kernel says %d:\n%s",
							 k->prog, p->name, arg + 1, how, kernel,
							 	verifier_log);
				}
		}
	CHECK(asked > 1000);
}
