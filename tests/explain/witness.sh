#!/bin/bash
# Inputs with which refused programs fail: found for enough of the corpus, run again from their files.
# SPDX-License-Identifier: BSD-2-Clause
cd "$(dirname "$0")/../.." || exit 1
. tests/tap.sh
corpus=${CORPUS:-../shared/corpus/verifier}
osmia=${OSMIA:-${BUILD:-build}/osmia}
parity=${BUILD:-build}/tests/parity/parity
file=tests/explain/lookup.witness
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT

same "a witness runs into its fault" \
	"insn 14: load of 1 bytes at offset 255 of a map value of 8 bytes" \
	"$("$osmia" vm --witness $file | tail -n 1)"
sed '/^input/d' $file >"$tmp/harmless"
same "without its input it does no harm" "osmia: $tmp/harmless: the program does not fail with these inputs" \
	"$("$osmia" vm --witness "$tmp/harmless" 2>&1)"

# Any text is a witness or a complaint, never a crash: one byte changed, one line left out.
survives() {
	for i in $(seq 1 12 "$(wc -c <$file)"); do
		{ head -c $((i - 1)) $file; printf 9; tail -c +$((i + 1)) $file; } >"$tmp/damaged"
		"$osmia" vm --witness "$tmp/damaged" >/dev/null 2>&1
		[ $? -le 1 ] || { cp "$tmp/damaged" "$tmp/bad"; echo "byte $i"; return 1; }
	done
	for i in $(seq "$(wc -l <$file)"); do
		sed "${i}d" $file >"$tmp/damaged"
		"$osmia" vm --witness "$tmp/damaged" >/dev/null 2>&1
		[ $? -le 1 ] || { echo "line $i"; return 1; }
	done
}
check "damaged files" survives

case $parity in
*-san*) groups=(--groups='direct_packet*') ;;
*) groups=() ;;
esac
if [ -r "$corpus/verdicts/6.18" ] && command -v xz >/dev/null; then
	kernels=$corpus/kernel
	[ -d "$kernels" ] || kernels=../shared/corpus/verifier/kernel
	check "refusals of the corpus that an input shows" "$parity" --kernel-dir="$kernels" \
		--mode= --witness --must --corpus=mut "${groups[@]}" "$corpus"
else
	skip "refusals of the corpus that an input shows" "no corpus at $corpus, or no xz"
fi
done_testing
