#!/bin/bash
# Random scripts, run by Debian's bpftrace 0.17 and by `osmia run --compat 0.17` on both engines: the same bytes on
# stdout, but for the line with the number of probes.  SEEDS=N runs more, FIRST=N begins elsewhere.
# SPDX-License-Identifier: BSD-2-Clause
cd "$(dirname "$0")/../.." || exit 1
. tests/tap.sh
osmia=${OSMIA:-build/osmia}
why=
for need in bpftrace python3; do
	command -v "$need" >/dev/null || why="no $need"
done
if [ -z "$why" ] && [ "$(id -u)" -ne 0 ]; then why="not root"; fi
if [ -z "$why" ] && ! "$osmia" can kernel >/dev/null 2>&1; then why="bpf(2) does not work here"; fi
if [ -z "$why" ]; then
	case $(bpftrace --version) in
	*v0.17.*) ;;
	*) why="bpftrace is not 0.17" ;;
	esac
fi
if [ -n "$why" ]; then
	skip "scripts beside bpftrace 0.17" "$why"
	done_testing
fi
exec python3 tests/lang/peer.py run "$osmia" "${FIRST:-1}" "${SEEDS:-20}"
