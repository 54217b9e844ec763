/* SPDX-License-Identifier: BSD-2-Clause */
/* engine/user/command.h - the commands of bpf(2): command.c checks attr and calls them. */
#pragma once
#include "engine/user/session.h"

/* Each gets a whole attr, zeroes behind what the client gave, whose changes go back to the client;
 * results are the kernel's. */
#define COMMAND(name, function, last) int cmd_##function(struct session *s, union bpf_attr *attr);
#include "engine/user/command.def"
#undef COMMAND

int command_run(struct session *s, enum bpf_cmd cmd, union bpf_attr *attr, u32 size);

/* Client memory named by an attr: -EFAULT where no program can have memory. */
int client_read(void *dst, u64 addr, u64 size);
int client_write(u64 addr, const void *src, u64 size);
/* Pointer to it when it can be used in place, else NULL. */
void *client_memory(u64 addr, u64 size);

/* An object's name: letters, digits, '_' and '.' to its NUL, else -EINVAL.  Kernel
 * bpf_obj_name_cpy(). */
int name_copy(char dst[BPF_OBJ_NAME_LEN], const char src[BPF_OBJ_NAME_LEN]);
