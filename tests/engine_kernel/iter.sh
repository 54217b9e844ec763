#!/bin/sh
# An iterator's text, by `osmia run`.  SPDX-License-Identifier: BSD-2-Clause
. "$(dirname "$0")/../tap.sh"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat >"$work/iter.c" <<'SOURCE'
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
struct seq_file;
struct bpf_iter_meta { struct seq_file *seq; } __attribute__((preserve_access_index));
struct task_struct { int pid; char comm[16]; } __attribute__((preserve_access_index));
struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
} __attribute__((preserve_access_index));

SEC("iter/task") int tasks(struct bpf_iter__task *c)
{
	static const char format[] = "task %s\n";
	struct task_struct *t = c->task;
	__u64 args[1];

	if (!t)
		return 0;
	args[0] = (__u64)t->comm;
	bpf_seq_printf(c->meta->seq, format, sizeof(format), args, sizeof(args));
	return 0;
}
char LICENSE[] SEC("license") = "GPL";
SOURCE
if ! command -v clang >/dev/null; then
	skip "an iterator alone" "there is no clang"
elif ! clang -O2 -g -target bpf -I/usr/include/x86_64-linux-gnu -c "$work/iter.c" -o "$work/iter.o"; then
	check "iter.c compiles" false
elif "$OSMIA" run --engine=kernel "$work/iter.o" >"$work/out" 2>"$work/err"; then
	check "an iterator alone is read and the run ends" grep -q '^task osmia$' "$work/out"
	"$OSMIA" run --engine=kernel "$work/iter.o" -- sleep 0.1 >"$work/out"
	check "with a command it is read when that has ended" grep -q '^task osmia$' "$work/out"
	check "which is gone then" sh -c "! grep -q '^task sleep\$' $work/out || pgrep -x sleep"
elif grep -qE 'not permitted|bpf\(2\)' "$work/err"; then
	skip "an iterator alone" "bpf(2) is not allowed here"
else
	cat "$work/err" | sed 's/^/# /'
	check "osmia run iter.o" false
fi
done_testing
