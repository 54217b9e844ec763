#!/bin/bash
# Programs that clang builds, on both engines with the same result: sampling, timers, static probes,
# helpers that act on the task.
# SPDX-License-Identifier: BSD-2-Clause
cd "$(dirname "$0")/../.." || exit 1
. tests/tap.sh
osmia=${OSMIA:-build/osmia}
if ! command -v clang >/dev/null; then
	skip "clang's programs on both engines" "no clang to build objects with"
	done_testing
fi
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
src=tests/engine_user/prog
compile() { # NAME
	clang -O2 -g -target bpf -D__TARGET_ARCH_x86 -DTARGET="\"$room/$1\"" \
		-I"/usr/include/$(gcc -print-multiarch)" -c "$src/$1.bpf.c" -o "$room/$1.o"
}
kernel=
"$osmia" can kernel >/dev/null && kernel=yes
user() { timeout 60 "$osmia" run --engine=user --maps "$@" 2>&1; }
# The kernel engine on the command's tree only.
on_kernel() { timeout 60 "$osmia" run --engine=kernel --tree --maps "$@" 2>&1; }
both() { # NAME EXPECTED OBJECT COMMAND...
	local got
	got=$(user "${@:3}" | grep -v '^ *$')
	same "$1: user engine" "$2" "$got"
	if [ -n "$kernel" ]; then same "$1: kernel engine" "$2" "$(on_kernel "${@:3}" | grep -v '^ *$')"
	else skip "$1: kernel engine" "bpf(2) does not work here"; fi
}

# A second of CPU time at 100 Hz is 100 samples, give or take what a busy machine does to clocks: in a
# guest whose CPU is taken away, the sampling clock goes on, up to the time on the wall.  A sample or two
# may hit the program before its main().
gcc -O1 -fno-omit-frame-pointer $src/spin.c -o "$room/spin" && compile sample || exit 1
value() { sed -n "s/^  $1 = //p" <<<"$2"; }
samples() { # NAME ENGINE
	local n out start=${EPOCHREALTIME/./} most field
	out=$("$2" --sample 100 "$room/sample.o" -- "$room/spin" 1000)
	most=$(((${EPOCHREALTIME/./} - start) / 10000 + 40))
	n=$(value samples "$out")
	check "$1: about 100 samples of a second at 100 Hz ($n)" test "${n:-0}" -ge 60 -a "${n:-0}" -le "$most"
	same "$1: period in ns" 10000000 "$(value period "$out")"
	for field in with_ip with_id deep; do
		check "$1: samples have what they should: $field" test "$(value $field "$out")" -ge $((n - 2))
	done
}
samples "perf_event, user engine" user
if [ -n "$kernel" ]; then
	samples "perf_event, kernel engine" on_kernel
else skip "perf_event, kernel engine" "bpf(2) does not work here"; fi
out=$(user "$room/sample.o" -- sleep 0.5)
same "perf_event: who sleeps is not sampled" 0 "$(value samples "$out")"
check "--sample wants a number" bash -c "! '$osmia' run --sample 0 '$room/sample.o' -- true 2>/dev/null"

gcc -O1 -pthread $src/helpers.c -o "$room/helpers" && compile helpers && compile override || exit 1
both "task storage, func_ip, copy_from_user, send_signal" 'signal 10, getpgid works
.bss:
  calls = 8
  per_task_max = 5
  func_ip_set = 8
  cookie = 0
  text = "hello"
  copied = 0
  copied_bad = -14
  str_copied = 6
  sum_seen = 13
  returns = 8
  result = 53
  deleted = 1
  signalled = 0' "$room/helpers.o" -- "$room/helpers"
out=$(user "$room/override.o" -- "$room/helpers")
same "override_return answers a call that is never made" \
	"signal 0, getpgid Invalid cross-device link" "$(head -n 1 <<<"$out")"
same "its kretprobe sees the answer" 18446744073709551598 "$(value on_return "$out")"

compile timers || exit 1
tick=(awk 'BEGIN { x = PROCINFO["ppid"]; system("sleep 0.4") }')
if awk --version 2>/dev/null | grep -q GNU; then
	both "timers" 'slots: 4 entries
  0: {.count = 0, .timer = {}}
  1: {.count = 0, .timer = {}}
  2: {.count = 5, .timer = {}}
  3: {.count = 0, .timer = {}}
table: 1 entry
  77: {.count = 0, .timer = {}}
.bss:
  hits = 2
  bad_clock = -22
  again = -16
  null_callback = -22
  cancel_idle = 0
  started = 0
  cancel_armed = 1
  array_key = 2
  hash_key = 77
  hash_calls = 1
  cancelled_runs = 0
  cancel_self = -35' "$room/timers.o" -- "${tick[@]}"
else skip "timers" "no GNU awk"; fi

if gcc -O1 $src/usdt.c -o "$room/usdt" 2>/dev/null && compile usdt; then
	both "static probes" 'word other
semaphore raised
.bss:
  fired = 5
  guarded = 7
  count = 3
  sum = 106
  last_signed = -9
  cookie = 0
  word = "other"' "$room/usdt.o" -- "$room/usdt"
	same "a semaphore is down without osmia" "semaphore down" "$("$room/usdt" | tail -n 1)"
	out=$(user --prog on_loop "$room/usdt.o" -- sh -c "'$room/usdt'; '$room/usdt'")
	same "static probes: every process of the tree" 10 "$(value fired "$out")"
	check "static probes: a semaphore nobody wants stays down" grep -qx "semaphore down" <<<"$out"
else skip "static probes" "no sys/sdt.h (systemtap-sdt-dev)"; fi
done_testing
