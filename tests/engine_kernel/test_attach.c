/* SPDX-License-Identifier: BSD-2-Clause */
/* Programs attached for real, each to what this test makes itself, and everything gone afterwards. */
#include "test.h"
#include "world.h"
#include <sys/socket.h>
#include <sys/stat.h>

__attribute__((noinline)) int traced_function(int a, int b);

__attribute__((noinline)) int traced_function(int a, int b)
{
	__asm__ volatile("" ::: "memory");
	return a * b;
}

TEST(tracepoint_into_a_ring_buffer)
{
	struct { u32 pid; char comm[16]; } got = {0};
	struct world w;
	u32 n, mine = 0;

	NEED_KERNEL();
	world_open(&w,
		   "struct event { __u32 pid; char comm[16]; };\n"
		   "struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 65536); }"
		   " ring SEC(\".maps\");\n"
		   "SEC(\"tp/syscalls/sys_enter_getppid\") int t_tracepoint(void *ctx) {\n"
		   "  struct event *e = bpf_ringbuf_reserve(&ring, sizeof(*e), 0);\n"
		   "  if (!e) return 0;\n"
		   "  e->pid = bpf_get_current_pid_tgid() >> 32;\n"
		   "  bpf_get_current_comm(e->comm, sizeof(e->comm));\n"
		   "  bpf_ringbuf_submit(e, 0);\n"
		   "  return 0; }\n");
	CHECK_EQ(world_run(&w, NULL), 1);

	struct pollfd p = {
		.fd = w.e->ops->map_poll_fd(w.e, load_find_map(w.l, "ring")->fd),
		.events = POLLIN,
	};

	syscall(SYS_getppid);
	CHECK_EQ(poll(&p, 1, 2000), 1);
	while ((n = world_record(&w, "ring", &got, sizeof(got)))) {
		CHECK_EQ(n, sizeof(got));
		mine += got.pid == (u32)getpid() && !strcmp(got.comm, "test_attach");
	}
	CHECK_EQ(mine, 1);
	world_close(&w);
	CHECK(programs_gone("t_tracepoint", 0));
}

TEST(raw_tracepoint)
{
	struct world w;

	NEED_KERNEL();
	world_open(&w,
		   "__u64 hits; const volatile __u32 pid;\n"
		   "SEC(\"raw_tp/sys_enter\") int t_raw_tp(struct bpf_raw_tracepoint_args *c) {\n"
		   "  if (bpf_get_current_pid_tgid() >> 32 == pid && c->args[1] == 110) hits++;\n"
		   "  return 0; }\n");

	char pid[16];

	snprintf(pid, sizeof(pid), "%d", getpid());
	CHECK_EQ(obj_set_var(w.obj, "pid", pid, &w.dg), 0);
	CHECK_EQ(world_run(&w, NULL), 1);
	for (u32 i = 0; i < 7; i++)
		syscall(SYS_getppid);
	CHECK_EQ(world_var(&w, "hits"), 7);
	world_close(&w);
}

TEST(uprobe_and_uretprobe_by_symbol)
{
	char source[1024], self[256];
	struct world w;

	NEED_KERNEL();
	self[readlink("/proc/self/exe", self, sizeof(self) - 1)] = 0;
	snprintf(source, sizeof(source),
		 "#include <linux/ptrace.h>\n#include <bpf/bpf_tracing.h>\n"
		 "__u64 sum, ret;\n"
		 "SEC(\"uprobe/%s:traced_function\") int t_uprobe(struct pt_regs *c) {\n"
		 "  sum += c->rdi; return 0; }\n"
		 "SEC(\"uretprobe/%s:traced_function\") int t_uretprobe(struct pt_regs *c) {\n"
		 "  ret += c->rax; return 0; }\n", self, self);
	world_open(&w, source);
	CHECK_EQ(world_run(&w, &(struct load_opts){ .pid = getpid() }), 2);
	CHECK_EQ(traced_function(3, 5), 15);
	CHECK_EQ(traced_function(4, 5), 20);
	CHECK_EQ(world_var(&w, "sum"), 7);
	CHECK_EQ(world_var(&w, "ret"), 35);
	world_close(&w);
	CHECK(programs_gone("t_uprobe", 0));
}

/* What <sys/sdt.h> makes: a nop, and a note that says where it is and where its arguments are. */
#define USDT_PROBE(name, format, ...)                                                         \
	__asm__ volatile("990: nop\n"                                                         \
			 ".pushsection .note.stapsdt,\"\",\"note\"\n"                            \
			 ".balign 4\n"                                                        \
			 ".4byte 992f-991f, 994f-993f, 3\n"                                   \
			 "991: .asciz \"stapsdt\"\n"                                          \
			 "992: .balign 4\n"                                                   \
			 "993: .8byte 990b, 0, 0\n"                                           \
			 ".asciz \"osmia\"\n.asciz \"" name "\"\n.asciz \"" format "\"\n"       \
			 "994: .balign 4\n"                                                   \
			 ".popsection" ::__VA_ARGS__)

__attribute__((noinline)) static void usdt_function(int a, s8 b, const u32 *table, u64 i)
{
	USDT_PROBE("probe", "-4@%0 -1@%b1 4@8(%2,%3,4) 8@$77 4@4(%2)", "r"(a), "q"(b), "r"(table),
		   "r"(i));
}

TEST(usdt_arguments)
{
	static const u32 table[] = { 1, 22, 3, 44, 5 };
	char source[1024], self[256];
	struct world w;

	NEED_KERNEL();
	self[readlink("/proc/self/exe", self, sizeof(self) - 1)] = 0;
	snprintf(source, sizeof(source),
		 "#include <linux/ptrace.h>\n#include <stdbool.h>\n#include <bpf/usdt.bpf.h>\n"
		 "__u64 a, b, d, e, count;\n"
		 "SEC(\"usdt/%s:osmia:probe\") int t_usdt(struct pt_regs *c) { long v = 0;\n"
		 "  count = bpf_usdt_arg_cnt(c);\n"
		 "  bpf_usdt_arg(c, 0, &v); a = v; bpf_usdt_arg(c, 1, &v); b = v;\n"
		 "  bpf_usdt_arg(c, 3, &v); d = v; bpf_usdt_arg(c, 4, &v); e = v;\n"
		 "  return 0; }\n", self);
	world_open(&w, source);
	CHECK_EQ(world_run(&w, &(struct load_opts){ .pid = getpid() }), 1);
	usdt_function(-7, -3, table, 1);
	CHECK_EQ(world_var(&w, "count"), 5);
	CHECK_EQ(world_var(&w, "a"), -7);
	CHECK_EQ(world_var(&w, "b"), -3);
	CHECK_EQ(world_var(&w, "d"), 77);
	CHECK_EQ(world_var(&w, "e"), 22);
	world_close(&w);
}

TEST(uprobe_multi_by_pattern)
{
	char source[1024], self[256];
	struct world w;

	NEED_KERNEL();
	self[readlink("/proc/self/exe", self, sizeof(self) - 1)] = 0;
	snprintf(source, sizeof(source),
		 "__u64 hits;\n"
		 "SEC(\"uprobe.multi/%s:traced_func*\") int t_multi(void *c) { hits++; return 0; "
		 "}\n",
		 self);
	world_open(&w, source);
	if (world_run(&w, &(struct load_opts){ .pid = getpid() }) == -EINVAL) {
		world_close(&w);
		SKIP("no uprobe multi links");
	}
	traced_function(1, 2);
	CHECK_EQ(world_var(&w, "hits"), 1);
	world_close(&w);
}

TEST(perf_event_samples_this_process)
{
	struct world w;

	NEED_KERNEL();
	world_open(&w, "__u64 hits;\n"
		       "SEC(\"perf_event\") int t_sample(void *c) { hits++; return 0; }\n");
	CHECK_EQ(world_run(&w, &(struct load_opts){ .pid = getpid() }), 1);
	for (u32 i = 0; i < 400 && !world_var(&w, "hits"); i++)
		for (volatile u32 spin = 0; spin < 1000000; spin++)
			;
	CHECK(world_var(&w, "hits") > 0);
	world_close(&w);
}

TEST(iterator_walks_tasks)
{
	struct world w;
	char text[4096];

	NEED_KERNEL();
	world_open(&w,
		   "struct seq_file; struct bpf_iter_meta { struct seq_file *seq; }"
		   " __attribute__((preserve_access_index));\n"
		   "struct task_struct { int pid; } __attribute__((preserve_access_index));\n"
		   "struct bpf_iter__task { struct bpf_iter_meta *meta; struct task_struct *task; }"
		   " __attribute__((preserve_access_index));\n"
		   "SEC(\"iter/task\") int t_iter(struct bpf_iter__task *c) {\n"
		   "  if (c->task) bpf_seq_write(c->meta->seq, \".\", 1);\n"
		   "  return 0; }\n");
	CHECK_EQ(world_run(&w, NULL), 1);

	CHECK_EQ(load_n_iters(w.l), 1);

	int fd = load_iter_open(w.l, load_prog(w.l, 0), &w.dg);

	CHECK(fd >= 0);
	CHECK(read(fd, text, sizeof(text)) > 10);
	CHECK_EQ(text[0], '.');
	close(fd);
	world_close(&w);
}

TEST(cgroup_program_sees_sockets)
{
	struct world w;
	char dir[128];
	int go[2];

	NEED_KERNEL();
	world_open(&w, "__u64 hits;\n"
		       "SEC(\"cgroup/sock_create\") int t_cgroup(void *c) { hits++; return 1; }\n");
	snprintf(dir, sizeof(dir), "/sys/fs/cgroup/unified/osmia-test-%d", getpid());
	if (mkdir(dir, 0700)) {
		snprintf(dir, sizeof(dir), "/sys/fs/cgroup/osmia-test-%d", getpid());
		if (mkdir(dir, 0700)) {
			world_close(&w);
			SKIP("no writable cgroup v2");
		}
	}
	CHECK_EQ(world_run(&w, &(struct load_opts){ .cgroup = dir }), 1);
	CHECK_EQ(pipe(go), 0);

	pid_t pid = fork();

	if (pid == 0) {
		char byte;

		if (read(go[0], &byte, 1) != 1)
			_exit(1);
		_exit(socket(AF_INET, SOCK_DGRAM, 0) < 0);
	}

	char procs[160], text[16];
	int status;

	snprintf(procs, sizeof(procs), "%s/cgroup.procs", dir);
	snprintf(text, sizeof(text), "%d", pid);

	int fd = open(procs, O_WRONLY);

	CHECK_EQ(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	CHECK_EQ(write(go[1], "", 1), 1);
	waitpid(pid, &status, 0);
	CHECK_EQ(status, 0);
	CHECK_EQ(world_var(&w, "hits"), 1);
	world_close(&w);
	CHECK_EQ(rmdir(dir), 0);
}

TEST(socket_filter_sees_loopback)
{
	struct world w;

	NEED_KERNEL();
	if (unshare(CLONE_NEWNET) || system("ip link set lo up"))
		SKIP("no network namespace of one's own");
	world_open(&w, "__u64 hits;\n"
		       "SEC(\"socket\") int t_socket(void *c) { hits++; return 0; }\n");
	CHECK_EQ(world_run(&w, &(struct load_opts){ .ifname = "lo" }), 1);
	CHECK_EQ(system("bash -c 'echo x >/dev/udp/127.0.0.1/9'"), 0);
	CHECK(world_var(&w, "hits") > 0);
	world_close(&w);
}
