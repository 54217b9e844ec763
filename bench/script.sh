#!/bin/bash
# Scripts: from exec to exit, to attached, the compiler alone, events a second; Debian's bpftrace beside where that
# is installed.  Medians of interleaved rounds.
# SPDX-License-Identifier: BSD-2-Clause
set -u
cd "$(dirname "$0")/.." || exit 1
. bench/lib.sh
osmia=${OSMIA:-build/osmia}
rounds=${ROUNDS:-11}
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
gcc -O2 -o "$room/measure" bench/tool/measure.c && gcc -O2 -o "$room/ended" bench/tool/ended.c || exit 1
ln -s "$(realpath "$osmia")" "$room/bpftrace"
peer=$(PATH=$PATH:/usr/sbin command -v bpftrace)
kernel=
"$osmia" can kernel >/dev/null && kernel=yes
[ -n "$kernel" ] || peer=

# FILE COMMAND...: the median of the rounds of one tool, both columns: "MS KB".
run() {
	local file=$room/$1
	"${@:2}" >>"$file" || return 1
}
column() { cut -d' ' -f"$2" "$room/$1" 2>/dev/null | median; }
# FIGURE FILE PEERFILE MAX-MS MAX-KB
report() {
	local ms kb peer_text=
	ms=$(column "$2" 1) kb=$(column "$2" 2)
	[ -s "$room/$3" ] && peer_text="bpftrace $(column "$3" 1) ms, $(column "$3" 2) kB"
	printf '%-44s %8s ms %8s kB   %s\n' "$1" "${ms:--}" "${kb:--}" "$peer_text"
	[ -z "$ms" ] || row "$1" "<= $4 ms${5:+, $5 kB}" "$ms ms, $kb kB" "$peer_text" \
		"$(verdict "$ms <= $4${5:+ && $kb <= $5}")"
}

begin='BEGIN { exit(); }'
openat='tracepoint:syscalls:sys_enter_openat { printf("%-16s %s\n", comm, str(args->filename)); }'
btf='tracepoint:syscalls:sys_enter_openat { printf("%d\n", ((struct task_struct *)curtask)->tgid); }'
{
	echo 'BEGIN { @start = nsecs; }'
	for ((i = 0; i < 24; i++)); do
		printf 'interval:s:%d {\n\t$x = nsecs / 1000 + %d;\n\tif ($x > 100) { @a%d[comm, pid] = count(); }\n' $((i + 1)) $i $i
		printf '\t@h%d = hist($x);\n}\n' $i
	done
} >"$room/long.bt"

for ((r = 0; r < rounds; r++)); do
	if [ -n "$kernel" ]; then
		run begin "$room/ended" "$room/bpftrace" -e "$begin"
		run openat "$room/measure" "$room/bpftrace" -e "$openat"
		run btf "$room/measure" "$room/bpftrace" -e "$btf"
		if [ -n "$peer" ]; then
			run begin.peer "$room/ended" "$peer" -e "$begin"
			run openat.peer "$room/measure" "$peer" -e "$openat"
			run btf.peer "$room/measure" "$peer" -e "$btf"
		fi
	fi
	run begin.user "$room/ended" "$osmia" run --engine user -e "$begin"
	run compile "$room/ended" "$osmia" bpftrace --mode codegen "$room/long.bt"
done
[ -z "$kernel" ] || report "script: BEGIN exit, kernel engine" begin begin.peer 5 6144
report "script: BEGIN exit, user engine" begin.user begin.peer 5 6144
[ -z "$kernel" ] || report "script: openat one-liner to attached" openat openat.peer 20 ""
[ -z "$kernel" ] || report "script: one-liner with BTF to attached" btf btf.peer 20 ""
report "script: compile $(wc -l <"$room/long.bt") lines, whole process" compile none 5 ""

# Events: the script's own clock would count the start, so a run without events is taken off.
events=1000000
lines() { "$osmia" run --engine "$1" -e "begin { for (\$i : 0..$2) { printf(\"%d\\n\", \$i); } exit(); }"; }
for engine in user ${kernel:+kernel}; do
	from=${EPOCHREALTIME/./}
	lines $engine 1 >/dev/null 2>&1
	mid=${EPOCHREALTIME/./}
	lines $engine $events >"$room/events" 2>"$room/err"
	to=${EPOCHREALTIME/./}
	printed=$(wc -l <"$room/events")
	lost=$(grep -oE '[0-9]+ (events|records) (were )?lost|[Ll]ost [0-9]+|count: [0-9]+' "$room/err" "$room/events" |
		grep -oE '[0-9]+$|[0-9]+ ' | tail -1)
	rate=$(awk "BEGIN { printf \"%.2f\", $printed / ($to - $mid - ($mid - $from)) }")
	echo "printf on the $engine engine: $printed printed, ${lost:-0} lost of $events; $rate M a second"
	[ $engine = kernel ] || row "script: printf events, user engine" ">= 2 M/s" "$rate M/s" "" \
		"$(verdict "$rate >= 2")"
done
