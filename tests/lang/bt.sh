#!/bin/bash
# Language tests: each tests/lang/bt/NAME.bt is a script with its expectation inside, run on both engines:
# the kernel's as root (skipped where bpf(2) does not work), Osmia's own as an ordinary user.
#
#	// What it shows, in a sentence.
#	// OUT: 1 two 0x3
#	begin { printf("%d %s %p\n", 1, "two", 3); exit(); }
#
# Comment lines at the start of the script, in any order; each may stand several times:
#
#	OUT: TEXT        the next line of stdout, exactly
#	OUT~ REGEX       the next line of stdout, as a whole line that the extended regular expression fits
#	ERR: TEXT        stderr has a line that contains TEXT
#	ERR! TEXT        no line of stderr contains TEXT
#	STATUS: N        exit status (0)
#	CMD: COMMAND     run with -c COMMAND
#	OPTS: WORDS      options of `osmia run` in front of the script: --unsafe, -f json, --compat 0.17
#	ARGS: WORDS      words behind the script, as a shell splits them: its parameters
#	ENV: NAME=VALUE  a variable of the environment
#	SIGNAL: S NAME   after S seconds that signal is sent to osmia
#	TARGET: NAME.c   tests/lang/bt/NAME.c is compiled (cc -g -O0) to ./NAME, or NAME.cc by c++
#	ENGINE: NAME     only on that engine, kernel or user
#	NEED: NAME...    skipped where a command, a file (/sys/...), or a hook (an argument of `osmia list`) is missing
#	SORT: out        the order of stdout's lines means nothing: both sides are sorted
#	XFAIL-user: WHY  known not to work on that engine (or -kernel): counted as skipped
#
# Blank lines of stdout are dropped on both sides, unless `BLANK: kept` says that they are meant.  A script runs in
# a folder with all scripts and targets, in LANG=C and TZ=UTC, and has TEST_BT_SECONDS (20).
# ONLY='map_*' runs some; ENGINES='user' on one engine; V=1 shows the commands.  VIA=object writes each script as an object
# and runs that, with the same expectation (tests/lang/object.sh).
# SPDX-License-Identifier: BSD-2-Clause
cd "$(dirname "$0")/../.." || exit 1
. tests/tap.sh
osmia=${OSMIA:-build/osmia}
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
cp "$osmia" "$room/osmia" && cp tests/lang/bt/* "$room" || exit 1
chmod -R a+rX "$room"
osmia=$room/osmia
kernel=
"$osmia" can kernel >/dev/null 2>&1 && kernel=yes

# What a script's head says: fills the arrays and variables that run_one reads.
read_head() { # FILE
	local line
	want=() errs=() no_errs=() envs=() opts=() args=() targets=() needs=()
	status=0 cmd= signal= engine= sort= blank= xfail_user= xfail_kernel=
	while IFS= read -r line; do
		case $line in
		'// OUT: '*) want+=("=${line#// OUT: }") ;;
		'// OUT:') want+=("=") ;;
		'// OUT~ '*) want+=("~${line#// OUT~ }") ;;
		'// ERR: '*) errs+=("${line#// ERR: }") ;;
		'// ERR! '*) no_errs+=("${line#// ERR! }") ;;
		'// STATUS: '*) status=${line#// STATUS: } ;;
		'// CMD: '*) cmd=${line#// CMD: } ;;
		'// OPTS: '*) eval "opts+=(${line#// OPTS: })" ;;
		'// ARGS: '*) eval "args+=(${line#// ARGS: })" ;;
		'// ENV: '*) envs+=("${line#// ENV: }") ;;
		'// SIGNAL: '*) signal=${line#// SIGNAL: } ;;
		'// TARGET: '*) targets+=("${line#// TARGET: }") ;;
		'// ENGINE: '*) engine=${line#// ENGINE: } ;;
		'// NEED: '*) read -ra words <<<"${line#// NEED: }"; needs+=("${words[@]}") ;;
		'// SORT: '*) sort=yes ;;
		'// BLANK: '*) blank=yes ;;
		'// XFAIL-user: '*) xfail_user=${line#// XFAIL-user: } ;;
		'// XFAIL-kernel: '*) xfail_kernel=${line#// XFAIL-kernel: } ;;
		'//'*|'#!'*) ;;
		*) break ;;
		esac
	done <"$1"
}

# Prints what is missing for a script; nothing when all is there.
missing() {
	local need
	for need in "${needs[@]}"; do
		case $need in
		*:*) "$osmia" list "$need" 2>/dev/null | grep -q . || { echo "no hook $need"; return; } ;;
		/*) [ -e "$need" ] || { echo "no $need"; return; } ;;
		*) command -v "$need" >/dev/null || { echo "no $need"; return; } ;;
		esac
	done
	for need in "${targets[@]}"; do
		[ -e "$room/${need%.*}" ] && continue
		case $need in
		*.c) cc -g -O0 -fno-inline -o "$room/${need%.*}" "$room/$need" 2>"$room/cc.log" ;;
		*) c++ -g -O0 -fno-inline -o "$room/${need%.*}" "$room/$need" 2>"$room/cc.log" ;;
		esac || { echo "$need does not compile here: $(head -1 "$room/cc.log")"; return; }
		chmod a+rx "$room/${need%.*}"
	done
}

# Compares the wanted lines with those of a file; prints the difference.
differs() { # FILE
	local lines=() i w
	if [ -n "$blank" ]; then mapfile -t lines <"$1"; else mapfile -t lines < <(grep -v '^$' "$1"); fi
	if [ -z "$blank" ]; then
		local kept=()
		for w in "${want[@]}"; do [ "$w" = "=" ] || kept+=("$w"); done
		want=("${kept[@]}")
	fi
	if [ -n "$sort" ]; then
		mapfile -t lines < <(printf '%s\n' "${lines[@]}" | LC_ALL=C sort)
		mapfile -t want < <(printf '%s\n' "${want[@]}" | LC_ALL=C sort)
	fi
	for ((i = 0; i < ${#want[@]} || i < ${#lines[@]}; i++)); do
		w=${want[i]-}
		if [ "$i" -ge ${#lines[@]} ]; then echo "stdout, line $((i + 1)): '${w#?}' is missing"; return; fi
		if [ "$i" -ge ${#want[@]} ]; then echo "stdout, line $((i + 1)): not wanted: '${lines[i]}'"; return; fi
		case $w in
		=*) [ "${lines[i]}" = "${w#=}" ] ;;
		*) [[ ${lines[i]} =~ ^(${w#'~'})$ ]] ;;
		esac || { printf "stdout, line %d: wanted '%s', got '%s'\n" $((i + 1)) "${w#?}" "${lines[i]}"; return; }
	done
}

# One script on one engine: prints what is wrong.
run_one() { # NAME ENGINE
	local e run=() got text
	run=(timeout -k 1 "${TEST_BT_SECONDS:-20}" env LANG=C TZ=UTC "${envs[@]}")
	if [ "$2" = user ] && [ "$(id -u)" -eq 0 ]; then
		run+=(setpriv --reuid=65534 --regid=65534 --clear-groups --no-new-privs env -u XDG_RUNTIME_DIR)
	fi
	run+=("$osmia" run --engine "$2" "${opts[@]}")
	[ -z "$cmd" ] || run+=(-c "$cmd")
	if [ "${VIA-}" = object ]; then
		(cd "$room" && env "${envs[@]}" "$osmia" run --engine "$2" "${opts[@]}" --emit="$1.o" "$1.bt" "${args[@]}" >/dev/null 2>&1 </dev/null) ||
			return 0 # it is about a mistake
		run+=("$1.o")
		errs=() no_errs=() # what the compiler said
	else
		run+=("$1.bt" "${args[@]}")
	fi
	[ -z "${V-}" ] || echo "# ${run[*]}" >&2
	if [ -n "$signal" ]; then
		# timeout(1) passes the signal on.
		(cd "$room" && exec "${run[@]}" >"$room/.out" 2>"$room/.err" </dev/null) &
		sleep "${signal% *}"
		kill -s "${signal#* }" $!
		wait $!
	else
		(cd "$room" && exec "${run[@]}" >"$room/.out" 2>"$room/.err" </dev/null)
	fi
	got=$?
	[ "$got" -eq "$status" ] || e="exit status $got, wanted $status"$'\n'
	text=$(differs "$room/.out")
	[ -z "$text" ] || e+="$text"$'\n'
	for text in "${errs[@]}"; do
		grep -qF -- "$text" "$room/.err" || e+="stderr has no '$text'"$'\n'
	done
	for text in "${no_errs[@]}"; do
		! grep -qF -- "$text" "$room/.err" || e+="stderr has '$text'"$'\n'
	done
	[ -z "${e-}" ] || { printf '%s' "$e"; echo "stdout:"; head -40 "$room/.out"; echo "stderr:"; head -40 "$room/.err"; }
}

for file in "$room"/${ONLY:-*}.bt; do
	[ -e "$file" ] || continue
	name=$(basename "$file" .bt)
	read_head "$file"
	why=$(missing)
	for on in ${ENGINES:-kernel user}; do
		xfail=xfail_$on
		if [ -n "$engine" ] && [ "$engine" != "$on" ]; then continue
		elif [ -n "$why" ]; then skip "$name: $on engine" "$why"
		elif [ "$on" = kernel ] && [ -z "$kernel" ]; then skip "$name: kernel engine" "bpf(2) does not work here"
		elif [ -n "${!xfail}" ]; then skip "$name: $on engine" "${!xfail}"
		else same "$name: $on engine" "" "$(run_one "$name" "$on")"; fi
	done
done
done_testing
