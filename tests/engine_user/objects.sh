#!/bin/bash
# Objects as Debian ships them: those of libbpf-tools, taken out of the tools' own files (or from a
# folder that OBJECTS names), give the same events on the user engine as in the kernel.  What the user
# engine can't see is named, hook by hook, before anything runs.
# SPDX-License-Identifier: BSD-2-Clause
cd "$(dirname "$0")/../.." || exit 1
. tests/tap.sh
osmia=${OSMIA:-build/osmia}
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
kernel=
"$osmia" can kernel >/dev/null && kernel=yes

# extract FILE OBJECT: the ELF file for EM_BPF (247) that stands inside FILE.
number() { od -An -t"u$3" -j "$2" -N "$3" "$1" | tr -d ' '; }
extract() {
	local at
	for at in $(LC_ALL=C grep -obUaP '\x7fELF\x02' "$1" | cut -d: -f1); do
		[ "$(number "$1" $((at + 18)) 2)" = 247 ] || continue
		tail -c +$((at + 1)) "$1" | head -c $(($(number "$1" $((at + 40)) 8) +
			$(number "$1" $((at + 58)) 2) * $(number "$1" $((at + 60)) 2))) >"$2"
		return
	done
	return 1
}
# object NAME: its path in $object; false where it is not to be had.
object() {
	local file
	object=$room/$1.o
	for file in "$OBJECTS/libbpf-tools+$1.o" "/usr/sbin/$1" "/usr/bin/$1"; do
		[ -f "$file" ] || continue
		if [ "${file%.o}" != "$file" ]; then cp "$file" "$object"; else extract "$file" "$object"; fi
		return
	done
	return 1
}

# Records without ids of processes.  Where their struct is not known they come in hex, and fields are
# cut out: FROM-TO are bytes, FROM is a string up to its NUL.
cut_fields() {
	awk -v fields="$*" '
	BEGIN { n = split(fields, f, " ") }
	/"event": {/ { gsub(/"[a-z]*pid": [0-9]+/, "pid"); print }
	match($0, /"hex": "[0-9a-f]*"/) {
		hex = substr($0, RSTART + 8, RLENGTH - 9); out = ""
		for (i = 1; i <= n; i++) {
			if (split(f[i], r, "-") == 2) { out = out substr(hex, 2 * r[1] + 1, 2 * (r[2] - r[1])) " "; continue }
			for (b = 2 * r[1] + 1; b < length(hex) && substr(hex, b, 2) != "00"; b += 2) out = out substr(hex, b, 2)
			out = out " "
		}
		print out
	}' | sort
}

# same_events NAME "FIELDS" COMMAND...
same_events() {
	local name=$1 fields=$2 user
	if ! object "$name"; then skip "$name" "Debian's libbpf-tools is not installed"; return; fi
	timeout 60 "$osmia" run "${vars[@]}" --engine=user -f json "$object" -- "${@:3}" >"$room/user" 2>"$room/err"
	user=$(cut_fields $fields <"$room/user")
	check "$name: has events on the user engine" test -n "$user"
	same "$name: has nothing to complain of" "" "$(<"$room/err")"
	if [ -z "$kernel" ]; then skip "$name: the kernel's events" "bpf(2) does not work here"; return; fi
	timeout 60 "$osmia" run "${vars[@]}" --engine=kernel --tree -f json "$object" -- "${@:3}" >"$room/kernel" 2>"$room/err"
	same "$name: the kernel's events" "$(cut_fields $fields <"$room/kernel")" "$user"
}

work=(/bin/sh -c 'cat /etc/hostname /nonexistent >/dev/null 2>&1; ls / >/dev/null; kill -0 $$')
# Its own loader says so too: else it shows what root opens.
vars=(--set targ_uid=4294967295)
same_events opensnoop "16-24 40-56 56" "${work[@]}"
vars=()
same_events statsnoop "12-32 36" "${work[@]}"
same_events execsnoop "8-40 40" "${work[@]}"
same_events exitsnoop "28-52" "${work[@]}"
same_events sigsnoop "8-32" "${work[@]}"
same_events killsnoop "8-32" "${work[@]}"
if [ "$(id -u)" -eq 0 ] && unshare -m true 2>/dev/null; then
	same_events mountsnoop "8-16 28-48 48" unshare -m /bin/sh -c 'mount -t tmpfs none /mnt && umount /mnt'
else skip mountsnoop "mount(2) is not permitted here"; fi

if object syscount; then
	# What turns osmia's child into the command differs: clone3, a read, execve.
	counts() { sed -n 's/^  \([0-9]*\): {.count = \([0-9]*\),.*/\1 \2/p' | grep -vE '^(0|1|3|59|157|317|435) ' | sort -n; }
	user=$(timeout 60 "$osmia" run --engine=user --maps "$object" -- "${work[@]}" 2>&1 | counts)
	check "syscount: has counts on the user engine" test -n "$user"
	if [ -n "$kernel" ]; then
		same "syscount: the kernel's counts" "$(timeout 60 "$osmia" run --engine=kernel --tree --maps "$object" \
			-- "${work[@]}" 2>&1 | counts)" "$user"
	else skip "syscount: the kernel's counts" "bpf(2) does not work here"; fi
else skip syscount "Debian's libbpf-tools is not installed"; fi

# What is missing is named in one run, each with its place.
if object vfsstat; then
	out=$("$osmia" run --engine=user "$object" -- true 2>&1)
	same "vfsstat: exit status" 1 $?
	for f in vfs_read vfs_write vfs_fsync vfs_open vfs_create; do
		check "vfsstat: kprobe/$f is named" grep -q "section 'kprobe/$f'.*: kprobe '$f': kernel functions" <<<"$out"
		check "vfsstat: fentry/$f is named" grep -q "section 'fentry/$f'.*: $f: the user engine has no fentry" <<<"$out"
	done
	check "vfsstat: the nearest hook" grep -q 'nearest: tracepoint:syscalls:sys_enter_fsync' <<<"$out"
else skip vfsstat "Debian's libbpf-tools is not installed"; fi

# A field that is not served is an error where it is reached, by its name and place.
if object runqlen && gcc -O1 tests/engine_user/prog/spin.c -o "$room/spin"; then
	check "runqlen: names the field" grep -q 'runqlen.bpf.c:20:16: .*struct task_struct.se.cfs_rq: the user engine does not serve it' \
		<<<"$("$osmia" run --engine=user --sample 200 "$object" -- "$room/spin" 300 2>&1)"
else skip runqlen "Debian's libbpf-tools is not installed"; fi
done_testing
