/* SPDX-License-Identifier: BSD-2-Clause */
/* engine/kernel/multi.c - one link for many functions: kprobe.multi, uprobe.multi. */
#include "base/file.h"
#include "base/str.h"
#include "engine/kernel/priv.h"
#include "elf/binary.h"
#include "elf/symbols.h"
#include "elf/usdt.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { LIST_MAX = 64 << 20 };

/* Names of functions that ftrace can hook, which fit the pattern; they point into *list.  One
 * line is "name" or "name [module]". */
static int functions_match(struct kernel *k, const struct attach_spec *s, struct diag *dg,
			   struct bytes *list, u64 **names, u32 *n)
{
	int tracefs = kernel_tracefs(k, s->at, dg);

	if (tracefs < 0)
		return tracefs;

	int fd = openat(tracefs, "available_filter_functions", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return diag_error(dg, s->at, -EOPNOTSUPP,
				  "this kernel can't hook functions by pattern "
				  "(tracefs has no available_filter_functions)");

	int err = file_read_fd(fd, LIST_MAX, list);
	VEC(u64) found = {0};

	close(fd);
	if (err)
		return err;
	for (char *line = (char *)list->p, *next; *line && !err; line = next) {
		size_t len = strcspn(line, "\n");

		next = line + len + (line[len] == '\n');
		line[len] = 0;
		line[strcspn(line, " ")] = 0;
		/* The prologue of __ftrace_invalid_address___N marks functions that were freed. */
		if (str_glob(s->name, line) && !str_starts(line, "__ftrace_invalid_address__") &&
		    !vec_push(&found, (u64)line))
			err = -ENOMEM;
	}
	if (!err && !found.n)
		err = diag_error(dg, s->at, -ENOENT, "no function that can be hooked fits '%s'",
				 s->name);
	if (err) {
		vec_free(&found);
		bytes_free(list);
		return err;
	}
	*names = found.p;
	*n = found.n;
	return 0;
}

int attach_kprobe_multi(struct kernel *k, int prog_fd, const struct attach_spec *s, struct diag *dg)
{
	struct bytes list = {0};
	u64 one = (u64)s->name, *names = &one;
	u32 n = 1;

	if (strpbrk(s->name, "*?")) {
		int err = functions_match(k, s, dg, &list, &names, &n);

		if (err)
			return err;
	}

	union bpf_attr attr = {
		.link_create = {
			.prog_fd = (u32)prog_fd,
			.attach_type = s->attach_type,
			.kprobe_multi = {
				.flags = s->retprobe ? BPF_F_KPROBE_MULTI_RETURN : 0,
				.cnt = n,
				.syms = (u64)names,
			},
		},
	};
	int fd = sys_bpf(BPF_LINK_CREATE, &attr, BPF_ATTR_UPTO(link_create.kprobe_multi));

	if (names != &one) {
		free(names);
		bytes_free(&list);
	}
	if (fd == -EOPNOTSUPP)
		return diag_error(dg, s->at, fd, "this kernel has no kprobe.multi (CONFIG_FPROBE)");
	if (fd == -ESRCH || fd == -ENOENT)
		return diag_error(dg, s->at, fd,
				  "kprobe.multi %s: no such function, or it can't be "
				  "hooked",
				  s->name);
	if (fd < 0)
		return diag_error(dg, s->at, fd, "kprobe.multi %s: %s", s->name, strerror(-fd));
	return fd;
}

int attach_uprobe_multi(struct kernel *k, int prog_fd, const struct attach_spec *s, struct diag *dg)
{
	char path[4096];
	u64 *offs;
	u32 n;
	int err = binary_find(s->path, s->pid, path, sizeof(path), s->at, dg);

	(void)k;
	if (!err)
		err = symbol_match(path, s->name, s->at, dg, &offs, &n);
	if (err)
		return err;

	union bpf_attr attr = {
		.link_create = {
			.prog_fd = (u32)prog_fd,
			.attach_type = s->session ? BPF_TRACE_UPROBE_SESSION :
						    BPF_TRACE_UPROBE_MULTI,
			.uprobe_multi = {
				.path = (u64)path,
				.offsets = (u64)offs,
				.cnt = n,
				.flags = s->retprobe ? BPF_F_UPROBE_MULTI_RETURN : 0,
				.pid = s->pid > 0 ? (u32)s->pid : s->pid == 0 ? (u32)getpid() : 0,
			},
		},
	};
	int fd = sys_bpf(BPF_LINK_CREATE, &attr, BPF_ATTR_UPTO(link_create.uprobe_multi));

	free(offs);
	if (fd == -EINVAL)
		return diag_error(dg, s->at, fd,
				  "uprobe.multi %s: this kernel has no multi links, or "
				  "refuses one of %u places",
				  path, n);
	if (fd < 0)
		return diag_error(dg, s->at, fd, "uprobe.multi %s: %s", path, strerror(-fd));
	return fd;
}
