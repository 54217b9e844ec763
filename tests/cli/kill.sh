#!/bin/bash
# osmia is killed at some moment of `make -j2` under probes: what make says, makes and returns stays
# the same, and nothing is left in its processes or in the kernel.
# SPDX-License-Identifier: BSD-2-Clause
cd "$(dirname "$0")/../.." || exit 1
. tests/tap.sh
osmia=${OSMIA:-build/osmia}
if ! command -v clang >/dev/null; then
	skip "osmia is killed" "no clang to build objects with"
	done_testing
fi
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
libc=$(ldd /bin/sh | sed -n 's/.*libc\.so[^>]*=> \([^ ]*\).*/\1/p')
compile() { # OBJECT FLAGS...
	clang -O2 -g -target bpf -D__TARGET_ARCH_x86 -I"/usr/include/$(gcc -print-multiarch)" \
		-DTARGET="\"$libc\"" "${@:2}" -c tests/progs/openat_count.bpf.c -o "$room/$1"
}
compile user.o -DKPROBE && compile kernel.o || exit 1
engines=user
"$osmia" can kernel >/dev/null 2>&1 && engines="user kernel"

# A project of eight files, one of which does not compile: make -k ends with status 2.
mkdir "$room/src"
for i in 1 2 3 4 5 6 7; do echo "int f$i(int x) { return x * $i; }" >"$room/src/f$i.c"; done
echo 'int f8(int x) { return nothing; }' >"$room/src/f8.c"
printf 'all: f1.o f2.o f3.o f4.o f5.o f6.o f7.o f8.o\n%%.o: %%.c\n\t@gcc -O1 -c $< -o $@ && echo made $@\n' \
	>"$room/src/Makefile"
# Order of lines and addresses aside, what a build says and leaves.
told() { sort "$1" | md5sum; (cd "$2" && md5sum ./*.o); }
mkdir "$room/plain" && cp "$room"/src/* "$room/plain"
make -C "$room/plain" --no-print-directory -k -j2 >"$room/plain.log" 2>&1
plain_status=$?
plain=$(told "$room/plain.log" "$room/plain")

# make's status goes to a file: osmia, which would return it, is gone by then.
killed() { # ENGINE SECONDS
	local work=$room/work tree= pid i
	[ "$1" = kernel ] && tree=--tree
	rm -rf "$work" "$room/status" "$room/began"
	mkdir "$work" && cp "$room"/src/* "$work"
	(exec "$osmia" run --engine="$1" $tree "$room/$1.o" -- sh -c "echo >'$room/began'
		make -C '$work' --no-print-directory -k -j2 >'$room/log' 2>&1
		echo \$? >'$room/status.new'; mv '$room/status.new' '$room/status'" \
		>/dev/null 2>"$room/err") &
	pid=$!
	echo $pid >>"$room/pids"
	sleep "$2"
	kill -KILL $pid 2>/dev/null
	wait $pid 2>/dev/null
	sleep 0.3
	[ -e "$room/began" ] || return 0 # killed before the command's first step
	for ((i = 0; i < 600; i++)); do [ -e "$room/status" ] && break; sleep 0.05; done
	[ "$(cat "$room/status" 2>/dev/null)" = $plain_status ] ||
		{ echo "killed after $2 s: status $(cat "$room/status"), not $plain_status"
		cat "$room/log" "$room/err"; return 1; }
	[ "$(told "$room/log" "$work")" = "$plain" ] ||
		{ echo "killed after $2 s: other output"; diff <(sort "$room/plain.log") <(sort "$room/log"); return 1; }
}
# Named after the killed ones: others may have osmia running, too.
kernel_left() {
	local pid
	while read -r pid; do
		compgen -G "/sys/kernel/*/instances/osmia-$pid-*"
		compgen -G "/sys/kernel/debug/tracing/instances/osmia-$pid-*"
		find /sys/fs/cgroup -maxdepth 4 -name "osmia-$pid*" 2>/dev/null
		grep -hs "osmia_*$pid" /sys/kernel/tracing/{kprobe,uprobe}_events
	done <"$room/pids"
}
# Those that name the room: osmia, its guard, and what the build started.
processes_left() {
	local dir
	for dir in /proc/[0-9]*; do
		[ "$dir" != /proc/$$ ] && [ "$dir" != /proc/$BASHPID ] &&
			tr '\0' ' ' 2>/dev/null <"$dir/cmdline" | grep -F "$room"
	done
}
for e in $engines; do
	: >"$room/pids"
	for after in 0.02 0.05 0.08 0.12 0.18 0.25 0.35 0.5 0.8; do
		check "$e: killed after $after s, make goes on" killed $e $after
	done
	for ((i = 0; i < 40; i++)); do
		left=$(kernel_left)
		[ -z "$left" ] && break
		sleep 0.1
	done
	same "$e: nothing is left in the kernel" "" "$left"
	for ((i = 0; i < 40; i++)); do
		left=$(processes_left)
		[ -z "$left" ] && break
		sleep 0.1
	done
	same "$e: no process is left" "" "$left"
done
done_testing
