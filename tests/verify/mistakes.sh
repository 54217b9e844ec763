#!/bin/bash
# Typical mistakes, and what osmia check says of them: the "// says:" lines of tests/verify/mistakes,
# each in the output, in that order.
# SPDX-License-Identifier: BSD-2-Clause
cd "$(dirname "$0")/../.." || exit 1
. tests/tap.sh
osmia=${OSMIA:-build/osmia}
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT

if ! clang --version >/dev/null 2>&1; then
	skip "mistakes" "needs clang"
	done_testing
fi
# A kernel of which only its version is known: nothing of this machine matters.
printf 'osmia-profile 1\nname a kernel\nversion 6.18\n' >"$room/bare"

# Lines of stdin that the text has not, in order.
missing() { # TEXT
	local rest=$1 line
	while IFS= read -r line; do
		case $rest in
		*"$line"*) rest=${rest#*"$line"} ;;
		*) echo "missing: $line" ;;
		esac
	done
}

for source in tests/verify/mistakes/*.bpf.c; do
	name=$(basename "$source" .bpf.c)
	if ! clang -O2 -g -target bpf -mcpu=v3 -I"/usr/include/$(gcc -print-multiarch)" -c "$source" -o "$room/$name.o" \
		2>"$room/messages"; then
		same "$name: compiles" "" "$(cat "$room/messages")"
		continue
	fi
	caps=$(sed -n 's|^// caps: ||p' "$source")
	out=$("$osmia" check --profile="$room/bare" --caps="${caps:-all}" "$room/$name.o" 2>&1)
	same "$name: refused" 1 $?
	lost=$(sed -n 's|^// says: ||p' "$source" | missing "$out")
	[ -z "$lost" ] || lost="$lost
$out"
	same "$name: explained" "" "$lost"
done

out=$("$osmia" check -f json --profile="$room/bare" "$room/lookup.o")
if command -v python3 >/dev/null; then
	same "json: sentence, notes, path" "True origin 17 True" "$(python3 -c 'import json, sys
x = json.loads(sys.stdin.readline())
n = x["notes"][0]
print("may be null" in x["sentence"], n["kind"], n["line"], x["path"][-1] == x["insn"])' <<<"$out")"
else
	skip "json: sentence, notes, path" "needs python3"
fi
done_testing
