#!/bin/bash
# Random programs: the verifier neither dies nor hangs, and says what the running 6.18 says.
# SPDX-License-Identifier: BSD-2-Clause
cd "$(dirname "$0")/../.." || exit 1
. tests/tap.sh
fuzz=${BUILD:-build}/osmia-fuzz
check "the verifier alone" "$fuzz" verify --seed=1 --count=2000 --no-kernel
case $(uname -r) in
6.18.*)
	if "${OSMIA:-build/osmia}" can kernel >/dev/null; then
		check "beside the running kernel" "$fuzz" verify --seed=1 --count=2000
	else
		skip "beside the running kernel" "bpf(2) is not allowed here"
	fi
	;;
*) skip "beside the running kernel" "it is not Linux 6.18" ;;
esac
done_testing
