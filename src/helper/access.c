/* SPDX-License-Identifier: BSD-2-Clause */
/* helper/access.c - reads of memory that may not be there. */
#include "helper/access.h"
#include "abi/packet.h"
#include "base/mem.h"
#include "map/map.h"
#include <errno.h>

#define USER_ADDR_END 0x7ffffffff000ul /* kernel TASK_SIZE_MAX, four-level page tables */
#define VSYSCALL_PAGE 0xffffffffff600000ul

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
	if (!write && env->lent.size && range_has(env->lent.start, env->lent.size, addr, size))
		return true;
	if (env->ctx && range_has((u64)env->ctx, env->ctx_size, addr, size))
		return !write || env->ctx_writable;
	if (env->mem_ok && env->mem_ok(env, addr, size, write))
		return true;
	m = env->map_at ? env->map_at(env, addr) : NULL;
	return m && map_mem_ok(m, addr, size, write);
}

/* What the kernel answers for an address that it can't read: user addresses and those that are no
 * addresses at all are told apart.  Kernel, x86: copy_from_kernel_nofault_allowed(). */
static int kernel_fault(u64 addr)
{
	bool canonical = (u64)((s64)(addr << 16) >> 16) == addr;

	if (addr < USER_ADDR_END + 4096 || !canonical || (addr & ~0xffful) == VSYSCALL_PAGE)
		return -ERANGE;
	return -EFAULT;
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
	return kernel_fault(addr);
}

int read_user(struct exec_env *env, void *dst, u32 size, u64 addr)
{
	if (size ? env->host->read_user(env->host->arg, dst, size, addr) : addr > USER_ADDR_END) {
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

/* The longest step that stays in one aligned block: what lies far behind a text is not asked for. */
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

/* Nothing is written behind the NUL. */
s64 read_kernel_str(struct exec_env *env, void *dst, u32 size, u64 addr)
{
	char *out = dst, piece[64];
	int err;

	for (u32 done = 0; done < size;) {
		u32 step = step_size(addr + done, size - done), end;

		if (read_kernel(env, piece, step, addr + done)) {
			step = 1;
			err = read_kernel(env, piece, 1, addr + done);
			if (err)
				return err;
		}
		end = text_end(piece, step);
		mem_copy(out + done, piece, end ? end : step);
		if (end)
			return done + end;
		done += step;
	}
	if (size)
		out[size - 1] = 0;
	return size;
}

/* The kernel copies words and masks what follows the NUL in the last one, so the bytes up to the
 * end of its word are 0; unless the word lay not within size, or reached into a page that is not
 * there. */
static bool last_word_read(struct exec_env *env, u64 word, u32 word_off, u32 size)
{
	u8 bytes[8];

	if (size - word_off < sizeof(bytes))
		return false;
	return word % 4096 <= 4096 - sizeof(bytes) ||
	       !env->host->read_user(env->host->arg, bytes, sizeof(bytes), word);
}

s64 read_user_str(struct exec_env *env, void *dst, u32 size, u64 addr)
{
	char *out = dst;
	u32 word_off;
	s64 len;

	if (!size)
		return 0;
	len = env->host->read_user_str(env->host->arg, dst, size, addr);
	if (len <= 0 || len > size)
		return -EFAULT;
	word_off = (u32)(len - 1) & ~7u;
	if (len % 8 && !out[len - 1] && last_word_read(env, addr + word_off, word_off, size))
		mem_zero(out + len, word_off + 8 - (u32)len);
	return len;
}
