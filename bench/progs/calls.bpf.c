// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0
// Counts events: of a system call's entry (ENTER) and end (EXIT), of a
// function of the file TARGET (UPROBE, URETPROBE).
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

static long n_events;

static int count(void)
{
	__sync_fetch_and_add(&n_events, 1);
	return 0;
}

#ifdef ENTER
SEC("tp/syscalls/sys_enter_getppid")
int enter(void *ctx)
{
	return count();
}
#endif
#ifdef EXIT
SEC("tp/syscalls/sys_exit_getppid")
int leave(void *ctx)
{
	return count();
}
#endif
#ifdef UPROBE
SEC("uprobe/" TARGET ":probed")
int hit(void *ctx)
{
	return count();
}
#endif
#ifdef URETPROBE
SEC("uretprobe/" TARGET ":probed")
int left(void *ctx)
{
	return count();
}
#endif

char LICENSE[] SEC("license") = "Dual BSD/GPL";
