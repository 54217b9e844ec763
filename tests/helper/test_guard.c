/* SPDX-License-Identifier: BSD-2-Clause */
/* helper: an unverified program can neither crash its host nor read from it through any helper.
 *
 * Random and forged arguments for every helper, the guard in front: what it lets through must be
 * harmless (the sanitizer build looks on), and what is not the program's must be refused.
 */
#include "world.h"

static struct world w;
static u8 stack[EXEC_FRAMES_MAX * EXEC_STACK_BYTES] __attribute__((aligned(16)));
static u8 secret[256] = "belongs to the host";
static u64 seed;

static u32 rnd(void)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (u32)(seed >> 33);
}

static u64 call_back(struct exec_env *env, u64 func, u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)
{
	(void)env, (void)func, (void)r1, (void)r2, (void)r3, (void)r4, (void)r5;
	return rnd() % 8 == 0;
}

static const struct host host = { .arg = &w, .task = host_task, .read_user = host_read,
				  .read_user_str = host_read_str, .clock_ns = host_clock,
				  	.random = host_random,
				  .current_task = host_current_task, .printk = host_printk,
				  .send_signal = host_signal, .user_stack = host_stack };

static void guard_world(struct exec_env *env, struct exec_prog *prog, u32 prog_type)
{
	world_init(&w, prog_type);
	w.packet_bytes = 80;
	world_packet(&w);
	world_map(&w, BPF_MAP_TYPE_RINGBUF, 0, 0, 4096, 0);
	world_map(&w, BPF_MAP_TYPE_HASH, 4, 16, 8, 0);
	world_map(&w, BPF_MAP_TYPE_QUEUE, 0, 8, 4, 0);
	world_map(&w, BPF_MAP_TYPE_STACK_TRACE, 4, 64, 4, 0);
	world_map(&w, BPF_MAP_TYPE_USER_RINGBUF, 0, 0, 4096, 0);
	world_map(&w, BPF_MAP_TYPE_TASK_STORAGE, 4, 8, 0, BPF_F_NO_PREALLOC);
	*prog = (struct exec_prog){ .prog_type = prog_type };
	*env = (struct exec_env){ .prog = prog, .host = &host, .engine = &w, .ctx = &w.ctx,
				  .ctx_size = sizeof(w.ctx), .packet = &w.pkt,
				  	.mem_ok = world_mem_ok,
				  .map_ok = world_map_ok, .map_at = world_map_at,
				  	.call_ok = helper_call_ok,
				  .call_back = call_back, .stack_base = stack, .depth = 2 };
}

/* Something that an attacker would try. */
static u64 wild(const struct exec_env *env)
{
	u64 top = (u64)stack + sizeof(stack);

	switch (rnd() % 16) {
	case 0: return rnd() % 64;
	case 1: return (u64)(s64)-(s32)(rnd() % 64);
	case 2: return (u64)w.map[rnd() % w.n_maps];
	case 3: return (u64)w.map[rnd() % w.n_maps] + rnd() % 64;
	case 4: return (u64)map_first_value(w.map[DATA]) + rnd() % DATA_BYTES;
	case 5: return (u64)map_first_value(w.map[DATA]) + DATA_BYTES - rnd() % 16;
	case 6: return (u64)map_first_value(w.map[TEXT]) + rnd() % TEXT_BYTES;
	case 7: return top - rnd() % 1100;
	case 8: return top - 8 * (rnd() % 64);
	case 9: return (u64)secret + rnd() % sizeof(secret);
	case 10: return (u64)env->ctx + rnd() % 8;
	case 11: return (u64)w.pkt.data + rnd() % 90;
	case 12: return (u64)rnd() << 32 | rnd();
	case 13: return (u64)env + rnd() % sizeof(*env);
	case 14: return env->n_held ? (u64)env->held[rnd() % env->n_held].at : 0;
	}
	return rnd();
}

/* Dynptrs that no helper made, where programs keep them. */
static void forge(void)
{
	u64 *slot = (u64 *)(stack + sizeof(stack)) - 2 * (1 + rnd() % 30);

	slot[0] = rnd() % 2 ? (u64)secret : (u64)map_first_value(w.map[DATA]) + rnd() % 4200;
	slot[1] = (u64)rnd() << 32 | rnd();
	if (rnd() % 3)
		slot[1] = rnd() % 4200 | 1u << 28 | (u64)(rnd() % 64) << 32;
}

static void storm(u32 prog_type)
{
	static helper_fn table[HELPER_ID_MAX];
	struct exec_prog prog;
	struct exec_env env;
	u32 n_called = 0;
	u64 end;

	guard_world(&env, &prog, prog_type);
	helper_table_fill(table, prog_type, 0);
	end = host_clock(NULL, CLOCK_MONOTONIC) + 400000000;
	while (host_clock(NULL, CLOCK_MONOTONIC) < end)
		for (u32 k = 0; k < 2000; k++) {
			u32 id = rnd() % HELPER_ID_MAX;
			u64 args[5];

			/* a lock word of garbage may take its 2 s to be taken over */
			if (!table[id] || id == HELPER_tail_call ||
			    (id == HELPER_spin_lock && rnd() % 256))
				continue;
			if (rnd() % 8 == 0)
				forge();
			for (u32 i = 0; i < 5; i++)
				args[i] = wild(&env);
			if (helper_call_ok(&env, id, args))
				continue;
			if (id == HELPER_loop)
				args[0] = (u32)args[0] % 100;
			table[id](args[0], args[1], args[2], args[3], args[4], &env);
			env.error = 0;
			n_called++;
			w.printed[0] = 0;
			if (rnd() % 64 == 0)
				helper_run_end(&env);
		}
	helper_run_end(&env);
	CHECK(n_called > 100);
	CHECK_STR((char *)secret, "belongs to the host");
	world_end(&w);
}

TEST(storms_of_arguments_are_survived)
{
	static const u32 types[] = { BPF_PROG_TYPE_KPROBE, BPF_PROG_TYPE_SCHED_CLS,
		BPF_PROG_TYPE_XDP,
				     BPF_PROG_TYPE_SYSCALL };

	seed = (u64)getpid();
	for (u32 i = 0; i < ARRAY_SIZE(types); i++)
		storm(types[i]);
}

static int guard(struct exec_env *env, u32 id, u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)
{
	const u64 args[5] = { r1, r2, r3, r4, r5 };

	return helper_call_ok(env, id, args);
}

TEST(guard_refuses_what_is_not_the_programs)
{
	u64 top = (u64)stack + sizeof(stack), data;
	struct exec_prog prog;
	struct exec_env env;

	guard_world(&env, &prog, BPF_PROG_TYPE_KPROBE);
	data = (u64)map_first_value(w.map[DATA]);
	/* maps: only the program's handles, only the fitting kinds */
	CHECK_EQ(guard(&env, HELPER_map_lookup_elem, (u64)w.map[DATA], top - 8, 0, 0, 0), 0);
	CHECK_EQ(guard(&env, HELPER_map_lookup_elem, (u64)secret, top - 8, 0, 0, 0), -EINVAL);
	CHECK_EQ(guard(&env, HELPER_map_lookup_elem, (u64)w.map[DATA] + 8, top - 8, 0, 0, 0),
		-EINVAL);
	CHECK_EQ(guard(&env, HELPER_map_lookup_elem, 0, top - 8, 0, 0, 0), -EINVAL);
	CHECK_EQ(guard(&env, HELPER_map_lookup_elem, (u64)w.map[2], top - 8, 0, 0, 0), -EINVAL);
	CHECK_EQ(guard(&env, HELPER_ringbuf_output, (u64)w.map[DATA], top - 8, 8, 0, 0), -EINVAL);
	/* keys and values lie whole in own memory */
	CHECK_EQ(guard(&env, HELPER_map_lookup_elem, (u64)w.map[DATA], top - 3, 0, 0, 0), -EACCES);
	CHECK_EQ(guard(&env, HELPER_map_lookup_elem, (u64)w.map[DATA], (u64)secret, 0, 0, 0),
		-EACCES);
	CHECK_EQ(guard(&env, HELPER_map_update_elem, (u64)w.map[3], top - 8, data + DATA_BYTES - 16,
		0, 0), 0);
	CHECK_EQ(guard(&env, HELPER_map_update_elem, (u64)w.map[3], top - 8, data + DATA_BYTES - 15,
		0, 0), -EACCES);
	/* memory with a size: only frames in use, no wrap, nothing read-only written */
	CHECK_EQ(guard(&env, HELPER_get_current_comm, top - 1024, 16, 0, 0, 0), 0);
	CHECK_EQ(guard(&env, HELPER_get_current_comm, top - 1025, 16, 0, 0, 0), -EACCES);
	CHECK_EQ(guard(&env, HELPER_get_current_comm, top - 8, 16, 0, 0, 0), -EACCES);
	CHECK_EQ(guard(&env, HELPER_get_current_comm, top - 8, (u64)-1, 0, 0, 0), -EACCES);
	CHECK_EQ(guard(&env, HELPER_get_current_comm, top - 8, 0, 0, 0, 0), -EACCES);
	CHECK_EQ(guard(&env, HELPER_get_current_comm, (u64)map_first_value(w.map[TEXT]), 16, 0, 0,
		0), -EACCES);
	CHECK_EQ(guard(&env, HELPER_probe_read_user, data, 1ull << 32, 0, 0, 0), -EACCES);
	CHECK_EQ(guard(&env, HELPER_probe_read_user, 0, 0, 0, 0, 0), 0);
	/* records, locks, texts, contexts */
	CHECK_EQ(guard(&env, HELPER_ringbuf_submit, data, 0, 0, 0, 0), -EINVAL);
	CHECK_EQ(guard(&env, HELPER_spin_lock, (u64)secret, 0, 0, 0, 0), -EACCES);
	CHECK_EQ(guard(&env, HELPER_strncmp, data, 8, (u64)secret, 0, 0), -EACCES);
	CHECK_EQ(guard(&env, HELPER_get_func_ip, (u64)secret, 0, 0, 0, 0), -EINVAL);
	CHECK_EQ(guard(&env, HELPER_get_func_ip, (u64)&w.ctx, 0, 0, 0, 0), 0);
	world_end(&w);
}

TEST(forged_dynptrs_read_nothing)
{
	struct bpf_dynptr *p = (struct bpf_dynptr *)(stack + sizeof(stack) - 32);
	struct exec_prog prog;
	struct exec_env env;
	u64 data;

	guard_world(&env, &prog, BPF_PROG_TYPE_KPROBE);
	data = (u64)map_first_value(w.map[DATA]);
	*p = (struct bpf_dynptr){ { (u64)secret, 64 | 1u << 28 } };
	CHECK_EQ(guard(&env, HELPER_dynptr_read, data, 8, (u64)p, 0, 0), -EACCES);
	CHECK_EQ(guard(&env, HELPER_dynptr_data, (u64)p, 0, 8, 0, 0), -EACCES);
	CHECK_EQ(guard(&env, HELPER_ringbuf_submit_dynptr, (u64)p, 0, 0, 0, 0), -EACCES);
	/* into the program's own memory it may point: that can be read without it */
	*p = (struct bpf_dynptr){ { data, 64 | 1u << 28 } };
	CHECK_EQ(guard(&env, HELPER_dynptr_read, data + 100, 8, (u64)p, 0, 0), 0);
	*p = (struct bpf_dynptr){ { data, 64 | 1u << 28 | (u64)DATA_BYTES << 32 } };
	CHECK_EQ(guard(&env, HELPER_dynptr_read, data + 100, 8, (u64)p, 0, 0), -EACCES);
	/* not in shared memory, where another process could change it after the check */
	CHECK_EQ(guard(&env, HELPER_dynptr_read, data + 100, 8, data, 0, 0), -EACCES);
	world_end(&w);
}
