#!/bin/bash
# What goes wrong around `osmia`: broken and odd files, options, full buffers and disks, missing rights,
# few descriptors, signals, things that vanish.  Each is said and ends with the right status.
# SPDX-License-Identifier: BSD-2-Clause
cd "$(dirname "$0")/../.." || exit 1
. tests/tap.sh
osmia=${OSMIA:-build/osmia}
if ! command -v clang >/dev/null; then
	skip "faults around osmia" "no clang to build objects with"
	done_testing
fi
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
# Tests of inherited descriptors need none but the three.
for fd in /proc/self/fd/*; do
	fd=${fd##*/}
	[ "$fd" -le 2 ] || eval "exec $fd>&-" 2>/dev/null
done
cp "$osmia" "$room/osmia"
osmia=$room/osmia
include="-I/usr/include/$(gcc -print-multiarch)"
compile() { # SOURCE OBJECT
	clang -O2 -g -target bpf -D__TARGET_ARCH_x86 "$include" -c "$1" -o "$room/$2"
}
compile demo/execsnoop.bpf.c execsnoop.o && compile tests/progs/opensnoop.bpf.c opensnoop.o &&
	compile tests/progs/kcount.bpf.c kcount.o && compile tests/progs/flood.bpf.c flood.o &&
	compile tests/progs/xdp_drop_count.bpf.c xdp.o || exit 1
chmod a+rx "$room"
chmod -R a+rX "$room"
root=
[ "$(id -u)" -eq 0 ] && root=yes
kernel=
"$osmia" can kernel >/dev/null 2>&1 && kernel=yes
sanitized=
grep -q __asan_init "$osmia" && sanitized=yes
engines="user${kernel:+ kernel}"
user() {
	if [ -n "$root" ]; then
		setpriv --reuid=65534 --regid=65534 --clear-groups --no-new-privs env -u XDG_RUNTIME_DIR "$@"
	else
		"$@"
	fi
}
# A sanitizer reserves terabytes of addresses.
limit() { [ -n "$sanitized" ] || ulimit -v "$1"; }

# ---- files that are no objects ----

# refused NAME FILE ARG...: status 1 or 2, within 10 s and 1 GB, a message that names the file.
refused() {
	local name=$1 file=$2 out status
	shift 2
	out=$(limit 1000000; timeout -k 1 10 "$osmia" "$@" 2>&1 >/dev/null)
	status=$?
	if { [ $status -eq 1 ] || [ $status -eq 2 ]; } && grep -qF "$file" <<<"$out"; then
		check "$name" true
	else
		same "$name" "status 1 or 2 and $file named" "status $status: $out"
	fi
}
: >"$room/empty.o"
mkdir "$room/dir.o"
truncate -s 1G "$room/sparse.o"
head -c 5000 /dev/urandom >"$room/random.o"
for args in dump "run --engine=user" ${kernel:+"run --engine=kernel"}; do
	for file in "$room"/{empty,dir,sparse,random,missing}.o /dev/zero /dev/null; do
		refused "${args}: ${file##*/}" "$file" $args "$file" -- ${args:+true}
	done
done 2>/dev/null
mkfifo "$room/fifo.o"
cat "$room/execsnoop.o" >"$room/fifo.o" &
check "an object from a pipe" bash -c "'$osmia' dump '$room/fifo.o' | grep -q sys_enter_execve"
wait

# survives FILE ARG...: any of the statuses of an error, or success; never a signal or a hang.
survives() {
	local status
	(limit 1000000; timeout -k 1 20 "$osmia" "$@") >"$room/out" 2>"$room/err"
	status=$?
	[ $status -le 2 ] && { [ $status -eq 0 ] || [ -s "$room/err" ]; } && return
	echo "osmia $*: status $status"
	head -5 "$room/err"
	return 1
}
prefixes() {
	local size step=97
	size=$(stat -c %s "$room/execsnoop.o")
	[ -n "$sanitized" ] && step=485
	for ((n = 0; n < size; n += step)); do
		head -c $n "$room/execsnoop.o" >"$room/cut.o"
		for args in dump "run --engine=user" ${kernel:+"run --engine=kernel --tree"}; do
			case $args in
			dump) survives dump "$room/cut.o" || return ;;
			*) survives $args "$room/cut.o" -- true || return ;;
			esac
		done
	done
}
# Bytes changed at places that a seed gives; the same on every machine.
flips() {
	local size rounds=60 state
	size=$(stat -c %s "$room/opensnoop.o")
	[ -n "$sanitized" ] && rounds=15
	for ((seed = 1; seed <= rounds; seed++)); do
		cp "$room/opensnoop.o" "$room/flip.o"
		state=$seed
		for ((i = 0; i < 6; i++)); do
			state=$(((state * 1103515245 + 12345) & 0x7fffffff))
			printf "\\x$(printf %02x $((state >> 8 & 255)))" |
				dd of="$room/flip.o" bs=1 seek=$((state % size)) conv=notrunc status=none
		done
		for args in dump "run --engine=user" ${kernel:+"run --engine=kernel --tree"}; do
			case $args in
			dump) survives dump "$room/flip.o" || return ;;
			*) survives $args "$room/flip.o" -- true || return ;;
			esac
		done
	done
}
check "every prefix of an object" prefixes
check "objects with changed bytes" flips

# ---- options ----

usage() {
	"$osmia" "$@" >/dev/null 2>"$room/err" </dev/null
	same "usage: osmia $*" "2 osmia:" "$? $(head -c 6 "$room/err")"
}
usage no_such_verb
usage run --no-such-option x.o
usage run -p 0 x.o
usage run -p 99999999999999999999 x.o
usage run -p -1 x.o
usage run --set novalue x.o
usage run --format=xml x.o
usage run --tree x.o
usage run --compat=0.9 x.bt
usage run -d nothing x.bt
usage run -c "'" x.bt
usage run --engine=kernel -B half x.bt
usage run x.o --
usage run --log-level=many x.o
usage run --set
usage dump
usage dump --btf=xml x.o
usage dump x.o y.o
usage list --format=xml
usage list --engine=moon
usage vm --no-such-option
"$osmia" run --engine=user -p 2147483647 "$room/execsnoop.o" >/dev/null 2>"$room/err"
same "no such process: status" 1 $?
check "no such process: named" grep -q 2147483647 "$room/err"

# ---- nobody reads, nothing can be written ----

for e in $engines; do
	tree=
	[ $e = kernel ] && tree=--tree
	"$osmia" run --engine=$e $tree "$room/execsnoop.o" -- sh -c '/bin/true; exit 0' >/dev/full 2>"$room/err"
	same "$e: /dev/full: status" 1 $?
	check "$e: /dev/full: said" grep -q "standard output" "$room/err"
	out=$("$osmia" run --engine=$e $tree "$room/execsnoop.o" -- sh -c \
		"for i in 1 2 3 4 5 6 7 8 9 10; do /bin/true; done; echo done >'$room/done'" 2>/dev/null | head -1)
	for ((i = 0; i < 50; i++)); do [ -s "$room/done" ] && break; sleep 0.1; done
	check "$e: closed pipe: the command runs to its end" grep -q "done" "$room/done"
	rm -f "$room/done"
done
for args in "dump $room/execsnoop.o" "list tracepoint:syscalls:sys_enter_open*" "--help" "--version"; do
	"$osmia" $args >/dev/full 2>"$room/err"
	same "osmia ${args%% *} >/dev/full: status" 1 $?
done
"$osmia" vm 00 <<<"b7 00 00 00 01 00 00 00 95 00 00 00 00 00 00 00" >/dev/full 2>/dev/null
same "osmia vm >/dev/full: status" 1 $?

# A buffer of 4096 bytes, 2,000 records of 256 bytes in one event: most have no room.
for e in $engines; do
	tree=
	[ $e = kernel ] && tree=--tree
	out=$(timeout 60 "$osmia" run --engine=$e $tree --maps "$room/flood.o" -- /bin/true 2>"$room/err")
	same "$e: full ring buffer: status" 0 $?
	sent=$(sed -n 's/^  sent = //p' <<<"$out") dropped=$(sed -n 's/^  dropped = //p' <<<"$out")
	check "$e: full ring buffer: the program is told" test "${dropped:-0}" -gt 0
	same "$e: full ring buffer: what fits arrives" "${sent:-none}" "$(grep -c '^[0-9]* *42 *$' <<<"$out")"
done

# ---- rights and limits ----

if [ -n "$root" ]; then
	user "$osmia" run --engine=kernel "$room/execsnoop.o" -- true >"$room/out" 2>"$room/err"
	same "kernel engine without rights: status" 1 $?
	same "kernel engine without rights: one sentence" 1 "$(wc -l <"$room/err")"
	check "kernel engine without rights: what is missing" grep -qE 'CAP_BPF|not permitted' "$room/err"
fi
few() {
	local e n status
	for e in $engines; do
		for n in 4 5 6 7 8 9 10 12 14 16 18 20 24; do
			(ulimit -n $n; timeout -k 1 20 "$osmia" run --engine=$e "$room/execsnoop.o" -- true) \
				>"$room/out" 2>"$room/err"
			status=$?
			[ $status -eq 0 ] || { [ $status -eq 1 ] && [ -s "$room/err" ]; } ||
				{ echo "$e: $n descriptors: status $status"; cat "$room/err"; return 1; }
		done
	done
}
[ -z "$sanitized" ] && check "few descriptors: runs, or says so" few
for e in $engines; do
	tree=
	[ $e = kernel ] && tree=--tree
	out=$(ulimit -l 0; "$osmia" run --engine=$e $tree "$room/execsnoop.o" -- /bin/true 2>"$room/err")
	check "$e: RLIMIT_MEMLOCK 0" grep -q '/bin/true' <<<"$out"
	check "$e: the command inherits no descriptor" bash -c "[ \"\$('$osmia' run --engine=$e $tree \
		'$room/execsnoop.o' -- /bin/ls /proc/self/fd 2>/dev/null </dev/null | grep -cE '^[3-9][0-9]*\$')\" -le 1 ]"
done

# Somebody else's directory, or a link, in the place of the run-time directory is not used.
if [ -n "$root" ]; then
	evil() { # MAKE: what stands at /tmp/osmia-4242, in a /tmp of its own
		unshare -m bash -c "mount --bind '$room' /mnt && mount -t tmpfs none /tmp &&
			mkdir /tmp/target && chmod 777 /tmp/target && $1 &&
			setpriv --reuid=4242 --regid=4242 --clear-groups --no-new-privs env -u XDG_RUNTIME_DIR \
			/mnt/osmia run --engine=user /mnt/execsnoop.o -- /bin/true | grep -q /bin/true &&
			[ -z \"\$(ls -A /tmp/target)\" ]"
	}
	if ! unshare -m true 2>/dev/null; then
		skip "the run-time directory is a link" "no mount namespace"
	else
		check "the run-time directory is a link" evil 'ln -s /tmp/target /tmp/osmia-4242'
		check "the run-time directory is another's" evil 'mkdir -m 777 /tmp/osmia-4242'
	fi
	check "no tracefs" unshare -m bash -c "mount -t tmpfs none /sys/kernel; mount -t tmpfs none /sys/kernel/tracing 2>/dev/null
		setpriv --reuid=65534 --regid=65534 --clear-groups --no-new-privs '$osmia' run --engine=user '$room/execsnoop.o' -- /bin/true | grep -q /bin/true"
fi

# ---- signals ----

# begin ENGINE OBJECT COMMAND: runs a shell command, which tells its pid; $pid is osmia's.
begin() {
	local e=$1 object=$2 tree=
	shift 2
	[ $e = kernel ] && tree=--tree
	rm -f "$room/began"
	setsid env --default-signal=INT "$osmia" run --engine=$e $tree --maps "$object" -- sh -c "/bin/true; echo \$\$ >'$room/began'; $*" \
		>"$room/out" 2>"$room/err" &
	pid=$!
	for ((i = 0; i < 100; i++)); do [ -s "$room/began" ] && break; sleep 0.05; done
}
for e in $engines; do
	begin $e "$room/execsnoop.o" 'kill -KILL $$'
	wait $pid
	same "$e: the command is killed: status" 137 $?
	check "$e: the command is killed: its events are there" grep -q '/bin/true' "$room/out"
	for sig in INT TERM; do
		# The command is not told: the first signal waits for it, the second does not.
		begin $e "$room/execsnoop.o" "exec sleep 30"
		kill -$sig $pid
		sleep 0.3
		check "$e: the first SIG$sig waits for the command" kill -0 $pid
		kill -$sig $pid
		for ((i = 0; i < 100; i++)); do kill -0 $pid 2>/dev/null || break; sleep 0.05; done
		check "$e: the second SIG$sig ends" bash -c "! kill -0 $pid 2>/dev/null"
		wait $pid
		check "$e: SIG$sig: what was left is printed" grep -q '/bin/true' "$room/out"
		kill "$(cat "$room/began")" 2>/dev/null
	done
done

# ---- an interface that vanishes ----

if [ -n "$kernel" ] && unshare -n true 2>/dev/null; then
	timeout 20 unshare -n bash -c "ip link add veth0 type veth peer name veth1 || exit 99
		'$osmia' run --engine=kernel --maps --ifname veth0 '$room/xdp.o' >'$room/out' 2>'$room/err' &
		sleep 1; ip link del veth0; sleep 0.3; kill -TERM \$!; wait \$!"
	same "the interface vanishes: status" 0 $?
else
	skip "the interface vanishes" "no bpf(2) or no network namespace"
fi
done_testing
