/* SPDX-License-Identifier: BSD-2-Clause */
/* tests/helper/world.h - the same program on the running kernel and on Osmia's interpreter.
 *
 * A world has the same maps on both sides.  Map 0 is the program's memory: an array with one value
 * of DATA_BYTES; what a program leaves there is compared, byte for byte.  Map 1 is read-only text.
 * The host of the interpreter answers as the test process would.
 */
#pragma once
#include "test.h"
#include "../exec/insns.h"
#include "abi/packet.h"
#include "abi/uapi.h"
#include "helper/access.h"
#include "helper/helper.h"
#include "map/map.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { DATA_BYTES = 4096, TEXT_BYTES = 2048, MAPS_MAX = 8, PACKET_ROOM = 4096 };
enum { DATA, TEXT };

/* Operands of world programs: the address of map m, and of byte off of its first value. */
#define MAP_OF(d, m) I(CLS_LD | MODE_IMM | SZ_DW, d, PSEUDO_MAP_FD, 0, m), I(0, 0, 0, 0, 0)
#define AT(d, m, off) I(CLS_LD | MODE_IMM | SZ_DW, d, PSEUDO_MAP_VALUE, 0, m), I(0, 0, 0, 0, off)
/* Keeps a result at byte off of DATA; uses r9. */
#define KEEP(off, reg) AT(9, DATA, off), STX(DW, 9, 0, reg)
#define DONE() MOVK(0, 0), EXIT()

struct world {
	int fd[MAPS_MAX];            /* the kernel's, -1: no kernel */
	struct map *map[MAPS_MAX];
	u32 n_maps;
	u8 data[DATA_BYTES];         /* what DATA holds before a run */
	u8 packet[PACKET_ROOM];      /* for packet programs: bytes before a run */
	u32 packet_bytes;
	u32 prog_type, attach_type, prog_flags;

	struct packet pkt;           /* of the interpreter's last run */
	union {
		struct xdp_md xdp;
		struct __sk_buff skb;
	} ctx;
	char printed[4096];          /* bpf_trace_printk lines of the interpreter's last run */
	s32 sig;                     /* last signal sent */
	struct host_task task;
	/* the kernel's verifier may say so: then -EINVAL is what is right */
	const char *refusal;
};

/* ---- the kernel's side ---- */

static inline long sys_bpf(enum bpf_cmd cmd, union bpf_attr *attr)
{
	return syscall(SYS_bpf, cmd, attr, sizeof(*attr));
}

static inline bool have_bpf(void)
{
	union bpf_attr a = { .map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4,
		.max_entries = 1 };
	long fd = sys_bpf(BPF_MAP_CREATE, &a);

	if (fd >= 0)
		close((int)fd);
	return fd >= 0;
}

static inline void kernel_write(int fd, const void *value)
{
	u32 key = 0;
	union bpf_attr a = { .map_fd = (u32)fd, .key = (u64)&key };

	a.value = (u64)value;
	CHECK_EQ(sys_bpf(BPF_MAP_UPDATE_ELEM, &a), 0);
}

static inline void kernel_read(int fd, void *value)
{
	u32 key = 0;
	union bpf_attr a = { .map_fd = (u32)fd, .key = (u64)&key };

	a.value = (u64)value;
	CHECK_EQ(sys_bpf(BPF_MAP_LOOKUP_ELEM, &a), 0);
}

/* ---- maps ---- */

static inline u32 world_map(struct world *w, u32 type, u32 key, u32 value, u32 entries, u32 flags)
{
	union bpf_attr a = { .map_type = type, .key_size = key, .value_size = value,
		.max_entries = entries,
			     .map_flags = flags };
	struct map_attr ua = { .type = type, .key_size = key, .value_size = value,
		.max_entries = entries,
			       .flags = flags, .spin_lock_off = ~0u, .timer_off = ~0u };
	int fd = memfd_create("map", MFD_CLOEXEC);
	u32 i = w->n_maps++;

	w->fd[i] = (int)sys_bpf(BPF_MAP_CREATE, &a);
	CHECK_EQ(map_create(fd, &ua, i + 1, &w->map[i]), 0);
	close(fd);
	return i;
}

static inline void world_init(struct world *w, u32 prog_type)
{
	memset(w, 0, sizeof(*w));
	w->prog_type = prog_type;
	if (prog_type == BPF_PROG_TYPE_SYSCALL)
		w->prog_flags = BPF_F_SLEEPABLE;
	world_map(w, BPF_MAP_TYPE_ARRAY, 4, DATA_BYTES, 1, 0);
	world_map(w, BPF_MAP_TYPE_ARRAY, 4, TEXT_BYTES, 1, BPF_F_RDONLY_PROG);
	w->task = (struct host_task){ .pid = (u32)gettid(), .tgid = (u32)getpid(), .uid = getuid(),
				      .gid = getgid(), .cgroup_id = 77 };
	prctl(PR_GET_NAME, w->task.comm);
}

/* Puts text into map TEXT and freezes it, once. */
static inline void world_text(struct world *w, const void *bytes, u32 size)
{
	u8 text[TEXT_BYTES] = { 0 };
	union bpf_attr a = { 0 };

	memcpy(text, bytes, size);
	memcpy(map_first_value(w->map[TEXT]), text, TEXT_BYTES);
	if (w->fd[TEXT] < 0)
		return;
	kernel_write(w->fd[TEXT], text);
	a.map_fd = (u32)w->fd[TEXT];
	CHECK_EQ(sys_bpf(BPF_MAP_FREEZE, &a), 0);
}

static inline void world_end(struct world *w)
{
	for (u32 i = 0; i < w->n_maps; i++) {
		if (w->fd[i] >= 0)
			close(w->fd[i]);
		map_close(w->map[i]);
	}
	if (w->pkt.head)
		munmap(w->pkt.head, 2 * PACKET_ROOM);
}

static inline struct insn *patched(const struct world *w, const struct insn *insns, u32 n,
	bool kernel)
{
	struct insn *p = malloc(n * sizeof(*p));

	memcpy(p, insns, n * sizeof(*p));
	for (u32 i = 0; i + 1 < n; i++) {
		u32 m = (u32)p[i].imm, off = (u32)p[i + 1].imm;
		u64 v;

		if (!insn_is_wide(&p[i]) || (p[i].src != PSEUDO_MAP_FD &&
			p[i].src != PSEUDO_MAP_VALUE))
			continue;
		if (kernel) {
			p[i++].imm = w->fd[m];
			continue;
		}
		v = p[i].src == PSEUDO_MAP_FD ? (u64)w->map[m]
					      : (u64)map_first_value(w->map[m]) + off;
		p[i].src = PSEUDO_IMM64;
		insn_set_imm64(&p[i++], v);
	}
	return p;
}

/* Two functions, as the kernel wants them described: the program and its callback. */
static inline int callback_btf(void)
{
	static const struct {
		u16 magic;
		u8 version, flags;
		u32 hdr_len, type_off, type_len, str_off, str_len;
		u32 types[4 + 3 + 3 + 3];
		char strings[14];
	} btf = {
		0xeb9f, 1, 0, 24, 0, sizeof(btf.types), sizeof(btf.types), sizeof(btf.strings),
		{ 1, 1 << 24, 8, 1 << 24 | 64, /* 1: INT "long", signed, 64 bits */
		  0, 13 << 24, 1,              /* 2: FUNC_PROTO returning it */
		  6, 12 << 24, 2,              /* 3: FUNC "a", static */
		  8, 12 << 24, 2 },            /* 4: FUNC "b", static */
		"\0long\0a\0b\0\0\0",
	};
	union bpf_attr a = { 0 };

	a.btf = (u64)&btf;
	a.btf_size = 24 + sizeof(btf.types) + sizeof(btf.strings);
	return (int)sys_bpf(BPF_BTF_LOAD, &a);
}

/* What a run left behind. */
struct outcome {
	u8 data[DATA_BYTES];
	u8 packet[PACKET_ROOM];
	u32 packet_bytes;
};

/* Loads and runs on the kernel.  False: refused with w->refusal. */
static inline bool kernel_run(struct world *w, const struct insn *insns, u32 n, struct outcome *out)
{
	static char log[1 << 18];
	struct insn *p = patched(w, insns, n, true);
	struct bpf_func_info info[2] = { { 0, 3 }, { 0, 4 } };
	int btf_fd = -1;
	union bpf_attr a = { .prog_type = w->prog_type, .insn_cnt = n, .insns = (u64)p,
			     .license = (u64) "GPL", .prog_flags = w->prog_flags,
			     .expected_attach_type = w->attach_type };
	long fd;

	for (u32 i = 0; i < n; i++)
		if (insn_is_wide(&p[i]) && p[i].src == PSEUDO_FUNC) {
			info[1].insn_off = i + 1 + (u32)p[i].imm;
			a.prog_btf_fd = (u32)(btf_fd = callback_btf());
			a.func_info = (u64)info;
			a.func_info_rec_size = sizeof(info[0]);
			a.func_info_cnt = 2;
		}
	kernel_write(w->fd[DATA], w->data);
	fd = sys_bpf(BPF_PROG_LOAD, &a);
	if (fd < 0) {
		a.log_level = 1;
		a.log_buf = (u64)log;
		a.log_size = sizeof(log);
		fd = sys_bpf(BPF_PROG_LOAD, &a);
	}
	free(p);
	if (btf_fd >= 0)
		close(btf_fd);
	if (fd < 0 && w->refusal && strstr(log, w->refusal))
		return false;
	if (fd < 0)
		fail_msg("the kernel refuses (%s):\n%s", strerror(errno), log);
	memset(&a, 0, sizeof(a));
	a.test.prog_fd = (u32)fd;
	if (w->packet_bytes) {
		a.test.data_in = (u64)w->packet;
		a.test.data_size_in = w->packet_bytes;
		a.test.data_out = (u64)out->packet;
		a.test.data_size_out = sizeof(out->packet);
	}
	if (sys_bpf(BPF_PROG_TEST_RUN, &a))
		fail_msg("test run: %s", strerror(errno));
	close((int)fd);
	kernel_read(w->fd[DATA], out->data);
	out->packet_bytes = w->packet_bytes ? a.test.data_size_out : 0;
	return true;
}

/* ---- the interpreter's side: a host that answers as this process ---- */

static inline const struct host_task *host_task(void *arg)
{
	return &((struct world *)arg)->task;
}

static inline int host_read(void *arg, void *dst, u32 size, u64 addr)
{
	struct iovec to = { dst, size }, from = { (void *)addr, size };

	(void)arg;
	return process_vm_readv(getpid(), &to, 1, &from, 1, 0) == (ssize_t)size ? 0 : -EFAULT;
}

static inline s64 host_read_str(void *arg, void *dst, u32 size, u64 addr)
{
	char *out = dst;

	for (u32 i = 0; i < size; i++) {
		if (host_read(arg, out + i, 1, addr + i))
			return -EFAULT;
		if (!out[i])
			return i + 1;
	}
	out[size - 1] = 0;
	return size;
}

static inline int host_write(void *arg, u64 addr, const void *src, u32 size)
{
	struct iovec from = { (void *)src, size }, to = { (void *)addr, size };

	(void)arg;
	return process_vm_writev(getpid(), &from, 1, &to, 1, 0) == (ssize_t)size ? 0 : -EFAULT;
}

static inline u64 host_clock(void *arg, int id)
{
	struct timespec ts;

	(void)arg;
	clock_gettime(id, &ts);
	return (u64)ts.tv_sec * 1000000000 + (u64)ts.tv_nsec;
}

static inline u32 host_random(void *arg)
{
	(void)arg;
	return 4;
}

static inline u64 host_current_task(void *arg)
{
	return (u64)arg;
}

static inline void host_printk(void *arg, const char *text, u32 len)
{
	struct world *w = arg;
	size_t used = strlen(w->printed);

	CHECK_EQ(text[len], 0);
	snprintf(w->printed + used, sizeof(w->printed) - used, "%.*s", (int)len, text);
}

static inline int host_signal(void *arg, u32 sig, bool thread)
{
	((struct world *)arg)->sig = thread ? -(s32)sig : (s32)sig;
	return 0;
}

static inline int host_stack(void *arg, u64 *ips, u32 max)
{
	(void)arg;
	for (u32 i = 0; i < MIN(max, 5u); i++)
		ips[i] = 0x1000 + i;
	return (int)MIN(max, 5u);
}

static inline struct world *world_of(struct exec_env *env)
{
	return env->engine;
}

static inline bool world_map_ok(struct exec_env *env, const struct map *m)
{
	struct world *w = world_of(env);

	for (u32 i = 0; i < w->n_maps; i++)
		if (w->map[i] == m)
			return true;
	return false;
}

static inline bool world_mem_ok(struct exec_env *env, u64 addr, u64 size, bool write)
{
	struct world *w = world_of(env);

	for (u32 i = 0; i < w->n_maps; i++)
		if (map_mem_ok(w->map[i], addr, size, write))
			return true;
	return env->packet && addr >= (u64)w->pkt.data_meta && addr <= (u64)w->pkt.data_end &&
	       (u64)w->pkt.data_end - addr >= size;
}

static inline struct map *world_map_at(struct exec_env *env, u64 addr)
{
	struct world *w = world_of(env);

	for (u32 i = 0; i < w->n_maps; i++)
		if (map_mem_ok(w->map[i], addr, 1, false))
			return w->map[i];
	return NULL;
}

static inline void world_packet(struct world *w)
{
	struct packet *p = &w->pkt;
	bool xdp = w->prog_type == BPF_PROG_TYPE_XDP;

	if (!p->head) {
		p->head = mmap(NULL, 2 * PACKET_ROOM, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
		CHECK(p->head != MAP_FAILED);
	}
	memset(&w->ctx, 0, sizeof(w->ctx));
	*p = (struct packet){ .kind = xdp ? PACKET_XDP : PACKET_SKB, .head = p->head,
			      .ctx = &w->ctx, .network_off = PACKET_HEADER_BYTES };
	p->data = p->data_meta = p->head + PACKET_HEADROOM;
	p->data_end = p->data + w->packet_bytes;
	p->end = p->head + (xdp ? 4096 - 320 : 2 * PACKET_ROOM);
	memcpy(p->data, w->packet, w->packet_bytes);
	if (!xdp)
		memcpy(&w->ctx.skb.protocol, w->packet + 12, 2);
	packet_sync(p);
}

/* Runs in the interpreter, trusted or checked.  Returns exec_run()'s result. */
static inline int user_run(struct world *w, const struct insn *insns, u32 n, bool checked,
			   struct outcome *out)
{
	const struct host host = { .arg = w, .task = host_task, .read_user = host_read,
				   .read_user_str = host_read_str, .write_user = host_write,
				   .clock_ns = host_clock, .random = host_random,
				   .current_task = host_current_task, .printk = host_printk,
				   .send_signal = host_signal, .user_stack = host_stack };
	helper_fn table[HELPER_ID_MAX];
	struct insn *p = patched(w, insns, n, false);
	struct exec_prog prog = { .insns = p, .n_insns = n, .prog_type = w->prog_type,
		.helpers = table };
	struct exec_env env = { .prog = &prog, .host = &host, .engine = w, .map_at = world_map_at };
	u64 ret;
	int err;

	helper_table_fill(table, w->prog_type, w->attach_type);
	CHECK_EQ(insns_check(p, n, (struct place){ 0 }, NULL), 0);
	memcpy(map_first_value(w->map[DATA]), w->data, DATA_BYTES);
	w->printed[0] = 0;
	if (w->packet_bytes) {
		world_packet(w);
		env.packet = &w->pkt;
		env.ctx = &w->ctx;
		env.ctx_size = sizeof(w->ctx);
	}
	if (checked) {
		env.mem_ok = world_mem_ok;
		env.map_ok = world_map_ok;
		env.call_ok = helper_call_ok;
		env.max_steps = 1 << 22;
	}
	err = exec_run(&env, NULL, &ret);
	helper_run_end(&env);
	CHECK_EQ(env.n_held, 0);
	free(p);
	memcpy(out->data, map_first_value(w->map[DATA]), DATA_BYTES);
	if (w->packet_bytes) { /* with the metadata, as BPF_PROG_TEST_RUN gives it back */
		out->packet_bytes = (u32)(w->pkt.data_end - w->pkt.data_meta);
		memcpy(out->packet, w->pkt.data_meta, out->packet_bytes);
	}
	return err;
}

static inline void same_data(const char *where, const u8 *kernel, const u8 *user, u32 size)
{
	for (u32 i = 0; i < size; i += 8) {
		u64 k = 0, u = 0;

		memcpy(&k, kernel + i, MIN(8u, size - i));
		memcpy(&u, user + i, MIN(8u, size - i));
		if (k != u)
			fail_msg("%s at byte %u: the kernel has 0x%lx (%ld), osmia 0x%lx (%ld)",
				where, i, k,
				 (long)k, u, (long)u);
	}
}

/* The program leaves the same bytes everywhere: kernel, interpreter trusted, interpreter checked.
 */
static inline void world_same(struct world *w, const struct insn *insns, u32 n)
{
	static struct outcome kernel, user;
	bool have = w->fd[DATA] >= 0, refused = have && !kernel_run(w, insns, n, &kernel);
	for (int checked = 0; checked < 2; checked++) {
		CHECK_EQ(user_run(w, insns, n, checked, &user), 0);
		if (refused)
			CHECK_EQ(*(s64 *)user.data, -EINVAL);
		if (!have || refused)
			continue;
		same_data("DATA", kernel.data, user.data, DATA_BYTES);
		CHECK_EQ(kernel.packet_bytes, user.packet_bytes);
		same_data("packet", kernel.packet, user.packet, user.packet_bytes);
	}
}
#define SAME(w, ...)                                                    \
	do {                                                            \
		const struct insn same_insns[] = { __VA_ARGS__ };       \
		world_same(w, same_insns, ARRAY_SIZE(same_insns));      \
	} while (0)
#define NEED_KERNEL()                                                   \
	do {                                                            \
		if (!have_bpf())                                        \
			SKIP("needs bpf(2)");                           \
	} while (0)
