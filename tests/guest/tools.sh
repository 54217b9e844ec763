#!/bin/sh
# The bundled tools that watch functions of the kernel: each one's event is made here, and seen.
# SPDX-License-Identifier: BSD-2-Clause
. /tests/tap.sh
cd /tmp || exit 1

has() { # TEXT PATTERN
	printf '%s\n' "$1" | grep -Eq -- "$2"
}
shown() {
	printf '%s\n' "$1" | head -n "${2:-12}" | sed 's/^/# /'
}
sees() { # TOOL PATTERN [OPTION...] [-- CMD...]
	sees_tool=$1 sees_pattern=$2
	shift 2
	sees_out=$(timeout -s INT 40 "$OSMIA" tool "$sees_tool" "$@" 2>&1)
	shown "$sees_out" ${sees_lines:-12}
	check "$sees_tool" has "$sees_out" "$sees_pattern"
}

# The tracepoints of this kernel have what the tools want of them.
attaches() {
	"$OSMIA" tool "$1" --source >tool.bt && "$OSMIA" run --dry-run tool.bt
}
for tool in execsnoop opensnoop statsnoop syscount killsnoop exitsnoop tcpconnect tcplife tcpretrans tcpdrop biolatency \
	biosnoop bitesize runqlat runqlen cpuwalk writeback naptime setuids pidpersec loads profile offcputime; do
	check "$tool attaches" attaches $tool
done

sees vfscount '^@\[vfs_read\]: [1-9]' -- cat /init
sees vfsstat '^@\[vfs_open\]: [1-9]' -- sh -c 'for i in 1 2 3; do cat /init; sleep 0.5; done >/dev/null'
sees dcsnoop '^[0-9:]{8}  [0-9]+ +cat +M no-such-file$' -- cat /tmp/no-such-file
sees capable '^[0-9:]{8}  0 +[0-9]+ +chroot +18 +CAP_SYS_CHROOT +0$' -- chroot / true
sees funccount '^@\[kprobe:vfs_read\]: [1-9]' 'kprobe:vfs_rea*' -- cat /init
sees funclatency '^@nsecs:' vfs_read -- cat /init
sees argdist '^@values\[-?[0-9]+\]: [1-9]' kretprobe:vfs_read -- cat /init
sees_lines=300
sees trace '^[0-9:.]{15} [0-9]+ +[0-9]+ +sh +vfs_read +0x[0-9a-f]+ 0x' kprobe:vfs_read -- sh -c 'cat /init >/dev/null'
sees_lines=12
sees trace '^ +vfs_read\+[0-9]+$' kprobe:vfs_read --stack -- cat /init
sees trace 'kretprobe:vfs_read +returns [1-9]' kretprobe:vfs_read -- cat /init

sees tcpaccept '^[0-9:]{8}  [0-9]+ +nc +(::ffff:)?127\.0\.0\.1 +[0-9]+ +(::ffff:)?127\.0\.0\.1 +4301 +[01]/[0-9]+$' -- sh -c \
	'nc -l -p 4301 >got & sleep 1; echo hello | nc -w 2 127.0.0.1 4301; kill $! 2>/dev/null'

# Two ends of a UNIX socket: syslogd reads what logger writes.
sees undump '^[0-9:]{8}  syslogd +[0-9]+ +[0-9]+ +.*a word for the log' -- sh -c \
	'syslogd -n -O /tmp/log & sleep 1; logger a word for the log; sleep 1; kill $!'

# More memory than a cgroup may have: first with swap, then without.
group=/sys/fs/cgroup/tool
echo +memory >/sys/fs/cgroup/cgroup.subtree_control 2>/dev/null
mkdir -p $group
in_group='echo 0 >/sys/fs/cgroup/tool/cgroup.procs'
if echo 12M >$group/memory.max 2>/dev/null && mkswap /dev/ram0 >/dev/null 2>&1 && swapon /dev/ram0 2>/dev/null; then
	sees swapin '^@\[dd, [0-9]+\]: [1-9]' -- sh -c "$in_group; exec dd if=/dev/zero of=/dev/null bs=24M count=3"
	swapoff /dev/ram0
else
	skip swapin "there is no swap in this guest"
fi
if echo 12M >$group/memory.max 2>/dev/null; then
	sees oomkill 'Triggered by PID [0-9]+ \("dd"\), OOM kill of PID [0-9]+ \("dd"\), [0-9]+ pages, loadavg: [0-9]' -- \
		sh -c "sh -c '$in_group; exec dd if=/dev/zero of=/dev/null bs=64M count=1'; true"
else
	skip oomkill "there is no memory controller in this guest"
fi

# A striped array of two RAM disks, without mdadm: all of it by sysfs.
array=/sys/block/md7/md
echo md7 >/sys/module/md_mod/parameters/new_array 2>/dev/null
if [ -d $array ] && cd $array; then
	echo none >metadata_version
	echo raid0 >level
	echo 2 >raid_disks
	echo 65536 >chunk_size
	echo 1:2 >new_dev && echo 1:3 >new_dev
	echo 0 >dev-ram2/slot && echo 1 >dev-ram3/slot
	echo 8192 >dev-ram2/size && echo 8192 >dev-ram3/size
	echo active >array_state
	cd /tmp
fi 2>/dev/null
cd /tmp
if [ "$(cat $array/array_state 2>/dev/null)" = clean ] || [ "$(cat $array/array_state 2>/dev/null)" = active ]; then
	[ -e /dev/md7 ] || mknod /dev/md7 b 9 7
	sees mdflush '^[0-9:]{8}  [0-9]+ +dd +md7$' -- dd if=/dev/zero of=/dev/md7 bs=4k count=1 conv=fsync
else
	skip mdflush "no array can be made in this guest: $(cat $array/array_state 2>/dev/null)"
fi
done_testing
