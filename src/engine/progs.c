/* SPDX-License-Identifier: BSD-2-Clause */
/* engine/progs.c - asks the engine for its programs, and each program's BTF for its functions. */
#include "engine/progs.h"
#include "btf/btf.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FUNCS_MAX = 1 << 16, BTF_BYTES_MAX = 64 << 20 };

static int fd_by_id(struct engine *e, enum bpf_cmd cmd, u32 id)
{
	union bpf_attr attr = { .start_id = id };

	return engine_bpf(e, cmd, &attr, BPF_ATTR_UPTO(open_flags));
}

static int info_of(struct engine *e, int fd, void *info, u32 size)
{
	union bpf_attr attr = {.info = {.bpf_fd = (u32)fd, .info_len = size, .info = (u64)info}};

	return engine_bpf(e, BPF_OBJ_GET_INFO_BY_FD, &attr, BPF_ATTR_UPTO(info));
}

static int btf_of(struct engine *e, u32 btf_id, struct btf **out)
{
	struct bpf_btf_info info = {0};
	int fd = fd_by_id(e, BPF_BTF_GET_FD_BY_ID, btf_id), err;
	void *data = NULL;

	if (fd < 0)
		return fd;
	err = info_of(e, fd, &info, sizeof(info));
	if (!err && info.btf_size && info.btf_size <= BTF_BYTES_MAX) {
		u32 size = info.btf_size;

		data = malloc(size);
		info = (struct bpf_btf_info){ .btf = (u64)data, .btf_size = size };
		err = data ? info_of(e, fd, &info, sizeof(info)) : -ENOMEM;
		if (!err)
			err = btf_parse(data, size, NULL, 0, NULL, (struct place){0}, out);
	} else if (!err) {
		err = -ENOENT;
	}
	free(data);
	close(fd);
	return err;
}

/* A program's func_info: BTF ids of its functions.  Their number; caller frees. */
static int funcs_of(struct engine *e, int fd, struct bpf_func_info **out, u32 *btf_id)
{
	struct bpf_prog_info info = {0};
	struct bpf_func_info *funcs;
	int err = info_of(e, fd, &info, sizeof(info));
	u32 n = info.nr_func_info;

	if (err || !info.btf_id || !n || n > FUNCS_MAX)
		return err ? err : -ENOENT;
	funcs = calloc(n, sizeof(*funcs));
	if (!funcs)
		return -ENOMEM;
	*btf_id = info.btf_id;
	info = (struct bpf_prog_info){ .func_info = (u64)funcs, .nr_func_info = n,
				       .func_info_rec_size = sizeof(*funcs) };
	err = info_of(e, fd, &info, sizeof(info));
	if (err) {
		free(funcs);
		return err;
	}
	*out = funcs;
	return (int)MIN(n, info.nr_func_info);
}

static int prog_each(struct engine *e, u32 prog_id, int (*fn)(void *arg, const struct prog_func *f),
		     void *arg)
{
	struct bpf_func_info *funcs = NULL;
	struct btf *btf = NULL;
	u32 btf_id = 0;
	int fd = fd_by_id(e, BPF_PROG_GET_FD_BY_ID, prog_id), ret = 0, n;

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd; /* it has gone meanwhile */
	n = funcs_of(e, fd, &funcs, &btf_id);
	close(fd);
	if (n > 0 && !btf_of(e, btf_id, &btf))
		for (int i = 0; i < n && !ret; i++) {
			struct prog_func f = {prog_id, funcs[i].type_id,
					      btf_name(btf, funcs[i].type_id)};

			if (*f.name)
				ret = fn(arg, &f);
		}
	btf_free(btf);
	free(funcs);
	return n == -ENOMEM ? n : ret;
}

int progs_each(struct engine *e, u32 prog_id, int (*fn)(void *arg, const struct prog_func *f),
	       void *arg)
{
	union bpf_attr attr = {0};
	int ret;

	if (prog_id)
		return prog_each(e, prog_id, fn, arg);
	while (!(ret = engine_bpf(e, BPF_PROG_GET_NEXT_ID, &attr, BPF_ATTR_UPTO(next_id)))) {
		ret = prog_each(e, attr.next_id, fn, arg);
		if (ret)
			return ret;
		attr.start_id = attr.next_id;
	}
	return ret == -ENOENT ? 0 : ret;
}

struct wanted {
	const char *name;
	u32 btf_id;
};

static int is_wanted(void *arg, const struct prog_func *f)
{
	struct wanted *w = arg;

	if (strcmp(f->name, w->name) != 0)
		return 0;
	w->btf_id = f->btf_id;
	return 1;
}

int prog_func_open(struct engine *e, u32 prog_id, const char *name, u32 *btf_id)
{
	struct wanted w = { .name = name };
	int ret = progs_each(e, prog_id, is_wanted, &w);

	if (ret <= 0)
		return ret ? ret : -ENOENT;
	*btf_id = w.btf_id;
	return fd_by_id(e, BPF_PROG_GET_FD_BY_ID, prog_id);
}
