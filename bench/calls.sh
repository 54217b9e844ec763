#!/bin/bash
# What a traced program pays for a call, end to end through `osmia run`, on both engines.  Medians of
# interleaved rounds.
# SPDX-License-Identifier: BSD-2-Clause
set -u
cd "$(dirname "$0")/.." || exit 1
. bench/lib.sh
osmia=${OSMIA:-build/osmia}
rounds=${ROUNDS:-7}
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
gcc -O2 -o "$room/calls" bench/tool/calls.c || exit 1
target=(-DTARGET="\"$room/calls\"")
for kind in ENTER EXIT UPROBE; do
	compile_bpf calls "$room/$kind.o" "${target[@]}" "-D$kind" || exit 1
done
compile_bpf calls "$room/BOTH.o" -DENTER -DEXIT || exit 1
compile_bpf calls "$room/URET.o" "${target[@]}" -DUPROBE -DURETPROBE || exit 1

# name|object|work|calls|how
cases='call, untraced|-|getppid|200000|plain
call, -- CMD, not hooked|UPROBE|getppid|200000|cmd
call, -- CMD, entry hooked|ENTER|getppid|4000|cmd
call, -- CMD, exit hooked|EXIT|getppid|4000|cmd
call, -- CMD, entry and exit|BOTH|getppid|4000|cmd
call, -p, not hooked|UPROBE|getppid|4000|join
call, -p, entry hooked|ENTER|getppid|4000|join
function, untraced|-|function|200000|plain
function, uprobe|UPROBE|function|4000|cmd
function, uprobe and uretprobe|URET|function|4000|cmd'

# One round of a case on an engine; the ns a call go to a file of that case and engine.
run_case() {
	local engine=$1 at=$2 object=$3 work=$4 n=$5 how=$6 out=$room/$2.$1
	local osmia_run=("$osmia" run "--engine=$engine" "$room/$object.o")

	case $how in
	plain) [ "$engine" = kernel ] || "$room/calls" "$work" "$n" "$out" ;;
	cmd) timeout 30 "${osmia_run[@]}" -- "$room/calls" "$work" "$n" "$out" >/dev/null 2>"$room/err" ;;
	join)
		mkfifo "$room/go"
		"$room/calls" "$work" "$n" "$out" wait <"$room/go" &
		local pid=$! tracer
		exec 9>"$room/go"
		timeout 30 "${osmia_run[@]}" -p "$pid" >/dev/null 2>"$room/err" &
		tracer=$!
		sleep 0.3
		echo go >&9
		exec 9>&-
		wait "$pid"
		kill -INT "$tracer" 2>/dev/null
		wait "$tracer"
		rm "$room/go"
		;;
	esac
}

engines=(user)
"$osmia" can kernel >/dev/null && engines+=(kernel)
for ((r = 0; r < rounds; r++)); do
	at=0
	while IFS='|' read -r _ object work n how <&8; do
		at=$((at + 1))
		for engine in "${engines[@]}"; do
			run_case "$engine" "$at" "$object" "$work" "$n" "$how"
		done
	done 8<<<"$cases"
done
printf '%-34s %12s %12s %14s\n' "osmia run, ns" "user engine" "extra" "kernel engine"
at=0
while IFS='|' read -r name _ _ _ how; do
	at=$((at + 1))
	user=$(cat "$room/$at.user" 2>/dev/null | median)
	kernel=$(cat "$room/$at.kernel" 2>/dev/null | median)
	[ "$how" = plain ] && plain=$user
	extra=${user:+$(awk "BEGIN { printf \"%.0f\", $user - $plain }")}
	printf '%-34s %12s %12s %14s\n' "$name" "${user:--}" "${extra:--}" "${kernel:--}"
	[ "$how" = plain ] || [ -z "$user" ] && continue
	required=- verdict=-
	case $name in *"-- CMD, not hooked") required="< 1000 ns extra" verdict=$(verdict "$extra < 1000") ;; esac
	row "$name" "$required" "$extra ns extra" \
		"${kernel:+kernel engine $(awk "BEGIN { printf \"%.0f\", $kernel - $plain }") ns}" "$verdict"
done <<<"$cases"
