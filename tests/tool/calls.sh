#!/bin/bash
# Tools that watch system calls and processes: on both engines.
# SPDX-License-Identifier: BSD-2-Clause
cd "$(dirname "$0")/../.." || exit 1
. tests/tool/lib.sh

both execsnoop '^[0-9:.]{15} [0-9]+ +[0-9]+ +sh -c exec true' -- sh -c 'sh -c "exec true"'
both opensnoop '^[0-9]+ +cat +[0-9]+ +0 /etc/passwd$' -- cat /etc/passwd
both opensnoop '^[0-9]+ +cat +-1 +2 /no/such$' --failed -- cat /no/such
both opensnoop '^[0-9]+ +cat +-1 +No such file or directory +/no/such$' --errname -- cat /no/such
has "opensnoop --failed leaves out the rest" '^0$' \
	"$(as_user "$osmia" tool opensnoop --engine=user --failed -- cat /etc/passwd 2>&1 | grep -c '/etc/passwd')"
both statsnoop '^[0-9]+ +stat +2 /no/such$' -- stat /no/such
both syscount '^@syscall\[openat\]: [1-9]' --top=20 -- cat /etc/passwd
both syscount '^@process\[cat\]: [1-9]' --top=20 -- cat /etc/passwd
both killsnoop '^[0-9:.]{15} [0-9]+ +sh +10 +99999999 +-3$' -- sh -c 'kill -USR1 99999999'
both exitsnoop '^[0-9:.]{15} +sh +[0-9]+ +[0-9]+ +[0-9]+ +0\.[0-9]{3} +7$' -- sh -c 'sh -c "exit 7"; :'
both exitsnoop 'signal 9 ' --failed -- sh -c 'sh -c "kill -9 \$\$"; :'
both naptime '^[0-9:]{8}  [0-9]+ +.+ [0-9]+ +sleep +0\.125$' -- sleep 0.125
if command -v setpriv >/dev/null; then
	sees setuids '^[0-9:]{8}  [0-9]+ +setpriv +0 +setresuid ruid=65534 euid=65534 suid=65534 \(0\)$' -- \
		setpriv --reuid=65534 --clear-groups true
	sees_as_user setuids 'setresuid ruid=65534 euid=65534 suid=65534 \(0\)$' -- setpriv --reuid=65534 true
else
	skip setuids "there is no setpriv"
fi
both pidpersec '^[0-9:]{8} PIDs/sec: [1-9]' -- sh -c 'for i in 1 2 3 4 5 6 7 8; do /bin/true; sleep 0.2; done'
both loads '^[0-9:]{8} load averages: [0-9]+\.[0-9]+ ' --seconds=1
both funccount '^@\[tracepoint:syscalls:sys_enter_openat\]: [1-9]' 'tracepoint:syscalls:sys_enter_open*' -- cat /etc/passwd
busy='i=0; while [ $i -lt 200000 ]; do i=$((i + 1)); done'
sees_as_user cpuwalk '^@cpu:' -- sh -c "$busy"
sees_as_user profile '^, sh\]: [1-9]' --user -- sh -c "$busy"
done_testing
