#!/bin/bash
# A few seconds of each parser's fuzz target, as part of `make check`; `make fuzz` runs all for longer.
# SPDX-License-Identifier: BSD-2-Clause
cd "$(dirname "$0")/../.." || exit 1
. tests/tap.sh
probe=$(mktemp)
trap 'rm -f "$probe"' EXIT
case ${BUILD:-build} in
*-san | *-cov) skip "fuzz targets" "they have a sanitizer build of their own"; done_testing ;;
esac
if ! echo 'int LLVMFuzzerTestOneInput(const char *p, long n) { return 0; }' |
	clang -x c -fsanitize=fuzzer,address - -o "$probe" 2>/dev/null; then
	skip "fuzz targets" "no clang with libFuzzer"
	done_testing
fi
for name in asm btf cdecl obj script verify; do
	check "any bytes into $name" env -u MAKEFLAGS -u MAKELEVEL BUILD="$PWD/build-fuzz" FUZZ_SECONDS=3 tests/fuzz/run $name
done
done_testing
