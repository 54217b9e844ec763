#!/bin/bash
# `osmia run` as a user meets it: both engines, events, exit status, bad input.
# SPDX-License-Identifier: BSD-2-Clause
cd "$(dirname "$0")/../.." || exit 1
. tests/tap.sh
osmia=${OSMIA:-build/osmia}
if ! command -v clang >/dev/null; then
	skip "osmia run" "no clang to build objects with"
	done_testing
fi
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
cp "$osmia" "$room/osmia"
osmia=$room/osmia
compile() { # SOURCE OBJECT [FLAGS]
	clang -O2 -g -target bpf -D__TARGET_ARCH_x86 -I"/usr/include/$(gcc -print-multiarch)" "${@:3}" \
		-c "$1" -o "$room/$2"
}
compile demo/execsnoop.bpf.c execsnoop.o || exit 1
compile tests/progs/opensnoop.bpf.c opensnoop.o || exit 1
compile tests/progs/kcount.bpf.c kcount.o || exit 1
compile tests/progs/uprobe_hist.bpf.c uprobe.o -DTARGET="\"$room/worker\"" || exit 1
gcc -O1 -pthread tests/progs/worker.c -o "$room/worker" || exit 1
chmod -R a+rX "$room"
chmod a+rx "$room"

# As an ordinary user, also when the test runs as root.
user() {
	if [ "$(id -u)" -eq 0 ]; then
		setpriv --reuid=65534 --regid=65534 --clear-groups --no-new-privs env -u XDG_RUNTIME_DIR "$@"
	else
		"$@"
	fi
}
kernel=
"$osmia" can kernel >/dev/null && kernel=yes
# Output without the pid and with single blanks: what two runs must share.
shape() { sed -E 's/^[0-9]+ +//; s/ +/ /g; s/ $//'; }

pipeline=(/bin/sh -c 'ls /etc | sort | head -3')
out=$(user "$osmia" run --engine=user "$room/execsnoop.o" -- "${pipeline[@]}" 2>"$room/err")
same "user engine: exit status of the command" 0 $?
same "user engine: header" "PID COMM FILENAME" "$(head -n 1 <<<"$out" | tr -s ' ')"
for c in /bin/sh /usr/bin/ls /usr/bin/sort /usr/bin/head; do
	check "user engine: sees $c" grep -qE "^[0-9]+ +[a-z]+ +$c\$" <<<"$out"
done
check "user engine: the command's own output is there" grep -qx adduser.conf <<<"$out"
user "$osmia" run --engine=user "$room/execsnoop.o" -- sh -c 'exit 7' >/dev/null 2>&1
same "user engine: exit status 7" 7 $?
user "$osmia" run --engine=user "$room/execsnoop.o" -- sh -c 'kill -TERM $$' >/dev/null 2>&1
same "user engine: killed by SIGTERM" 143 $?
out=$(user "$osmia" run --engine=user -f json "$room/execsnoop.o" -- /bin/true)
check "user engine: JSON" grep -qE '^\{"map": "events", "event": \{"pid": [0-9]+, "comm": "[a-z]+", "filename": "/bin/true"\}\}$' <<<"$out"

out=$(user "$osmia" run --engine=user "$room/opensnoop.o" -- cat /etc/hostname /nonexistent 2>/dev/null)
check "perf buffer: an open that works" grep -qE '^[0-9]+ +3 +[0-9]+ +cat +/etc/hostname$' <<<"$out"
check "perf buffer: one that fails" grep -qE '^[0-9]+ +-2 +[0-9]+ +cat +/nonexistent$' <<<"$out"
out=$(user "$osmia" run --engine=user --set only_failed=true "$room/opensnoop.o" -- cat /etc/hostname /nonexistent 2>/dev/null)
check "--set: keeps what fails" grep -q /nonexistent <<<"$out"
check "--set: drops what works" bash -c '! grep -q "cat *./etc/hostname"' <<<"$out"

out=$(user "$osmia" run --engine=user --maps "$room/kcount.o" -- /bin/sh -c 'exec awk "BEGIN { print PROCINFO[\"ppid\"] }"' 2>"$room/err")
check "kprobe: counter" grep -qE '^  [0-9]+: [0-9]+$' <<<"$out"
check "kretprobe: printk in trace_pipe's form" \
	grep -qE '^ *[^ ]+-[0-9]+ +\[[0-9]{3}\] [^ ]+ +[0-9]+\.[0-9]{6}: bpf_trace_printk: getppid returned [0-9]+$' <<<"$out"

cp "$(readlink -f /bin/sh)" "$room/"$'\e[31msh'
out=$(user "$osmia" run --engine=user "$room/kcount.o" -- "$room/"$'\e[31msh' -c : 2>/dev/null)
hidden=no
[[ $out == *'\x1b[31msh-'* && $out != *$'\e'* ]] && hidden=yes
same "printk: a name does not command the terminal" yes $hidden

out=$(user "$osmia" run --engine=user --maps "$room/uprobe.o" -- "$room/worker" 200 8 2>"$room/err")
check "uprobe: exact count with 8 threads and a forked child" grep -qx '  calls = 1800' <<<"$out"
check "uretprobe: sum of results" grep -qx '  returned = 2700' <<<"$out"
check "uprobe: histogram" grep -qE '^ *64 -> 127 +: 576 ' <<<"$out"

# A running process.
sh -c 'while :; do /bin/true; sleep 0.05; done' &
victim=$!
if [ "$(id -u)" -ne 0 ]; then out=$(timeout -s INT 3 "$osmia" run --engine=user -p $victim "$room/execsnoop.o" 2>"$room/err")
else out=$(timeout -s INT 3 "$osmia" run --engine=user -p $victim "$room/execsnoop.o" 2>"$room/err"); fi
check "-p: events of a running process and its children" grep -q '/bin/true' <<<"$out"
check "-p: the process goes on afterwards" kill -0 $victim
kill $victim
wait $victim 2>/dev/null

if [ -n "$kernel" ]; then
	a=$("$osmia" run --engine=kernel --tree "$room/execsnoop.o" -- "${pipeline[@]}" 2>"$room/err" | shape | sort)
	b=$(user "$osmia" run --engine=user "$room/execsnoop.o" -- "${pipeline[@]}" 2>/dev/null | shape | sort)
	same "both engines print the same" "$b" "$a"
	out=$("$osmia" run --engine=kernel --tree "$room/opensnoop.o" -- cat /etc/hostname 2>/dev/null)
	check "kernel engine: perf buffer" grep -qE ' cat +/etc/hostname$' <<<"$out"
	out=$("$osmia" run --engine=kernel --maps "$room/uprobe.o" -- "$room/worker" 200 8 2>"$room/err")
	check "kernel engine: uprobe counts" grep -qx '  calls = 1800' <<<"$out"
else
	skip "kernel engine" "$("$osmia" can kernel)"
fi

"$osmia" run >/dev/null 2>&1
same "no object: usage" 2 $?
"$osmia" run --engine=moon "$room/execsnoop.o" >/dev/null 2>&1
same "wrong engine: usage" 2 $?
out=$("$osmia" run /nonexistent.o 2>&1)
same "missing object: status" 1 $?
same "missing object: message" "osmia: /nonexistent.o: can't read: No such file or directory" "$out"
head -c 700 "$room/execsnoop.o" >"$room/cut.o"
out=$("$osmia" run "$room/cut.o" 2>&1)
same "cut object: status" 1 $?
check "cut object: names the file" grep -q "^osmia: $room/cut.o: " <<<"$out"
out=$("$osmia" run --set no_such=1 "$room/execsnoop.o" -- true 2>&1)
same "unknown variable: status" 1 $?
check "unknown variable: named" grep -q no_such <<<"$out"
out=$(user "$osmia" run --engine=user "$room/execsnoop.o" -- /nonexistent/command 2>&1)
same "missing command: status" 1 $?
check "missing command: named" grep -q /nonexistent/command <<<"$out"
done_testing
