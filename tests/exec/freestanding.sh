#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# exec/ needs no libc: it links with memcpy and its kin alone, and runs.
. "$(dirname "$0")/../tap.sh"
[ "$(uname -m)" = x86_64 ] || { skip "exec links without libc" "x86-64 only"; done_testing; }
cc=${CC:-gcc}
dir=$(mktemp -d) || exit 2
trap 'rm -rf "$dir"' EXIT
root=$(cd "$(dirname "$0")/../.." && pwd)
cat >"$dir/main.c" <<'C'
#include "base/sys.h"
#include "exec/jit.h"

void *memcpy(void *d, const void *s, size_t n);
void *memset(void *d, int c, size_t n);
void *memmove(void *d, const void *s, size_t n);
int memcmp(const void *a, const void *b, size_t n);
void start_c(void);
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
__asm__(".globl _start\n_start: and $-16, %rsp\n call start_c\n");
void start_c(void)
{
	static const struct insn insns[] = {
		{ .code = CLS_ALU64 | ALU_MOV, .dst = 0, .imm = 40 },
		{ .code = CLS_ALU64 | ALU_ADD, .dst = 0, .imm = 2 },
		{ .code = CLS_JMP | JMP_EXIT },
	};
	struct exec_prog prog = { .insns = insns, .n_insns = 3 };
	struct exec_env env = { .prog = &prog };
	struct jit_code *code = 0;
	u64 ret = 0, native = 0;
	int err = exec_run(&env, 0, &ret) || jit_compile(&prog, &code);

	prog.jit = code;
	err = err || exec_run(&env, 0, &native) || native != ret;

	sys_call1(SYS_exit_group, err ? 1 : (int)ret);
	__builtin_unreachable();
}
C
flags="-std=gnu17 -D_GNU_SOURCE -O2 -I$root/src -ffreestanding -fno-stack-protector"
link() {
	# shellcheck disable=SC2086
	$cc $flags -nostdlib -static -o "$dir/run" "$dir/main.c" "$root"/src/exec/*.c
}
check "exec links without libc" link
check "and runs" sh -c "\"$dir/run\"; test \$? -eq 42"
done_testing
