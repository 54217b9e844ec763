/* SPDX-License-Identifier: BSD-2-Clause */
/* tests/engine_user/test_trace.c - clang's objects on real events of commands, through the ptrace
 * transport.
 */
#include "trace.h"
#include "map/map.h"
#include <fcntl.h>
#include <grp.h>
#include <sys/prctl.h>

struct exec_event {
	u32 pid;
	char comm[16];
	char filename[128];
};

struct exec_log {
	struct exec_event ev[16];
	u32 n;
};

static int on_exec(void *arg, const void *data, u32 size)
{
	struct exec_log *log = arg;

	CHECK_EQ(size, sizeof(struct exec_event));
	if (log->n < 16)
		memcpy(&log->ev[log->n++], data, sizeof(*log->ev));
	return 0;
}

/* The source's object.  Without clang or libbpf's headers the test is skipped; a source that does
 * not compile fails it. */
static const char *object(const char *source)
{
	static char path[512];
	char cmd[1024];
	const char *build = getenv("BUILD"), *base = strrchr(source, '/');
	int status;

	snprintf(path, sizeof(path), "%s/%s.o", build ? build : "build", base + 1);
	snprintf(cmd, sizeof(cmd),
		 "test -e /usr/include/bpf/bpf_helpers.h || exit 77; "
		 "for c in clang clang-19 clang-16 clang-14; do command -v $c >/dev/null || "
		 "continue; "
		 "exec $c -target bpf -O2 -g -D__TARGET_ARCH_x86 -I/usr/include/x86_64-linux-gnu "
		 "-c %s -o %s; done; exit 77",
		 source, path);
	status = system(cmd);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		SKIP("needs clang and libbpf's headers");
	CHECK_EQ(status, 0);
	return path;
}

TEST(execsnoop_sees_each_execve)
{
	static char *const argv[] = {"/bin/sh", "-c", "/bin/true; /bin/echo hi >/dev/null; exit 7",
				     NULL};
	struct exec_log log = {0};
	struct traced t = {0};

	traced_load(&t, object("demo/execsnoop.bpf.c"), NULL);
	traced_run(&t, argv, 0, "events", on_exec, &log);
	CHECK_EQ(t.status, 7 << 8);
	CHECK_EQ(log.n, 3);
	CHECK_STR(log.ev[0].filename, "/bin/sh");
	CHECK_STR(log.ev[1].filename, "/bin/true");
	CHECK_STR(log.ev[1].comm, "sh");
	CHECK_STR(log.ev[2].filename, "/bin/echo");
	CHECK_STR(t.account, "");
	traced_end(&t);
}

/* ---- opens, with records through perf rings ---- */

struct open_event {
	u32 pid;
	s32 ret;
	u64 cookie;
	char name[64];
};

struct open_log {
	struct open_event ev[64];
	u32 n, found, missing;
};

static int on_open(void *arg, const void *data, u32 size)
{
	struct open_log *log = arg;
	struct open_event ev, *e = &ev;

	CHECK(size >= sizeof(*e)); /* a perf record is padded, and lies at 4 bytes */
	memcpy(e, data, sizeof(*e));
	log->n++;
	if (!strcmp(e->name, "/etc/hostname"))
		log->found += e->ret >= 0;
	if (!strcmp(e->name, "/no/such/file"))
		log->missing += e->ret == -ENOENT;
	return 0;
}

static void run_opensnoop(const char *pid_text, struct open_log *log)
{
	static char *const argv[] = {"/bin/sh", "-c",
				     "exec 3</etc/hostname; cat /no/such/file 2>/dev/null; exit 0",
				     NULL};
	struct traced t = {0};
	struct perf_ring rings[256];
	u32 n_cpus = map_system_cpus();
	static char scratch[64 * 4096];
	u64 lost = 0;

	CHECK_EQ(engine_user_new(NULL, &t.dg, &t.e), 0);
	CHECK_EQ(obj_open_file(object("tests/engine_user/prog/opensnoop.bpf.c"), &t.dg, &t.o), 0);
	CHECK_EQ(obj_set_var(t.o, "targ_pid", pid_text, &t.dg), 0);
	CHECK_EQ(load_open(t.o, t.e, &(struct load_opts){0}, &t.dg, &t.l), 0);
	CHECK_EQ(load_run(t.l, &t.dg), 0);
	for (u32 i = 0; i < n_cpus && i < 256; i++)
		CHECK_EQ(t.e->ops->perf_ring_open(t.e, load_find_map(t.l, "events")->fd, i, 16,
						  &rings[i]),
			 0);
	traced_run(&t, argv, 0, NULL, NULL, NULL);
	for (u32 i = 0; i < n_cpus && i < 256; i++) {
		CHECK(perf_ring_consume(&rings[i], scratch, on_open, log, &lost) >= 0);
		perf_ring_close(&rings[i]);
	}
	CHECK_EQ(lost, 0);
	traced_end(&t);
}

TEST(opensnoop_joins_entry_and_exit)
{
	struct open_log log = {0};

	run_opensnoop("0", &log);
	CHECK_EQ(log.found, 1);
	CHECK_EQ(log.missing, 1);
}

TEST(opensnoop_filters_by_pid)
{
	struct open_log log = {0};

	run_opensnoop("1", &log); /* init is not of the tree */
	CHECK_EQ(log.n, 0);
}

/* ---- probes on system-call functions ---- */

TEST(kprobes_on_syscall_functions)
{
	static char *const argv[] = {
		"/bin/sh", "-c",
		"rm /no/file1 2>/dev/null; rm /no/file2 2>/dev/null; cat /no/x 2>/dev/null; exit 0",
		NULL};
	struct traced t = {0};
	int enoent = -ENOENT;

	traced_load(&t, object("tests/engine_user/prog/kprobe.bpf.c"), NULL);
	traced_run(&t, argv, 0, NULL, NULL, NULL);
	CHECK(strstr(t.printk, "bpf_trace_printk: unlinkat /no/file1\n"));
	CHECK(strstr(t.printk, "bpf_trace_printk: unlinkat /no/file2\n"));
	CHECK(strstr(t.printk, "bpf_trace_printk: returned -2\n"));
	CHECK(strstr(t.printk, "open dfd -100 /no/x\n"));
	CHECK_EQ(traced_lookup(&t, "by_result", &enoent), 2);
	CHECK_STR(t.account, "");
	traced_end(&t);
}

TEST(ksyscall_arguments)
{
	static char *const argv[] = {"/bin/sh", "-c", "kill -0 $$; kill -0 1 2>/dev/null; exit 0",
				     NULL};
	struct traced t = {0};

	traced_load(&t, object("tests/engine_user/prog/ksyscall.bpf.c"), NULL);
	traced_run(&t, argv, 0, NULL, NULL, NULL);
	CHECK(strstr(t.printk, "kill 1 0\n"));
	CHECK(strstr(t.printk, "kill returned 0\n"));
	traced_end(&t);
}

/* ---- kernel structs ---- */

TEST(task_struct_through_core)
{
	static char *const argv[] = {"/bin/sh", "-c", "/bin/echo a >/dev/null; kill -0 $$; exit 3",
				     NULL};
	struct traced t = {0};
	char want[128];

	traced_load(&t, object("tests/engine_user/prog/task.bpf.c"), NULL);
	traced_run(&t, argv, 0, NULL, NULL, NULL);
	CHECK(strstr(t.printk, "exec /bin/echo arg0 /bin/echo parent sh\n"));
	snprintf(want, sizeof(want), "uid %u same 1\n", geteuid());
	CHECK(strstr(t.printk, want));
	CHECK(strstr(t.printk, "exists 0 0\n"));
	CHECK(strstr(t.printk, "exit sh code 3 dead 1\n"));
	CHECK(strstr(t.printk, "raw kill sig 0\n"));
	CHECK_STR(t.account, "");
	traced_end(&t);
}

/* ---- user functions ---- */

__attribute__((noinline)) int probed_function(int a, int b);
__attribute__((noinline)) int probed_function(int a, int b)
{
	__asm__ volatile("");
	return a + b;
}

/* The test's own binary is the command: it calls the function when it is told to. */
__attribute__((constructor)) static void be_the_command(void)
{
	int sum = 0;

	if (!getenv("OSMIA_TEST_CALLS"))
		return;
	for (int i = 0; i < atoi(getenv("OSMIA_TEST_CALLS")); i++)
		sum += probed_function(i, 2);
	_exit(sum == 0);
}

static void attach_uprobe(struct traced *t, const char *prog, bool ret)
{
	struct attach_spec spec = {.kind = ATTACH_UPROBE,
				   .path = "/proc/self/exe",
				   .name = "probed_function",
				   .retprobe = ret,
				   .pid = -1,
				   .cpu = -1};
	struct load_prog *p = load_find_prog(t->l, prog);

	CHECK(p != NULL);
	p->link_fd = t->e->ops->attach(t->e, p->fd, &spec, &t->dg);
	traced_dump(t, "attach");
	CHECK(p->link_fd >= 0);
}

TEST(uprobes_count_every_call)
{
	struct traced t = {0};
	struct target target = {0};
	u64 counts[5] = {0};
	union bpf_attr attr = {0};
	char self[512];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *const real_argv[] = {self, NULL};
	u32 key = 0;

	CHECK(n > 0);
	self[n] = 0;
	target.argv = real_argv;
	traced_load(&t, object("tests/engine_user/prog/uprobe.bpf.c"), NULL);
	setenv("OSMIA_TEST_CALLS", "10", 1);
	CHECK(t.e->ops->target_start(t.e, &target, &t.dg) > 0);
	unsetenv("OSMIA_TEST_CALLS");
	attach_uprobe(&t, "entry", false);
	attach_uprobe(&t, "leave", true);
	CHECK(t.e->ops->target_go(t.e, &t.dg) > 0);
	while (t.e->ops->target_status(t.e) == -EAGAIN)
		poll(NULL, 0, 5);
	attr.map_fd = (u32)load_find_map(t.l, ".bss")->fd;
	attr.key = (u64)&key;
	attr.value = (u64)counts;
	CHECK_EQ(load_find_map(t.l, ".bss")->value_size, sizeof(counts));
	CHECK_EQ(engine_bpf(t.e, BPF_MAP_LOOKUP_ELEM, &attr, sizeof(attr)), 0);
	t.e->ops->account(t.e, account_line, &t);
	CHECK_STR(t.account, "");
	CHECK_EQ(counts[0], 10);
	CHECK_EQ(counts[1], 90);
	CHECK_EQ(counts[2], 10);
	CHECK_EQ(counts[3], 65);
	CHECK(counts[4] != 0);
	traced_end(&t);
}

TEST(timers_run_in_the_guard)
{
	static char *const argv[] = {"/bin/sh", "-c", "sleep 0.3; exit 0", NULL};
	struct traced t = {0};
	union bpf_attr attr = {0};
	u64 value[3] = {0};
	int key = 77, index = 2;

	traced_load(&t, object("tests/engine_user/prog/timer.bpf.c"), NULL);
	traced_run(&t, argv, 0, NULL, NULL, NULL);
	CHECK_STR(t.account, "");
	attr.map_fd = (u32)load_find_map(t.l, "hash")->fd;
	attr.key = (u64)&key;
	attr.value = (u64)value;
	CHECK_EQ(engine_bpf(t.e, BPF_MAP_LOOKUP_ELEM, &attr, sizeof(attr)), 0);
	CHECK_EQ(value[0], 3);
	attr.map_fd = (u32)load_find_map(t.l, "array")->fd;
	attr.key = (u64)&index;
	CHECK_EQ(engine_bpf(t.e, BPF_MAP_LOOKUP_ELEM, &attr, sizeof(attr)), 0);
	CHECK_EQ(value[0], 12);
	CHECK(strstr(t.printk, "array timer of 2\n"));
	traced_end(&t);
}

TEST(timers_call_functions_only)
{
	traced_refused(object("tests/engine_user/prog/timer_wild.bpf.c"),
		       "R2 type=scalar expected=func");
}

/* ---- other ways ---- */

TEST(joins_a_running_process)
{
	struct traced t = {0};
	int go[2];
	char c = 0;
	pid_t pid;

	CHECK_EQ(pipe(go), 0);
	pid = fork();
	if (!pid) {
		close(go[1]);
		if (read(go[0], &c, 1) == 1 && unlink("/no/joined") < 0)
			_exit(5);
		_exit(1);
	}
	close(go[0]);
	traced_load(&t, object("tests/engine_user/prog/kprobe.bpf.c"), NULL);
	struct target target = {.pid = pid};
	CHECK(t.e->ops->target_start(t.e, &target, &t.dg) >= 0);
	CHECK_EQ(load_attach(t.l, &t.dg), 3);
	CHECK_EQ(t.e->ops->target_go(t.e, &t.dg), pid);
	CHECK_EQ(write(go[1], &c, 1), 1);
	close(go[1]);
	while (t.e->ops->target_status(t.e) == -EAGAIN)
		poll(NULL, 0, 5);
	int status;
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(WEXITSTATUS(status), 5);
	traced_end(&t);
}

/* The ring's eventfd wakes a consumer, and sleeps again once it is taken. */
TEST(ring_buffer_wakes_its_consumer)
{
	static char *const argv[] = {"/bin/true", NULL};
	struct exec_log log = {0};
	struct traced t = {0};
	struct target target = {.argv = argv};
	int fd;

	traced_load(&t, object("demo/execsnoop.bpf.c"), NULL);
	struct load_map *m = load_find_map(t.l, "events");
	CHECK_EQ(ringbuf_open(m->fd, m->max_entries, &t.rb), 0);
	t.has_rb = true;
	fd = t.e->ops->map_poll_fd(t.e, m->fd);
	CHECK(fd >= 0);
	struct pollfd p = {fd, POLLIN, 0};
	CHECK_EQ(poll(&p, 1, 0), 0);
	CHECK(t.e->ops->target_start(t.e, &target, &t.dg) >= 0);
	CHECK_EQ(load_attach(t.l, &t.dg), 1);
	CHECK(t.e->ops->target_go(t.e, &t.dg) > 0);
	CHECK_EQ(poll(&p, 1, 5000), 1);
	t.e->ops->poll_taken(t.e, fd);
	CHECK_EQ(poll(&p, 1, 0), 0);
	CHECK_EQ(ringbuf_consume(&t.rb, on_exec, &log), 1);
	while (t.e->ops->target_status(t.e) == -EAGAIN)
		poll(NULL, 0, 5);
	traced_end(&t);
}

/* A link that is closed while the target runs gets no more events. */
TEST(closed_links_end)
{
	static char *const argv[] = {"/bin/sh", "-c",
				     "/bin/true; read x; /bin/true; /bin/true; exit 0", NULL};
	struct exec_log log = {0};
	struct traced t = {0};
	struct target target = {.argv = argv};
	int in[2], old = dup(0);

	traced_load(&t, object("demo/execsnoop.bpf.c"), NULL);
	struct load_map *m = load_find_map(t.l, "events");
	CHECK_EQ(ringbuf_open(m->fd, m->max_entries, &t.rb), 0);
	t.has_rb = true;
	CHECK_EQ(pipe(in), 0);
	dup2(in[0], 0);
	CHECK(t.e->ops->target_start(t.e, &target, &t.dg) >= 0);
	CHECK_EQ(load_attach(t.l, &t.dg), 1);
	CHECK(t.e->ops->target_go(t.e, &t.dg) > 0);
	dup2(old, 0);
	for (u32 i = 0; i < 1000 && log.n < 2; i++) {
		ringbuf_consume(&t.rb, on_exec, &log);
		poll(NULL, 0, 5);
	}
	CHECK_EQ(log.n, 2);
	struct load_prog *p = load_find_prog(t.l, "execve");
	close(p->link_fd);
	p->link_fd = -1;
	CHECK_EQ(write(in[1], "x\n", 2), 2);
	while (t.e->ops->target_status(t.e) == -EAGAIN)
		poll(NULL, 0, 5);
	ringbuf_consume(&t.rb, on_exec, &log);
	CHECK_EQ(log.n, 2);
	close(in[0]);
	close(in[1]);
	close(old);
	traced_end(&t);
}

TEST(wild_programs_are_refused)
{
	traced_refused(object("tests/engine_user/prog/wild.bpf.c"),
		       "R1 invalid mem access 'scalar'");
}

TEST(refusals_say_what_is_there)
{
	struct attach_spec spec = {.kind = ATTACH_KPROBE, .name = "vfs_read", .pid = -1, .cpu = -1};
	struct traced t = {0};

	traced_load(&t, object("tests/engine_user/prog/kprobe.bpf.c"), NULL);
	struct load_prog *p = load_find_prog(t.l, "openat2_entry");
	CHECK_EQ(t.e->ops->attach(t.e, p->fd, &spec, &t.dg), -ENOENT);
	CHECK(strstr(t.dg.msgs[0].text, "kprobe 'vfs_read'"));
	CHECK(strstr(t.dg.msgs[1].text, "tracepoint:syscalls:sys_enter_read"));
	spec.kind = ATTACH_XDP;
	CHECK_EQ(t.e->ops->attach(t.e, p->fd, &spec, &t.dg), -EOPNOTSUPP);
	spec.kind = ATTACH_TRACEPOINT;
	spec.category = "sched";
	spec.name = "sched_switch";
	CHECK_EQ(t.e->ops->attach(t.e, p->fd, &spec, &t.dg), -ENOENT);
	traced_end(&t);
}

/* Everything again in a process without any privilege. */
TEST(as_an_ordinary_user)
{
	const char *path = object("demo/execsnoop.bpf.c");
	int status;
	pid_t pid;

	if (geteuid())
		SKIP("is one already");
	int fd = open(path, O_RDONLY);
	char copy[] = "/tmp/osmia-test-XXXXXX", cmd[600];
	int tmp = mkstemp(copy);
	CHECK(fd >= 0 && tmp >= 0);
	snprintf(cmd, sizeof(cmd), "cat %s > %s; chmod 644 %s", path, copy, copy);
	CHECK_EQ(system(cmd), 0);
	pid = fork();
	if (!pid) {
		static char *const argv[] = {"/bin/sh", "-c", "/bin/true; exit 3", NULL};
		struct exec_log log = {0};
		struct traced t = {0};

		if (setgroups(0, NULL) || setgid(65534) || setuid(65534))
			_exit(90);
		prctl(PR_SET_DUMPABLE, 1); /* as a process that began as this user is */
		traced_load(&t, copy, NULL);
		traced_run(&t, argv, 0, "events", on_exec, &log);
		_exit(t.status == 3 << 8 && log.n == 2 ? 0 : 1);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	unlink(copy);
	close(tmp);
	close(fd);
	CHECK_EQ(status, 0);
}
