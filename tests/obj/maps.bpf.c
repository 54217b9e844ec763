/* SPDX-License-Identifier: BSD-2-Clause */
/* maps.bpf.c - every way to declare a map, data sections, externs. */
typedef unsigned int u32;
typedef unsigned long long u64;
#define SEC(name) __attribute__((section(name), used))
#define __uint(name, val) int(*name)[val]
#define __type(name, val) typeof(val) *name
#define __array(name, val) typeof(val) *name[]
#define __ulong(name, val) enum { ___bpf_concat_##name = val } name

enum { HASH = 1, ARRAY = 2, PROG_ARRAY = 3, ARRAY_OF_MAPS = 12, HASH_OF_MAPS = 13, RINGBUF = 27, BLOOM = 30 };
enum libbpf_tristate { TRI_NO = 0, TRI_YES = 1, TRI_MODULE = 2 };

struct key {
	u32 pid;
	char comm[16];
};
struct value {
	u64 count;
	u32 flags : 3, rest : 29;
};

struct {
	__uint(type, HASH);
	__uint(max_entries, 1024);
	__type(key, struct key);
	__type(value, struct value);
	__uint(map_flags, 1);
	__uint(pinning, 1);
} counts SEC(".maps");

struct {
	__uint(type, RINGBUF);
	__uint(max_entries, 4096);
} events SEC(".maps");

struct {
	__uint(type, BLOOM);
	__uint(max_entries, 10);
	__uint(value_size, 8);
	__uint(map_extra, 3);
	__uint(numa_node, 0);
} bloom SEC(".maps");

struct inner {
	__uint(type, ARRAY);
	__uint(max_entries, 4);
	__type(key, u32);
	__type(value, u64);
} inner1 SEC(".maps"), inner2 SEC(".maps");

struct {
	__uint(type, ARRAY_OF_MAPS);
	__uint(max_entries, 3);
	__uint(key_size, 4);
	__array(values, struct inner);
} outer SEC(".maps") = { .values = { [0] = &inner1, [2] = &inner2 } };

int tail1(void *ctx);
int tail2(void *ctx);

struct {
	__uint(type, PROG_ARRAY);
	__uint(max_entries, 5);
	__uint(key_size, 4);
	__array(values, int(void *));
} progs SEC(".maps") = { .values = { [1] = (void *)&tail1, [4] = (void *)&tail2 } };

const volatile int targ_pid = 0;
const volatile _Bool verbose = 0;
const volatile char name[8] = "ab";
const volatile enum libbpf_tristate tri = TRI_NO;
const volatile struct value limits[2] = {};
int hits = 7;
u64 total;
static u32 local_hits = 3;
int custom SEC(".data.custom") = 9;
const int fixed SEC(".rodata.fixed") = 5;
__attribute__((visibility("hidden"))) int hidden_var = 1;

extern int LINUX_KERNEL_VERSION SEC(".kconfig");
extern _Bool CONFIG_BPF_SYSCALL SEC(".kconfig") __attribute__((weak));
extern char CONFIG_NAME[16] SEC(".kconfig") __attribute__((weak));
extern const int typed_symbol SEC(".ksyms") __attribute__((weak));
extern const void typeless_symbol SEC(".ksyms") __attribute__((weak));
extern u64 some_kfunc(u64 x) SEC(".ksyms") __attribute__((weak));

static long (*map_lookup)(void *map, const void *key) = (void *)1;

SEC("raw_tp/sys_enter")
int tail1(void *ctx)
{
	struct key key = { .pid = targ_pid };
	struct value *v = map_lookup(&counts, &key) ? 0 : 0;

	(void)v;
	if (verbose)
		local_hits++;
	total += hits + local_hits + custom + fixed + LINUX_KERNEL_VERSION + CONFIG_BPF_SYSCALL;
	total += name[1] + tri + limits[1].count + CONFIG_NAME[0] + hidden_var;
	if (&typeless_symbol)
		total++;
	if (&typed_symbol)
		total += typed_symbol;
	if (some_kfunc)
		total += some_kfunc(total);
	return 0;
}

SEC("?raw_tp/sys_exit")
int tail2(void *ctx)
{
	u32 key = 0;

	return map_lookup(&events, &key) + map_lookup(&bloom, &key) + map_lookup(&outer, &key) +
	       map_lookup(&progs, &key) > 0;
}

char LICENSE[] SEC("license") = "GPL";
