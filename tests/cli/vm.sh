#!/bin/bash
# osmia vm: the conformance runners' protocol, assembler and disassembler, errors.
# SPDX-License-Identifier: BSD-2-Clause
. "$(dirname "$0")/../tap.sh"

vm() { printf '%b' "$1" | "$OSMIA" vm "${@:2}" 2>&1; echo "status $?"; }
both() { printf '%s\nstatus %s' "$1" "$2"; }

same "bytes on one line, any blanks" "$(both 0x2a 0)" \
	"$(vm 'b7 00 00 00  2a 00 00 00\t95 00 00 00 00 00 00 00\n')"
same "memory in r1, length in r2" "$(both 0x504 0)" \
	"$(vm '71 10 03 00 00 00 00 00  67 00 00 00 00 00 00 00 bf 23 00 00 00 00 00 00
	       67 03 00 00 08 00 00 00  4f 30 00 00 00 00 00 00 95 00 00 00 00 00 00 00' \
		'01 02 03 04 05')"
same "no memory: r1 and r2 are 0" "$(both 0x0 0)" "$(vm 'r0 = r1\nr0 |= r2\nexit' --asm)"
same "empty memory" "$(both 0x0 0)" "$(vm 'r0 = r1\nr0 |= r2\nexit' '' --asm)"
same "options may come first" "$(both 0x1 0)" "$(vm 'r0 = r2\nexit' --interp --asm '07')"
same "both notations" "$(both 0x3 0)" "$(vm 'mov %r0, 1\nr0 += 2\nexit' --asm)"
same "native code" "$(both 0x3 0)" "$(vm 'r0 = *(u8 *)(r1 +1)\nr0 += r2\nexit' '00 01' --asm --jit)"
same "--disasm reads back" "$(both 0x7 0)" \
	"$(vm 'r0 = 0x700000000 ll\nr0 >>= 32\nexit' --asm --disasm | sed '/status/d' |
		"$OSMIA" vm --asm; echo "status $?")"
same "bpf_trace_printk goes to standard error" "hi 5" \
	"$(printf '%s\n' 'r1 = 0x6425206968 ll' '*(u64 *)(r10 -8) = r1' 'r1 = r10' 'r1 += -8' \
		'r2 = 6' 'r3 = 5' 'call bpf_trace_printk' 'exit' | "$OSMIA" vm --asm 2>&1 >/dev/null)"

fails() { # NAME MESSAGE PROGRAM [ARGUMENT...]
	local out
	out=$(vm "${@:3}")
	case $out in
	*"$2"*"status 1") same "$1" ok ok ;;
	*) same "$1" "osmia: ...$2..., status 1" "$out" ;;
	esac
}
fails "a byte outside of memory" "outside of the program's memory" 'r0 = *(u8 *)(r1 +4)\nexit' \
	'00 00 00 00' --asm
fails "a store below memory" "outside of the program's memory" '*(u8 *)(r1 -1) = 0\nexit' 00 --asm
fails "the null page" "the access at 0x0" 'r1 = 0\nr0 = *(u64 *)(r1 +0)\nexit' --asm
fails "the stack has 512 bytes" "outside of the program's memory" \
	'r0 = 0\n*(u64 *)(r10 -520) = r0\nexit' --asm
fails "a structural fault" "jump out of range" 'goto +7\nexit' --asm
fails "no end" "last insn is not an exit or jmp" 'r0 = 0' --asm
fails "nothing" "" '' 
fails "a partial insn" "no whole insns of 8" 'b7 00 00'
fails "no hex" "no hex byte at character 4" 'b7 xx 00'
fails "odd digits" "no hex byte at character 4" 'b7 0'
fails "memory that is no hex" "the memory: no hex byte" 'exit' zz --asm
fails "assembler text with its place" "standard input:2:6" 'r0 = 0\nr0 = ?\nexit' --asm
fails "a helper that is not there" "no helper 1" 'call 1\nexit' --asm
fails "endless recursion" "frames of calls" 'call pc-1\nexit' --asm
fails "an endless loop with a limit" "the limit of insns is reached" 'goto pc-1' --asm --limit 1000
fails "no ELF" "" 'nonsense' --elf
same "an unknown option is misuse" 2 "$("$OSMIA" vm --frob </dev/null >/dev/null 2>&1; echo $?)"
same "two memories are misuse" 2 "$("$OSMIA" vm 00 00 </dev/null >/dev/null 2>&1; echo $?)"

if command -v clang >/dev/null; then
	dir=$(mktemp -d)
	trap 'rm -rf "$dir"' EXIT
	cat >"$dir/p.c" <<-'C'
		static volatile const unsigned table[4] = { 10, 20, 30, 40 };
		static volatile int calls;
		__attribute__((noinline)) static int twice(int x) { calls++; return 2 * x; }
		__attribute__((section("prog"))) int entry(const unsigned char *mem, long size)
		{
			return twice(table[mem[0] & 3]) + calls + size;
		}
	C
	check "clang compiles" clang -O2 -g -target bpf -mcpu=v3 -c "$dir/p.c" -o "$dir/p.o"
	same "ELF: entry, a called function, variables" 0x40 "$("$OSMIA" vm '02 00 00' --elf <"$dir/p.o")"
	sed 's/__attribute__((section("prog")))//' "$dir/p.c" >"$dir/t.c"
	check "clang compiles .text alone" clang -O2 -target bpf -c "$dir/t.c" -o "$dir/t.o"
	same "ELF: .text alone" 0x2a "$("$OSMIA" vm '01' --elf <"$dir/t.o")"
else
	skip "ELF objects" "no clang"
fi
done_testing
