#!/bin/bash
# `osmia run` of scripts and the bpftrace personality: options, exit statuses, messages, objects of scripts.
# SPDX-License-Identifier: BSD-2-Clause
cd "$(dirname "$0")/../.." || exit 1
. tests/tap.sh
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
cp "${OSMIA:-build/osmia}" "$room/osmia" && ln -s osmia "$room/bpftrace" && chmod -R a+rX "$room"
osmia=$room/osmia bt=$room/bpftrace
export LANG=C
unset OSMIA_COMPAT
# The kernel engine where it works, else the user engine: what is shown here is the same on both.
engine=user
"$osmia" can kernel >/dev/null && engine=kernel
user() {
	if [ "$(id -u)" -eq 0 ]; then
		setpriv --reuid=65534 --regid=65534 --clear-groups --no-new-privs env -u XDG_RUNTIME_DIR "$@"
	else
		"$@"
	fi
}
hi='begin { printf("hi %d %s\n", $1, str($2)); exit(); }'
text() { grep -v '^$'; }

same "osmia run -e, parameters" "hi 3 word" "$("$osmia" run --engine $engine -e "$hi" 3 word 2>/dev/null | text)"
same "osmia run -e as an ordinary user" "hi 3 word" "$(user "$osmia" run -e "$hi" 3 word 2>/dev/null | text)"
same "bpftrace -e" "hi 3 word" "$("$bt" -e "$hi" 3 word 2>/dev/null | text)"
same "parameters behind --" "hi 3 word" "$("$bt" -e "$hi" -- 3 word 2>/dev/null | text)"
echo "$hi" >"$room/hi.bt"
same "a file" "hi 3 word" "$("$osmia" run --engine $engine "$room/hi.bt" 3 word 2>/dev/null | text)"
same "standard input" "hi 3 word" "$("$bt" - 3 word <"$room/hi.bt" 2>/dev/null | text)"
printf '#!%s\n%s\n' "$bt" "$hi" >"$room/run.bt"
chmod +x "$room/run.bt"
same "#! line" "hi 3 word" "$("$room/run.bt" 3 word 2>/dev/null | text)"
same "how many probes, on stderr" "Attached 1 probe" "$("$bt" -e "$hi" 3 word 2>&1 >/dev/null)"
same "-q: not that" "" "$("$bt" -q -e "$hi" 3 word 2>&1 >/dev/null)"
same "a line for who waits" "__BPFTRACE_NOTIFY_PROBES_ATTACHED" \
	"$(__BPFTRACE_NOTIFY_PROBES_ATTACHED=1 "$bt" -e "$hi" 3 word 2>/dev/null | grep -x __BPFTRACE_NOTIFY_PROBES_ATTACHED)"
same "that line comes before what begin prints" "__BPFTRACE_NOTIFY_PROBES_ATTACHED 1" \
	"$(__BPFTRACE_NOTIFY_PROBES_ATTACHED=1 "$bt" -e 'begin { print(1); exit(); }' 2>/dev/null | xargs)"
same "OSMIA_COMPAT=0.17: on stdout" "Attaching 1 probe...
hi 3 word" "$(OSMIA_COMPAT=0.17 "$bt" -e "$hi" 3 word 2>/dev/null | text)"
same "--compat 0.17" "Attaching 1 probe..." "$("$osmia" run --engine $engine --compat 0.17 -e "$hi" 3 w 2>/dev/null | head -1)"
"$bt" -o "$room/out" -e "$hi" 3 word >"$room/stdout" 2>/dev/null
same "-o" "hi 3 word|" "$(text <"$room/out")|$(cat "$room/stdout")"
"$bt" -o /dev/full -e "$hi" 3 word >/dev/null 2>&1
same "-o where nothing can be written" 1 $?
"$bt" -e 'begin { exit(7); }' >/dev/null 2>&1
same "exit(7)" 7 $?

# Commands.
"$osmia" run --engine $engine -e 'begin { printf("b\n"); } end { printf("e\n"); }' -- sh -c 'echo c; exit 5' >"$room/out" 2>/dev/null
same "-- CMD: its status" "5 b c e" "$? $(text <"$room/out" | tr '\n' ' ' | sed 's/ $//')"
"$bt" -c "sh -c 'echo \"a  b\"; exit 5'" -e 'begin { }' >"$room/out" 2>/dev/null
same "-c CMD: quotes, the script's status" "0 a  b" "$? $(text <"$room/out")"
"$bt" -c 'no_such_command' -e "$hi" >/dev/null 2>"$room/err"
check "a command that is not there: status 1" test $? -eq 1
check "and it is named" grep -q "ERROR: Failed to fork child: Path 'no_such_command' does not exist" "$room/err"
start=$SECONDS
"$bt" -c 'sleep 30' -e 'begin { exit(); }' >/dev/null 2>&1
check "exit() ends the command" test $((SECONDS - start)) -lt 10

# Signals.
"$osmia" run --engine $engine -e 'interval:s:100 { } end { printf("ended\n"); }' >"$room/out" 2>/dev/null &
sleep 0.5
kill -INT $!
wait $!
same "Ctrl-C runs end" "0 ended" "$? $(text <"$room/out")"
"$bt" -e 'self:signal:SIGUSR1 { printf("usr1\n"); exit(); }' >"$room/out" 2>/dev/null &
sleep 0.5
kill -USR1 $!
wait $!
same "self:signal" "usr1" "$(text <"$room/out")"
OSMIA_COMPAT=0.17 "$bt" -e 'BEGIN { @x = 5; } interval:s:100 { }' >"$room/out" 2>/dev/null &
sleep 0.5
kill -USR1 $!
sleep 0.3
kill -INT $!
wait $!
same "0.17: SIGUSR1 prints maps" 2 "$(grep -c '^@x: 5$' "$room/out")"

# Mistakes.
"$bt" -e 'begin { printf("%d\n", $x); exit(); }' >/dev/null 2>"$room/err"
same "a mistake: status" 1 $?
check "its place as bpftrace has it" grep -q '^stdin:1:24-26: ERROR: ' "$room/err"
same "its line and marks" 'begin { printf("%d\n", $x); exit(); }
                       ~~' "$(sed -n 2,3p "$room/err")"
"$osmia" run --engine $engine -e 'begin { printf("%d\n", $x); exit(); }' >/dev/null 2>"$room/err"
same "as osmia has it: status" 1 $?
check "as osmia has it: place" grep -q '^osmia: -e:1:24: ' "$room/err"
check "as osmia has it: marks" grep -q '^  *^~$' "$room/err"
"$bt" --no-such-option 2>"$room/err"
same "unknown option: status" 1 $?
same "unknown option: as getopt says" "bpftrace: unrecognized option '--no-such-option'" "$(head -1 "$room/err")"
"$bt" 2>/dev/null
same "nothing to do: status" 1 $?
"$bt" "$room/none.bt" 2>"$room/err"
same "no such file: status" 1 $?
check "no such file: named" grep -q "^ERROR: failed to open file '.*none.bt'" "$room/err"
OSMIA_COMPAT=0.17 "$bt" "$room/none.bt" 2>/dev/null
same "no such file, 0.17: status" 255 $?
for bad in "-p word -e x" "-p 0 -e x" "-p 4194000 -e x" "-B half -e x" "-f xml -e x" "-d nothing -e x" "--mode x -e x" \
	"-c true -p 1 -e x" "--no-feature x -e x" "-k --no-warnings -e x"; do
	# shellcheck disable=SC2086
	"$bt" $bad >/dev/null 2>"$room/err"
	check "bad option: $bad" test $? -eq 1 -a -s "$room/err"
done
"$bt" -p 111a1 -e 'begin { }' >/dev/null 2>"$room/err"
check "what follows a number is no number" grep -qx 'ERROR: Failed to parse pid: invalid trailing bytes: 111a1' "$room/err"

# Objects of scripts.
check "--emit" "$osmia" run --engine $engine --emit "$room/hi.o" -e 'begin { printf("from object %d\n", 5); @x["k"] = 1; exit(); }'
same "osmia run OBJECT" 'from object 5
@x[k]: 1' "$("$osmia" run --engine $engine "$room/hi.o" 2>/dev/null | text)"
same "the same on the user engine" 'from object 5
@x[k]: 1' "$(user "$osmia" run --engine user "$room/hi.o" 2>/dev/null | text)"
"$osmia" run "$room/hi.o" 5 >/dev/null 2>"$room/err"
same "an object takes no parameters" "1 osmia:" "$? $(head -c 6 "$room/err")"
check "--emit-elf" "$bt" --emit-elf "$room/elf.o" -e 'begin { exit(); }'
check "it is an object for others" readelf -S "$room/elf.o"
check "--dry-run runs nothing" test -z "$("$bt" --dry-run -e 'begin { printf("no\n"); } end { printf("no\n"); }' 2>/dev/null)"
check "--mode codegen" "$bt" --mode codegen -e 'begin { exit(); }'
check "--version" grep -q '^bpftrace v0\.' <("$bt" --version)
check "--help" grep -q -- '--usdt-file-activation' <("$bt" --help)
check "--info" grep -q 'user engine' <("$bt" --info)
check "-d ast" grep -q printf <("$bt" -d ast -e 'begin { printf("x\n"); exit(); }' 2>&1)
check "--fmt" grep -qx '	exit();' <("$bt" --fmt -e 'begin{exit();}')
echo 'begin{exit();}' >"$room/own.bt"
"$bt" --fmt -o "$room/own.bt" "$room/own.bt"
same "--fmt -o: the file itself" '	exit();' "$(sed -n 3p "$room/own.bt")"
"$bt" --test -e 'test:good { } test:bad { return 1; }' >"$room/out" 2>/dev/null
same "--test: status" 1 $?
check "--test: who failed" grep -q 'FAILED.*bad' "$room/out"
same "--test -f json" '{"type": "test_result", "data": {"good": {"duration": N, "passed": true, "output": ""}}}' \
	"$("$bt" -f json --test -e 'test:good { }' 2>/dev/null | sed 's/: [0-9][0-9]*,/: N,/')"
check "--bench -f json" grep -q '^{"type": "benchmark_result", "data": {"fast": {"average": ' \
	<("$bt" -f json --bench -e 'bench:fast { $x = 1; }' 2>/dev/null)
check "--bench" grep -q '^fast ' <("$bt" --bench -e 'bench:fast { $x = 1; }' 2>/dev/null)
done_testing
