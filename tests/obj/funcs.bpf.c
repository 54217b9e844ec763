/* SPDX-License-Identifier: BSD-2-Clause */
/* funcs.bpf.c - subprograms: static and global, in .text and elsewhere, callbacks, weak, hidden; CO-RE
 * relocations; struct_ops. */
typedef unsigned int u32;
typedef unsigned long long u64;
#define SEC(name) __attribute__((section(name), used))
#define noinline __attribute__((noinline))
#define weak __attribute__((weak))
#define hidden __attribute__((visibility("hidden")))
#define core __attribute__((preserve_access_index))

struct task_struct {
	int pid;
	struct task_struct *real_parent;
} core;
struct task_struct___old {
	long no_such_field;
} core;
enum bpf_map_type___here { BPF_MAP_TYPE_RINGBUF___here = 99, NO_SUCH_ENUMERATOR = 3 };

static long (*loop)(u32 n, void *fn, void *ctx, u64 flags) = (void *)181;

static noinline int twice(int x)
{
	return x * 2;
}
noinline int add_global(int a, int b)
{
	return a + twice(b);
}
noinline weak int add_weak(int a)
{
	return a + 1;
}
noinline hidden int add_hidden(int a)
{
	return a + 5;
}
static long callback(u64 i, u64 *sum)
{
	*sum += i;
	return 0;
}

SEC("raw_tp/sys_enter")
int first(struct task_struct *t)
{
	u64 sum = 0;

	loop(4, callback, &sum, 0);
	return sum + twice(3) + add_global(1, 2) + add_weak(3) + add_hidden(4);
}

SEC("raw_tp/sys_exit")
int second(struct task_struct *t)
{
	struct task_struct___old *old = (void *)t;
	int n = add_global(3, 4) + t->pid;

	n += __builtin_preserve_field_info(t->real_parent, 0);
	n += __builtin_preserve_field_info(t->pid, 1);
	if (__builtin_preserve_field_info(old->no_such_field, 2))
		n += old->no_such_field;
	n += __builtin_preserve_type_info(*(struct task_struct *)0, 1);
	n += __builtin_preserve_enum_value(*(enum bpf_map_type___here *)BPF_MAP_TYPE_RINGBUF___here, 1);
	n += __builtin_preserve_enum_value(*(enum bpf_map_type___here *)NO_SUCH_ENUMERATOR, 0);
	return n;
}

struct my_ops {
	int (*init)(void *ctx);
	int flags;
	int (*exit)(void *ctx);
};
SEC("struct_ops/init")
int ops_init(void *ctx)
{
	return 0;
}
SEC("struct_ops/exit")
int ops_exit(void *ctx)
{
	return 0;
}
SEC(".struct_ops.link")
struct my_ops ops = { .init = (void *)ops_init, .flags = 5, .exit = (void *)ops_exit };
SEC("?.struct_ops")
struct my_ops ops_later = { .exit = (void *)ops_exit };

char LICENSE[] SEC("license") = "Dual BSD/GPL";
