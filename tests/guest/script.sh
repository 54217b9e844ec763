#!/bin/sh
# Scripts on functions of the kernel: kprobe, kretprobe, fentry, fexit, wildcards, arguments in registers and on the stack.
# SPDX-License-Identifier: BSD-2-Clause
. /tests/tap.sh
cd /tmp || exit 1

# run SECONDS SCRIPT: its output, with what a background job does meanwhile.
run() {
	timeout -s INT "$1" "$OSMIA" run -e "$2" 2>&1
}
has() { # TEXT PATTERN
	printf '%s\n' "$1" | grep -Eq "$2"
}
shown() {
	printf '%s\n' "$1" | sed 's/^/# /'
}

out=$("$OSMIA" run -e 'kprobe:vfs_read /pid == cpid/ { @[comm] = count(); } kretprobe:vfs_read /pid == cpid/ { @bytes = sum(retval); }' -- wc -c /init 2>&1)
shown "$out"
check "a kprobe counts by command" has "$out" '^@\[wc\]: [1-9]'
check "a kretprobe sums what was read" has "$out" '^@bytes: [1-9][0-9][0-9]'

out=$("$OSMIA" run -e 'kprobe:do_mkdirat { printf("%s makes %s, mode %o\n", comm, str(((struct filename *)arg1)->name), arg2); }
tracepoint:syscalls:sys_enter_mkdir, tracepoint:syscalls:sys_enter_mkdirat { printf("asked: %s\n", str(args.pathname)); }' -- mkdir /tmp/made 2>&1)
shown "$out"
check "mkdir's details by kprobe" has "$out" '^mkdir makes /tmp/made, mode 777$'
check "and by tracepoint" has "$out" '^asked: /tmp/made$'

out=$("$OSMIA" run -e 'fentry:vfs_open { printf("opens %s\n", str(args.path.dentry.d_name.name)); } fexit:vfs_open { @r = retval; }' -- wc -c /init 2>&1)
shown "$out"
check "fentry reads its arguments by type" has "$out" '^opens init$'
check "fexit has the result" has "$out" '^@r: 0$'

out=$("$OSMIA" run -e 'kprobe:vfs_* /pid == cpid/ { @[func] = count(); }' -- wc -c /init 2>&1)
shown "$out"
check "one wildcard, many functions" has "$out" '^@\[vfs_read\]: [1-9]'
check "each by its name" has "$out" '^@\[vfs_open\]: [1-9]'

out=$("$OSMIA" run -e 'kprobe:vfs_read /pid == cpid/ { @[kstack(3)] = count(); exit(); }' -- wc -c /init 2>&1)
shown "$out"
check "a kernel stack has names" has "$out" '^ +(vfs_read|ksys_read)\+[0-9]+$'

"$OSMIA" run -e 'interval:ms:50 { @ = count(); }' >/dev/null 2>&1 &
sleep 1
out=$(timeout 20 "$OSMIA" run -e 'fentry:bpf:interval_* { printf("entered %s\n", probe); exit(); }' 2>&1)
shown "$out"
check "fentry of a running program" has "$out" '^entered fentry:bpf:[0-9]+:interval_ms50_1$'
kill %1
case $GUEST_RELEASE in
6.1.*) skip "a thousand functions by one pattern" "an emulated 6.1 dies of so many changed functions, now and then" ;;
*)
	out=$("$OSMIA" run -e 'kprobe:t* { @ = count(); } begin { exit(); }' 2>&1)
	shown "$out"
	check "a thousand functions by one pattern" has "$out" '^Attached [0-9]{4,} probes$'
	;;
esac

# An unanswered ping makes the kernel ask for the address: arp_create() gets six arguments in registers
# and two on the stack.
ip link add v0 type veth peer name v1
ip link set v0 address 02:00:00:00:00:01 up
ip link set v1 up
ip addr add 10.9.9.1/24 dev v0
cat >arp.bt <<'BT'
kprobe:arp_create {
  $sip = arg4;
  $dip = arg2;
  $smac = sarg0; // arg6
  $dmac = sarg1; // arg5
  time("%H:%M:%S ");
  printf("SRC: %16s %s", ntop($sip), macaddr($smac));
  printf(" -> DST: %16s %s\n", ntop($dip), macaddr($dmac));
}
BT
out=$("$OSMIA" run arp.bt -- ping -c 1 -W 1 10.9.9.2 2>&1)
shown "$out"
check "arguments on the stack: an ARP request's addresses" \
	has "$out" '^[0-9:]+ SRC: +10\.9\.9\.1 02:00:00:00:00:01 -> DST: +10\.9\.9\.2 [0-9A-F:]+$'
ip link del v0

# The machine that boots this guest presses 'a' and 'b' all the time.
cat >key.bt <<'BT'
kprobe:input_event {
	$dev = arg0;
	$type = arg1;
	$code = arg2;
	$value = arg3;
	if ($type == 1 && $value == 1) {
		@keys[$code] = count();
	}
}
interval:s:6 { exit(); }
end { print(@keys, 10); clear(@keys); }
BT
if grep -q keyboard /proc/bus/input/devices 2>/dev/null; then
	out=$(run 30 "$(cat key.bt)")
	shown "$out"
	check "keys pressed are counted" has "$out" '^@keys\[30\]: [1-9]'
else
	skip "keys pressed are counted" "this kernel has no keyboard"
fi
done_testing
