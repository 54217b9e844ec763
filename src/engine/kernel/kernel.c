/* SPDX-License-Identifier: BSD-2-Clause */
/* engine/kernel/kernel.c - bpf(2) as it is: memlock limit, token, kernel BTF, the table of calls.
 *
 * Nothing is probed.  A call that fails with EPERM is tried again after what could help has been
 * tried once: a higher RLIMIT_MEMLOCK (kernels before 5.11 account maps there), then a BPF token.
 */
#include "btf/btf.h"
#include "engine/kernel/priv.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

int sys_bpf(enum bpf_cmd cmd, union bpf_attr *attr, u32 size)
{
	/* The verifier gives way to signals with EAGAIN. */
	for (u32 tries = 0;; tries++) {
		long ret = syscall(SYS_bpf, cmd, attr, size);

		if (ret >= 0)
			return (int)ret;
		if (errno != EAGAIN || cmd != BPF_PROG_LOAD || tries == 5)
			return -errno;
	}
}

int link_create(union bpf_attr *attr)
{
	return sys_bpf(BPF_LINK_CREATE, attr, sizeof(*attr));
}

/* Kernels before 5.11 charge maps to RLIMIT_MEMLOCK.  True when it was raised just now. */
static bool memlock_raise(struct kernel *k)
{
	struct rlimit infinite = { RLIM_INFINITY, RLIM_INFINITY };
	struct utsname u;
	u32 major, minor;

	if (k->memlock_raised || uname(&u) || sscanf(u.release, "%u.%u", &major, &minor) != 2 ||
	    major > 5 || (major == 5 && minor >= 11))
		return false;
	k->memlock_raised = true;
	return setrlimit(RLIMIT_MEMLOCK, &infinite) == 0;
}

/* Creates a token from a bpffs that delegates.  True when there is one now. */
static bool token_make(struct kernel *k)
{
	enum { BPFFS_MAGIC = 0xcafe4a11 };
	const char *path = getenv("LIBBPF_BPF_TOKEN_PATH");
	struct statfs fs;

	if (k->token_tried)
		return false;
	k->token_tried = true;
	if (path && !*path)
		return false;

	int dir = open(path ? path : "/sys/fs/bpf", O_DIRECTORY | O_CLOEXEC);

	if (dir < 0)
		return false;
	if (fstatfs(dir, &fs) == 0 && (u32)fs.f_type == BPFFS_MAGIC) {
		union bpf_attr attr = { .token_create.bpffs_fd = (u32)dir };

		k->token_fd = sys_bpf(BPF_TOKEN_CREATE, &attr, BPF_ATTR_UPTO(token_create));
		if (k->token_fd < 0)
			k->token_fd = -1;
	}
	close(dir);
	return k->token_fd >= 0;
}

/* Adds the token to a command that takes one; its size then. */
static u32 token_add(struct kernel *k, enum bpf_cmd cmd, union bpf_attr *attr, u32 size)
{
	switch (cmd) {
	case BPF_MAP_CREATE:
		attr->map_token_fd = k->token_fd;
		attr->map_flags |= BPF_F_TOKEN_FD;
		return MAX(size, (u32)BPF_ATTR_UPTO(map_token_fd));
	case BPF_PROG_LOAD:
		attr->prog_token_fd = k->token_fd;
		attr->prog_flags |= BPF_F_TOKEN_FD;
		return MAX(size, (u32)BPF_ATTR_UPTO(prog_token_fd));
	case BPF_BTF_LOAD:
		attr->btf_token_fd = k->token_fd;
		attr->btf_flags |= BPF_F_TOKEN_FD;
		return MAX(size, (u32)BPF_ATTR_UPTO(btf_token_fd));
	default:
		return size;
	}
}

static bool makes_object(enum bpf_cmd cmd)
{
	return cmd == BPF_MAP_CREATE || cmd == BPF_PROG_LOAD || cmd == BPF_BTF_LOAD;
}

static int kernel_bpf(struct engine *e, enum bpf_cmd cmd, union bpf_attr *attr, u32 size)
{
	struct kernel *k = kernel_of(e);

	if (!makes_object(cmd))
		return sys_bpf(cmd, attr, size);

	union bpf_attr copy = {0};

	if (size > sizeof(copy))
		return -E2BIG;
	memcpy(&copy, attr, size);
	if (k->token_fd >= 0)
		size = token_add(k, cmd, &copy, size);

	int ret = sys_bpf(cmd, &copy, size);

	if (ret == -EPERM && memlock_raise(k))
		ret = sys_bpf(cmd, &copy, size);
	if (ret == -EPERM && k->token_fd < 0 && token_make(k)) {
		size = token_add(k, cmd, &copy, size);
		ret = sys_bpf(cmd, &copy, size);
	}
	/* What the kernel writes back. */
	if (cmd == BPF_PROG_LOAD)
		attr->log_true_size = copy.log_true_size;
	else if (cmd == BPF_BTF_LOAD)
		attr->btf_log_true_size = copy.btf_log_true_size;
	return ret;
}

static const struct btf *vmlinux_btf(struct kernel *k, struct diag *dg)
{
	if (!k->vmlinux && !k->vmlinux_err)
		k->vmlinux_err = btf_load_kernel(dg, &k->vmlinux);
	else if (k->vmlinux_err)
		diag_error(dg, (struct place){ 0 }, k->vmlinux_err,
			   "this kernel's BTF can't be read: %s", strerror(-k->vmlinux_err));
	return k->vmlinux;
}

static const struct btf *kernel_target_btf(struct engine *e, const char *module, struct diag *dg)
{
	struct kernel *k = kernel_of(e);
	const struct btf *vmlinux = vmlinux_btf(k, dg);

	if (!module || !vmlinux)
		return vmlinux;
	for (u32 i = 0; i < k->modules.n; i++)
		if (!strcmp(k->modules.p[i].name, module))
			return k->modules.p[i].btf;

	struct module_btf *m = vec_add(&k->modules);

	if (!m)
		return NULL;
	m->name = strdup(module);
	if (!m->name) {
		k->modules.n--;
		return NULL;
	}
	btf_load_module(module, vmlinux, dg, &m->btf);
	return m->btf;
}

/* A ring buffer's own fd can be waited for. */
static int kernel_map_poll_fd(struct engine *e, int map_fd)
{
	(void)e;
	return map_fd;
}

static int prog_info(int fd, struct bpf_prog_info *info)
{
	union bpf_attr attr = {
		.info = { .bpf_fd = (u32)fd, .info_len = sizeof(*info), .info = (u64)info },
	};

	memset(info, 0, sizeof(*info));
	return sys_bpf(BPF_OBJ_GET_INFO_BY_FD, &attr, BPF_ATTR_UPTO(info));
}

void account_add(struct kernel *k, int prog_fd)
{
	struct bpf_prog_info info, other;
	int fd;

	if (prog_info(prog_fd, &info))
		return;
	for (u32 i = 0; i < k->attached.n; i++)
		if (!prog_info(k->attached.p[i], &other) && other.id == info.id)
			return;
	fd = fcntl(prog_fd, F_DUPFD_CLOEXEC, 3);
	if (fd >= 0 && !vec_push(&k->attached, fd))
		close(fd);
}

/* Maps and rings count their own losses; what the kernel counts per program are runs it left out
 * because the program was already running on that CPU. */
static void kernel_account(struct engine *e, void (*line)(void *arg, const char *text), void *arg)
{
	struct kernel *k = kernel_of(e);

	for (u32 i = 0; i < k->attached.n; i++) {
		struct bpf_prog_info info;
		char text[128];

		if (prog_info(k->attached.p[i], &info) || !info.recursion_misses)
			continue;
		snprintf(text, sizeof(text),
			 "program %s: %lu runs left out: it was running on that CPU", info.name,
			 info.recursion_misses);
		line(arg, text);
	}
}

static void kernel_free(struct engine *e)
{
	if (!e)
		return;

	struct kernel *k = kernel_of(e);

	kernel_target_end(k);
	if (k->printk_fd >= 0)
		close(k->printk_fd);
	guard_end(k);
	if (k->tracefs_fd >= 0)
		close(k->tracefs_fd);
	if (k->token_fd >= 0)
		close(k->token_fd);
	for (u32 i = 0; i < k->modules.n; i++) {
		free(k->modules.p[i].name);
		btf_free(k->modules.p[i].btf);
	}
	vec_free(&k->modules);
	for (u32 i = 0; i < k->attached.n; i++)
		close(k->attached.p[i]);
	vec_free(&k->attached);
	btf_free(k->vmlinux);
	free(k);
}

static const struct engine_ops kernel_ops = {
	.name = "kernel",
	.bpf = kernel_bpf,
	.attach = kernel_attach,
	.has_multi = kernel_has_multi,
	.map_poll_fd = kernel_map_poll_fd,
	.perf_ring_open = kernel_perf_ring_open,
	.printk_fd = kernel_printk_fd,
	.target_btf = kernel_target_btf,
	.target_start = kernel_target_start,
	.target_go = kernel_target_go,
	.target_fd = kernel_target_fd,
	.target_status = kernel_target_status,
	.target_tree = kernel_target_tree,
	.account = kernel_account,
	.free = kernel_free,
};

int engine_kernel_open(struct diag *dg, struct engine **out)
{
	union bpf_attr attr = {0};

	if (sys_bpf(BPF_MAP_CREATE, &attr, sizeof(attr)) == -ENOSYS)
		return diag_error(dg, (struct place){0}, -ENOSYS, "this kernel has no bpf(2)");

	struct kernel *k = calloc(1, sizeof(*k));

	if (!k)
		return -ENOMEM;
	k->base.ops = &kernel_ops;
	k->token_fd = k->tracefs_fd = k->printk_fd = k->guard.fd = -1;
	k->target_go_fd = k->target_exec_fd = k->target_pidfd = -1;
	k->cgroup_fd = k->target_status = -1;
	*out = &k->base;
	return 0;
}

int engine_kernel_usable(void)
{
	union bpf_attr attr = {
		.map_type = BPF_MAP_TYPE_HASH,
		.key_size = 4,
		.value_size = 4,
		.max_entries = 1,
	};
	int fd = sys_bpf(BPF_MAP_CREATE, &attr, BPF_ATTR_UPTO(btf_value_type_id));

	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}
