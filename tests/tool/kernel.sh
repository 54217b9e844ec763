#!/bin/bash
# Tools that watch the kernel's network, disks and scheduler by its tracepoints.
# SPDX-License-Identifier: BSD-2-Clause
cd "$(dirname "$0")/../.." || exit 1
. tests/tool/lib.sh
has_kernel || { skip "tools on kernel tracepoints" "bpf(2) does not work here"; done_testing; }

busy='i=0; while [ $i -lt 200000 ]; do i=$((i + 1)); done'
sees runqlat '^\[[0-9K]+(, [0-9KM]+\))?\]? +[1-9]' -- sh -c 'for i in 1 2 3 4 5; do sleep 0.02; done'
sees runqlat '^@comm\[sleep\]:' --comm -- sh -c 'for i in 1 2 3 4 5; do sleep 0.02; done'
sees runqlen '^@runqlen:' -- sh -c "$busy"
sees cpuwalk '^@cpu:' -- sh -c "$busy"
sees profile '^, sh\]: [1-9]' --user -- sh -c "$busy"
sees profile '^, sh\]: [1-9]' -- sh -c "$busy"
sees offcputime '^, sleep\]: 1[0-9]{5}$' --min-us=100000 -- sleep 0.1
sh -c 'for i in 1 2 3 4 5 6 7 8 9; do sleep 0.1; done' &
waits=$!
sees offcputime '^, sh\]: [0-9]+$' --pid=$waits -- sleep 0.5
has "offcputime --pid leaves out the rest" '^0$' "$(grep -c '^, sleep' "$room/seen")"
wait $waits

if command -v ip >/dev/null && command -v unshare >/dev/null && unshare -n true 2>/dev/null &&
	python3 -c pass 2>/dev/null; then
	cat >"$room/tcp.py" <<'PY'
import socket, sys, threading
def talk(family, address):
    s = socket.socket(family)
    s.bind((address, 4200))
    s.listen(4)
    def serve():
        c, _ = s.accept()
        while c.recv(100000): pass
        c.close()
    t = threading.Thread(target=serve)
    t.start()
    c = socket.create_connection((address, 4200))
    c.send(b"y" * 5000)
    c.close()
    t.join()
talk(socket.AF_INET, "127.0.0.1")
talk(socket.AF_INET6, "::1")
try: socket.create_connection(("127.0.0.1", 1))
except OSError: pass
PY
	tcp() { # TOOL PATTERN [OPTION...]
		tcp_tool=$1 tcp_pattern=$2
		shift 2
		sees "$tcp_tool" "$tcp_pattern" "$@" -- unshare -n sh -c "ip link set lo up; python3 '$room/tcp.py'"
	}
	tcp tcpconnect '^[0-9:]{8}  [0-9]+ +python3.* 127\.0\.0\.1 +[0-9]+ +127\.0\.0\.1 +4200 +established$'
	tcp tcpconnect ' ::1 +[0-9]+ +::1 +4200 +established$' --port=4200
	tcp tcpconnect ' 127\.0\.0\.1 +1 +failed$'
	tcp tcplife '^[0-9]+ +python3.* 127\.0\.0\.1 +[0-9]+ +127\.0\.0\.1 +4200 +4 +0 [0-9]+$'
	tcp tcplife ' ::1 +4200 +::1 +[0-9]+ +0 +4 [0-9]+$'
	tcp tcpdrop ' 127\.0\.0\.1:[0-9]+ +> +127\.0\.0\.1:1 +[A-Z_-]+ +SKB_DROP_REASON_NO_SOCKET$' --no-stack
	tcp tcpdrop '^ +tcp_v4_rcv\+[0-9]+$'
	# nobody answers: the first segment is sent again
	sees tcpretrans '^[0-9:]{8}  [0-9]+ +10\.99\.0\.1:[0-9]+ +> +10\.99\.0\.2:80 +SYN_SENT$' -- unshare -n sh -c \
		'ip link set lo up; ip addr add 10.99.0.1/32 dev lo; ip route add 10.99.0.2 dev lo
		python3 -c "
import socket
s = socket.socket(); s.settimeout(1.6)
try: s.connect((\"10.99.0.2\", 80))
except OSError: pass"'
else
	skip "tools on TCP" "they want a network namespace, ip and python3"
fi

# A file on a disk, past the page cache.
disk=/var/tmp/osmia-tool-$$
write="dd if=/dev/zero of=$disk bs=64k count=8 oflag=direct conv=fsync 2>/dev/null; sync -f $disk"
if dd if=/dev/zero of=$disk bs=64k count=1 oflag=direct 2>/dev/null &&
	[ -n "$(timeout 10 "$osmia" run -q -e 'tracepoint:block:block_rq_issue { printf("one\n"); exit(); }' -- sh -c "$write" \
		2>/dev/null | grep one)" ]; then
	sees biosnoop '^[0-9]+ +[0-9]+,[0-9]+ +dd +[0-9]+ +W[A-Z]* +[0-9]+ +[0-9]+ +[0-9]+\.[0-9]{3}$' -- sh -c "$write"
	sees biolatency '^@usecs:' -- sh -c "$write"
	sees biolatency '^@disk\[[0-9]+, [0-9]+\]:' --disk -- sh -c "$write"
	sees bitesize '^@\[dd\]:' -- sh -c "$write"
	sees writeback '^[0-9:]{8}  [0-9]+:[0-9]+ +-?[0-9]+ +sync +[0-9]+\.[0-9]{3}$' -- sh -c \
		"dd if=/dev/zero of=$disk bs=64k count=8 2>/dev/null; sync"
else
	skip "tools on disks" "a direct write makes no request to a device here"
fi
rm -f "$disk"

if "$osmia" list 'tracepoint:capability:cap_capable' 2>/dev/null | grep -q cap_capable; then
	sees capable '^[0-9:]{8}  0 +[0-9]+ +chroot +18 +CAP_SYS_CHROOT +0$' -- /usr/sbin/chroot / /bin/true
	sees capable '^[0-9:]{8}  65534 +[0-9]+ +chroot +18 +CAP_SYS_CHROOT +-1$' --denied -- \
		setpriv --reuid=65534 --clear-groups --no-new-privs /usr/sbin/chroot / /bin/true
else
	skip capable "the tracepoint is of Linux 6.14; the guest has the function"
fi
done_testing
