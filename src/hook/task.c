/* SPDX-License-Identifier: BSD-2-Clause */
/* hook/task.c - the threads of a traced tree: who they are, their registers and memory. */
#include "hook/guard.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static struct task **bucket_of(struct trace *t, s32 tid)
{
	return &t->buckets[(u32)tid % TASK_BUCKETS];
}

struct task *task_find(struct trace *t, s32 tid)
{
	for (struct task *k = *bucket_of(t, tid); k; k = k->next)
		if (k->pub.tid == tid)
			return k;
	return NULL;
}

struct task *task_add(struct trace *t, s32 tid)
{
	struct task *k = calloc(1, sizeof(*k));
	struct task **b = bucket_of(t, tid);

	if (!k)
		return NULL;
	k->pub.tid = tid;
	k->pub.tgid = tid;
	k->pub.trace = t;
	k->comm_fd = k->sched_fd = -1;
	k->next = *b;
	*b = k;
	t->n_tasks++;
	return k;
}

static void unlink_task(struct trace *t, struct task *k)
{
	struct task **at = bucket_of(t, k->pub.tid);

	while (*at != k)
		at = &(*at)->next;
	*at = k->next;
}

void task_remove(struct trace *t, struct task *k)
{
	if (k->pub.user && t->ops->task_free && !t->quiet)
		t->ops->task_free(t->arg, &k->pub);
	unlink_task(t, k);
	t->n_tasks--;
	if (k->held)
		t->n_held--;
	if (k->aimed)
		t->n_aimed--;
	if (k->comm_fd >= 0)
		close(k->comm_fd);
	if (k->sched_fd >= 0)
		close(k->sched_fd);
	mm_put(k->mm);
	free(k->exec_path);
	free(k);
}

/* A thread that calls execve takes its leader's id over. */
void task_rename(struct trace *t, struct task *k, s32 tid)
{
	unlink_task(t, k);
	k->pub.tid = tid;
	if (k->comm_fd >= 0)
		close(k->comm_fd);
	if (k->sched_fd >= 0)
		close(k->sched_fd);
	k->comm_fd = k->sched_fd = -1;

	struct task **b = bucket_of(t, tid);

	k->next = *b;
	*b = k;
}

/* ---- /proc ---- */

/* The start of a small file of /proc, NUL-terminated; its length, or a negative errno. */
static ssize_t proc_read(s32 tid, const char *name, char *buf, size_t size)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", tid, name);
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	ssize_t n = read(fd, buf, size - 1);

	close(fd);
	buf[n < 0 ? 0 : n] = '\0';
	return n < 0 ? -errno : n;
}

/* The number after "key:" at the start of a line of /proc/TID/status. */
static s32 status_field(const char *text, const char *key)
{
	const char *at = strstr(text, key);

	return at ? atoi(at + strlen(key)) : 0;
}

s32 task_read_tgid(s32 tid)
{
	char text[2048];

	return proc_read(tid, "status", text, sizeof(text)) > 0 ? status_field(text, "\nTgid:") : 0;
}

s32 task_read_ppid(s32 tid)
{
	char text[2048];

	return proc_read(tid, "status", text, sizeof(text)) > 0 ? status_field(text, "\nPPid:") : 0;
}

s32 task_read_filters(s32 tid)
{
	char text[4096];

	return proc_read(tid, "status", text, sizeof(text)) > 0 ?
		       status_field(text, "\nSeccomp_filters:") : 0;
}

/* A signal sent to a process is aimed at one of its threads first: kill(2)'s at the leader, SIGCHLD
 * at the thread that made the child.  When that thread is traced, a signal that does nothing is not
 * dropped (kernel sig_ignored()) but wakes any thread of the process; if another takes it first, a
 * call like epoll_wait fails with EINTR without a stop.  So these threads are seized after the
 * others, whose EINTR is hidden by then, and let go before them.
 */
bool task_is_aimed_at(s32 tgid, s32 tid)
{
	char name[32], text[16];

	snprintf(name, sizeof(name), "task/%d/children", tid);
	return tid == tgid || proc_read(tid, name, text, sizeof(text)) > 0;
}

/* The name can change at any time and from other threads, so it is read each time, from a file that
 * stays open. */
void task_read_comm(struct task *k, char comm[16])
{
	char path[64], text[32];

	snprintf(path, sizeof(path), "/proc/%d/comm", k->pub.tid);
	if (k->comm_fd < 0)
		k->comm_fd = open(path, O_RDONLY | O_CLOEXEC);

	ssize_t n = k->comm_fd >= 0 ? pread(k->comm_fd, text, sizeof(text), 0)
				    : proc_read(k->pub.tid, "comm", text, sizeof(text));

	if (n > 0) {
		n = MIN(n - 1, 15); /* without the newline */
		memset(k->comm, 0, sizeof(k->comm));
		memcpy(k->comm, text, (size_t)n);
	}
	memcpy(comm, k->comm, sizeof(k->comm));
}

void trace_who(struct trace_task *pub, struct trace_who *out)
{
	char text[2048];
	ssize_t n = proc_read(pub->tid, "status", text, sizeof(text));

	memset(out, 0, sizeof(*out));
	task_read_comm(task_of(pub), out->comm);
	if (n > 0) {
		out->uid = (u32)status_field(text, "\nUid:");
		out->gid = (u32)status_field(text, "\nGid:");
		out->ppid = status_field(text, "\nPPid:");
	}
	n = proc_read(pub->tid, "stat", text, sizeof(text));

	/* The name stands in parentheses and may hold any byte: count fields after the last one. */
	char *at = n > 0 ? strrchr(text, ')') : NULL;
	u64 ticks = 0;

	for (u32 field = 2; at && field < 22; field++)
		at = strchr(at + 1, ' ');
	if (at)
		ticks = strtoull(at + 1, NULL, 10);
	out->start_time_ns = ticks * (1000000000ull / (u64)sysconf(_SC_CLK_TCK));
}

/* ---- registers ---- */

bool task_regs(struct task *k)
{
	if (k->regs_valid)
		return true;
	if (ptrace(PTRACE_GETREGS, k->pub.tid, NULL, &k->regs))
		return false;
	k->regs_valid = true;
	k->regs_dirty = false;
	return true;
}

void task_flush_regs(struct task *k)
{
	if (k->regs_valid && k->regs_dirty)
		ptrace(PTRACE_SETREGS, k->pub.tid, NULL, &k->regs);
	k->regs_dirty = false;
}

/* ---- memory ---- */

int trace_read(struct trace_task *pub, u64 addr, void *dst, size_t size)
{
	struct iovec to = { dst, size }, from = { (void *)addr, size };

	if (size == 0)
		return 0;
	if (process_vm_readv(pub->tid, &to, 1, &from, 1, 0) == (ssize_t)size)
		return 0;
	if (errno != ENOSYS && errno != EPERM)
		return -EFAULT;

	struct task *k = task_of(pub);
	int fd = k->mm ? mm_fd(k->mm, pub->tid) : -1;

	return fd >= 0 && pread(fd, dst, size, (off_t)addr) == (ssize_t)size ? 0 : -EFAULT;
}

int trace_write(struct trace_task *pub, u64 addr, const void *src, size_t size)
{
	struct iovec from = { (void *)src, size }, to = { (void *)addr, size };

	if (size == 0)
		return 0;
	return process_vm_writev(pub->tid, &from, 1, &to, 1, 0) == (ssize_t)size ? 0 : -EFAULT;
}

/* Page by page, so that a string that ends right before an unmapped page is read in full. */
s64 trace_read_str(struct trace_task *pub, u64 addr, char *dst, size_t size)
{
	size_t done = 0;

	while (done < size) {
		size_t part = MIN(size - done, 4096 - ((addr + done) & 4095));

		part = MIN(part, 256);
		if (trace_read(pub, addr + done, dst + done, part))
			return -EFAULT;

		char *nul = memchr(dst + done, '\0', part);

		if (nul)
			return nul - dst + 1;
		done += part;
	}
	if (size)
		dst[size - 1] = '\0';
	return (s64)size;
}

/* Is it at a breakpoint on a function's first insn, "push %rbp" or endbr64, where frame pointers still are the
 * caller's?  Its return address is on top of the stack then.  Kernel 6.18: is_uprobe_at_func_entry(). */
static bool is_before_frame(const struct task *k)
{
	static const u8 endbr64[] = { 0xf3, 0x0f, 0x1e, 0xfa };
	const struct site *s;

	if (k->phase != PHASE_BP_ENTER || !k->mm)
		return false;
	s = mm_site(k->mm, k->regs.rip);
	return s && (s->insn.bytes[0] == 0x55 || !memcmp(s->insn.bytes, endbr64, sizeof(endbr64)));
}

int trace_regs(struct trace_task *pub, struct user_regs_struct *regs)
{
	struct task *k = task_of(pub);

	if (!task_regs(k))
		return -ESRCH;
	*regs = k->regs;
	return 0;
}

u32 trace_user_stack(struct trace_task *pub, u64 *ips, u32 max)
{
	struct task *k = task_of(pub);
	u64 caller;
	u32 n = 0;

	if (!max || !task_regs(k))
		return 0;
	ips[n++] = k->regs.rip;
	if (n < max && is_before_frame(k) && !trace_read(pub, k->regs.rsp, &caller, sizeof(caller)))
		ips[n++] = caller;
	for (u64 frame = k->regs.rbp; n < max; ) {
		u64 pair[2]; /* caller's frame, return address */

		if (frame & 7 || trace_read(pub, frame, pair, sizeof(pair)) || !pair[1])
			break;
		ips[n++] = pair[1];
		if (pair[0] <= frame) /* frames grow towards higher addresses */
			break;
		frame = pair[0];
	}
	return n;
}

int trace_send_signal(struct trace_task *pub, int sig, bool thread)
{
	int err =
		thread ? (int)syscall(SYS_tgkill, pub->tgid, pub->tid, sig) : kill(pub->tgid, sig);

	return err ? -errno : 0;
}
