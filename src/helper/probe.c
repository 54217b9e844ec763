/* SPDX-License-Identifier: BSD-2-Clause */
/* helper/probe.c - reads and writes of memory outside the program.
 *
 * Kernel 6.18: kernel/trace/bpf_trace.c; a failed read leaves zeroes and answers -EFAULT.
 */
#include "helper/access.h"
#include "helper/body.h"
#include <errno.h>

static u64 str_result(void *dst, u32 size, s64 len)
{
	if (len < 0)
		mem_zero(dst, size);
	return RESULT(len);
}

BODY(probe_read_user)
{
	return RESULT(read_user(env, PTR(r1), (u32)r2, r3));
}

BODY(probe_read_kernel)
{
	return RESULT(read_kernel(env, PTR(r1), (u32)r2, r3));
}

BODY(probe_read_user_str)
{
	return str_result(PTR(r1), (u32)r2, read_user_str(env, PTR(r1), (u32)r2, r3));
}

BODY(probe_read_kernel_str)
{
	return str_result(PTR(r1), (u32)r2, read_kernel_str(env, PTR(r1), (u32)r2, r3));
}

/* The old ones tell user from kernel memory by the address.  Here both lie in one range: what the
 * program owns or the host serves comes first. */
BODY(probe_read)
{
	if (!read_kernel(env, PTR(r1), (u32)r2, r3))
		return 0;
	return RESULT(read_user(env, PTR(r1), (u32)r2, r3));
}

BODY(probe_read_str)
{
	s64 len = read_kernel_str(env, PTR(r1), (u32)r2, r3);

	if (len < 0)
		len = read_user_str(env, PTR(r1), (u32)r2, r3);
	return str_result(PTR(r1), (u32)r2, len);
}

BODY(probe_write_user)
{
	const struct host *h = env->host;

	if (!h->write_user)
		return RESULT(-EPERM);
	return RESULT(h->write_user(h->arg, r1, PTR(r2), (u32)r3) ? -EFAULT : 0);
}

BODY(copy_from_user)
{
	if (!(u32)r2)
		return 0;
	return RESULT(read_user(env, PTR(r1), (u32)r2, r3));
}

/* Only the current task's memory can be read.  Kernel: flags must be 0 (dst is then untouched). */
BODY(copy_from_user_task)
{
	const struct host *h = env->host;

	if (r5)
		return RESULT(-EINVAL);
	if (!(u32)r2)
		return 0;
	if (!h->current_task || h->current_task(h->arg) != r4) {
		mem_zero(PTR(r1), (u32)r2);
		return RESULT(-EFAULT);
	}
	return RESULT(read_user(env, PTR(r1), (u32)r2, r3));
}
