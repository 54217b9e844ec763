/* SPDX-License-Identifier: BSD-2-Clause */
/* engine/kernel/perf.c - attachments through perf_event_open(2): tracepoints, kprobes, uprobes,
 * sampling.
 *
 * A BPF link on the event is tried first (Linux 5.15): it carries the cookie and holds the event,
 * so the event's own fd is closed.  Older kernels get the program by ioctl, and the event's fd is
 * what holds the attachment.
 */
#include "engine/kernel/priv.h"
#include "elf/binary.h"
#include "elf/symbols.h"
#include "base/str.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
const char syscall_prefix[] = "__x64_sys_";
#elif defined(__aarch64__)
const char syscall_prefix[] = "__arm64_sys_";
#endif

static int perf_open(struct perf_event_attr *attr, s32 pid, s32 cpu)
{
	attr->size = sizeof(*attr);

	int fd = (int)syscall(SYS_perf_event_open, attr, pid, cpu, -1, PERF_FLAG_FD_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* Puts the program on the event; takes the event's fd over. */
static int perf_attach(int event_fd, int prog_fd, u64 cookie)
{
	union bpf_attr attr = {
		.link_create = {
			.prog_fd = (u32)prog_fd,
			.target_fd = (u32)event_fd,
			.attach_type = BPF_PERF_EVENT,
			.perf_event.bpf_cookie = cookie,
		},
	};
	int link = sys_bpf(BPF_LINK_CREATE, &attr, BPF_ATTR_UPTO(link_create.perf_event));

	/* EINVAL: attach type or command not known before 5.15. */
	if (link == -EINVAL && !cookie && !ioctl(event_fd, PERF_EVENT_IOC_SET_BPF, prog_fd))
		link = event_fd;
	if (link >= 0 && ioctl(event_fd, PERF_EVENT_IOC_ENABLE, 0)) {
		int err = -errno;

		if (link != event_fd)
			close(link);
		link = err;
	}
	if (link != event_fd)
		close(event_fd);
	return link;
}

/* pid and cpu as perf_event_open(2) wants them: "every process" needs a CPU to begin with. */
static int perf_probe_open(struct perf_event_attr *attr, s32 pid)
{
	return perf_open(attr, pid, pid == -1 ? 0 : -1);
}

int attach_tracepoint(struct kernel *k, int prog_fd, const struct attach_spec *s, struct diag *dg)
{
	int tracefs = kernel_tracefs(k, s->at, dg);
	char path[512];
	u64 id;

	if (tracefs < 0)
		return tracefs;
	snprintf(path, sizeof(path), "events/%s/%s/id", s->category, s->name);

	int err = read_number(tracefs, path, &id);

	if (err == -ENOENT)
		return diag_error(dg, s->at, err, "this kernel has no tracepoint %s:%s",
				  s->category, s->name);
	if (err)
		return diag_error(dg, s->at, err, "tracepoint %s:%s: tracefs %s: %s", s->category,
				  s->name, path, strerror(-err));

	struct perf_event_attr attr = { .type = PERF_TYPE_TRACEPOINT, .config = id };
	int fd = perf_probe_open(&attr, -1);

	if (fd >= 0)
		fd = perf_attach(fd, prog_fd, s->cookie);
	if (fd == -EACCES)
		return diag_error(dg, s->at, fd,
				  "tracepoint %s:%s: permission denied; the program may "
				  "also read more of the context than the tracepoint has",
				  s->category, s->name);
	if (fd < 0)
		return diag_error(dg, s->at, fd, "tracepoint %s:%s: %s", s->category, s->name,
				  strerror(-fd));
	return fd;
}

enum { FUNC_NAME_MAX = 256 };

/* Type number and retprobe bit of the kprobe or uprobe PMU. */
static int pmu_read(const char *pmu, bool retprobe, struct perf_event_attr *attr)
{
	char path[128], text[32] = "";
	u64 type, bit;

	snprintf(path, sizeof(path), "/sys/bus/event_source/devices/%s/type", pmu);

	int err = read_number(AT_FDCWD, path, &type);

	if (err)
		return err;
	attr->type = (u32)type;
	if (!retprobe)
		return 0;
	snprintf(path, sizeof(path), "/sys/bus/event_source/devices/%s/format/retprobe", pmu);

	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;

	ssize_t n = read(fd, text, sizeof(text) - 1);

	close(fd);
	if (n <= 0 || sscanf(text, "config:%lu", &bit) != 1 || bit > 63)
		return -EINVAL;
	attr->config |= 1ull << bit;
	return 0;
}

/* The function's name comes from the object, and the file takes commands: it must be one word. */
static bool is_word(const char *name)
{
	for (; *name; name++)
		if (*name <= ' ' || *name > '~')
			return false;
	return true;
}

/* Kernels before 4.17: an event in tracefs, which the guard removes.  The name of its group has the
 * session's address, because a process may have several. */
int attach_kprobe_legacy(struct kernel *k, int prog_fd, const struct attach_spec *s,
			 const char *func, struct diag *dg)
{
	int tracefs = kernel_tracefs(k, s->at, dg);
	char name[96], line[512], path[160];
	u64 id;

	if (tracefs < 0)
		return tracefs;
	if (!is_word(func) || strlen(func) > FUNC_NAME_MAX)
		return -ENOENT;
	if (faccessat(tracefs, "kprobe_events", W_OK, 0))
		return diag_error(dg, s->at, -EOPNOTSUPP,
				  "this kernel has no kprobes (CONFIG_KPROBES is not set)");
	/* The engine's address tells the sessions of one process apart. */
	snprintf(name, sizeof(name), "osmia_%d_%lx/p%u", getpid(), (u64)k, k->guard.next_id);

	int duty = guard_add(k, GUARD_KPROBE_EVENT, 0, 0, name);

	if (duty < 0)
		return duty;

	int fd = openat(tracefs, "kprobe_events", O_WRONLY | O_APPEND | O_CLOEXEC);
	int n = snprintf(line, sizeof(line), "%c:%s %s+0x%lx\n", s->retprobe ? 'r' : 'p', name,
			 func, s->off);
	int err = fd < 0 || write(fd, line, (size_t)n) < 0 ? -errno : 0;

	if (fd >= 0)
		close(fd);
	snprintf(path, sizeof(path), "events/%s/id", name);
	if (!err)
		err = read_number(tracefs, path, &id);
	if (!err) {
		struct perf_event_attr attr = { .type = PERF_TYPE_TRACEPOINT, .config = id };

		fd = perf_probe_open(&attr, -1);
		if (fd >= 0)
			fd = perf_attach(fd, prog_fd, s->cookie);
		if (fd >= 0)
			return fd;
		err = fd;
	}
	guard_do(k, (u32)duty);
	return err;
}

/* One function by name.  -ENOENT when the kernel has none of that name. */
static int kprobe_open(struct kernel *k, int prog_fd, const struct attach_spec *s,
		       const char *func, struct diag *dg)
{
	struct perf_event_attr attr = { .config1 = (u64)func, .config2 = s->off };
	int err = pmu_read("kprobe", s->retprobe, &attr);

	if (err == -ENOENT && func)
		return attach_kprobe_legacy(k, prog_fd, s, func, dg);
	if (err)
		return err;

	int fd = perf_probe_open(&attr, -1);

	return fd < 0 ? fd : perf_attach(fd, prog_fd, s->cookie);
}

static int kprobe_failed(const struct attach_spec *s, int err, struct diag *dg)
{
	const char *why = strerror(-err);

	if (dg && dg->n_errors && dg->msgs[dg->n - 1].err == err && err == -EOPNOTSUPP)
		return err;
	if (err == -ENOENT)
		why = "this kernel has no such function, or it can't be probed";
	else if (err == -EADDRNOTAVAIL)
		why = "this kernel has several functions of that name";
	else if (err == -EILSEQ)
		why = "the offset is not at the start of an instruction";
	else if (err == -EACCES || err == -EPERM)
		why = "permission denied; kprobes need CAP_PERFMON and CAP_BPF";
	return diag_error(dg, s->at, err, "%s %s: %s", s->retprobe ? "kretprobe" : "kprobe",
			  s->name, why);
}

int attach_kprobe(struct kernel *k, int prog_fd, const struct attach_spec *s, struct diag *dg)
{
	char func[256];
	int fd = -ENOENT;

	if (!s->name) {
		fd = kprobe_open(k, prog_fd, s, NULL, dg);
		return fd < 0 ? diag_error(dg, s->at, fd, "kprobe at 0x%lx: %s", s->off, strerror(-fd)) : fd;
	}
	/* "sys_openat" is what the system call is called, not what its function is. */
	if (str_starts(s->name, "sys_")) {
		snprintf(func, sizeof(func), "%s%s", syscall_prefix, s->name + 4);
		fd = kprobe_open(k, prog_fd, s, func, dg);
	}
	if (fd == -ENOENT || fd == -EINVAL)
		fd = kprobe_open(k, prog_fd, s, s->name, dg);
	return fd < 0 ? kprobe_failed(s, fd, dg) : fd;
}

int attach_ksyscall(struct kernel *k, int prog_fd, const struct attach_spec *s, struct diag *dg)
{
	static const char *const forms[] = { syscall_prefix, "__se_sys_", "sys_" };
	char func[256];
	int fd = -ENOENT;

	for (u32 i = 0; i < ARRAY_SIZE(forms) && (fd == -ENOENT || fd == -EINVAL); i++) {
		snprintf(func, sizeof(func), "%s%s", forms[i], s->name);
		fd = kprobe_open(k, prog_fd, s, func, dg);
	}
	return fd < 0 ? kprobe_failed(s, fd, dg) : fd;
}

static int uprobe_open(int prog_fd, const struct attach_spec *s, const char *path, u64 off)
{
	struct perf_event_attr attr = { .config1 = (u64)path, .config2 = off };
	int err = pmu_read("uprobe", s->retprobe, &attr);

	if (err)
		return err;
	if (s->ref_ctr_off >> 32)
		return -EINVAL;
	attr.config |= s->ref_ctr_off << 32;

	int fd = perf_probe_open(&attr, s->pid);

	return fd < 0 ? fd : perf_attach(fd, prog_fd, s->cookie);
}

static int uprobe_check(const char *path, u64 off, const struct attach_spec *s, struct diag *dg)
{
	struct binary b;
	int err = binary_open(path, s->at, NULL, &b);
	bool ok = err || binary_probe_ok(&b, off); /* what is no ELF file is the kernel's to judge */

	if (!err)
		binary_close(&b);
	return ok ? 0 : diag_error(dg, s->at, -EOPNOTSUPP,
				   "uprobe %s+0x%lx%s%s: the kernel can't run the insn there out of line (AVX, lock)",
				   path, off, s->name ? ", function " : "", s->name ? s->name : "");
}

int attach_uprobe(struct kernel *k, int prog_fd, const struct attach_spec *s, struct diag *dg)
{
	char path[4096];
	u64 off = s->off;
	int err = binary_find(s->path, s->pid, path, sizeof(path), s->at, dg);

	(void)k;
	if (!err && s->name)
		err = symbol_offset(path, s->name, s->off, s->at, dg, &off);
	if (!err)
		err = uprobe_check(path, off, s, dg);
	if (err)
		return err;

	int fd = uprobe_open(prog_fd, s, path, off);

	if (fd == -ENOENT)
		return diag_error(dg, s->at, fd, "this kernel has no uprobes");
	if (fd == -ESRCH)
		return diag_error(dg, s->at, fd, "uprobe %s: there is no process %d", path, s->pid);
	if (fd < 0)
		return diag_error(dg, s->at, fd, "uprobe %s+0x%lx%s%s: %s", path, off,
				  s->name ? ", function " : "", s->name ? s->name : "",
				  strerror(-fd));
	return fd;
}

int attach_perf_event(struct kernel *k, int prog_fd, const struct attach_spec *s, struct diag *dg)
{
	struct perf_event_attr attr = {
		.type = s->perf_type,
		.config = s->perf_config,
		.freq = s->is_freq,
	};

	(void)k;
	if (s->is_freq)
		attr.sample_freq = s->period;
	else
		attr.sample_period = s->period;
	if (s->perf_type == PERF_TYPE_BREAKPOINT) {
		attr.bp_type = s->bp_type;
		attr.bp_addr = s->off;
		attr.bp_len = s->bp_len;
		attr.precise_ip = 2;
		attr.inherit = s->pid > 0; /* threads that the process starts */
	}

	int fd = perf_open(&attr, s->pid, s->cpu);

	if (fd >= 0)
		fd = perf_attach(fd, prog_fd, s->cookie);
	if (fd < 0 && s->perf_type == PERF_TYPE_BREAKPOINT)
		return diag_error(dg, s->at, fd, "watchpoint at 0x%lx: %s", s->off,
				  fd == -ENOSPC ? "all of the processor's debug registers are taken" :
				  fd == -EINVAL ? "the address must be a multiple of the length" : strerror(-fd));
	if (fd == -ENOENT)
		return diag_error(dg, s->at, fd,
				  "this machine has no such perf event (type %u, config "
				  "0x%lx)",
				  s->perf_type, s->perf_config);
	if (fd < 0)
		return diag_error(dg, s->at, fd, "perf event (type %u, config 0x%lx) on CPU %d: %s",
				  s->perf_type, s->perf_config, s->cpu, strerror(-fd));
	return fd;
}
