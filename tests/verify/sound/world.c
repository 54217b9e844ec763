/* SPDX-License-Identifier: BSD-2-Clause */
/* Runs in the interpreter, checked, and notes where they come by. */
#include "sound.h"
#include "abi/uapi.h"
#include "exec/exec.h"
#include "helper/helper.h"
#include "isa/check.h"
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

enum { POINTS_A_RUN = 600, STEPS_MAX = 20000 };

u64 rng_value(u64 *state)
{
	static const u64 edges[] = { 0, 8, 16, 47, 48, 64, 127, 128, 255, 256, 0x7fff, 0xffff,
				     INT32_MAX, UINT32_MAX, 1ull << 32, 1ull << 40, INT64_MAX };
	u64 v = edges[rng_below(state, ARRAY_SIZE(edges))] + rng_below(state, 5) - 2;

	switch (rng_below(state, 4)) {
	case 0:
		return rng_next(state) >> rng_below(state, 64);
	case 1:
		return 0 - v;
	default:
		return v;
	}
}

static void fill(u64 *state, void *bytes, u32 n)
{
	for (u32 i = 0; i < n; i += 8) {
		u64 v = rng_below(state, 4) ? rng_value(state) : rng_next(state);

		memcpy((u8 *)bytes + i, &v, MIN(8u, n - i));
	}
}

/* ---- maps ---- */

static int open_map(const struct verify_map *m, u32 id, struct map **out)
{
	struct map_attr a = { .type = m->type, .key_size = m->key_size, .value_size = m->value_size,
			      .max_entries = m->max_entries, .flags = m->flags, .n_cpus = 1,
			      .spin_lock_off = ~0u, .timer_off = ~0u };
	int fd = memfd_create("map", MFD_CLOEXEC), err;

	if (fd < 0)
		return -errno;
	err = map_create(fd, &a, id, out);
	close(fd);
	return err;
}

static bool is_plain(const struct verify_map *m)
{
	return m->type == BPF_MAP_TYPE_ARRAY || m->type == BPF_MAP_TYPE_HASH;
}

static void fill_map(struct world *w, u32 m)
{
	const struct verify_map *vm = &w->s->maps[m];
	u32 n = MIN(vm->max_entries, 8u);
	u8 *key = calloc(1, vm->key_size + 8), *value = calloc(1, vm->value_size + 8);

	for (u32 k = 0; is_plain(vm) && k < n; k++) {
		u64 index = k;

		memcpy(key, &index, MIN(8u, vm->key_size));
		fill(&w->rng, value, vm->value_size);
		if (vm->type == BPF_MAP_TYPE_HASH && rng_below(&w->rng, 3) == 0)
			map_delete(w->map[m], key);
		else
			map_update(w->map[m], key, value, 0, 0);
	}
	free(key);
	free(value);
}

/* ---- what the run asks for ---- */

static struct world *world_of(struct exec_env *env)
{
	return env->engine;
}

static bool map_ok(struct exec_env *env, const struct map *m)
{
	struct world *w = world_of(env);

	for (u32 i = 0; i < w->s->n_maps; i++)
		if (w->map[i] == m)
			return true;
	return false;
}

static bool mem_ok(struct exec_env *env, u64 addr, u64 size, bool write)
{
	struct world *w = world_of(env);

	for (u32 i = 0; i < w->s->n_maps; i++)
		if (map_mem_ok(w->map[i], addr, size, write))
			return true;
	return env->packet && addr >= (u64)w->pkt.data_meta && addr <= (u64)w->pkt.data_end &&
	       (u64)w->pkt.data_end - addr >= size;
}

static struct map *map_at(struct exec_env *env, u64 addr)
{
	struct world *w = world_of(env);

	for (u32 i = 0; i < w->s->n_maps; i++)
		if (map_mem_ok(w->map[i], addr, 1, false))
			return w->map[i];
	return NULL;
}

static int packet_load(struct exec_env *env, s32 off, u32 size, u32 *out)
{
	const struct packet *p = env->packet;
	u32 value = 0;

	if (off < 0 || (u32)off > packet_len(p) || packet_len(p) - (u32)off < size)
		return -EFAULT;
	for (u32 k = 0; k < size; k++)
		value = value << 8 | p->data[(u32)off + k];
	*out = value;
	return 0;
}

static u64 note_lookup(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5, struct exec_env *env)
{
	struct world *w = world_of(env);
	u64 value = (u64)map_lookup((struct map *)r1, (const void *)r2, 0);

	(void)r3, (void)r4, (void)r5;
	for (u32 i = 0; value && i < w->s->n_maps; i++) {
		bool known = false;

		if (w->map[i] != (struct map *)r1)
			continue;
		for (u32 k = 0; k < w->values[i].n; k++)
			known |= w->values[i].p[k] == value;
		if (!known) {
			u64 *slot = vec_add(&w->values[i]);

			if (slot)
				*slot = value;
		}
	}
	return value;
}

static void note_point(struct exec_env *env, const struct exec_prog *prog, u32 pc, const u64 *regs)
{
	struct world *w = world_of(env);
	struct point *p;

	if (prog != env->prog || env->depth == 0 || env->depth > FRAMES_MAX || w->steps++ > POINTS_A_RUN)
		return;
	w->fp[env->depth - 1] = regs[REG_FP];
	p = vec_add(&w->points);
	if (!p)
		return;
	p->pc = pc;
	p->depth = env->depth;
	memcpy(p->regs, regs, sizeof(p->regs));
	memcpy(p->fp, w->fp, sizeof(p->fp));
	memcpy(p->stack, (const u8 *)regs[REG_FP] - STACK_MAX_BYTES, STACK_MAX_BYTES);
	p->ctx = (u64)env->ctx;
	p->data_meta = (u64)w->pkt.data_meta;
	p->data = (u64)w->pkt.data;
	p->data_end = (u64)w->pkt.data_end;
	p->next = w->first[pc];
	w->first[pc] = (s32)w->points.n - 1;
}

static const struct host_task task = { .pid = 7, .tgid = 7, .comm = "sound" };

static const struct host_task *host_task(void *arg)
{
	(void)arg;
	return &task;
}
static u64 host_clock(void *arg, int id)
{
	(void)id;
	return rng_value(&((struct world *)arg)->rng);
}
static u32 host_random(void *arg)
{
	return (u32)rng_value(&((struct world *)arg)->rng);
}
static u32 host_cpu(void *arg)
{
	(void)arg;
	return 0;
}
static int host_read(void *arg, void *dst, u32 size, u64 addr)
{
	(void)arg, (void)addr;
	memset(dst, 0, size);
	return -EFAULT;
}
static s64 host_read_str(void *arg, void *dst, u32 size, u64 addr)
{
	return host_read(arg, dst, size, addr);
}
static int host_write(void *arg, u64 addr, const void *src, u32 size)
{
	(void)arg, (void)addr, (void)src, (void)size;
	return -EFAULT;
}
static void host_printk(void *arg, const char *text, u32 len)
{
	(void)arg, (void)text, (void)len;
}
static u64 host_current(void *arg)
{
	(void)arg;
	return 0;
}
static int host_signal(void *arg, u32 sig, bool thread)
{
	(void)arg, (void)sig, (void)thread;
	return 0;
}
static int host_stack(void *arg, u64 *ips, u32 max)
{
	(void)arg, (void)ips, (void)max;
	return 0;
}

/* ---- a run ---- */

/* Kinds of program whose context is memory of its own here. */
static u32 ctx_bytes(u32 prog_type)
{
	switch (prog_type) {
	case BPF_PROG_TYPE_XDP:
		return sizeof(struct xdp_md);
	case BPF_PROG_TYPE_SCHED_CLS:
	case BPF_PROG_TYPE_SCHED_ACT:
	case BPF_PROG_TYPE_SOCKET_FILTER:
	case BPF_PROG_TYPE_CGROUP_SKB:
		return sizeof(struct __sk_buff);
	case BPF_PROG_TYPE_RAW_TRACEPOINT:
		return 96;
	case BPF_PROG_TYPE_KPROBE:
		return 168;
	case BPF_PROG_TYPE_TRACEPOINT:
	case BPF_PROG_TYPE_PERF_EVENT:
		return CTX_BYTES;
	default:
		return 0;
	}
}

static void new_packet(struct world *w)
{
	struct packet *p = &w->pkt;
	bool xdp = w->s->prog_type == BPF_PROG_TYPE_XDP;

	*p = (struct packet){ .kind = xdp ? PACKET_XDP : PACKET_SKB, .head = p->head, .ctx = w->ctx,
			      .network_off = PACKET_HEADER_BYTES };
	p->data = p->data_meta = p->head + PACKET_HEADROOM;
	p->data_end = p->data + (rng_below(&w->rng, 2) ? 14 + rng_below(&w->rng, 20) :
						 14 + rng_below(&w->rng, 200));
	p->end = p->head + PACKET_ROOM;
	fill(&w->rng, p->data, packet_len(p));
	packet_sync(p);
}

static bool has_packet(const struct world *w)
{
	return w->s->prog_type == BPF_PROG_TYPE_XDP || w->ctx_bytes == sizeof(struct __sk_buff);
}

static int patch(struct world *w)
{
	const struct subject *s = w->s;
	struct insn *p = malloc((s->n_insns + 1) * sizeof(*p));

	w->patched = p;
	if (!p)
		return -ENOMEM;
	memcpy(p, s->insns, s->n_insns * sizeof(*p));
	for (u32 i = 0; i + 1 < s->n_insns; i++) {
		u32 m = (u32)p[i].imm - FD_FIRST, off = (u32)p[i + 1].imm;

		if (!insn_is_wide(&p[i]))
			continue;
		if (p[i].src == PSEUDO_MAP_FD || p[i].src == PSEUDO_MAP_VALUE) {
			bool value = p[i].src == PSEUDO_MAP_VALUE;

			if (m >= s->n_maps || (value && !map_first_value(w->map[m])))
				return -EINVAL;
			p[i].src = PSEUDO_IMM64;
			insn_set_imm64(&p[i], value ? (u64)map_first_value(w->map[m]) + off :
						      (u64)w->map[m]);
		} else if (p[i].src != PSEUDO_IMM64 && p[i].src != PSEUDO_FUNC) {
			return -ENOTSUP;
		}
		i++;
	}
	return insns_check(p, s->n_insns, (struct place){ 0 }, NULL);
}

int world_open(struct world *w, const struct subject *s, u64 seed)
{
	int err = 0;

	*w = (struct world){ .s = s, .rng = seed, .ctx_bytes = ctx_bytes(s->prog_type) };
	if (!w->ctx_bytes || s->n_maps > MAPS_MAX)
		return -ENOTSUP;
	w->first = malloc((s->n_insns + 1) * sizeof(*w->first));
	memset(w->first, 0xff, (s->n_insns + 1) * sizeof(*w->first));
	for (u32 i = 0; i < s->n_maps && !err; i++)
		err = open_map(&s->maps[i], i + 1, &w->map[i]);
	if (has_packet(w)) {
		w->pkt.head = mmap(NULL, PACKET_ROOM, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
		if (w->pkt.head == MAP_FAILED)
			return -ENOMEM;
	}
	return err ? err : patch(w);
}

void world_close(struct world *w)
{
	for (u32 i = 0; i < MAPS_MAX; i++) {
		if (w->map[i])
			map_close(w->map[i]);
		vec_free(&w->values[i]);
	}
	if (w->pkt.head && w->pkt.head != MAP_FAILED)
		munmap(w->pkt.head, PACKET_ROOM);
	vec_free(&w->points);
	free(w->first);
	free(w->patched);
}

int world_run(struct world *w, u32 *error_pc)
{
	const struct host host = { .arg = w, .task = host_task, .read_user = host_read,
				   .read_user_str = host_read_str, .write_user = host_write,
				   .read_kernel = host_read, .clock_ns = host_clock,
				   .random = host_random, .cpu = host_cpu, .numa_node = host_cpu,
				   .current_task = host_current, .printk = host_printk,
				   .send_signal = host_signal, .user_stack = host_stack };
	helper_fn table[HELPER_ID_MAX];
	struct exec_prog prog = { .insns = w->patched, .n_insns = w->s->n_insns,
				  .prog_type = w->s->prog_type, .helpers = table };
	struct exec_env env = { .prog = &prog, .host = &host, .engine = w, .map_at = map_at,
				.map_ok = map_ok, .mem_ok = mem_ok, .call_ok = helper_call_ok,
				.step = note_point, .max_steps = STEPS_MAX, .ctx = w->ctx,
				.ctx_size = w->ctx_bytes, .ctx_writable = true };
	u64 ret;
	int err;

	helper_table_fill(table, w->s->prog_type, w->s->attach_type);
	table[1] = note_lookup;
	for (u32 i = 0; i < w->s->n_maps; i++)
		fill_map(w, i);
	fill(&w->rng, w->ctx, w->ctx_bytes);
	if (has_packet(w)) {
		new_packet(w);
		env.packet = &w->pkt;
		env.packet_load = packet_load;
	}
	w->steps = 0;
	err = exec_run(&env, NULL, &ret);
	*error_pc = env.error_pc;
	helper_run_end(&env);
	return err;
}
