/* SPDX-License-Identifier: BSD-2-Clause */
/* helper/access.c - reads of memory that may not be there. */
#include "helper/access.h"
#include "abi/packet.h"
#include "base/mem.h"
#include "map/map.h"
#include <errno.h>

static bool range_has(u64 start, u64 bytes, u64 addr, u64 size)
{
	u64 off = addr - start;

	return off <= bytes && bytes - off >= size;
}

bool own_stack_has(const struct exec_env *env, u64 addr, u64 size)
{
	u64 all = (u64)EXEC_FRAMES_MAX * EXEC_STACK_BYTES;
	u64 used = (u64)env->depth * EXEC_STACK_BYTES;

	return env->stack_base && range_has((u64)env->stack_base + all - used, used, addr, size);
}

static bool packet_has(const struct packet *p, u64 addr, u64 size)
{
	return p && range_has((u64)p->data_meta, (u64)(p->data_end - p->data_meta), addr, size);
}

bool own_mem_ok(struct exec_env *env, u64 addr, u64 size, bool write)
{
	const struct map *m;

	if (own_stack_has(env, addr, size) || packet_has(env->packet, addr, size))
		return true;
	if (env->ctx && range_has((u64)env->ctx, env->ctx_size, addr, size))
		return !write || env->ctx_writable;
	if (env->mem_ok && env->mem_ok(env, addr, size, write))
		return true;
	m = env->map_at ? env->map_at(env, addr) : NULL;
	return m && map_mem_ok(m, addr, size, write);
}

int read_kernel(struct exec_env *env, void *dst, u32 size, u64 addr)
{
	if (own_mem_ok(env, addr, size, false)) {
		mem_move(dst, (const void *)addr, size);
		return 0;
	}
	if (env->host->read_kernel && !env->host->read_kernel(env->host->arg, dst, size, addr))
		return 0;
	mem_zero(dst, size);
	return -EFAULT;
}

int read_user(struct exec_env *env, void *dst, u32 size, u64 addr)
{
	if (size && env->host->read_user(env->host->arg, dst, size, addr)) {
		mem_zero(dst, size);
		return -EFAULT;
	}
	return 0;
}

/* Length with the NUL among the first size bytes, or 0 when there is none. */
static u32 text_end(const char *text, u32 size)
{
	for (u32 i = 0; i < size; i++)
		if (!text[i])
			return i + 1;
	return 0;
}

/* The longest step that stays in one aligned block, so that what follows a text is not asked for. */
static u32 step_size(u64 addr, u32 left)
{
	u32 step = 64 - addr % 64;

	return MIN(step, left);
}

s64 own_text_len(struct exec_env *env, u64 addr, u32 max)
{
	for (u32 done = 0; done < max;) {
		u32 step = step_size(addr + done, max - done), end;

		if (!own_mem_ok(env, addr + done, step, false)) {
			step = 1;
			if (!own_mem_ok(env, addr + done, 1, false))
				return -EFAULT;
		}
		end = text_end((const char *)addr + done, step);
		if (end)
			return done + end - 1;
		done += step;
	}
	return -EINVAL;
}

s64 read_kernel_str(struct exec_env *env, void *dst, u32 size, u64 addr)
{
	char *out = dst;

	for (u32 done = 0; done < size;) {
		u32 step = step_size(addr + done, size - done), end;

		if (read_kernel(env, out + done, step, addr + done)) {
			step = 1;
			if (read_kernel(env, out + done, 1, addr + done))
				return -EFAULT;
		}
		end = text_end(out + done, step);
		if (end)
			return done + end;
		done += step;
	}
	if (size)
		out[size - 1] = 0;
	return size;
}

/* The kernel copies words and masks what follows the NUL in the last one; so the bytes up to the end
 * of its word are 0, where the word lay within size. */
s64 read_user_str(struct exec_env *env, void *dst, u32 size, u64 addr)
{
	char *out = dst;
	u64 word_end;
	s64 len;

	if (!size)
		return 0;
	len = env->host->read_user_str(env->host->arg, dst, size, addr);
	if (len <= 0 || len > size)
		return -EFAULT;
	word_end = ALIGN_UP((u64)len, 8ul);
	if (word_end <= size)
		mem_zero(out + len, word_end - (u64)len);
	return len;
}
