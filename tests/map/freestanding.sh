#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# src/map needs nothing but memcpy, memset, memmove and memcmp from outside: no libc, no allocation,
# no thread-local state, no mutable global.  It will run inside traced processes.
cd "$(dirname "$0")/../.." || exit 1
. tests/tap.sh
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT

cat >"$dir/mem.c" <<'END'
#include <stddef.h>
void *memcpy(void *d, const void *s, size_t n) { char *p = d; const char *q = s; while (n--) *p++ = *q++; return d; }
void *memmove(void *d, const void *s, size_t n) { return memcpy(d, s, n); }
void *memset(void *d, int c, size_t n) { char *p = d; while (n--) *p++ = c; return d; }
int memcmp(const void *a, const void *b, size_t n) { const char *p = a, *q = b; while (n--) if (*p++ != *q++) return 1; return 0; }
END
flags="-std=gnu17 -D_GNU_SOURCE -Isrc -O2 -fPIC -ffreestanding -fno-stack-protector -fno-tree-loop-distribute-patterns"
compile() {
	for source in src/map/*.c "$dir/mem.c"; do
		${CC:-cc} $flags -c "$source" -o "$dir/$(basename "$source" .c).o" || return 1
	done
}
check "compiles freestanding" compile
check "links with nothing but four memory functions" \
	${CC:-cc} -nostdlib -shared -Wl,-z,defs "$dir"/*.o -o "$dir/map.so"
same "keeps no mutable state" "" "$(nm "$dir"/*.o | grep -E ' [bBC] ')"
same "keeps no thread-local state" "" "$(readelf -SW "$dir/map.so" | grep -E '\.tbss|\.tdata')"
done_testing
