#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# What runs inside traced processes (exec, helper, map and the helper facts of abi) links without libc,
# keeps no state of its own, and a program with helper calls runs there: a hash map, snprintf and a
# ring buffer, from a static binary that has nothing but four memory functions.
cd "$(dirname "$0")/../.." || exit 1
. tests/tap.sh
[ "$(uname -m)" = x86_64 ] || { skip "helpers run without libc" "x86-64 only"; done_testing; }
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT

cat >"$dir/main.c" <<'END'
#include "abi/uapi.h"
#include "base/sys.h"
#include "exec/exec.h"
#include "helper/helper.h"
#include "map/map.h"

void *memcpy(void *d, const void *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		((volatile char *)d)[i] = ((const char *)s)[i];
	return d;
}
void *memset(void *d, int c, size_t n)
{
	for (size_t i = 0; i < n; i++)
		((volatile char *)d)[i] = (char)c;
	return d;
}
void *memmove(void *d, const void *s, size_t n)
{
	if (d <= s)
		return memcpy(d, s, n);
	while (n--)
		((volatile char *)d)[n] = ((const char *)s)[n];
	return d;
}
int memcmp(const void *a, const void *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (((const char *)a)[i] != ((const char *)b)[i])
			return 1;
	return 0;
}

static int finish(int status)
{
	sys_call1(SYS_exit_group, status);
	__builtin_unreachable();
}

static struct map *new_map(u32 type, u32 key, u32 value, u32 entries)
{
	struct map_attr a = { .type = type, .key_size = key, .value_size = value, .max_entries = entries,
			      .spin_lock_off = ~0u, .timer_off = ~0u };
	struct map *m = 0;

	if (map_create((int)sys_call2(SYS_memfd_create, "map", 0), &a, 1, &m))
		finish(2);
	return m;
}

static struct map *maps[2];

static bool mem_ok(struct exec_env *env, u64 addr, u64 size, bool write)
{
	(void)env;
	return map_mem_ok(maps[0], addr, size, write) || map_mem_ok(maps[1], addr, size, write);
}

static bool map_ok(struct exec_env *env, const struct map *m)
{
	(void)env;
	return m == maps[0] || m == maps[1];
}

#define I(c, d, s, o, i) { .code = (c), .dst = (d), .src = (s), .off = (o), .imm = (s32)(i) }
#define WIDE(d, v) I(CLS_LD | MODE_IMM | SZ_DW, d, 0, 0, (u64)(v)), I(0, 0, 0, 0, (u64)(v) >> 32)
#define CALL(name) I(CLS_JMP | JMP_CALL, 0, 0, 0, HELPER_##name)
#define FP(d, off) I(CLS_ALU64 | SRC_X | ALU_MOV, d, REG_FP, 0, 0), I(CLS_ALU64 | ALU_ADD, d, 0, 0, off)
#define SET(d, v) I(CLS_ALU64 | ALU_MOV, d, 0, 0, v)

__asm__(".globl _start\n_start: and $-16, %rsp\n call run\n");
void run(void);
void run(void)
{
	static helper_fn table[HELPER_ID_MAX];
	static const struct host host;
	u64 ret = 0;

	maps[0] = new_map(BPF_MAP_TYPE_HASH, 4, 8, 16);
	maps[1] = new_map(BPF_MAP_TYPE_RINGBUF, 0, 0, 4096);
	helper_table_fill(table, BPF_PROG_TYPE_KPROBE, 0);
	{
		const struct insn insns[] = {
			I(CLS_ST | MODE_MEM | SZ_W, REG_FP, 0, -4, 7),
			I(CLS_ST | MODE_MEM | SZ_DW, REG_FP, 0, -16, 40),
			WIDE(1, maps[0]), FP(2, -4), FP(3, -16), SET(4, 0), CALL(map_update_elem),
			WIDE(1, maps[1]), FP(2, -16), SET(3, 8), SET(4, 0), CALL(ringbuf_output),
			I(CLS_ST | MODE_MEM | SZ_DW, REG_FP, 0, -24, 0x6425), /* "%d" */
			FP(1, -40), SET(2, 16), FP(3, -24), FP(4, -16), SET(5, 8), CALL(snprintf),
			I(CLS_ALU64 | SRC_X | ALU_MOV, 6, 0, 0, 0), /* 3: "40" and its NUL */
			WIDE(1, maps[0]), FP(2, -4), CALL(map_lookup_elem),
			I(CLS_JMP | JMP_JEQ, 0, 0, 2, 0),
			I(CLS_LDX | MODE_MEM | SZ_DW, 0, 0, 0, 0),
			I(CLS_ALU64 | SRC_X | ALU_ADD, 0, 6, 0, 0),
			I(CLS_JMP | JMP_EXIT, 0, 0, 0, 0),
		};
		struct exec_prog prog = { .insns = insns, .n_insns = sizeof(insns) / sizeof(insns[0]),
					  .prog_type = BPF_PROG_TYPE_KPROBE, .helpers = table };
		struct exec_env env = { .prog = &prog, .host = &host, .mem_ok = mem_ok, .map_ok = map_ok,
					.call_ok = helper_call_ok };
		int err = exec_run(&env, 0, &ret);

		helper_run_end(&env);
		finish(err ? 1 : (int)ret);
	}
}
END
flags="-std=gnu17 -D_GNU_SOURCE -Isrc -O2 -ffreestanding -fno-stack-protector"
run_path() {
	for f in src/exec/*.c src/helper/*.c src/map/*.c src/abi/helper*.c; do
		case $f in src/exec/funcs.c | src/exec/jit*.c) ;; *) echo "$f" ;; esac
	done
}
link() {
	# shellcheck disable=SC2046,SC2086
	${CC:-cc} $flags -nostdlib -static -o "$dir/run" "$dir/main.c" $(run_path)
}
objects() {
	for f in src/helper/*.c src/abi/helper*.c; do
		# shellcheck disable=SC2086
		${CC:-cc} $flags -fno-pie -c "$f" -o "$dir/$(echo "$f" | tr / _).o" || return 1
	done
}
check "exec, helper and map link without libc" link
check "and run a program with helper calls" sh -c "\"$dir/run\"; test \$? -eq 43"
check "helpers compile alone" objects
same "and keep no mutable state" "" "$(nm "$dir"/*.o | grep -E ' [bBdDC] ')"
done_testing
