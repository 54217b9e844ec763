#!/bin/sh
# What a script learns of who runs and where, in probes that only a kernel with kprobes has.
# SPDX-License-Identifier: BSD-2-Clause
. /tests/tap.sh
cd /tmp || exit 1

has() { # TEXT PATTERN
	printf '%s\n' "$1" | grep -Eq "$2"
}
lacks() { # TEXT PATTERN
	! has "$1" "$2"
}
shown() {
	printf '%s\n' "$1" | sed 's/^/# /'
}
script() { # SCRIPT COMMAND...: its output, with the command traced
	s=$1
	shift
	timeout -s INT 20 "$OSMIA" run --unsafe -e "$s" -- "$@" 2>&1
}

out=$(script 'kprobe:vfs_read /pid == cpid/ { printf("%s %s %d %d %d\n", func, probe, usermode, reg("di") == arg0, ctx->di == arg0); exit(); }' wc -c /init)
shown "$out"
check "kprobe: func, probe, registers" has "$out" '^vfs_read kprobe:vfs_read 0 1 1$'

out=$(script 'kretprobe:vfs_read, kretprobe:vfs_open /pid == cpid/ { @[func, probe] = count(); }' wc -c /init)
shown "$out"
check "kretprobe: func and probe by cookie" has "$out" '^@\[vfs_open, kretprobe:vfs_open\]: [1-9]'
check "of each place" has "$out" '^@\[vfs_read, kretprobe:vfs_read\]: [1-9]'

out=$(script 'fentry:vfs_read /pid == cpid/ { printf("%s %s %d %s\n", func, probe, arg2 == args.count, comm); exit(); }' wc -c /init)
shown "$out"
check "fentry: func, args by name and number" has "$out" '^vfs_read fentry:[a-z:]*vfs_read 1 wc$'

out=$(script 'fexit:vfs_read /pid == cpid/ { printf("%d %d\n", retval >= 0, (uint64)retval <= args.count); exit(); }' wc -c /init)
shown "$out"
check "fexit: result and arguments" has "$out" '^1 1$'

out=$(script 'kprobe:vfs_read /pid == cpid/ { printf("[%s] [%s] %d\n", comm, leader_comm, curtask.real_parent.pid == ppid); print(len(kstack) > 3 ? 1 : 0); exit(); }' wc -c /init)
shown "$out"
check "task_struct of the current task" has "$out" '^\[wc\] \[wc\] 1$'

out=$(script 'begin { $p = percpu_kaddr("process_counts"); print($p != 0 ? "there" : "not there");
	printf("cpus %d\n", ((struct rq *)percpu_kaddr("runqueues", 0)).cpu + 1);
	print(percpu_kaddr("runqueues", 4000)); exit(); }' true)
shown "$out"
check "percpu_kaddr() of this CPU" has "$out" '^there$'
check "and of one by number" has "$out" '^cpus 1$'
check "which may not be there" has "$out" '^0$'

out=$(script 'kprobe:__x64_sys_getcwd /pid == cpid/ { override(-2); }' pwd -P)
shown "$out"
if has "$out" 'bpf_override_return'; then skip "override() sets the result" "CONFIG_BPF_KPROBE_OVERRIDE is not set"
else check "override() sets the result" has "$out" 'No such file'; fi

out=$(script 'kprobe:vfs_read /pid == cpid/ { signal("TERM"); }' sh -c 'wc -c /init; echo not reached')
shown "$out"
check "signal() ends the command" lacks "$out" 'not reached'

out=$(script 'fentry:tcp_v4_connect { $sk = (struct sock *)args.sk; printf("cookie %d\n", socket_cookie($sk) > 0); exit(); }' nc -w 1 127.0.0.1 1)
shown "$out"
check "socket_cookie()" has "$out" '^cookie 1$'

# A namespace of its own: ids are as osmia sees them, the initial ones on request.
cat >ns.sh <<'NS'
mount -t proc none /proc
"$OSMIA" run -e 'kprobe:__x64_sys_getcwd /pid == cpid/ { printf("%d %d %d %d\n", pid < 20, tid == pid, pid(init) > 20, pid == curtask.pid); }' -- pwd
(sleep 2; cd /; pwd -P) &
timeout -s INT 8 "$OSMIA" run -p $! -e 'tracepoint:syscalls:sys_enter_getcwd, kprobe:__x64_sys_exit_group { printf("mine: %d\n", pid); }'
NS
out=$(unshare -p -f -m sh ns.sh 2>&1)
shown "$out"
check "pids of a PID namespace" has "$out" '^1 1 1 0$'
check "-p takes them" has "$out" '^mine: 1?[0-9]$'
done_testing
