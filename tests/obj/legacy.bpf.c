/* SPDX-License-Identifier: BSD-2-Clause */
/* legacy.bpf.c - section maps, with a longer definition than bpf_map_def; without BTF. */
typedef unsigned int u32;
#define SEC(name) __attribute__((section(name), used))

struct map_def {
	u32 type, key_size, value_size, max_entries, flags, id, pinning;
};
struct map_def SEC("maps") first = { 1, 4, 8, 100, 1, 0, 0 };
struct map_def SEC("maps") second = { 2, 4, 16, 3, 0, 0, 0 };
static long (*map_lookup)(void *map, const void *key) = (void *)1;

SEC("socket")
int prog(void *ctx)
{
	u32 key = 1;

	return map_lookup(&first, &key) == map_lookup(&second, &key);
}
u32 _version SEC("version") = 0x60100;
char LICENSE[] SEC("license") = "GPL";
