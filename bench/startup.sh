#!/bin/bash
# From start to attached, and the memory that takes, beside Debian's libbpf-tools.  Medians of
# interleaved rounds.  Then the size of the program.
# SPDX-License-Identifier: BSD-2-Clause
set -u
cd "$(dirname "$0")/.." || exit 1
. bench/lib.sh
osmia=${OSMIA:-build/osmia}
rounds=${ROUNDS:-21}
room=$(mktemp -d)
trap 'rm -rf "$room"; [ -z "${joined-}" ] || kill "$joined"' EXIT
gcc -O2 -o "$room/measure" bench/tool/measure.c && compile_bpf startup "$room/object.o" || exit 1
sleep 600 &
joined=$!

names=() commands=()
add() { names+=("$1"); commands+=("$2"); }
if "$osmia" can kernel >/dev/null; then
	add "osmia run, kernel engine" "$osmia run --engine=kernel $room/object.o"
	for tool in opensnoop execsnoop; do
		path=$(PATH=$PATH:/usr/sbin command -v $tool) && add "libbpf-tools $tool" "$path"
	done
else
	echo "the kernel engine does not work here: only the user engine is measured"
fi
add "osmia run, user engine, -- CMD" "$osmia run --engine=user $room/object.o -- sleep 1"
add "osmia run, user engine, -p PID" "$osmia run --engine=user -p $joined $room/object.o"
for ((r = 0; r < rounds; r++)); do
	for ((i = 0; i < ${#names[@]}; i++)); do
		# shellcheck disable=SC2086
		"$room/measure" ${commands[i]} >>"$room/$i"
	done
done
column() { cut -d' ' -f"$2" "$room/$1" | median; }

# A slow or busy machine is told by the peer, which takes 14 ms on the machine the figure is from.
required="<= 15 ms, 12 MB" limit=15 peer=
for ((i = 0; i < ${#names[@]}; i++)); do
	[ "${names[i]}" = "libbpf-tools opensnoop" ] || continue
	peer="opensnoop $(column "$i" 1) ms, $(column "$i" 2) kB"
	limit=$(awk "BEGIN { s = $(column "$i" 1) * 15 / 14; print (s > 15) ? s : 15 }")
	required="<= 15 ms (opensnoop * 15/14), 12 MB"
done
echo "start to attached, median of $rounds rounds; object of $(stat -c %s "$room/object.o") bytes"
for ((i = 0; i < ${#names[@]}; i++)); do
	ms=$(column "$i" 1) kb=$(column "$i" 2) guard=$(column "$i" 3)
	guard=${guard:-0}
	printf '%-32s %8s ms %8s kB' "${names[i]}" "${ms:--}" "${kb:--}"
	[ "$guard" = 0 ] || printf ' and %s kB of its guard' "$guard"
	echo
	[ -z "$ms" ] || [[ ${names[i]} = libbpf-tools* ]] && continue
	row "start, ${names[i]}" "$required" "$ms ms, $((kb + guard)) kB" "$peer" \
		"$(verdict "$ms <= $limit && $kb + $guard <= 12288")"
done
strip -o "$room/stripped" "$osmia"
size=$(stat -c %s "$room/stripped")
echo "osmia, stripped: $((size / 1024)) kB"
row "size of osmia, stripped" - "$((size / 1024)) kB" "" -
