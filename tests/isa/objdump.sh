#!/bin/bash
# The assembler reads what llvm-objdump prints of clang's code: the same insns as in the object.
# SPDX-License-Identifier: BSD-2-Clause
. "$(dirname "$0")/../tap.sh"
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cat >"$dir/p.c" <<'C'
typedef signed char s8;
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long u64;
u64 entry(u8 *mem, u64 size)
{
	u64 sum = 0x1122334455667788, *words = (u64 *)mem;
	u32 half = (u32)size, *halves = (u32 *)mem;

	if ((long)size > 16 && half != 77) {
		for (u32 i = 0; i < 4; i++)
			sum = (sum << 5 | sum >> 59) ^ words[i];
		sum += __builtin_bswap32(halves[1]) + __builtin_bswap64(words[1]);
		half = half * 3 / (halves[2] | 1) % 1000;
	}
	if ((int)half < -5 || (sum & 8))
		sum = -sum;
#if __BPF_CPU_VERSION__ > 3
	sum = (long)sum / (long)words[1] + *(volatile s8 *)(mem + 3) + (long)(s8)sum;
	half = (int)half % (int)halves[3];
	sum += __sync_val_compare_and_swap(words + 1, sum, 5ul);
	half += __sync_val_compare_and_swap(halves + 1, half, 5u);
	sum += __sync_lock_test_and_set(words + 1, sum);
	half += __sync_fetch_and_or(halves + 1, half);
#endif
	__sync_fetch_and_add(words, sum);
	__sync_fetch_and_add(halves + 4, half);
	*(u16 *)(mem + 7) = half;
	mem[9] = 200;
	return sum + half;
}
C
compare() { # VERSION CPU: both tools of that version, "" for the default one
	local name="llvm-objdump$1, -mcpu=$2" want
	if ! command -v "clang$1" >/dev/null || ! command -v "llvm-objdump$1" >/dev/null; then
		skip "$name" "no clang$1 or no llvm-objdump$1"
		return
	fi
	"clang$1" -O2 -target bpf "-mcpu=$2" -c "$dir/p.c" -o "$dir/p.o" 2>"$dir/err" ||
		sed 's/^/# /' "$dir/err"
	want=$("$OSMIA" vm --elf --disasm <"$dir/p.o")
	same "$name" "$want" "$("llvm-objdump$1" -d --mattr=+alu32 "$dir/p.o" |
		sed -n '/<entry>:/,$p' | "$OSMIA" vm --asm --disasm 2>&1)"
	same "$name, without bytes" "$want" \
		"$("llvm-objdump$1" -d --no-show-raw-insn --mattr=+alu32 "$dir/p.o" |
		sed -n '/<entry>:/,$p' | "$OSMIA" vm --asm --disasm 2>&1)"
	check "$name: there is something" test "$(echo "$want" | wc -l)" -gt 40
}
compare "" v1
compare "" v2
compare "" v3
compare -19 v4
done_testing
