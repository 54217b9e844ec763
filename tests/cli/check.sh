#!/bin/bash
# osmia check and osmia profile: verdicts with their reasons, formats, kernels, bad input.
# SPDX-License-Identifier: BSD-2-Clause
cd "$(dirname "$0")/../.." || exit 1
. tests/tap.sh
osmia=${OSMIA:-build/osmia}
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT

has() { # NAME TEXT GOT
	case $3 in
	*"$2"*) same "$1" yes yes ;;
	*) same "$1" "$2" "$3" ;;
	esac
}
fails() { # NAME STATUS MESSAGE ARGUMENT...
	local out status
	out=$("$osmia" "${@:4}" 2>&1)
	status=$?
	has "$1" "$2: $3" "$status: $(grep -F "$3" <<<"$out" >/dev/null && echo "$3" || echo "$out")"
}

fails "no argument" 2 "which object?" check
fails "two objects" 2 "one object at a time" check a b
fails "no such file" 1 "/no/such: can't read" check /no/such
fails "no object" 1 "ELF" check "$0"
fails "unknown capabilities" 1 "caps are all, noperfmon or unpriv" check --caps=some "$0"
fails "no profile" 1 "no profile: it does not begin with 'osmia-profile 1'" check --profile="$0" "$0"
fails "profile takes nothing" 2 "it takes no arguments" profile now

printf 'osmia-profile 1\nversion 6.18.1\nconfig 999999\nx' >"$room/short"
fails "a count past the end" 1 "short:3: 'config 999999' counts past the end" check --profile="$room/short" "$0"
printf 'osmia-profile 1\ncaps most\n' >"$room/caps"
fails "an unknown fact's value" 1 "caps:2: caps can't be 'most'" check --profile="$room/caps" "$0"
printf 'osmia-profile 1\nbtf 4\nabcd\n' >"$room/btf"
fails "broken types" 1 "$room/btf" check --profile="$room/btf" "$0"

if ! clang --version >/dev/null 2>&1; then
	skip "verdicts" "needs clang"
	done_testing
fi
cat >"$room/two.bpf.c" <<'END'
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 8); __type(key, int); __type(value, long); } counts SEC(".maps");
SEC("xdp") int good(struct xdp_md *ctx)
{
	return ctx->data_end - ctx->data > 14 ? XDP_PASS : XDP_DROP;
}
SEC("xdp") int unchecked(struct xdp_md *ctx)
{
	int key = 0;
	long *n = bpf_map_lookup_elem(&counts, &key);
	*n += 1;
	return XDP_PASS;
}
SEC("socket") int leaks(struct __sk_buff *skb)
{
	int key = 0;
	long *n = bpf_map_lookup_elem(&counts, &key);
	if (n)
		*n = (long)n;
	return 0;
}
char LICENSE[] SEC("license") = "GPL";
END
clang -O2 -g -target bpf -I"/usr/include/$(gcc -print-multiarch)" -c "$room/two.bpf.c" -o "$room/two.o" || exit 1
# A kernel of which only its version is known: nothing of this machine matters.
printf 'osmia-profile 1\nname a kernel\nversion 6.18\n' >"$room/bare"
bare() { "$osmia" check --profile="$room/bare" "$@" "$room/two.o"; }

out=$(bare)
same "a refusal is exit status 1" 1 $?
want="program good (xdp): accepted
program unchecked (xdp): refused (pointer may be null): 'n' may be null here: bpf_map_lookup_elem() gives NULL when the key is not there
  $room/two.bpf.c:12:5
      12 |         *n += 1;
         |            ^
  two.bpf.c:11: may still be null: from this lookup
      11 |         long *n = bpf_map_lookup_elem(&counts, &key);
  help: test it before it is used: if (!n) return ...;
  fails with:
    insn 6 (bpf_map_lookup_elem) gives null
    insn 7: load through r0, which is null
  Linux says: R0 invalid mem access 'map_value_or_null'
program leaks (socket_filter): accepted
2 of 3 programs accepted, for a kernel"
same "verdicts" "$want" "$out"
out=$(bare --prog=good)
same "one program alone" "0: program good (xdp): accepted
1 of 1 programs accepted, for a kernel" "$?: $out"
fails "no such program" 1 "there is no program 'none'" check --profile="$room/bare" --prog=none "$room/two.o"
has "without CAP_PERFMON" "Linux says: R0 leaks addr into map" \
	"$(bare --caps=noperfmon --prog=leaks)"
has "without capabilities" "program good (xdp): refused: programs of this type need CAP_BPF" \
	"$(bare --caps=unpriv --prog=good)"
out=$(bare -v --prog=unchecked)
has "-v: the insn" ": (79) r1 = *(u64 *)(r0 +0)" "$out"
has "-v: the figures" "processed 7 insns (limit 1000000)" "$out"
has "-vv: the state after each insn" "R0=map_value_or_null(id=1,map=counts,ks=4,vs=8)" "$(bare -vv --prog=unchecked)"
out=$(bare -f json --prog=unchecked)
has "json: the verdict" '{"program": "unchecked", "section": "xdp", "type": "xdp", "verdict": "refused", "errno": 13, "category": "pointer may be null", "message": "R0 invalid mem access '"'map_value_or_null'"'", "insn": 7' "$out"
has "json: the place" '"line": 12, "column": ' "$out"
if command -v python3 >/dev/null; then
	check "json: every line is an object" python3 -c 'import json,sys
for line in sys.stdin: json.loads(line)' < <(bare -f json -vv)
else
	skip "json: every line is an object" "needs python3"
fi

# The running kernel, and what was written down of it, say the same.
"$osmia" profile >"$room/here" 2>/dev/null
same "osmia profile" 0 $?
has "osmia profile: its first line" "osmia-profile 1" "$(head -n 1 "$room/here")"
out=$("$osmia" check --profile="$room/here" "$room/two.o")
same "a recorded kernel says what the running one says" "$("$osmia" check "$room/two.o")" "$out"
if [ -r /sys/kernel/btf/vmlinux ]; then
	out=$("$osmia" check --btf=/sys/kernel/btf/vmlinux --prog=good "$room/two.o")
	has "--btf: only the types" "for Linux 6.18 with the types of /sys/kernel/btf/vmlinux" "$out"
else
	skip "--btf: only the types" "no BTF of the kernel"
fi
done_testing
