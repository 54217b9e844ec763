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
		#include <stdlib.h>
		/* Calls in every wrong order: errnos, nothing worse. */
		static int misuse(const char *path)
		{
			struct osmia_opts opts = { .size = sizeof(opts), .engine = OSMIA_ENGINE_USER };
			char *argv[] = { "/bin/true", NULL }, *text = NULL;
			struct osmia *o;
			int bad = osmia_new(&(struct osmia_opts){0}, &o) == 0;

			if (osmia_new(&opts, &o))
				return 1;
			bad |= osmia_poll(o, 0) >= 0 || osmia_start(o, argv) >= 0 || osmia_stop(o) < 0;
			bad |= osmia_set(o, "x", "1") >= 0 || osmia_open(o, "/no/such") >= 0;
			bad |= osmia_open_mem(o, "junk", 4, "junk") >= 0 || osmia_start(o, argv) >= 0;
			bad |= osmia_status(o) != -1 || osmia_engine_name(o) || osmia_message(o, 99);
			osmia_free(o);
			osmia_free(NULL);
			bad |= osmia_dump(path, 0, NULL, NULL) >= 0 || osmia_dump(path, 0, &text, NULL) >= 0;
			return bad || text;
		}
		int main(void)
		{
			return misuse("/no/such") || puts(osmia_version()) < 0;
		}
	C
	check "a program links with it" gcc "$room/use.c" -I"$room/usr/include" -L"$room/usr/lib" -losmia -o "$room/use"
	same "and runs" "$("$room/usr/bin/osmia" --version)" "osmia $(LD_LIBRARY_PATH=$room/usr/lib "$room/use")"
	;;
esac
done_testing
