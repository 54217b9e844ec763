# TAP for shell tests.  Source it, then:
#	check NAME COMMAND...     passes when COMMAND exits 0
#	same NAME EXPECTED GOT    passes when the two texts are equal
#	skip NAME REASON
#	done_testing              the last line of the script
# SPDX-License-Identifier: BSD-2-Clause
tap_n=0 tap_failed=0
check() {
	tap_name=$1; shift; tap_n=$((tap_n + 1))
	if tap_out=$("$@" 2>&1); then echo "ok $tap_n - $tap_name"
	else tap_failed=1; echo "not ok $tap_n - $tap_name"; echo "$tap_out" | sed 's/^/# /'; fi
}
same() {
	tap_n=$((tap_n + 1))
	if [ "$2" = "$3" ]; then echo "ok $tap_n - $1"
	else
		tap_failed=1; echo "not ok $tap_n - $1"
		printf 'expected:\n%s\ngot:\n%s\n' "$2" "$3" | sed 's/^/# /'
	fi
}
skip() { tap_n=$((tap_n + 1)); echo "ok $tap_n - $1 # skip $2"; }
done_testing() { echo "1..$tap_n"; exit $tap_failed; }
