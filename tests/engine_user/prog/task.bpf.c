// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0
// Kernel structs through CO-RE: the current task, tracepoint records, typed raw tracepoints.
#include "vmlinux_min.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>

SEC("tracepoint/sched/sched_process_exec")
int exec(struct trace_event_raw_sched_process_exec *ctx)
{
	struct task_struct *t = (void *)bpf_get_current_task();
	char file[32], arg0[32] = "", parent[16];
	unsigned long args = BPF_CORE_READ(t, mm, arg_start);

	bpf_probe_read_str(file, sizeof(file), (void *)ctx + (ctx->__data_loc_filename & 0xffff));
	bpf_probe_read_user_str(arg0, sizeof(arg0), (void *)args);
	BPF_CORE_READ_STR_INTO(&parent, t, real_parent, comm);
	bpf_printk("exec %s arg0 %s parent %s", file, arg0, parent);
	bpf_printk("ppid %d uid %d same %d", BPF_CORE_READ(t, real_parent, tgid),
		   BPF_CORE_READ(t, cred, euid.val),
		   BPF_CORE_READ(t, tgid) == (int)(bpf_get_current_pid_tgid() >> 32));
	bpf_printk("mnt %u exists %d %d", BPF_CORE_READ(t, nsproxy, mnt_ns, ns.inum),
		   bpf_core_field_exists(t->no_such_field),
		   bpf_core_type_exists(struct no_such_struct));
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(leave, struct task_struct *p, bool group_dead)
{
	if (p->pid == p->tgid)
		bpf_printk("exit %s code %d dead %d", p->comm, p->exit_code >> 8, group_dead);
	return 0;
}

SEC("raw_tp/sys_enter")
int raw(struct bpf_raw_tracepoint_args *ctx)
{
	struct pt_regs *regs = (void *)ctx->args[0];

	if (ctx->args[1] == 62) /* kill */
		bpf_printk("raw kill sig %ld", BPF_CORE_READ(regs, si));
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
