#!/bin/bash
# The verifier's verdicts beside recorded ones, where the corpus is at hand: each kernel and set of
# capabilities reaches what it must.  `make parity` shows the tables.
# SPDX-License-Identifier: BSD-2-Clause
cd "$(dirname "$0")/../.." || exit 1
. tests/tap.sh
corpus=${CORPUS:-../shared/corpus/verifier}
parity=${BUILD:-build}/tests/parity/parity
if ! [ -r "$corpus/verdicts/6.18" ] || ! command -v xz >/dev/null; then
	skip "parity with recorded verdicts" "no corpus at $corpus, or no xz"
	done_testing
fi
kernels=$corpus/kernel
[ -d "$kernels" ] || kernels=../shared/corpus/verifier/kernel
run() { "$parity" --kernel-dir="$kernels" --must "$@" "$corpus"; }

case $parity in
*-san*) # slow, and its time tells nothing
	check "6.18: table of test_verifier" "$parity" --kernel-dir="$kernels" --mode= --corpus=v612 "$corpus"
	check "6.18: programs of packages" "$parity" --kernel-dir="$kernels" --mode= --corpus=deb "$corpus"
	done_testing
	;;
esac
check "6.18, every capability" run --mode=
check "6.18, without CAP_PERFMON" run --mode=noperfmon
check "6.12, programs through trampolines" run --mode=6.12
check "one case: the recorded log, line for line" grep -q "the logs are the same" \
	<("$parity" --kernel-dir="$kernels" --diff=v612/atomic_and/001 "$corpus")
done_testing
