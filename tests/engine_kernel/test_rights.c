/* SPDX-License-Identifier: BSD-2-Clause */
/* Less than root: a BPF token in a user namespace, and CAP_BPF with CAP_PERFMON alone. */
#include "test.h"
#include "world.h"
#include <linux/capability.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

enum { FSCONFIG_SET_STRING_ = 1, FSCONFIG_CREATE_ = 6 };

static void send_fd(int to, int fd)
{
	char space[CMSG_SPACE(sizeof(int))] = {0}, byte = 0;
	struct iovec io = { &byte, 1 };
	struct msghdr msg = {
		.msg_iov = &io,
		.msg_iovlen = 1,
		.msg_control = space,
		.msg_controllen = sizeof(space),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	if (sendmsg(to, &msg, 0) != 1)
		_exit(10);
}

static int receive_fd(int from)
{
	char space[CMSG_SPACE(sizeof(int))], byte;
	struct iovec io = { &byte, 1 };
	struct msghdr msg = {
		.msg_iov = &io,
		.msg_iovlen = 1,
		.msg_control = space,
		.msg_controllen = sizeof(space),
	};
	int fd = -1;

	if (recvmsg(from, &msg, 0) == 1 && CMSG_FIRSTHDR(&msg))
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(fd));
	return fd;
}

enum { CHILD_OK = 0, CHILD_NO_NAMESPACE = 40, CHILD_NO_DELEGATION, CHILD_FAILED };

/* In a user namespace: asks root to delegate its bpffs, mounts it, loads a program through it. */
static int child(int root, struct world *w, const char *dir)
{
	char ok;

	if (unshare(CLONE_NEWUSER | CLONE_NEWNS))
		return CHILD_NO_NAMESPACE;
	if (!engine_kernel_usable())
		return CHILD_FAILED; /* it must need the token */

	int fs = (int)syscall(SYS_fsopen, "bpf", 0);

	if (fs < 0)
		return CHILD_NO_DELEGATION;
	send_fd(root, fs);
	if (read(root, &ok, 1) != 1 || !ok)
		return CHILD_NO_DELEGATION;

	int mnt = (int)syscall(SYS_fsmount, fs, 0, 0);

	if (mnt < 0 || syscall(SYS_move_mount, mnt, "", AT_FDCWD, dir, 4 /* F_EMPTY_PATH */))
		return CHILD_NO_DELEGATION;
	setenv("LIBBPF_BPF_TOKEN_PATH", dir, 1);
	if (load_open(w->obj, w->e, NULL, &w->dg, &w->l) || load_run(w->l, &w->dg)) {
		world_print(w);
		return CHILD_FAILED;
	}
	return CHILD_OK;
}

static bool delegate(int fs)
{
	static const char *const keys[] = {
		"delegate_cmds", "delegate_maps", "delegate_progs", "delegate_attachs",
	};

	for (u32 i = 0; i < ARRAY_SIZE(keys); i++)
		if (syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING_, keys[i], "any", 0))
			return false;
	return !syscall(SYS_fsconfig, fs, FSCONFIG_CREATE_, NULL, NULL, 0);
}

TEST(a_token_gives_the_right_to_load)
{
	char dir[] = "/tmp/osmia-test-XXXXXX";
	struct world w;
	int pair[2], status;

	NEED_KERNEL();
	world_open(&w, "int data = 5;\n"
		       "SEC(\"socket\") int t_token(void *c) { return data; }\n");
	CHECK(mkdtemp(dir));
	CHECK_EQ(chmod(dir, 0755), 0);
	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);

	pid_t pid = fork();

	if (pid == 0) {
		close(pair[0]);
		_exit(child(pair[1], &w, dir));
	}
	close(pair[1]);

	int fs = receive_fd(pair[0]);
	char ok = fs >= 0 && delegate(fs);

	if (fs >= 0) {
		CHECK_EQ(write(pair[0], &ok, 1), 1);
		close(fs);
	}
	waitpid(pid, &status, 0);
	close(pair[0]);
	rmdir(dir);
	world_close(&w);
	CHECK(WIFEXITED(status));
	if (WEXITSTATUS(status) == CHILD_NO_NAMESPACE || WEXITSTATUS(status) == CHILD_NO_DELEGATION)
		SKIP("this kernel has no user namespaces, or its bpf file system can't be "
		     "delegated");
	CHECK_EQ(WEXITSTATUS(status), CHILD_OK);
}

#ifndef CAP_PERFMON
enum { CAP_PERFMON = 38, CAP_BPF = 39 };
#endif

/* Becomes nobody with those two rights. */
static bool drop_to_caps(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = {0};

	data[1].permitted = data[1].effective = 1u << (CAP_PERFMON - 32) | 1u << (CAP_BPF - 32);
	return !prctl(PR_SET_KEEPCAPS, 1) && !setgid(65534) && !setuid(65534) &&
	       !syscall(SYS_capset, &head, data) && !prctl(PR_SET_DUMPABLE, 1);
}

TEST(cap_bpf_and_cap_perfmon_are_enough_to_trace)
{
	struct world w;
	int status;

	NEED_KERNEL();
	world_open(&w,
		   "__u64 hits; const volatile __u32 pid;\n"
		   "SEC(\"raw_tp/sys_enter\") int t_caps(struct bpf_raw_tracepoint_args *c) {\n"
		   "  if (bpf_get_current_pid_tgid() >> 32 == pid && c->args[1] == 110) hits++;\n"
		   "  return 0; }\n");

	pid_t child_pid = fork();

	if (child_pid == 0) {
		char text[16];

		if (!drop_to_caps())
			_exit(CHILD_NO_NAMESPACE);
		snprintf(text, sizeof(text), "%d", getpid());
		if (obj_set_var(w.obj, "pid", text, &w.dg) || world_run(&w, NULL) != 1)
			_exit(CHILD_FAILED);
		syscall(SYS_getppid);
		_exit(world_var(&w, "hits") == 1 ? CHILD_OK : CHILD_FAILED);
	}
	waitpid(child_pid, &status, 0);
	world_close(&w);
	CHECK(WIFEXITED(status));
	if (WEXITSTATUS(status) == CHILD_NO_NAMESPACE)
		SKIP("rights can't be given up here");
	CHECK_EQ(WEXITSTATUS(status), CHILD_OK);
}
