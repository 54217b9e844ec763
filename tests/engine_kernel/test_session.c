/* SPDX-License-Identifier: BSD-2-Clause */
/* bpf_printk, the command of a run and its process tree, and what is left after SIGKILL. */
#include "test.h"
#include "world.h"
#include "engine/kernel/priv.h"
#include <dirent.h>
#include <net/if.h>
#include <sys/prctl.h>
#include <sys/stat.h>

static const char print_source[] =
	"SEC(\"tp/syscalls/sys_enter_getppid\") int t_print(void *c) {\n"
	"  bpf_printk(\"ppid of %d\", (int)(bpf_get_current_pid_tgid() >> 32)); return 0; }\n";

static bool instance_there(pid_t pid)
{
	char path[64];
	struct stat st;
	int dir = tracefs_open();

	snprintf(path, sizeof(path), "instances/osmia-%d-0", pid);

	bool there = !fstatat(dir, path, &st, 0);

	close(dir);
	return there;
}

TEST(printk_lines_come_from_an_instance)
{
	char line[512], wanted[64];
	struct world w;

	NEED_KERNEL();
	world_open(&w, print_source);

	int fd = w.e->ops->printk_fd(w.e, &w.dg);

	if (fd == -EACCES || fd == -ENOENT || fd == -EPERM) {
		world_close(&w);
		SKIP("no tracefs");
	}
	CHECK(fd >= 0);
	CHECK(instance_there(getpid()));
	CHECK_EQ(world_run(&w, NULL), 1);
	syscall(SYS_getppid);

	struct pollfd p = { .fd = fd, .events = POLLIN };

	CHECK_EQ(poll(&p, 1, 2000), 1);

	ssize_t n = read(fd, line, sizeof(line) - 1);

	CHECK(n > 0);
	line[n] = 0;
	snprintf(wanted, sizeof(wanted), "bpf_trace_printk: ppid of %d", getpid());
	CHECK(strstr(line, wanted));
	world_close(&w);
	CHECK(!instance_there(getpid()));
}

TEST(command_waits_until_it_may_run)
{
	char *argv[] = { "sh", "-c", "exit 3", NULL };
	struct target t = { .argv = argv };
	struct world w = {0};
	int status = -EAGAIN;

	if (engine_kernel_open(&w.dg, &w.e))
		SKIP("no bpf(2)");
	CHECK(w.e->ops->target_start(w.e, &t, &w.dg) >= 0);

	struct pollfd p = { .fd = w.e->ops->target_fd(w.e), .events = POLLIN };

	CHECK_EQ(poll(&p, 1, 50), 0);
	CHECK_EQ(w.e->ops->target_status(w.e), -EAGAIN);
	CHECK(w.e->ops->target_go(w.e, &w.dg) > 0);
	CHECK_EQ(poll(&p, 1, 5000), 1);
	status = w.e->ops->target_status(w.e);
	CHECK(WIFEXITED(status));
	CHECK_EQ(WEXITSTATUS(status), 3);
	w.e->ops->free(w.e);
	diag_free(&w.dg);
}

TEST(command_that_is_not_there_is_said)
{
	char *argv[] = { "/nonexistent/program", NULL };
	struct target t = { .argv = argv };
	struct world w = {0};

	if (engine_kernel_open(&w.dg, &w.e))
		SKIP("no bpf(2)");
	int err = w.e->ops->target_start(w.e, &t, &w.dg);

	CHECK_EQ(err < 0 ? err : w.e->ops->target_go(w.e, &w.dg), -ENOENT);
	CHECK_EQ(w.dg.n_errors, 1);
	w.e->ops->free(w.e);
	diag_free(&w.dg);
}

/* An executable file that the kernel can't start is only found out when it is let go. */
TEST(command_that_cannot_start_is_said)
{
	char path[] = "/tmp/osmia-test-XXXXXX", *argv[] = { path, NULL };
	struct target t = { .argv = argv };
	struct world w = {0};
	int fd;

	if (engine_kernel_open(&w.dg, &w.e))
		SKIP("no bpf(2)");
	fd = mkstemp(path);
	CHECK_EQ(write(fd, "\177nothing", 8), 8);
	CHECK_EQ(fchmod(fd, 0700), 0);
	close(fd);
	CHECK(w.e->ops->target_start(w.e, &t, &w.dg) >= 0);
	CHECK_EQ(w.e->ops->target_go(w.e, &w.dg), -ENOEXEC);
	CHECK_EQ(w.dg.n_errors, 1);
	unlink(path);
	w.e->ops->free(w.e);
	diag_free(&w.dg);
}

TEST(a_command_never_let_go_does_not_run)
{
	char path[] = "/tmp/osmia-test-XXXXXX", command[64];
	char *argv[] = { "/bin/sh", "-c", command, NULL };
	struct target t = { .argv = argv };
	struct world w = {0};
	struct stat st;

	if (engine_kernel_open(&w.dg, &w.e))
		SKIP("no bpf(2)");
	close(mkstemp(path));
	snprintf(command, sizeof(command), "echo x >%s", path);
	CHECK(w.e->ops->target_start(w.e, &t, &w.dg) >= 0);

	pid_t pid = kernel_of(w.e)->target_pid;

	w.e->ops->free(w.e);
	diag_free(&w.dg);
	CHECK(kill(pid, 0) && errno == ESRCH);
	CHECK_EQ(stat(path, &st), 0);
	CHECK_EQ(st.st_size, 0);
	unlink(path);
}

/* The same commands run outside of the tree, where they are not seen, and inside. */
TEST(tree_limits_to_the_command)
{
	char *argv[] = { "sh", "-c", "/bin/true; /bin/true", NULL };
	struct target t = { .argv = argv, .tree = true };
	struct world w;

	NEED_KERNEL();
	world_open(
		&w,
		"__u64 hits;\n"
		"SEC(\"tp/sched/sched_process_exec\") int t_tree(void *c) { hits++; return 0; }\n");
	if (w.e->ops->target_start(w.e, &t, &w.dg) < 0) {
		world_close(&w);
		SKIP("no writable cgroup v2");
	}
	CHECK_EQ(world_run(&w, &(struct load_opts){ .tree = true }), 1);
	CHECK_EQ(system("/bin/true; /bin/true"), 0);
	CHECK_EQ(world_var(&w, "hits"), 0);
	CHECK(w.e->ops->target_go(w.e, &w.dg) > 0);

	struct pollfd p = { .fd = w.e->ops->target_fd(w.e), .events = POLLIN };

	CHECK_EQ(poll(&p, 1, 5000), 1);
	CHECK_EQ(w.e->ops->target_status(w.e), 0);
	CHECK_EQ(world_var(&w, "hits"), 3); /* sh and its two children */
	world_close(&w);
}

/* Each has its own, and the end of one leaves the other's. */
TEST(two_trees_in_one_process)
{
	char *argv[] = { "sh", "-c", "exit 3", NULL };
	struct target t = { .argv = argv, .tree = true };
	struct engine *a, *b;
	struct diag dg = {0};
	u64 of_a, of_b;
	u32 level;

	NEED_KERNEL();
	CHECK_EQ(engine_kernel_open(&dg, &a), 0);
	CHECK_EQ(engine_kernel_open(&dg, &b), 0);
	if (a->ops->target_start(a, &t, &dg)) {
		a->ops->free(a);
		b->ops->free(b);
		diag_free(&dg);
		SKIP("no writable cgroup v2");
	}
	CHECK_EQ(b->ops->target_start(b, &t, &dg), 0);
	CHECK_EQ(kernel_target_tree(a, &of_a, &level), 0);
	CHECK_EQ(kernel_target_tree(b, &of_b, &level), 0);
	CHECK(of_a != of_b);
	b->ops->free(b);
	CHECK(a->ops->target_go(a, &dg) > 0);

	struct pollfd p = { .fd = a->ops->target_fd(a), .events = POLLIN };

	CHECK_EQ(poll(&p, 1, 5000), 1);
	CHECK_EQ(a->ops->target_status(a), 3 << 8);
	a->ops->free(a);
	diag_free(&dg);
}

TEST(tree_names_a_program_that_it_cannot_limit)
{
	char *argv[] = { "true", NULL };
	struct target t = { .argv = argv, .tree = true };
	struct load_opts opts = { .tree = true, .ifname = "lo" };
	struct world w;

	NEED_KERNEL();
	world_open(&w, "SEC(\"xdp\") int t_untree(struct xdp_md *c) { return XDP_PASS; }\n");
	if (w.e->ops->target_start(w.e, &t, &w.dg) < 0) {
		world_close(&w);
		SKIP("no writable cgroup v2");
	}
	CHECK_EQ(load_open(w.obj, w.e, &opts, &w.dg, &w.l), 0);
	CHECK_EQ(load_run(w.l, &w.dg), -ENOTSUP);
	CHECK(strstr(w.dg.msgs[0].text, "'t_untree' can't be limited to a process tree"));
	world_close(&w);
}

/* A process that attached all sorts of things is killed; nothing of it may stay. */
static void session_to_be_killed(int ready)
{
	char *argv[] = { "sleep", "1000", NULL };
	struct target t = { .argv = argv, .tree = true };
	struct attach_spec generic = { .ifname = "lo", .xdp_mode = XDP_MODE_GENERIC };
	struct world w;

	world_open(&w, "__u64 hits;\n"
		       "SEC(\"tp/syscalls/sys_enter_getppid\") int t_killed(void *c) { hits++; "
		       "return 0; }\n"
		       "SEC(\"xdp\") int t_killed_xdp(struct xdp_md *c) { return XDP_PASS; }\n");
	if (w.e->ops->printk_fd(w.e, &w.dg) < 0 || w.e->ops->target_start(w.e, &t, &w.dg) ||
	    load_open(w.obj, w.e, NULL, &w.dg, &w.l) || load_run(w.l, &w.dg) ||
	    load_attach_prog(w.l, load_prog(w.l, 0), &w.dg) ||
	    attach_xdp_netlink(kernel_of(w.e), load_prog(w.l, 1)->fd, if_nametoindex("lo"),
			       &generic, &w.dg) < 0 ||
	    w.e->ops->target_go(w.e, &w.dg) < 0) {
		world_print(&w);
		_exit(1);
	}

	pid_t command = kernel_of(w.e)->target_pid;

	if (write(ready, &command, sizeof(command)) != sizeof(command))
		_exit(1);
	for (;;)
		pause();
}

static bool xdp_on_lo(void)
{
	char out[4096];
	FILE *f = popen("ip link show lo", "r");

	out[fread(out, 1, sizeof(out) - 1, f)] = 0;
	pclose(f);
	return strstr(out, "xdp");
}

TEST(nothing_stays_after_sigkill)
{
	static const char *const roots[] = { "/sys/fs/cgroup", "/sys/fs/cgroup/unified" };
	char cgroup[128];
	pid_t command = 0;
	int ready[2];
	u32 i;

	NEED_KERNEL();
	if (unshare(CLONE_NEWNET) || system("ip link set lo up"))
		SKIP("no network namespace of one's own");
	CHECK_EQ(pipe(ready), 0);

	u32 before = programs_named("t_killed"), before_xdp = programs_named("t_killed_xdp");
	pid_t pid = fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL); /* also where a check below fails */
		session_to_be_killed(ready[1]);
	}
	close(ready[1]);
	if (read(ready[0], &command, sizeof(command)) != sizeof(command)) {
		waitpid(pid, NULL, 0);
		SKIP("no tracefs or no writable cgroup v2");
	}
	/* Looked at first, judged later: a failed CHECK must not leave the session behind. */
	u32 loaded = programs_named("t_killed");
	bool instance = instance_there(pid), xdp = xdp_on_lo();

	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	CHECK_EQ(loaded, before + 1);
	CHECK(instance);
	CHECK(xdp);
	CHECK(programs_gone("t_killed", before));
	CHECK(programs_gone("t_killed_xdp", before_xdp));
	for (i = 0; i < 300 && (instance_there(pid) || xdp_on_lo()); i++)
		usleep(10000);
	CHECK(i < 300);
	for (u32 j = 0; j < ARRAY_SIZE(roots); j++) {
		snprintf(cgroup, sizeof(cgroup), "%s/osmia-%d-0", roots[j], pid);
		for (i = 0; i < 300 && !access(cgroup, F_OK); i++)
			usleep(10000);
		CHECK(access(cgroup, F_OK));
	}
	/* The command is nobody's to end: it goes on, in its old cgroup. */
	CHECK_EQ(kill(command, SIGKILL), 0);
}
