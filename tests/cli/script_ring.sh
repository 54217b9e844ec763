#!/bin/sh
# A script that says more than its ring holds: on the user engine the reader reads meanwhile and nothing is lost; on the
# kernel's what is lost is counted, and told.
# SPDX-License-Identifier: BSD-2-Clause
. tests/tap.sh
out=$(mktemp) && err=$(mktemp) || exit 1
trap 'rm -f "$out" "$err"' EXIT
prog='begin { for ($i : 0..300000) { printf("%d\n", $i); } }'
lines() { grep -c '^[0-9]' "$out"; }

"$OSMIA" run --engine=user -e "$prog" >"$out" 2>"$err"
same "every record of the user engine arrives" 300000 "$(lines)"
same "in order" 299999 "$(grep '^[0-9]' "$out" | sort -nu | tail -n 1)"
check "and nothing is said to be lost" sh -c '! grep -qi "lost\|room" "$1"' sh "$err"

if "$OSMIA" can kernel >/dev/null 2>&1; then
	"$OSMIA" run --engine=kernel -e "$prog" >"$out" 2>"$err"
	lost=$(sed -n 's/^WARNING: \([0-9]*\) events were lost.*/\1/p' "$err")
	same "produced = printed + lost" 300000 "$(($(lines) + lost))"
else
	skip "produced = printed + lost" "bpf(2) is not usable here"
fi
done_testing
