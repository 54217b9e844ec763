/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz_bpf.c - sequences of bpf(2) commands to the user engine, with any bytes as attr: the engine
 * neither crashes nor hangs, and every fd is closed at the end.
 *
 *	input     commands
 *	command   cmd, number of patches, patches
 *	patch     offset in attr / 4, kind, 4 bytes of value
 *	kind      a number (32 or 64 bit), the address of bytes in a shared area (which begins as the
 *	          input), an fd that an earlier command gave, or a copy of more input
 *
 * Addresses outside the client are left out: the engine reads its client's memory as its own.  Names
 * of pins stay inside a directory of the fuzzer's.
 */
#include "abi/uapi.h"
#include "base/mem.h"
#include "engine/user/user.h"
#include "isa/insn.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	COMMANDS_MAX = 24, FDS_MAX = 32, FD_HIGHEST = 512, STEPS_MAX = 2000,
	ENTRIES_MAX = 512, VALUE_MAX = 512, BATCH_MAX = 64,
};
#define AREA_BYTES (64ul << 20) /* more than any size that an attr below can tell */
#define START_BYTES 4096u

struct fuzz {
	const uint8_t *p, *end;
	struct engine *e;
	u8 *area;
	int fds[FDS_MAX];
	u32 n_fds;
};

static u8 next8(struct fuzz *f)
{
	return f->p < f->end ? *f->p++ : 0;
}

static u32 next32(struct fuzz *f)
{
	u32 v = 0;

	for (u32 i = 0; i < 4; i++)
		v = v << 8 | next8(f);
	return v;
}

static int some_fd(const struct fuzz *f, u32 n)
{
	return f->n_fds ? f->fds[n % f->n_fds] : -1;
}

static void patch(struct fuzz *f, u8 *attr)
{
	u32 at = next8(f) * 4u % (u32)sizeof(union bpf_attr), kind = next8(f), value = next32(f);
	u32 left = (u32)sizeof(union bpf_attr) - at, n;

	switch (kind % 5) {
	case 0:
		mem_put32(attr + at, value);
		break;
	case 1:
		mem_put32(attr + at, value % 256);
		break;
	case 2:
		if (left >= 8)
			mem_put64(attr + at, (u64)(f->area + value % START_BYTES));
		break;
	case 3:
		mem_put32(attr + at, (u32)some_fd(f, value));
		break;
	case 4:
		n = MIN(MIN(value % 64, left), (u32)(f->end - f->p));
		memcpy(attr + at, f->p, n);
		f->p += n;
	}
}

/* Is it no address at all, or one that the area covers?  Else it becomes one. */
static void tame(struct fuzz *f, u64 *addr)
{
	u64 off = *addr - (u64)f->area;

	if (*addr >= 4096 && *addr < 1ull << 47 && off >= START_BYTES)
		*addr = (u64)(f->area + *addr % START_BYTES);
}

static void tame_load(struct fuzz *f, union bpf_attr *a)
{
	struct insn *insns;

	tame(f, &a->insns);
	tame(f, &a->license);
	tame(f, &a->log_buf);
	tame(f, &a->func_info);
	tame(f, &a->line_info);
	tame(f, &a->core_relos);
	tame(f, &a->fd_array);
	insns = (struct insn *)a->insns;
	if ((u8 *)insns < f->area || (u8 *)insns >= f->area + START_BYTES)
		return;
	/* fds of maps stand in insns: small numbers are those of earlier commands. */
	for (u32 i = 0; i < MIN(a->insn_cnt, 64u); i++) {
		struct insn in;

		memcpy(&in, insns + i, sizeof(in));
		if (in.code == (CLS_LD | MODE_IMM | SZ_DW) && in.src)
			in.imm = some_fd(f, (u32)in.imm);
		memcpy(insns + i, &in, sizeof(in));
	}
}

static void tame_pin(struct fuzz *f, union bpf_attr *a)
{
	char *path = (char *)f->area + START_BYTES;

	sprintf(path, "/nonexistent/%lu", a->pathname % 4);
	a->pathname = (u64)path;
	a->path_fd = 0;
}

static void tame_attr(struct fuzz *f, u32 cmd, union bpf_attr *a)
{
	switch (cmd) {
	case BPF_MAP_CREATE:
		a->max_entries = a->map_type == BPF_MAP_TYPE_RINGBUF ||
				 a->map_type == BPF_MAP_TYPE_USER_RINGBUF ?
				 a->max_entries % (1 << 20) : a->max_entries % ENTRIES_MAX;
		a->value_size %= VALUE_MAX;
		break;
	case BPF_MAP_LOOKUP_ELEM:
	case BPF_MAP_UPDATE_ELEM:
	case BPF_MAP_DELETE_ELEM:
	case BPF_MAP_GET_NEXT_KEY:
	case BPF_MAP_LOOKUP_AND_DELETE_ELEM:
		tame(f, &a->key);
		tame(f, &a->value);
		break;
	case BPF_MAP_LOOKUP_BATCH:
	case BPF_MAP_LOOKUP_AND_DELETE_BATCH:
	case BPF_MAP_UPDATE_BATCH:
	case BPF_MAP_DELETE_BATCH:
		tame(f, &a->batch.in_batch);
		tame(f, &a->batch.out_batch);
		tame(f, &a->batch.keys);
		tame(f, &a->batch.values);
		a->batch.count %= BATCH_MAX;
		break;
	case BPF_PROG_LOAD:
		tame_load(f, a);
		break;
	case BPF_PROG_TEST_RUN:
		tame(f, &a->test.data_in);
		tame(f, &a->test.data_out);
		tame(f, &a->test.ctx_in);
		tame(f, &a->test.ctx_out);
		a->test.repeat %= 3;
		a->test.ctx_size_in %= 4096;
		break;
	case BPF_BTF_LOAD:
		tame(f, &a->btf);
		tame(f, &a->btf_log_buf);
		break;
	case BPF_OBJ_GET_INFO_BY_FD:
		tame(f, &a->info.info);
		/* The client's own struct names more addresses. */
		if (a->info.info >= 4096 && a->info.info < 1ull << 47)
			memset((void *)a->info.info, 0, 256);
		break;
	case BPF_OBJ_PIN:
	case BPF_OBJ_GET:
		tame_pin(f, a);
		break;
	case BPF_RAW_TRACEPOINT_OPEN:
		tame(f, &a->raw_tracepoint.name);
		break;
	case BPF_LINK_CREATE:
		tame(f, &a->link_create.uprobe_multi.path);
		tame(f, &a->link_create.uprobe_multi.offsets);
		tame(f, &a->link_create.uprobe_multi.ref_ctr_offsets);
		tame(f, &a->link_create.uprobe_multi.cookies);
		a->link_create.uprobe_multi.cnt %= BATCH_MAX;
		break;
	}
}

static bool gives_fd(u32 cmd)
{
	switch (cmd) {
	case BPF_MAP_CREATE:
	case BPF_PROG_LOAD:
	case BPF_BTF_LOAD:
	case BPF_OBJ_GET:
	case BPF_MAP_GET_FD_BY_ID:
	case BPF_PROG_GET_FD_BY_ID:
	case BPF_BTF_GET_FD_BY_ID:
	case BPF_LINK_GET_FD_BY_ID:
	case BPF_LINK_CREATE:
	case BPF_RAW_TRACEPOINT_OPEN:
		return true;
	}
	return false;
}

static void command(struct fuzz *f)
{
	union bpf_attr attr = { 0 };
	u32 cmd = next8(f) % (BPF_CMD_MAX + 2), n = next8(f) % 16;
	int ret;

	for (u32 i = 0; i < n; i++)
		patch(f, (u8 *)&attr);
	tame_attr(f, cmd, &attr);
	ret = engine_bpf(f->e, (enum bpf_cmd)cmd, &attr, sizeof(attr));
	if (ret < 0 || !gives_fd(cmd))
		return;
	if (f->n_fds < FDS_MAX)
		f->fds[f->n_fds++] = ret;
	else
		close(ret);
}

static u32 count_fds(void)
{
	u32 n = 0;

	for (int fd = 0; fd < FD_HIGHEST; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct engine_user_opts opts = { .max_steps = STEPS_MAX };
	struct fuzz f = { .p = data, .end = data + size };
	u32 n_fds = count_fds();

	if (engine_user_new(&opts, NULL, &f.e))
		abort();
	f.area = mmap(NULL, AREA_BYTES, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (f.area == MAP_FAILED)
		abort();
	memcpy(f.area, data, MIN(size, (size_t)START_BYTES));
	for (u32 i = 0; i < COMMANDS_MAX && f.p < f.end; i++)
		command(&f);
	for (u32 i = 0; i < f.n_fds; i++)
		close(f.fds[i]);
	f.e->ops->free(f.e);
	munmap(f.area, AREA_BYTES);
	if (count_fds() != n_fds)
		abort();
	return 0;
}
