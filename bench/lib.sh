# What the bench scripts share.  SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash

# The median of the numbers on stdin; nothing where there are none.
median() { sort -n | awk '{ v[NR] = $1 } END { if (NR) print v[int((NR + 1) / 2)] }'; }

# A row of the summary: FIGURE REQUIRED MEASURED PEER VERDICT
row() {
	[ -z "${BENCH_ROWS-}" ] || (IFS=$'\t'; echo "$*" >>"$BENCH_ROWS")
}

# "meets" or "MISSES": is the awk condition true?
verdict() { awk "BEGIN { print ($1) ? \"meets\" : \"MISSES\" }"; }

# An object from bench/progs/NAME.bpf.c: compile_bpf NAME OUT [FLAG...]
compile_bpf() {
	local name=$1 out=$2
	shift 2
	clang -O2 -g -target bpf -D__TARGET_ARCH_x86 -I"/usr/include/$(gcc -print-multiarch)" "$@" \
		-c "bench/progs/$name.bpf.c" -o "$out"
}
