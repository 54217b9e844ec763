/* SPDX-License-Identifier: BSD-2-Clause */
/* Objects loaded into the running kernel: maps, externs, CO-RE, refusals explained. */
#include "test.h"
#include "../engine_kernel/world.h"
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/vfs.h>

static int load_only(struct world *w, const struct load_opts *opts)
{
	int err = load_open(w->obj, w->e, opts, &w->dg, &w->l);

	return err ? err : load_run(w->l, &w->dg);
}

static u32 run_prog(struct world *w, const char *name)
{
	u8 packet[64] = {0};
	union bpf_attr attr = {
		.test = {
			.prog_fd = (u32)load_find_prog(w->l, name)->fd,
			.data_size_in = sizeof(packet),
			.data_in = (u64)packet,
		},
	};

	CHECK_EQ(engine_bpf(w->e, BPF_PROG_TEST_RUN, &attr, sizeof(attr)), 0);
	return attr.test.retval;
}

/* Is some message made of these words? */
static bool says(const struct world *w, const char *text)
{
	for (u32 i = 0; i < w->dg.n; i++)
		if (strstr(w->dg.msgs[i].text, text))
			return true;
	world_print(w);
	return false;
}

TEST(data_sections_and_their_first_contents)
{
	struct world w;

	NEED_KERNEL();
	world_open(
		&w,
		"const volatile int seven = 7; int data = 20; int bss; static volatile int s = 3;\n"
		"SEC(\"socket\") int t_data(void *c) { bss += 100; return seven + data + bss + s; "
		"}\n");
	CHECK_EQ(load_only(&w, NULL), 0);
	CHECK_EQ(run_prog(&w, "t_data"), 130);

	struct load_map *ro = load_find_map(w.l, ".rodata");
	u32 zero = 0;
	u8 value[64] = {0};
	union bpf_attr attr = { .map_fd = (u32)ro->fd, .key = (u64)&zero, .value = (u64)value };

	CHECK_EQ(engine_bpf(w.e, BPF_MAP_UPDATE_ELEM, &attr, sizeof(attr)), -EPERM);
	world_close(&w);
}

TEST(program_arrays_and_maps_of_maps_are_filled)
{
	struct world w;

	NEED_KERNEL();
	world_open(&w,
		   "int t_second(void *c);\n"
		   "struct inner { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1);"
		   " __type(key, int); __type(value, int); };\n"
		   "struct { __uint(type, BPF_MAP_TYPE_PROG_ARRAY); __uint(max_entries, 4);"
		   " __uint(key_size, 4); __array(values, int(void *)); }"
		   " jumps SEC(\".maps\") = { .values = { [2] = (void *)&t_second } };\n"
		   "struct inner one SEC(\".maps\"), two SEC(\".maps\");\n"
		   "struct { __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS); __uint(max_entries, 3);"
		   " __type(key, int); __array(values, struct inner); }"
		   " outer SEC(\".maps\") = { .values = { [1] = &two } };\n"
		   "SEC(\"socket\") int t_first(struct __sk_buff *c) { int k = 1, z = 0; void *m;"
		   " bpf_map_update_elem(&one, &z, &k, 0);\n"
		   " m = bpf_map_lookup_elem(&outer, &k);\n"
		   " if (m) bpf_map_update_elem(m, &z, &k, 0);\n"
		   " bpf_tail_call(c, &jumps, 2); return 1; }\n"
		   "SEC(\"socket\") int t_second(void *c) { int z = 0, *v ="
		   " bpf_map_lookup_elem(&two, &z); return 40 + (v ? *v : 0); }\n");
	CHECK_EQ(load_only(&w, NULL), 0);
	CHECK_EQ(run_prog(&w, "t_first"), 41);
	world_close(&w);
}

TEST(ring_and_perf_sizes_are_filled_in)
{
	struct world w;

	NEED_KERNEL();
	world_open(&w, "struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 5000); }"
		       " ring SEC(\".maps\");\n"
		       "struct { __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY); __uint(key_size, 4);"
		       " __uint(value_size, 4); } perf SEC(\".maps\");\n"
		       "struct { __uint(type, BPF_MAP_TYPE_STACK_TRACE); __uint(key_size, 4);"
		       " __uint(max_entries, 8); } stacks SEC(\".maps\");\n"
		       "SEC(\"socket\") int t_sizes(void *c) { return 0; }\n");
	CHECK_EQ(load_only(&w, NULL), 0);
	CHECK_EQ(load_find_map(w.l, "ring")->max_entries, 8192);
	CHECK_EQ(load_find_map(w.l, "perf")->max_entries, sysconf(_SC_NPROCESSORS_CONF));
	CHECK(load_find_map(w.l, "stacks")->value_size >= 127 * 8);
	world_close(&w);
}

TEST(a_map_that_the_kernel_refuses_is_named)
{
	struct world w;

	NEED_KERNEL();
	world_open(
		&w,
		"struct { __uint(type, BPF_MAP_TYPE_HASH); __type(key, int); __type(value, int); }"
		" empty SEC(\".maps\");\n"
		"SEC(\"socket\") int t_empty(void *c) { return 0; }\n");
	CHECK_EQ(load_only(&w, NULL), -EINVAL);
	CHECK(says(&w, "map 'empty' (hash"));
	CHECK(says(&w, "max_entries 0"));
	world_close(&w);
	world_open(
		&w,
		"struct { __uint(type, BPF_MAP_TYPE_HASH); __type(key, int); __type(value, int); }"
		" empty SEC(\".maps\");\n"
		"SEC(\"socket\") int t_empty(void *c) { return 0; }\n");
	CHECK_EQ(load_only(&w, &(struct load_opts){ .empty_maps_one = true }), 0);
	world_close(&w);
}

TEST(maps_are_pinned_by_name_and_found_again)
{
	static const char source[] = "struct { __uint(type, BPF_MAP_TYPE_ARRAY); "
				     "__uint(max_entries, %s); __type(key, int);"
				     " __type(value, int); __uint(pinning, LIBBPF_PIN_BY_NAME); } "
				     "counter SEC(\".maps\");\n"
				     "SEC(\"socket\") int t_pin(void *c) { int z = 0, *v = "
				     "bpf_map_lookup_elem(&counter, &z);"
				     " return v ? ++*v : 0; }\n";
	char dir[64], pin[96], text[1024];
	struct load_opts opts = { .pin_dir = dir };
	struct statfs fs;
	struct world w;

	NEED_KERNEL();
	if (statfs("/sys/fs/bpf", &fs) || (u32)fs.f_type != 0xcafe4a11)
		SKIP("no bpf file system");
	snprintf(dir, sizeof(dir), "/sys/fs/bpf/osmia-test-%d", getpid());
	snprintf(pin, sizeof(pin), "%s/counter", dir);
	snprintf(text, sizeof(text), source, "1");
	for (u32 i = 1; i <= 2; i++) {
		world_open(&w, text);
		CHECK_EQ(load_only(&w, &opts), 0);
		CHECK_EQ(load_find_map(w.l, "counter")->reused, i == 2);
		CHECK_EQ(run_prog(&w, "t_pin"), i);
		world_close(&w);
	}
	snprintf(text, sizeof(text), source, "2");
	world_open(&w, text);
	CHECK_EQ(load_only(&w, &opts), -EINVAL);
	CHECK(says(&w, "holds a map of another type"));
	world_close(&w);
	CHECK_EQ(unlink(pin), 0);
	CHECK_EQ(rmdir(dir), 0);
}

/* A map's name is any string of the object's: as a pin it stays in its directory. */
TEST(pins_stay_in_their_directory)
{
	struct load_opts opts = { .pin_dir = "/tmp/osmia-no-such-dir/deep" };
	struct world w;
	struct obj_map *m;

	NEED_KERNEL();
	world_open(&w, "struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1);"
		       " __type(key, int); __type(value, int);"
		       " __uint(pinning, LIBBPF_PIN_BY_NAME); } counter SEC(\".maps\");\n"
		       "SEC(\"socket\") int t_pin(void *c) { return 0; }\n");
	m = obj_find_map(w.obj, "counter");
	CHECK(m != NULL);
	free(m->name);
	m->name = strdup("../../counter");
	CHECK_EQ(load_only(&w, &opts), -EINVAL);
	CHECK(says(&w, "a name with '/'"));
	world_close(&w);
}

TEST(kconfig_externs)
{
	struct load_opts opts = {
		.kconfig = "CONFIG_OSMIA_NUMBER=0x1234\nCONFIG_OSMIA_TEXT=\"bee\"\n"
	};
	struct utsname u;
	u32 major, minor;
	struct world w;

	NEED_KERNEL();
	world_open(&w,
		   "extern int LINUX_KERNEL_VERSION __kconfig;\n"
		   "extern _Bool CONFIG_BPF_SYSCALL __kconfig;\n"
		   "extern int CONFIG_OSMIA_NUMBER __kconfig;\n"
		   "extern char CONFIG_OSMIA_TEXT[8] __kconfig;\n"
		   "extern int CONFIG_NOT_THERE __kconfig __weak;\n"
		   "SEC(\"socket\") int t_version(void *c) { return LINUX_KERNEL_VERSION >> 8; }\n"
		   "SEC(\"socket\") int t_kconfig(void *c) { return CONFIG_BPF_SYSCALL"
		   " && CONFIG_OSMIA_NUMBER == 0x1234 && CONFIG_OSMIA_TEXT[2] == 'e'"
		   " && !CONFIG_OSMIA_TEXT[3] && !CONFIG_NOT_THERE; }\n");
	if (load_only(&w, &opts) == -ENOENT) {
		world_close(&w);
		SKIP("this kernel's configuration can't be read");
	}
	uname(&u);
	CHECK_EQ(sscanf(u.release, "%u.%u", &major, &minor), 2);
	CHECK_EQ(run_prog(&w, "t_kconfig"), 1);
	CHECK_EQ(run_prog(&w, "t_version"), major << 8 | minor);
	world_close(&w);
}

TEST(a_missing_kconfig_extern_is_named)
{
	struct world w;

	NEED_KERNEL();
	world_open(&w, "extern int CONFIG_NO_SUCH_THING __kconfig;\n"
		       "SEC(\"socket\") int t_none(void *c) { return CONFIG_NO_SUCH_THING; }\n");

	int err = load_only(&w, NULL);

	if (err == -ENOENT) {
		world_close(&w);
		SKIP("this kernel's configuration can't be read");
	}
	CHECK_EQ(err, -ESRCH);
	CHECK(says(&w, "extern 'CONFIG_NO_SUCH_THING'"));
	world_close(&w);
}

TEST(ksym_externs)
{
	struct world w;

	NEED_KERNEL();
	world_open(
		&w,
		"extern const void schedule __ksym;\n"
		"extern const void no_such_symbol __ksym __weak;\n"
		"extern int no_such_kfunc(void) __ksym __weak;\n"
		"SEC(\"socket\") int t_ksym(void *c) { if (no_such_kfunc) no_such_kfunc();"
		" unsigned long there = (long)&schedule, not_there = (long)&no_such_symbol;"
		" asm volatile(\"\" : \"+r\"(there), \"+r\"(not_there)); return !not_there; }\n");
	CHECK_EQ(load_only(&w, NULL), 0);
	CHECK_EQ(run_prog(&w, "t_ksym"), 1);
	world_close(&w);
	world_open(&w, "extern const void no_such_symbol __ksym;\n"
		       "SEC(\"socket\") int t_ksym(void *c) { long v = (long)&no_such_symbol;"
		       " asm volatile(\"\" : \"+r\"(v)); return v; }\n");
	CHECK_EQ(load_only(&w, NULL), -ESRCH);
	CHECK(says(&w, "extern 'no_such_symbol'"));
	world_close(&w);
}

TEST(reachable_co_re_poison_is_named)
{
	static const char source[] =
		"struct task_struct { int pid; int no_such_member; } "
		"__attribute__((preserve_access_index));\n"
		"SEC(\"raw_tp/sys_enter\") int t_poison(void *c) {\n"
		"  struct task_struct *t = (void *)bpf_get_current_task(); int v = 0;\n"
		"  %s bpf_probe_read_kernel(&v, sizeof(v), &t->no_such_member);\n"
		"  return v; }\n";
	char text[1024];
	struct world w;

	NEED_KERNEL();
	snprintf(text, sizeof(text), source, "");
	world_open(&w, text);
	CHECK(load_only(&w, NULL) < 0);
	CHECK(says(&w, "CO-RE relocation failed: byte_off struct task_struct.no_such_member"));
	world_close(&w);
	snprintf(text, sizeof(text), source,
		 "if (__builtin_preserve_field_info(t->no_such_member, 2))");
	world_open(&w, text);
	CHECK_EQ(load_only(&w, NULL), 0);
	world_close(&w);
}

TEST(a_refusal_has_the_reason_and_the_line)
{
	struct world w;

	NEED_KERNEL();
	world_open(&w, "struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 1);"
		       " __type(key, int); __type(value, long); } m SEC(\".maps\");\n"
		       "SEC(\"socket\") int t_refused(void *c) { int z = 0;\n"
		       "  long *v = bpf_map_lookup_elem(&m, &z);\n"
		       "  return *v; }\n");
	CHECK_EQ(load_only(&w, NULL), -EACCES);
	CHECK(says(
		&w,
		"program 't_refused' (socket_filter) was not loaded: the verifier refused it: R0 "
		"invalid mem access 'map_value_or_null'"));
	CHECK_EQ(w.dg.msgs[0].at.line, 7); /* three lines of PROGRAM_HEAD before */
	world_close(&w);
}

TEST(an_unknown_section_is_answered_with_the_nearest)
{
	struct load_opts typed = { .prog_type = BPF_PROG_TYPE_XDP };
	struct world w;

	NEED_KERNEL();
	world_open(&w, "SEC(\"xdp_pass\") int t_section(void *c) { return 2; }\n");
	CHECK_EQ(load_only(&w, NULL), -EINVAL);
	CHECK(says(&w, "section 'xdp_pass' says no program type; 'xdp' is the nearest"));
	CHECK_EQ(load_only(&w, &typed), 0);
	CHECK_EQ(load_prog(w.l, 0)->type, BPF_PROG_TYPE_XDP);
	CHECK_EQ(run_prog(&w, "t_section"), 2);
	world_close(&w);
}

TEST(one_program_alone)
{
	struct world w;

	NEED_KERNEL();
	world_open(&w, "SEC(\"?socket\") int t_one(void *c) { return 1; }\n"
		       "SEC(\"socket\") int t_other(void *c) { return 2; }\n");
	CHECK_EQ(load_only(&w, &(struct load_opts){ .only = "t_one" }), 0);
	CHECK(load_find_prog(w.l, "t_one")->fd >= 0);
	CHECK_EQ(load_find_prog(w.l, "t_other")->fd, -1);
	load_close(w.l);
	w.l = NULL;
	CHECK_EQ(load_only(&w, NULL), 0);
	CHECK_EQ(load_find_prog(w.l, "t_one")->fd, -1);
	load_close(w.l);
	w.l = NULL;
	CHECK_EQ(load_only(&w, &(struct load_opts){ .only = "t_none" }), -EINVAL);
	CHECK(says(&w, "there is no program 't_none'"));
	world_close(&w);
}

/* 33 and 1024 are BPF_MAP_TYPE_ARENA and BPF_F_MMAPABLE, which Debian's headers may lack. */
TEST(arenas_are_mapped_before_programs_load)
{
	struct world w;

	NEED_KERNEL();
	world_open(&w,
		   "struct { __uint(type, 33); __uint(map_flags, 1024); __uint(max_entries, 4); }"
		   " arena SEC(\".maps\");\n"
		   "SEC(\"syscall\") int t_arena(void *c) { void *p = &arena;"
		   " asm volatile(\"\" : \"+r\"(p)); return 0; }\n");
	if (load_only(&w, NULL) == -EINVAL) {
		world_close(&w);
		SKIP("this kernel has no arenas");
	}
	CHECK(load_find_prog(w.l, "t_arena")->fd >= 0);
	world_close(&w);
}

TEST(struct_ops_become_a_congestion_control)
{
	struct world w;
	char names[512] = "";
	int fd;

	NEED_KERNEL();
	world_open(&w,
		   "typedef unsigned u32; struct sock; struct rate_sample; struct ack_sample;\n"
		   "struct tcp_congestion_ops { u32 (*ssthresh)(struct sock *);"
		   " void (*cong_avoid)(struct sock *, u32, u32); u32 (*undo_cwnd)(struct sock *);"
		   " char name[16]; int no_such_member; };\n"
		   "SEC(\"struct_ops/ssthresh\") unsigned t_ssthresh(__u64 *c) { return 2; }\n"
		   "SEC(\"struct_ops/cong\") void t_cong(__u64 *c) { }\n"
		   "SEC(\"struct_ops/undo\") unsigned t_undo(__u64 *c) { return 2; }\n"
		   "SEC(\".struct_ops\") struct tcp_congestion_ops osmia_cc = {"
		   " .ssthresh = (void *)t_ssthresh, .cong_avoid = (void *)t_cong,"
		   " .undo_cwnd = (void *)t_undo, .name = \"osmia_cc\" };\n");

	int n = world_run(&w, NULL);

	if (n == -EPERM || n == -ESRCH) {
		world_close(&w);
		SKIP("this kernel has no struct_ops, or refuses them");
	}
	CHECK_EQ(n, 1);
	fd = open("/proc/sys/net/ipv4/tcp_available_congestion_control", O_RDONLY);
	CHECK(read(fd, names, sizeof(names) - 1) > 0);
	CHECK(strstr(names, "osmia_cc"));
	world_close(&w);
	CHECK(pread(fd, names, sizeof(names) - 1, 0) > 0);
	close(fd);
	fd = open("/proc/sys/net/ipv4/tcp_available_congestion_control", O_RDONLY);
	memset(names, 0, sizeof(names));
	CHECK(read(fd, names, sizeof(names) - 1) > 0);
	CHECK(!strstr(names, "osmia_cc"));
	close(fd);
}

TEST(errors_leave_no_fd_behind)
{
	struct world w;

	NEED_KERNEL();
	for (u32 i = 0; i < 3; i++) {
		static int first;
		int fd = open("/dev/null", O_RDONLY);

		if (!i)
			first = fd;
		CHECK_EQ(fd, first);
		close(fd);
		world_open(&w, "int data = 1; SEC(\"socket\") int t_bad(void *c) { return "
			       "*(volatile int *)0; }\n"
			       "SEC(\"kprobe/no_such_function_here\") int t_none(void *c) { return "
			       "data; }\n");
		CHECK(world_run(&w, NULL) < 0);
		world_close(&w);
	}
}
