#!/bin/bash
# An XDP program that drops UDP and counts packets, on a veth pair in a network namespace of its own.
# SPDX-License-Identifier: BSD-2-Clause
cd "$(dirname "$0")/../.." || exit 1
. tests/tap.sh
osmia=${OSMIA:-build/osmia}
for need in clang ip; do
	if ! command -v $need >/dev/null; then skip "XDP drop counter" "no $need"; done_testing; fi
done
if ! "$osmia" can kernel >/dev/null; then skip "XDP drop counter" "$("$osmia" can kernel)"; done_testing; fi
a=osmia-a-$$ b=osmia-b-$$
if ! ip netns add $a 2>/dev/null || ! ip netns add $b; then skip "XDP drop counter" "no network namespaces"; done_testing; fi
room=$(mktemp -d)
trap 'kill $pid 2>/dev/null; ip netns del $a; ip netns del $b; rm -rf "$room"' EXIT
ip -n $a link add x0 type veth peer name x1 netns $b
ip -n $a addr add 10.9.0.1/24 dev x0 && ip -n $a link set x0 up
ip -n $b addr add 10.9.0.2/24 dev x1 && ip -n $b link set x1 up
clang -O2 -g -target bpf -I"/usr/include/$(gcc -print-multiarch)" -c tests/progs/xdp_drop_count.bpf.c \
	-o "$room/xdp.o" || exit 1

# 20 datagrams to a closed port: without the program each gets an ICMP answer, which UDP reports.
send() { ip netns exec $a bash -c 'for i in {1..20}; do echo x >/dev/udp/10.9.0.2/9999; done' 2>/dev/null; }
for mode in native generic; do
	ip netns exec $b "$osmia" run --engine=kernel --maps --ifname x1 --xdp-mode $mode "$room/xdp.o" \
		>"$room/out" 2>"$room/err" &
	pid=$!
	for _ in {1..50}; do
		ip -n $b link show x1 | grep -q xdp && break
		sleep 0.1
	done
	check "$mode: attached" bash -c "ip -n $b link show x1 | grep -q 'prog/xdp'"
	send
	kill -INT $pid
	wait $pid
	same "$mode: Ctrl-C ends it well" 0 $?
	check "$mode: 20 datagrams were counted and dropped" grep -qx '  17: 20' "$room/out"
	check "$mode: detached" bash -c "! ip -n $b link show x1 | grep -q 'prog/xdp'"
done
"$osmia" run --engine=kernel --ifname no-such-link "$room/xdp.o" >"$room/out" 2>"$room/err"
same "no such interface: status" 1 $?
check "no such interface: named" grep -q no-such-link "$room/err"
"$osmia" run --engine=kernel "$room/xdp.o" >"$room/out" 2>"$room/err"
same "no interface given: status" 1 $?
check "no interface given: says the option" grep -q -- --ifname "$room/err"
"$osmia" run --engine=user "$room/xdp.o" -- true >"$room/out" 2>"$room/err"
same "user engine: status" 1 $?
check "user engine: names what it has not" grep -qi xdp "$room/err"
done_testing
