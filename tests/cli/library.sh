#!/bin/bash
# The shared library: exports osmia_* alone, installs, links from C with pkg-config.
# SPDX-License-Identifier: BSD-2-Clause
cd "$(dirname "$0")/../.." || exit 1
. tests/tap.sh
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
same "exports nothing but osmia_*" "" \
	"$(nm -D --defined-only "${BUILD:-build}/libosmia.so" | awk '$2 ~ /[TDBRVW]/ && $3 !~ /^osmia_/ { print $3 }')"
case ${BUILD:-build} in
*-san | *-cov) skip "install" "the sanitizer build is not installed" ;;
*)
	check "make install" make -s install DESTDIR="$room" PREFIX=/usr B="${BUILD:-build}"
	check "installed command runs" "$room/usr/bin/osmia" --version
	cat >"$room/use.c" <<-'C'
		#include <osmia.h>
		#include <stdio.h>
		int main(void) { return puts(osmia_version()) < 0; }
	C
	check "a program links with it" gcc "$room/use.c" -I"$room/usr/include" -L"$room/usr/lib" -losmia -o "$room/use"
	same "and runs" "$("$room/usr/bin/osmia" --version)" "osmia $(LD_LIBRARY_PATH=$room/usr/lib "$room/use")"
	;;
esac
done_testing
