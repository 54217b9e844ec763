/* SPDX-License-Identifier: BSD-2-Clause */
/* engine/user/test_run.c - BPF_PROG_TEST_RUN: programs of every kind on an event that the client
 * made.
 *
 * The kernel knows it for some types only; here tracing programs take any ctx_in as well.
 * Kernel 6.18: bpf_prog_test_run() and net/bpf/test_run.c.
 */
#include "engine/user/command.h"
#include "engine/user/host.h"
#include "engine/user/packet.h"
#include "engine/user/run.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

enum {
	ERR_NOTSUPP = 524,	 /* kernel ENOTSUPP */
	RAW_TP_CTX_MAX = 12 * 8, /* kernel MAX_BPF_FUNC_ARGS */
	CTX_MAX = 65535,
	REPEAT_MAX = 100000000,
};

u8 *packet_buffer(struct session *s)
{
	u32 size = PACKET_HEADROOM + PACKET_BYTES_MAX + PACKET_TAIL;
	void *p;

	if (s->packet)
		return s->packet;
	p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1,
		 0);
	if (p == MAP_FAILED)
		return NULL;
	s->packet = p;
	s->packet_bytes = size;
	return s->packet;
}

int test_data_in(const union bpf_attr *attr, u8 *to, u32 max)
{
	u32 size = attr->test.data_size_in;

	if (size < PACKET_HEADER_BYTES || size > max)
		return -EINVAL;
	return client_read(to, attr->test.data_in, size);
}

int test_ctx_in(const union bpf_attr *attr, void *ctx, u32 size)
{
	u32 given = attr->test.ctx_size_in;
	const u8 *from = client_memory(attr->test.ctx_in, given);

	memset(ctx, 0, size);
	if (!given)
		return 0;
	if (!from)
		return -EFAULT;
	for (u32 i = size; i < given; i++)
		if (from[i])
			return -E2BIG;
	memcpy(ctx, from, MIN(given, size));
	return 0;
}

/* size is what there is, and *given what the client has room for, 0: as much as it takes.  *given
 * becomes the whole size even when the copy was cut. */
static int copy_out(u64 addr, u32 *given, const void *from, u32 size)
{
	u32 room = *given, n = room && room < size ? room : size;

	*given = size;
	if (!addr)
		return 0;
	if (client_write(addr, from, n))
		return -EFAULT;
	return n < size ? -ENOSPC : 0;
}

int test_finish(union bpf_attr *attr, const u8 *data, u32 size, const void *ctx, u32 ctx_size,
		u32 retval, u32 duration)
{
	u32 room = attr->test.ctx_size_out;
	int err = copy_out(attr->test.data_out, &attr->test.data_size_out, data, size);

	attr->test.retval = retval;
	attr->test.duration = duration;
	if (err && err != -ENOSPC)
		return err;
	if (attr->test.ctx_out) {
		u32 n = room && room < ctx_size ? room : ctx_size;

		if (client_write(attr->test.ctx_out, ctx, n))
			return -EFAULT;
		attr->test.ctx_size_out = n;
		if (n < ctx_size)
			err = -ENOSPC;
	}
	return err;
}

int test_repeat(struct session *s, struct prog_object *p, const struct run_event *ev, u32 repeat,
		u64 *ret, u32 *duration)
{
	struct self_host host;
	u64 start = host_clock_ns(NULL, CLOCK_MONOTONIC);
	int err = 0;

	self_host_init(&host, s);
	repeat = repeat ? MIN(repeat, (u32)REPEAT_MAX) : 1;
	for (u32 i = 0; i < repeat && !err; i++)
		err = run_prog(s, &host.host, p, ev, ret);
	*duration = (u32)((host_clock_ns(NULL, CLOCK_MONOTONIC) - start) / repeat);
	return err;
}

/* A ctx of any bytes, without packet.  syscall programs write theirs back to where it came from. */
static int test_run_ctx(struct session *s, struct prog_object *p, union bpf_attr *attr)
{
	bool is_syscall = p->type == BPF_PROG_TYPE_SYSCALL;
	u32 size = attr->test.ctx_size_in;
	struct run_event ev = {.ctx_size = size, .ctx_writable = is_syscall};
	u32 duration;
	u64 ret = 0;
	int err;

	if (attr->test.data_in || attr->test.data_out || attr->test.ctx_out ||
	    attr->test.duration || attr->test.repeat || attr->test.batch_size ||
	    (is_syscall && attr->test.flags))
		return -EINVAL;
	if (size > (p->type == BPF_PROG_TYPE_RAW_TRACEPOINT ? RAW_TP_CTX_MAX : CTX_MAX) ||
	    size < p->max_ctx_offset)
		return -EINVAL;
	if (!is_syscall && (attr->test.flags & ~(u32)BPF_F_TEST_RUN_ON_CPU))
		return -EINVAL;
	if (!(attr->test.flags & BPF_F_TEST_RUN_ON_CPU) && attr->test.cpu)
		return -EINVAL;
	if (attr->test.cpu >= s->n_cpus)
		return -ENXIO;
	ev.ctx = calloc(1, MAX(size, (u32)RAW_TP_CTX_MAX));
	if (!ev.ctx)
		return -ENOMEM;
	err = client_read(ev.ctx, attr->test.ctx_in, size);
	if (!err)
		err = test_repeat(s, p, &ev, 1, &ret, &duration);
	if (!err && is_syscall)
		err = client_write(attr->test.ctx_in, ev.ctx, size);
	if (!err)
		attr->test.retval = (u32)ret;
	free(ev.ctx);
	return err;
}

int cmd_prog_test_run(struct session *s, union bpf_attr *attr)
{
	struct object *o;
	struct prog_object *p;
	int err;

	if (!attr->test.ctx_size_in != !attr->test.ctx_in)
		return -EINVAL;
	if (!attr->test.ctx_size_out != !attr->test.ctx_out)
		return -EINVAL;
	err = session_by_fd(s, (int)attr->test.prog_fd, OBJECT_PROG, &o);
	if (err)
		return err;
	p = prog_of(o);
	switch (p->type) {
	case BPF_PROG_TYPE_XDP:
		return test_run_xdp(s, p, attr);
	case BPF_PROG_TYPE_SOCKET_FILTER:
	case BPF_PROG_TYPE_SCHED_CLS:
	case BPF_PROG_TYPE_SCHED_ACT:
	case BPF_PROG_TYPE_CGROUP_SKB:
	case BPF_PROG_TYPE_LWT_IN:
	case BPF_PROG_TYPE_LWT_OUT:
	case BPF_PROG_TYPE_LWT_XMIT:
	case BPF_PROG_TYPE_LWT_SEG6LOCAL:
		return test_run_skb(s, p, attr);
	case BPF_PROG_TYPE_SYSCALL:
	case BPF_PROG_TYPE_RAW_TRACEPOINT:
	case BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE:
	case BPF_PROG_TYPE_KPROBE:
	case BPF_PROG_TYPE_TRACEPOINT:
	case BPF_PROG_TYPE_PERF_EVENT:
	case BPF_PROG_TYPE_TRACING:
		return test_run_ctx(s, p, attr);
	}
	return -ERR_NOTSUPP;
}
