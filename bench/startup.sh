#!/bin/bash
# From start to attached, and the memory that takes, beside Debian's libbpf-tools.  Medians of
# interleaved rounds.
# SPDX-License-Identifier: BSD-2-Clause
set -u
cd "$(dirname "$0")/.." || exit 1
osmia=${OSMIA:-build/osmia}
rounds=${ROUNDS:-15}
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
flags=(-O2 -g -target bpf -D__TARGET_ARCH_x86 -I"/usr/include/$(gcc -print-multiarch)")
clang "${flags[@]}" -c tests/progs/opensnoop.bpf.c -o "$room/opensnoop.o" &&
	gcc -O2 -o "$room/measure" bench/tool/measure.c || exit 1

names=() commands=()
add() { names+=("$1"); commands+=("$2"); }
if "$osmia" can kernel >/dev/null; then
	add "osmia run, kernel engine" "$osmia run --engine=kernel $room/opensnoop.o"
	for tool in opensnoop execsnoop; do
		path=$(PATH=$PATH:/usr/sbin command -v $tool) && add "libbpf-tools $tool" "$path"
	done
else
	echo "the kernel engine does not work here: only the user engine is measured"
fi
add "osmia run, user engine" "$osmia run --engine=user $room/opensnoop.o -- sleep 1"
for ((r = 0; r < rounds; r++)); do
	for ((i = 0; i < ${#names[@]}; i++)); do
		# shellcheck disable=SC2086
		"$room/measure" ${commands[i]} >>"$room/$i"
	done
done
median() { sort -n | awk '{ v[NR] = $1 } END { print NR ? v[int((NR + 1) / 2)] : "-" }'; }
echo "start to attached, median of $rounds rounds; object of $(stat -c %s "$room/opensnoop.o") bytes"
for ((i = 0; i < ${#names[@]}; i++)); do
	printf '%-28s %8s ms %8s kB\n' "${names[i]}" "$(cut -d' ' -f1 "$room/$i" | median)" \
		"$(cut -d' ' -f2 "$room/$i" | median)"
done
