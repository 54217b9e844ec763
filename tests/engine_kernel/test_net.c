/* SPDX-License-Identifier: BSD-2-Clause */
/* XDP and tc on a veth pair in a network namespace of this test's own: by links and by netlink. */
#include "test.h"
#include "world.h"
#include "engine/kernel/priv.h"
#include <net/if.h>
#include <sys/socket.h>

static const char source[] = "__u64 hits;\n"
			     "SEC(\"xdp\") int t_xdp(struct xdp_md *c) { "
			     "__sync_fetch_and_add(&hits, 1); return XDP_PASS; }\n"
			     "SEC(\"tcx/ingress\") int t_tcx(struct __sk_buff *c) {\n"
			     "  __sync_fetch_and_add(&hits, 1000); return -1; }\n";

/* a0 and b0, up; frames sent on b0 arrive at a0. */
static bool veth_make(void)
{
	static bool made;

	if (!made)
		made = !unshare(CLONE_NEWNET) &&
		       !system("ip link add a0 type veth peer name b0 && ip link set a0 up && "
			       "ip link set b0 up && ip addr add 10.99.0.1/24 dev b0 && "
			       "ip neigh add 10.99.0.2 lladdr 02:00:00:00:00:01 dev b0");
	return made;
}

static void send_frames(u32 n)
{
	for (u32 i = 0; i < n; i++)
		CHECK_EQ(system("bash -c 'echo x >/dev/udp/10.99.0.2/9'"), 0);
}

static bool shows(const char *command, const char *text)
{
	char out[8192] = "";
	FILE *f = popen(command, "r");

	out[fread(out, 1, sizeof(out) - 1, f)] = 0;
	pclose(f);
	return strstr(out, text);
}

static void open_net(struct world *w, const char *only)
{
	struct load_opts opts = { .only = only, .ifname = "a0" };

	world_open(w, source);
	CHECK_EQ(load_open(w->obj, w->e, &opts, &w->dg, &w->l), 0);
	CHECK_EQ(load_run(w->l, &w->dg), 0);
}

static void run_mode(u32 mode, const char *shown)
{
	struct world w;

	open_net(&w, "t_xdp");
	load_prog(w.l, 0)->spec.xdp_mode = mode;
	CHECK_EQ(load_attach(w.l, &w.dg), 1);
	CHECK(shows("ip link show a0", shown));
	send_frames(3);
	CHECK(world_var(&w, "hits") >= 3);
	world_close(&w);
	CHECK(!shows("ip link show a0", "xdp"));
}

TEST(xdp_native_and_generic)
{
	NEED_KERNEL();
	if (!veth_make())
		SKIP("no network namespace of one's own");
	run_mode(XDP_MODE_GENERIC, "xdpgeneric");
	run_mode(XDP_MODE_NATIVE, "xdp");
}

TEST(a_second_xdp_program_is_refused)
{
	struct world one, two;

	NEED_KERNEL();
	if (!veth_make())
		SKIP("no network namespace of one's own");
	open_net(&one, "t_xdp");
	open_net(&two, "t_xdp");
	CHECK_EQ(load_attach(one.l, &one.dg), 1);
	CHECK_EQ(load_attach(two.l, &two.dg), -EBUSY);
	CHECK_EQ(two.dg.n_errors, 1);
	CHECK(strstr(two.dg.msgs[0].text, "has an XDP program already"));
	world_close(&two);
	world_close(&one);
}

TEST(tcx_ingress)
{
	struct world w;

	NEED_KERNEL();
	if (!veth_make())
		SKIP("no network namespace of one's own");
	open_net(&w, "t_tcx");
	CHECK_EQ(load_attach(w.l, &w.dg), 1);
	send_frames(2);
	CHECK(world_var(&w, "hits") >= 2000);
	world_close(&w);
}

/* What kernels without links need; the guard removes it when the fd is closed. */
TEST(xdp_by_netlink_ends_with_its_fd)
{
	struct attach_spec spec = { .ifname = "a0", .xdp_mode = XDP_MODE_GENERIC };
	struct world w;

	NEED_KERNEL();
	if (!veth_make())
		SKIP("no network namespace of one's own");
	open_net(&w, "t_xdp");

	struct kernel *k = kernel_of(w.e);
	u32 a0 = if_nametoindex("a0");
	int fd = attach_xdp_netlink(k, load_find_prog(w.l, "t_xdp")->fd, a0, &spec, &w.dg);

	CHECK(fd >= 0);
	CHECK(shows("ip link show a0", "xdpgeneric"));
	CHECK_EQ(attach_xdp_netlink(k, load_find_prog(w.l, "t_xdp")->fd, a0, &spec, &w.dg), -EBUSY);
	CHECK(shows("ip link show a0", "xdpgeneric"));
	send_frames(2);
	CHECK(world_var(&w, "hits") >= 2);
	close(fd);
	for (u32 i = 0; i < 200 && shows("ip link show a0", "xdpgeneric"); i++)
		usleep(10000);
	CHECK(!shows("ip link show a0", "xdpgeneric"));
	world_close(&w);
}

TEST(tc_by_netlink_ends_with_its_fd)
{
	struct attach_spec spec = { .ifname = "a0", .attach_type = BPF_TCX_INGRESS };
	struct world w;

	NEED_KERNEL();
	if (!veth_make())
		SKIP("no network namespace of one's own");
	open_net(&w, "t_tcx");

	struct kernel *k = kernel_of(w.e);
	int prog = load_find_prog(w.l, "t_tcx")->fd;
	u32 a0 = if_nametoindex("a0");
	int one = attach_tc_netlink(k, prog, a0, &spec, &w.dg);
	int two = attach_tc_netlink(k, prog, a0, &spec, &w.dg);

	CHECK(one >= 0 && two >= 0);
	CHECK(shows("tc qdisc show dev a0", "clsact"));
	send_frames(1);
	CHECK(world_var(&w, "hits") >= 2000);
	close(two);
	close(one);
	for (u32 i = 0; i < 200 && shows("tc qdisc show dev a0", "clsact"); i++)
		usleep(10000);
	CHECK(!shows("tc qdisc show dev a0", "clsact"));
	world_close(&w);
}
