/* SPDX-License-Identifier: BSD-2-Clause */
/* engine/user/command.c - bpf(cmd, attr, size): what the kernel's __sys_bpf() checks before a
 * command, and access to the client's memory.
 */
#include "engine/user/command.h"
#include <ctype.h>
#include <errno.h>
#include <string.h>

#define CLIENT_MIN 4096ull /* nobody maps page 0 */
#define CLIENT_MAX (1ull << 47)

struct command {
	int (*run)(struct session *s, union bpf_attr *attr);
	u32 end; /* of the last field it takes */
};

static const struct command commands[BPF_CMD_MAX] = {
#define COMMAND(name, function, last) [BPF_##name] = {cmd_##function, BPF_ATTR_UPTO(last)},
#include "engine/user/command.def"
#undef COMMAND
};

static bool all_zero(const u8 *p, u64 size)
{
	for (u64 i = 0; i < size; i++)
		if (p[i])
			return false;
	return true;
}

/* Page size bounds an attr, as in the kernel's bpf_check_uarg_tail_zero(). */
int command_run(struct session *s, enum bpf_cmd cmd, union bpf_attr *client, u32 size)
{
	union bpf_attr attr = {0};
	u32 known = MIN(size, (u32)sizeof(attr));
	int err;

	if (size > 4096)
		return -E2BIG;
	if (!client_memory((u64)client, size))
		return -EFAULT;
	if (!all_zero((u8 *)client + known, size - known))
		return -E2BIG;
	memcpy(&attr, client, known);
	if ((u32)cmd >= BPF_CMD_MAX || !commands[cmd].run)
		return -EINVAL;
	if (!all_zero((u8 *)&attr + commands[cmd].end, sizeof(attr) - commands[cmd].end))
		return -EINVAL;
	err = commands[cmd].run(s, &attr);
	if (memcmp(client, &attr, known))
		memcpy(client, &attr, known);
	return err;
}

void *client_memory(u64 addr, u64 size)
{
	if (addr < CLIENT_MIN || addr >= CLIENT_MAX || size > CLIENT_MAX - addr)
		return NULL;
	return (void *)addr;
}

int client_read(void *dst, u64 addr, u64 size)
{
	const void *p = client_memory(addr, size);

	if (!size)
		return 0;
	if (!p)
		return -EFAULT;
	memcpy(dst, p, size);
	return 0;
}

int client_write(u64 addr, const void *src, u64 size)
{
	void *p = client_memory(addr, size);

	if (!size)
		return 0;
	if (!p)
		return -EFAULT;
	memcpy(p, src, size);
	return 0;
}

int name_copy(char dst[BPF_OBJ_NAME_LEN], const char src[BPF_OBJ_NAME_LEN])
{
	u32 len = 0;

	memset(dst, 0, BPF_OBJ_NAME_LEN);
	for (; len < BPF_OBJ_NAME_LEN && src[len]; len++) {
		if (!isalnum((unsigned char)src[len]) && src[len] != '_' && src[len] != '.')
			return -EINVAL;
		dst[len] = src[len];
	}
	return len == BPF_OBJ_NAME_LEN ? -EINVAL : 0;
}
