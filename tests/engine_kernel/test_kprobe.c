/* SPDX-License-Identifier: BSD-2-Clause */
/* Functions of the kernel: kprobes, system calls by their name, trampolines, LSM hooks.  Where this
 * kernel lacks them the guest runs the same tests (tests/guest/run). */
#include "test.h"
#include "engine/kernel/priv.h"
#include "world.h"

#define FILTER                                                                             \
	"const volatile __u32 pid;\n"                                                      \
	"static int mine(void) { return bpf_get_current_pid_tgid() >> 32 == pid; }\n"

/* Runs with pid set to ours.  False when this kernel can't do it, with the world closed. */
static bool run_mine(struct world *w, int wants)
{
	char pid[16];
	int n;

	snprintf(pid, sizeof(pid), "%d", getpid());
	CHECK_EQ(obj_set_var(w->obj, "pid", pid, &w->dg), 0);
	n = world_run(w, NULL);
	if (n == -EOPNOTSUPP || n == -EPERM || n == -ENOTSUP || n == -524) {
		CHECK(w->dg.n_errors > 0);
		world_close(w);
		return false;
	}
	CHECK_EQ(n, wants);
	return true;
}

TEST(kprobe_and_kretprobe_on_a_system_call)
{
	struct world w;

	NEED_KERNEL();
	world_open(&w, FILTER "#include <linux/ptrace.h>\n#include <bpf/bpf_tracing.h>\n"
		       "__u64 calls, result, literal;\n"
		       "SEC(\"kprobe/sys_getpgid\") int t_kprobe(struct pt_regs *c)"
		       "{ if (mine()) calls++; return 0; }\n"
		       "SEC(\"kprobe/__x64_sys_getpgid\") int t_literal(struct pt_regs *c)"
		       "{ if (mine()) literal++; return 0; }\n"
		       "SEC(\"kretprobe/sys_getpgid\") int t_kretprobe(struct pt_regs *c)"
		       "{ if (mine()) result = c->rax; return 0; }\n");
	if (!run_mine(&w, 3))
		SKIP("this kernel has no kprobes");
	for (u32 i = 0; i < 3; i++)
		CHECK_EQ(syscall(SYS_getpgid, 0), getpgrp());
	CHECK_EQ(world_var(&w, "calls"), 3);
	CHECK_EQ(world_var(&w, "result"), getpgrp());
	CHECK_EQ(world_var(&w, "literal"), 3);
	world_close(&w);
	CHECK(programs_gone("t_kprobe", 0));
}

TEST(ksyscall_reads_its_arguments)
{
	struct world w;

	NEED_KERNEL();
	world_open(&w, FILTER "#include <linux/ptrace.h>\n#include <bpf/bpf_tracing.h>\n"
		       "__u64 arg, result;\n"
		       "SEC(\"ksyscall/getpgid\") int t_ksyscall(struct pt_regs *c) {\n"
		       "  struct pt_regs *r = (void *)c->rdi; unsigned long v = 0;\n"
		       "  if (mine()) { bpf_probe_read_kernel(&v, 8, &r->rdi); arg = v; }\n"
		       "  return 0; }\n"
		       "SEC(\"kretsyscall/getpgid\") int t_kretsyscall(struct pt_regs *c)"
		       "{ if (mine()) result = c->rax; return 0; }\n");
	if (!run_mine(&w, 2))
		SKIP("this kernel has no kprobes");
	syscall(SYS_getpgid, getpid());
	CHECK_EQ(world_var(&w, "arg"), getpid());
	CHECK_EQ(world_var(&w, "result"), getpgrp());
	world_close(&w);
}

static bool events_hold(const char *text)
{
	char events[4096] = "";
	int dir = tracefs_open(), fd = openat(dir, "kprobe_events", O_RDONLY);

	if (fd >= 0 && read(fd, events, sizeof(events) - 1) < 0)
		events[0] = 0;
	close(fd);
	close(dir);
	return strstr(events, text);
}

/* Kernels before 4.17 have only these; newer ones still take them. */
TEST(kprobe_events_are_removed)
{
	struct attach_spec spec = { .kind = ATTACH_KPROBE, .name = "x", .retprobe = true };
	char name[32];
	struct world w;

	NEED_KERNEL();
	world_open(&w, "__u64 hits;\n"
		       "SEC(\"kretprobe\") int t_legacy(void *c) { hits++; return 0; }\n");
	CHECK_EQ(load_open(w.obj, w.e, NULL, &w.dg, &w.l), 0);
	CHECK_EQ(load_run(w.l, &w.dg), 0);

	int fd = attach_kprobe_legacy(kernel_of(w.e), load_prog(w.l, 0)->fd, &spec,
				      "__x64_sys_getpgid", &w.dg);

	if (fd == -EOPNOTSUPP || fd == -ENOENT || fd == -EACCES) {
		world_close(&w);
		SKIP("this kernel has no kprobes");
	}
	CHECK(fd >= 0);
	/* kprobe_events takes commands by the line: no name brings one along. */
	CHECK_EQ(attach_kprobe_legacy(kernel_of(w.e), load_prog(w.l, 0)->fd, &spec,
				      "__x64_sys_getpgid\n-:osmia", &w.dg), -ENOENT);
	snprintf(name, sizeof(name), "osmia_%d_", getpid());
	CHECK(events_hold(name));
	syscall(SYS_getpgid, 0);
	CHECK(world_var(&w, "hits") > 0);
	close(fd);
	world_close(&w);
	CHECK(!events_hold(name));
}

TEST(kprobe_of_a_function_that_is_not_there)
{
	struct world w;

	NEED_KERNEL();
	world_open(&w, "SEC(\"kprobe/no_such_function_here\") int t_none(void *c) { return 0; }\n");

	int err = world_run(&w, NULL);

	CHECK_EQ(w.dg.n_errors, 1);
	if (err == -EOPNOTSUPP) {
		CHECK(strstr(w.dg.msgs[0].text, "CONFIG_KPROBES"));
		world_close(&w);
		SKIP("this kernel has no kprobes");
	}
	CHECK(err == -ENOENT || err == -EINVAL);
	CHECK(strstr(w.dg.msgs[0].text, "kprobe no_such_function_here"));
	world_close(&w);
}

TEST(fentry_and_fexit)
{
	struct world w;

	NEED_KERNEL();
	world_open(
		&w, FILTER
		"#include <bpf/bpf_tracing.h>\n"
		"__u64 calls, result;\n"
		"struct pt_regs;\n"
		"SEC(\"fentry/__x64_sys_getpgid\") int BPF_PROG(t_fentry, const struct pt_regs *r)"
		"{ if (mine()) calls++; return 0; }\n"
		"SEC(\"fexit/__x64_sys_getpgid\") int BPF_PROG(t_fexit, const struct pt_regs *r,"
		" long ret) { if (mine()) result = ret; return 0; }\n");
	if (!run_mine(&w, 2))
		SKIP("this kernel has no trampolines, or is locked down");
	syscall(SYS_getpgid, 0);
	CHECK_EQ(world_var(&w, "calls"), 1);
	CHECK_EQ(world_var(&w, "result"), getpgrp());
	world_close(&w);
}

TEST(lsm_hook_refuses)
{
	struct world w;

	NEED_KERNEL();
	world_open(&w, FILTER
		   "#include <bpf/bpf_tracing.h>\n"
		   "struct task_struct;\n"
		   "SEC(\"lsm/task_setnice\") int BPF_PROG(t_lsm, struct task_struct *p, int nice,"
		   " int ret) { int no = -1; if (ret || !mine() || nice != 7) return 0;"
		   " asm volatile(\"\" : \"+r\"(no)); return no; }\n");
	if (!run_mine(&w, 1))
		SKIP("this kernel has no LSM programs, or is locked down");
	CHECK_EQ(nice(7), -1);
	CHECK_EQ(errno, EPERM);
	world_close(&w);
	errno = 0;
	CHECK(nice(7) == 7 || errno);
}

TEST(tp_btf)
{
	struct world w;

	NEED_KERNEL();
	world_open(&w, FILTER
		   "#include <bpf/bpf_tracing.h>\n"
		   "__u64 calls;\n"
		   "struct pt_regs;\n"
		   "SEC(\"tp_btf/sys_enter\") int BPF_PROG(t_tp_btf, struct pt_regs *r, long nr)"
		   "{ if (mine() && nr == 121) calls++; return 0; }\n");
	if (!run_mine(&w, 1))
		SKIP("this kernel refuses tracing programs");
	syscall(SYS_getpgid, 0);
	CHECK_EQ(world_var(&w, "calls"), 1);
	world_close(&w);
}
