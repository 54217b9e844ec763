#!/bin/bash
# `osmia tool`: what it lists, how it helps, what it says to mistakes; every tool compiles.
# SPDX-License-Identifier: BSD-2-Clause
cd "$(dirname "$0")/../.." || exit 1
. tests/tool/lib.sh

list=$("$osmia" tool)
same "all tools" "40" "$(printf '%s\n' "$list" | grep -c '^  [a-z]')"
for file in src/tool/*.bt; do
	name=$(basename "$file" .bt)
	case $name in *.*) continue ;; esac
	has "$name is listed" "^  $name +[a-z]" "$list"
	has "$name has help" "^	osmia tool $name" "$("$osmia" tool "$name" --help)"
done
same "--source" "$(cat src/tool/execsnoop.bt)" "$("$osmia" tool execsnoop --source)"
has "a tool that is not there" "there is no tool 'opensnop'; is it 'opensnoop'" "$("$osmia" tool opensnop 2>&1)"
"$osmia" tool opensnop >/dev/null 2>&1
same "its status" 2 $?
has "an option that is not there" "no option --nonesuch" "$("$osmia" tool opensnoop --nonesuch 2>&1)"
has "a tool without its probe" "wants to know what to trace" "$("$osmia" tool funccount 2>&1)"
"$osmia" tool funccount >/dev/null 2>&1
same "its status" 2 $?
has "a value that is missing" "wants a value" "$("$osmia" tool opensnoop -f 2>&1)"
done_testing
