# For tests of the bundled tools: sourced, prints nothing.
#	has NAME PATTERN TEXT     a test that passes when a line of TEXT matches the extended regular expression
#	sees TOOL PATTERN [OPTION...] [-- CMD...]    the same of a tool's output, on the kernel engine
#	both TOOL PATTERN ...     on the kernel engine, and as an ordinary user on the user engine
# SPDX-License-Identifier: BSD-2-Clause
. tests/tap.sh
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
chmod 755 "$room"
cp "${OSMIA:-build/osmia}" "$room/osmia" && chmod 755 "$room/osmia"
osmia=$room/osmia
export LANG=C TZ=UTC
has_kernel() {
	"$osmia" can kernel >/dev/null 2>&1
}
as_user() {
	if [ "$(id -u)" -eq 0 ]; then
		setpriv --reuid=65534 --regid=65534 --clear-groups --no-new-privs env -u XDG_RUNTIME_DIR "$@"
	else
		"$@"
	fi
}
has() {
	has_name=$1 has_pattern=$2
	printf '%s\n' "$3" >"$room/seen"
	if grep -Eq -- "$has_pattern" "$room/seen"; then check "$has_name" true
	else check "$has_name: no line is like '$has_pattern'" cat_and_fail "$room/seen"; fi
}
cat_and_fail() {
	head -n 60 "$1"
	[ -e "$room/said" ] && head -n 20 "$room/said"
	return 1
}
sees() {
	sees_tool=$1 sees_pattern=$2
	shift 2
	if ! has_kernel; then
		skip "$sees_tool" "bpf(2) does not work here"
		return
	fi
	has "$sees_tool" "$sees_pattern" "$(timeout -s INT 20 "$osmia" tool "$sees_tool" --engine=kernel "$@" 2>"$room/said")"
}
sees_as_user() {
	sees_tool=$1 sees_pattern=$2
	shift 2
	has "$sees_tool, user engine" "$sees_pattern" \
		"$(as_user timeout -s INT 20 "$osmia" tool "$sees_tool" --engine=user "$@" 2>"$room/said")"
}
both() {
	sees "$@"
	sees_as_user "$@"
}
