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

	if (!s->n && strpbrk(s->name, "*?")) {
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
				.cnt = s->n ? s->n : n,
				.syms = s->n ? (u64)s->names : (u64)names,
				.cookies = (u64)s->cookies,
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
				  s->n ? *s->names : s->name);
	if (fd < 0)
		return diag_error(dg, s->at, fd, "kprobe.multi %s: %s", s->n ? *s->names : s->name,
				  strerror(-fd));
	return fd;
}

int attach_uprobe_multi(struct kernel *k, int prog_fd, const struct attach_spec *s, struct diag *dg)
{
	char path[4096];
	u64 *offs = NULL;
	u32 n = s->n;
	int err = binary_find(s->path, s->pid, path, sizeof(path), s->at, dg);

	(void)k;
	if (!err && !s->n)
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
				.offsets = s->n ? (u64)s->offs : (u64)offs,
				.ref_ctr_offsets = (u64)s->ref_ctr_offs,
				.cookies = (u64)s->cookies,
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

/* A program that returns at once, for the attempt. */
static int prog_for_multi(u32 attach_type)
{
	const u64 insns[] = { 0xb7, 0x95 }; /* r0 = 0; exit */
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_KPROBE,
		.expected_attach_type = attach_type,
		.insns = (u64)insns,
		.insn_cnt = 2,
		.license = (u64)"GPL",
	};

	return sys_bpf(BPF_PROG_LOAD, &attr, BPF_ATTR_UPTO(expected_attach_type));
}

/* What can't be attached is refused with another error where the link is known. */
static bool multi_works(bool is_uprobe)
{
	static const char *const name = "no function has this name";
	u64 off = 0;
	union bpf_attr attr = { .link_create.attach_type = is_uprobe ? BPF_TRACE_UPROBE_MULTI :
								       BPF_TRACE_KPROBE_MULTI };
	int prog = prog_for_multi(attr.link_create.attach_type), err;

	if (prog < 0)
		return false;
	attr.link_create.prog_fd = (u32)prog;
	if (is_uprobe) {
		attr.link_create.uprobe_multi.path = (u64)"/";
		attr.link_create.uprobe_multi.offsets = (u64)&off;
		attr.link_create.uprobe_multi.cnt = 1;
		err = sys_bpf(BPF_LINK_CREATE, &attr, BPF_ATTR_UPTO(link_create.uprobe_multi));
	} else {
		attr.link_create.kprobe_multi.syms = (u64)&name;
		attr.link_create.kprobe_multi.cnt = 1;
		err = sys_bpf(BPF_LINK_CREATE, &attr, BPF_ATTR_UPTO(link_create.kprobe_multi));
	}
	close(prog);
	return is_uprobe ? err == -EBADF : err == -ESRCH || err == -ENOENT;
}

bool kernel_has_multi(struct engine *e, enum attach_kind kind)
{
	struct kernel *k = kernel_of(e);
	bool is_uprobe = kind == ATTACH_UPROBE_MULTI;
	s8 *known = &k->has_multi[is_uprobe];

	if (kind != ATTACH_UPROBE_MULTI && kind != ATTACH_KPROBE_MULTI)
		return false;
	if (!*known)
		*known = multi_works(is_uprobe) ? 1 : -1;
	return *known > 0;
}
