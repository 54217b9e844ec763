#!/bin/bash
# osmia fmt: scripts laid out, mistakes shown where they are.
# SPDX-License-Identifier: BSD-2-Clause
. "$(dirname "$0")/../tap.sh"
dir=$(mktemp -d) || exit 2
trap 'rm -rf "$dir"' EXIT

printf 'begin{@x[comm]=count();/*why*/exit()}' >"$dir/a.bt"
same "a script is laid out" "$(printf 'begin\n{\n\t@x[comm] = count();  /*why*/\n\texit()\n}')" \
	"$("$OSMIA" fmt "$dir/a.bt")"
same "standard input" "$("$OSMIA" fmt "$dir/a.bt")" "$("$OSMIA" fmt - <"$dir/a.bt")"
same "a layout stays" "$("$OSMIA" fmt "$dir/a.bt")" "$("$OSMIA" fmt "$dir/a.bt" | "$OSMIA" fmt -)"
same "the tree" "$(printf 'program\n probe\n  attach point end\n  block')" "$("$OSMIA" fmt --tree -e 'end {}')"

out=$("$OSMIA" fmt -e 'begin { $x = ; @y[1 = 2; }' 2>&1)
same "exit status of a wrong script" 1 $?
same "every mistake, with its place" "$(printf '%s\n' 'osmia: -e:1:14: expected an expression' \
	'  begin { $x = ; @y[1 = 2; }' '               ^' 'osmia: -e:1:21: expected ] before =' \
	'  begin { $x = ; @y[1 = 2; }' '                      ^')" "$out"
"$OSMIA" fmt /no/such 2>/dev/null
same "exit status of a missing file" 1 $?
"$OSMIA" fmt 2>/dev/null
same "exit status without a script" 2 $?
"$OSMIA" fmt -e 'begin{}' "$dir/a.bt" 2>/dev/null
same "exit status of two scripts" 2 $?
head -c 2000000 /dev/zero | tr '\0' '(' >"$dir/big.bt"
out=$("$OSMIA" fmt "$dir/big.bt" 2>&1)
same "exit status of a script that is too large" 1 $?
"$OSMIA" fmt "$dir/a.bt" >/dev/full 2>/dev/null
same "exit status when nothing can be written" 1 $?
done_testing
