#!/bin/bash
# osmia dump: what objects hold, as text.
# SPDX-License-Identifier: BSD-2-Clause
. "$(dirname "$0")/../tap.sh"
here=$(dirname "$0")/../obj
dir=$(mktemp -d) || exit 2
trap 'rm -rf "$dir"' EXIT

has() { # NAME TEXT ARGUMENT...
	local out
	out=$("$OSMIA" dump "${@:3}" 2>&1)
	case $out in
	*"$2"*) same "$1" yes yes ;;
	*) same "$1" "$2" "$out" ;;
	esac
}
fails() { # NAME STATUS MESSAGE ARGUMENT...
	local out status
	out=$("$OSMIA" dump "${@:4}" 2>&1)
	status=$?
	case $status:$out in
	"$2:"*"$3"*) same "$1" yes yes ;;
	*) same "$1" "$2: $3" "$status: $out" ;;
	esac
}

fails "no file" 1 "/no/such: can't read" /no/such
fails "no object" 1 "neither an ELF file nor BTF" "$0"
fails "no argument" 2 "usage: osmia dump"
fails "two files" 2 "one file at a time" a b
fails "unknown form of types" 2 "--btf is c or raw" --btf=xml a
if [ -r /sys/kernel/btf/vmlinux ]; then
	has "the kernel's types as C" "struct task_struct {" --btf=c /sys/kernel/btf/vmlinux
else
	skip "the kernel's types as C" "no BTF of the kernel"
fi
if ! clang --version >/dev/null 2>&1; then
	skip "objects" "needs clang"
	done_testing
fi
for name in maps funcs; do
	clang -O2 -g -mcpu=v3 -target bpf -Wno-everything -c "$here/$name.bpf.c" -o "$dir/$name.o" || exit 2
done
has "sections" "raw_tp/sys_enter" --sections "$dir/maps.o"
has "maps" "map counts: hash, key 20 bytes, value 16 bytes, max_entries 1024, flags 0x1, pinned by name" \
	--maps "$dir/maps.o"
has "types of keys" "key    struct key" --maps "$dir/maps.o"
has "initial values" "[2]: inner2" --maps "$dir/maps.o"
has "variables" "const volatile int targ_pid;" --maps "$dir/maps.o"
has "externs" "extern weak kernel symbol: u64 some_kfunc(u64)" --maps "$dir/maps.o"
has "types as C" "	u32 flags: 3;" --btf=c "$dir/maps.o"
has "types a line each" "STRUCT 'value' size=16 vlen=3" --btf=raw "$dir/maps.o"
has "programs with source lines" "return x * 2;" --progs "$dir/funcs.o"
has "calls by name" "call add_weak" --progs "$dir/funcs.o"
has "what is relocated by CO-RE" "; CO-RE byte_off struct task_struct.pid" --progs "$dir/funcs.o"
if command -v bpftool >/dev/null; then
	raw() { grep -v -e DATASEC -e 'type_id=.* offset='; } # sizes there are filled in
	same "the raw form is bpftool's" "$(bpftool btf dump file "$dir/funcs.o" | raw)" \
		"$("$OSMIA" dump --btf=raw "$dir/funcs.o" | raw)"
else
	skip "the raw form is bpftool's" "needs bpftool"
fi
"$OSMIA" dump --btf=c "$dir/maps.o" >"$dir/types.c"
check "the C form compiles" clang -fsyntax-only -target bpf "$dir/types.c"
done_testing
