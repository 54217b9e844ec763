/* SPDX-License-Identifier: BSD-2-Clause */
/* load/prog.c - PROG_LOAD: the target of a program, the call, and what a refusal means. */
#include "base/str.h"
#include "load/priv.h"
#include "load/refusal.h"
#include "load/script_priv.h"
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

static void target_form(const struct prog *p, const char **prefix, u32 *kind)
{
	*prefix = "";
	*kind = BTF_FUNC;
	switch (p->pub.attach_type) {
	case BPF_TRACE_RAW_TP:
		*prefix = "btf_trace_";
		*kind = BTF_TYPEDEF;
		break;
	case BPF_LSM_MAC:
	case BPF_LSM_CGROUP:
		*prefix = "bpf_lsm_";
		break;
	case BPF_TRACE_ITER:
		*prefix = "bpf_iter_";
		break;
	}
}

int prog_target(struct load *l, struct prog *p, struct diag *dg)
{
	struct place at = func_place(l, p->func);
	const char *target = section_target(p->sec, p->pub.fn->section), *prefix;
	u32 kind;

	if (!(p->sec->flags & SEC_BTF))
		return 0;
	if (p->pub.type == BPF_PROG_TYPE_EXT)
		return diag_error(dg, at, -ENOTSUP,
				  "program '%s' replaces a function of a loaded program, "
				  "which must be named",
				  p->pub.fn->name);
	if (!target || !*target)
		return diag_error(dg, at, -EINVAL,
				  "program '%s': section '%s' names no function to attach "
				  "to",
				  p->pub.fn->name, p->pub.fn->section);
	target_form(p, &prefix, &kind);
	if (l->obj->script && (p->attach_prog_fd = script_prog_target(l, p, &p->attach_btf_id, dg)) != -ENOTSUP)
		return MIN(p->attach_prog_fd, 0);
	p->attach_prog_fd = -1;

	int id = kernel_btf_target(l, prefix, target, kind, &p->attach_module, dg);

	if (id < 0)
		return diag_error(dg, at, id,
				  "program '%s': the BTF of the kernel and its modules has no "
				  "%s %s%s",
				  p->pub.fn->name, btf_kind_text(kind), prefix, target);
	p->attach_btf_id = (u32)id;
	return 0;
}

/* Kernels before 5.0 compare this with their own version for kprobes. */
static u32 kern_version(const struct load *l, u32 prog_type)
{
	struct utsname u;
	u32 major, minor, patch = 0;

	if (l->obj->kern_version || prog_type != BPF_PROG_TYPE_KPROBE || uname(&u) ||
	    sscanf(u.release, "%u.%u.%u", &major, &minor, &patch) < 2)
		return l->obj->kern_version;
	return major << 16 | minor << 8 | MIN(patch, 255u);
}

static void attr_fill(struct load *l, struct prog *p, union bpf_attr *attr)
{
	*attr = (union bpf_attr){
		.prog_type = p->pub.type,
		.insn_cnt = p->n_insns,
		.insns = (u64)p->insns,
		.license = (u64)l->obj->license,
		.kern_version = kern_version(l, p->pub.type),
		.prog_flags = p->prog_flags | l->opts.prog_flags,
		.expected_attach_type = p->pub.attach_type,
		.attach_btf_id = p->attach_btf_id,
	};
	if (p->attach_prog_fd >= 0)
		attr->attach_prog_fd = (u32)p->attach_prog_fd;
	else if (p->attach_module)
		attr->attach_btf_obj_fd = (u32)kernel_btf_fd(l, p->attach_module);
	for (u32 i = 0; i < BPF_OBJ_NAME_LEN - 1 && p->pub.fn->name[i]; i++) {
		char c = p->pub.fn->name[i];

		attr->prog_name[i] = isalnum((u8)c) || c == '_' || c == '.' ? c : '_';
	}
	if (l->btf_fd >= 0) {
		attr->prog_btf_fd = (u32)l->btf_fd;
		attr->func_info_rec_size = sizeof(struct bpf_func_info);
		attr->func_info = (u64)p->func_info.p;
		attr->func_info_cnt = p->func_info.n;
		attr->line_info_rec_size = sizeof(struct bpf_line_info);
		attr->line_info = (u64)p->line_info.p;
		attr->line_info_cnt = p->line_info.n;
	}
	if (l->fd_array.n)
		attr->fd_array = (u64)l->fd_array.p;
}

int prog_load(struct load *l, struct prog *p, struct diag *dg)
{
	union bpf_attr attr;

	attr_fill(l, p, &attr);

	int fd = engine_bpf(l->e, BPF_PROG_LOAD, &attr, BPF_ATTR_UPTO(core_relo_rec_size));

	if (fd < 0)
		return refusal_report(l, p, &attr, fd, dg);
	p->pub.fd = fd;
	return 0;
}
