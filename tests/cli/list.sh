#!/bin/bash
# Listing: `osmia list` with engines, `bpftrace -l` without, arguments by -v, patterns, types, scripts.
# SPDX-License-Identifier: BSD-2-Clause
cd "$(dirname "$0")/../.." || exit 1
. tests/tap.sh
osmia=$(readlink -f "$OSMIA")
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
cc -g -O0 -o "$room/hook_target" tests/lang/bt/hook_target.c || exit 1
cd "$room" || exit 1
ln -s "$osmia" bpftrace

same "functions by a pattern" "uprobe:./hook_target:nectar_one
uprobe:./hook_target:nectar_two" "$(./bpftrace -l 'uprobe:./hook_target:nectar_*')"
same "with their arguments" "uprobe:./hook_target:wax
    struct bee* b
    char* comb
    short int cells
    unsigned char full" "$(./bpftrace -lv 'uprobe:./hook_target:wax')"
same "a set in a pattern" "uprobe:./hook_target:nectar_two" "$(./bpftrace -l 'u:./hook_target:nectar_t[a-w]o')"
same "engines" "tracepoint:sched:sched_process_exec user" \
	"$("$osmia" list -e user 'tracepoint:sched:sched_process_exec' | tr -s ' ')"
same "arguments of a tracepoint of the user engine" "tracepoint:syscalls:sys_enter_close
    int __syscall_nr
    unsigned int fd" "$("$osmia" list -e user -v 't:syscalls:sys_enter_close' | sed 's/ *user$//')"
same "units" "interval:hz:
interval:ms:
interval:s:
interval:us:" "$(./bpftrace -l 'interval:*')"
echo 'uprobe:./hook_target:{wax,twice} { } interval:s:1 { }' >x.bt
same "probes of a script" "uprobe:./hook_target:wax
uprobe:./hook_target:twice
interval:s:" "$(./bpftrace -l x.bt)"
same "nothing of an unknown kind" "" "$(./bpftrace -l 'nosuchtype:*')"
same "an empty list is explained" "osmia: nothing that can be hooked here is like 'kprobe:no_such_*'" \
	"$("$osmia" list -e user 'kprobe:no_such_*' 2>&1)"
same "an object that can't be written is told once" "osmia: /proc/nope: can't write: No such file or directory" \
	"$("$osmia" run --emit=/proc/nope -e 'begin { exit(); }' 2>&1)"
same "a pipe that ends early" "kprobe:__sys_accept4 user" \
	"$("$osmia" list -e user 'kprobe:*' | head -1 | tr -s ' ')"
if [ -r /sys/kernel/btf/vmlinux ]; then
	if "$OSMIA" can kernel >/dev/null 2>&1; then
		same "a struct with its members" "vmlinux: struct timespec64 {
	time64_t tv_sec;
	long int tv_nsec;
};" "$(./bpftrace -lv 'struct timespec64')"
		check "raw tracepoints by BTF" [ "$(./bpftrace -l 'rawtracepoint:*' | wc -l)" -gt 100 ]
	else
		skip "a struct with its members" "the user engine has types of its own"
		skip "raw tracepoints by BTF" "bpf(2) is not usable here"
	fi
else
	skip "types" "this kernel has no BTF"
fi
done_testing
