#!/bin/sh
# `osmia run` on functions of the kernel: what note-sized programs with kprobes print and count.
# SPDX-License-Identifier: BSD-2-Clause
. /tests/tap.sh
out=$("$OSMIA" run --engine=kernel --maps "$OBJECTS/kcount.o" -- bash -c 'echo $PPID >/dev/null' 2>&1)
echo "$out" | sed 's/^/# /'
check "a kretprobe prints the result" sh -c "echo '$out' | grep -q 'bpf_trace_printk: getppid returned [1-9]'"
check "a kprobe counts by process" sh -c "echo '$out' | grep -qE '[0-9]+ +[1-9]'"
out=$("$OSMIA" run --engine=kernel --tree "$OBJECTS/opensnoop.o" -- cat /init 2>&1)
check "tracepoints show the command's files" sh -c "echo '$out' | grep -qE 'cat +/init'"
check "and no other's" sh -c "! echo '$out' | grep -E '^[0-9]' | grep -vqE ' cat '"
check "no trace instance is left" sh -c 'mkdir -p /tmp/t; mount -t tracefs none /tmp/t; ! ls /tmp/t/instances | grep osmia'
done_testing
