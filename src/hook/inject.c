/* SPDX-License-Identifier: BSD-2-Clause */
/* hook/inject.c - a system call made by a stopped task on the guard's behalf.
 *
 * No code is written for it: the vDSO holds a syscall insn in every 64-bit process, other code
 * mostly too.  Signals are blocked meanwhile, what still comes (SIGSTOP) is raised again
 * afterwards.
 */
#include "elf/maps.h"
#include "hook/guard.h"
#include <errno.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>

enum { SEARCH_MAX = 1 << 20 };

/* Address of the bytes 0f 05 in [from, to); 0: none. */
static u64 find_in(struct task *k, u64 from, u64 to)
{
	u8 page[4096 + 1];

	for (u64 at = from; at < to; at += 4096) {
		size_t n = mm_read_some(k->mm, k->pub.tid, at, page, sizeof(page));

		for (size_t i = 0; i + 1 < n; i++)
			if (page[i] == 0x0f && page[i + 1] == 0x05)
				return at + i;
	}
	return 0;
}

static u64 find_syscall_insn(struct task *k)
{
	struct mapping m;
	u64 found = 0;

	for (int vdso = 1; vdso >= 0 && !found; vdso--) {
		FILE *maps = mappings_open(k->pub.tid);

		while (maps && !found && mapping_next(maps, &m))
			if (m.exec && strcmp(m.path, "[vsyscall]") &&
			    (strcmp(m.path, "[vdso]") == 0) == vdso)
				found = find_in(k, m.from, MIN(m.to, m.from + SEARCH_MAX));
		if (maps)
			fclose(maps);
	}
	return found;
}

static bool is_group_stop(int status)
{
	int sig = WSTOPSIG(status);

	return status >> 16 == PTRACE_EVENT_STOP && sig != SIGTRAP;
}

/* Lets the task run until the call that its registers describe has ended. */
static bool run_call(struct task *k, u32 *raise)
{
	bool entered = false;
	int status;

	for (;;) {
		if (ptrace(PTRACE_SYSCALL, k->pub.tid, NULL, NULL))
			return false;
		while (waitpid(k->pub.tid, &status, __WALL) < 0)
			if (errno != EINTR)
				return false;
		if (!WIFSTOPPED(status)) {
			k->gone_status = status;
			k->gone = true;
			return false;
		}
		if (is_group_stop(status)) {
			k->again = true;
		} else if (WSTOPSIG(status) == (SIGTRAP | 0x80)) {
			if (entered)
				return true;
			entered = true;
		} else if (!(status >> 16)) {
			*raise |= 1u << (WSTOPSIG(status) & 31);
		}
	}
}

s64 inject_call(struct task *k, long nr, const u64 args[6])
{
	struct user_regs_struct saved, regs;
	u64 insn = find_syscall_insn(k), all = ~(1ull << (SIGTRAP - 1)), mask;
	u32 raise = 0;

	if (!insn)
		return -ENOSYS;
	if (task_read_filters(k->pub.tid) > k->pub.trace->n_filters)
		return -EPERM; /* a sandbox of its own may answer an unknown call with death */
	if (!task_regs(k))
		return -ESRCH;
	regs = saved = k->regs;
	regs.rax = (u64)nr;
	regs.orig_rax = (u64)-1;
	regs.rip = insn;
	regs.rdi = args[0];
	regs.rsi = args[1];
	regs.rdx = args[2];
	regs.r10 = args[3];
	regs.r8 = args[4];
	regs.r9 = args[5];
	if (ptrace(PTRACE_GETSIGMASK, k->pub.tid, sizeof(mask), &mask) ||
	    ptrace(PTRACE_SETREGS, k->pub.tid, NULL, &regs))
		return -ESRCH;
	ptrace(PTRACE_SETSIGMASK, k->pub.tid, sizeof(all), &all);

	bool done = run_call(k, &raise) && !ptrace(PTRACE_GETREGS, k->pub.tid, NULL, &regs);

	ptrace(PTRACE_SETSIGMASK, k->pub.tid, sizeof(mask), &mask);
	k->regs = saved;
	k->regs_dirty = k->regs_valid = done;
	for (int sig = 1; sig < 32; sig++)
		if (raise >> sig & 1)
			syscall(SYS_tgkill, k->pub.tgid, k->pub.tid, sig);
	return done ? (s64)regs.rax : -ESRCH;
}
