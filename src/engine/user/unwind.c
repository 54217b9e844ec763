/* SPDX-License-Identifier: BSD-2-Clause */
/* engine/user/unwind.c - walks the stacks of stopped tasks with libdw.
 *
 * What a process has mapped is read when it is first unwound, again after execve, and where an
 * address is found that was not mapped then.  Only files that the process has mapped are read: no
 * debug information is looked for.
 */
#include "engine/user/unwind.h"
#include <elfutils/libdwfl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

struct unwind_process {
	Dwfl *dwfl;          /* owned */
	s32 tgid;
	ino_t exe;
	/* of the walk under way */
	struct trace_task *task;
	u64 *ips;
	u32 n, max;
};

static int no_debuginfo(Dwfl_Module *mod, void **userdata, const char *name, Dwarf_Addr base,
			const char *file, const char *link, GElf_Word crc, char **path)
{
	(void)mod, (void)userdata, (void)name, (void)base, (void)file, (void)link, (void)crc,
		(void)path;
	return -1;
}

static const Dwfl_Callbacks callbacks = {
	.find_elf = dwfl_linux_proc_find_elf,
	.find_debuginfo = no_debuginfo,
};

/* ---- the task, as libdw asks for it ---- */

static pid_t next_thread(Dwfl *dwfl, void *arg, void **thread_arg)
{
	const struct unwind_process *p = arg;

	(void)dwfl;
	if (*thread_arg)
		return 0;
	*thread_arg = arg;
	return p->task->tid;
}

static bool get_thread(Dwfl *dwfl, pid_t tid, void *arg, void **thread_arg)
{
	(void)dwfl, (void)tid;
	*thread_arg = arg;
	return true;
}

static bool memory_read(Dwfl *dwfl, Dwarf_Addr addr, Dwarf_Word *value, void *arg)
{
	const struct unwind_process *p = arg;

	(void)dwfl;
	return !trace_read(p->task, addr, value, sizeof(*value));
}

/* In DWARF's order. */
static bool set_registers(Dwfl_Thread *thread, void *arg)
{
	const struct unwind_process *p = arg;
	struct user_regs_struct r;

	if (trace_regs(p->task, &r))
		return false;

	Dwarf_Word regs[17] = { r.rax, r.rdx, r.rcx, r.rbx, r.rsi, r.rdi, r.rbp, r.rsp, r.r8,
				r.r9, r.r10, r.r11, r.r12, r.r13, r.r14, r.r15, r.rip };

	return dwfl_thread_state_registers(thread, 0, ARRAY_SIZE(regs), regs);
}

static const Dwfl_Thread_Callbacks thread_callbacks = {
	.next_thread = next_thread,
	.get_thread = get_thread,
	.memory_read = memory_read,
	.set_initial_registers = set_registers,
};

/* ---- processes ---- */

static bool report(struct unwind_process *p)
{
	dwfl_report_begin(p->dwfl);
	return !dwfl_linux_proc_report(p->dwfl, p->tgid) && !dwfl_report_end(p->dwfl, NULL, NULL);
}

static void process_free(struct unwind_process *p)
{
	if (!p)
		return;
	dwfl_end(p->dwfl);
	free(p);
}

static ino_t exe_of(s32 tgid)
{
	char path[48];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d/exe", tgid);
	return stat(path, &st) ? 0 : st.st_ino;
}

static struct unwind_process *process_new(s32 tgid, ino_t exe)
{
	struct unwind_process *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->tgid = tgid;
	p->exe = exe;
	p->dwfl = dwfl_begin(&callbacks);
	if (p->dwfl && report(p) && dwfl_attach_state(p->dwfl, NULL, tgid, &thread_callbacks, p))
		return p;
	process_free(p);
	return NULL;
}

static struct unwind_process *process_of(struct unwind *u, s32 tgid)
{
	ino_t exe = exe_of(tgid);
	u32 slot = UNWIND_PROCESSES;

	for (u32 i = 0; i < UNWIND_PROCESSES; i++)
		if (u->processes[i] && u->processes[i]->tgid == tgid)
			slot = i;
	if (slot < UNWIND_PROCESSES && u->processes[slot]->exe == exe)
		return u->processes[slot];
	if (slot == UNWIND_PROCESSES)
		slot = u->next++ % UNWIND_PROCESSES;
	process_free(u->processes[slot]);
	return u->processes[slot] = process_new(tgid, exe);
}

/* ---- the walk ---- */

static int on_frame(Dwfl_Frame *frame, void *arg)
{
	struct unwind_process *p = arg;
	Dwarf_Addr pc;

	if (!dwfl_frame_pc(frame, &pc, NULL) || !pc)
		return DWARF_CB_ABORT;
	p->ips[p->n++] = pc;
	return p->n < p->max ? DWARF_CB_OK : DWARF_CB_ABORT;
}

/* Did it come through code that was not mapped when the process was last read? */
static bool is_stale(const struct unwind_process *p)
{
	for (u32 i = 0; i < p->n; i++)
		if (!dwfl_addrmodule(p->dwfl, p->ips[i]))
			return true;
	return !p->n;
}

int unwind_stack(struct unwind *u, struct trace_task *task, u64 *ips, u32 max)
{
	struct unwind_process *p = max ? process_of(u, task->tgid) : NULL;

	if (!p)
		return -EFAULT;
	p->task = task;
	p->ips = ips;
	p->max = max;
	for (u32 tries = 0; tries < 2; tries++) {
		p->n = 0;
		dwfl_getthread_frames(p->dwfl, task->tid, on_frame, p);
		if (!is_stale(p) || !report(p))
			break;
	}
	return p->n ? (int)p->n : -EFAULT;
}
