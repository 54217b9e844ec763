#!/bin/sh
# A script whose every event starts a command, which makes more events: Ctrl-C ends it all the same.
# SPDX-License-Identifier: BSD-2-Clause
. tests/tap.sh
out=$(mktemp) && err=$(mktemp) || exit 1
trap 'rm -f "$out" "$err"' EXIT

if "$OSMIA" can kernel >/dev/null 2>&1; then
	# 137 where it had to be killed
	timeout -s INT -k 8 1 "$OSMIA" run --engine=kernel --unsafe -e \
		'tracepoint:sched:sched_switch { system("echo foo"); } end { printf("bye\n"); }' >"$out" 2>"$err"
	check "it ends within some seconds" test $? -ne 137
	check "commands were run" grep -q foo "$out"
	check "end probes, too" grep -q bye "$out"
	check "what was dropped is told" grep -q "events were lost" "$err"
else
	skip "it ends within some seconds" "bpf(2) is not usable here"
fi
same "all that end says is handled" 300 "$("$OSMIA" run --engine=user --unsafe -q \
	-e 'end { for ($i : 0..300) { system("echo x"); } }' 2>/dev/null | grep -c x)"
done_testing
