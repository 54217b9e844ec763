/* SPDX-License-Identifier: BSD-2-Clause */
/* load/kernel_btf.c - names in the BTF of the kernel and its modules.
 *
 * Modules are listed only when vmlinux does not have a name: most programs need none, and reading
 * all of them costs more than everything else here.
 */
#include "load/priv.h"
#include <errno.h>
#include <string.h>
#include <unistd.h>

/* Takes fd over when its BTF belongs to a module. */
static int module_add(struct load *l, int fd)
{
	char name[64] = "";
	struct bpf_btf_info info = { .name = (u64)name, .name_len = sizeof(name) };
	union bpf_attr attr = {
		.info = { .bpf_fd = (u32)fd, .info_len = sizeof(info), .info = (u64)&info },
	};
	int err = engine_bpf(l->e, BPF_OBJ_GET_INFO_BY_FD, &attr, BPF_ATTR_UPTO(info));

	if (err || !info.kernel_btf || !strcmp(name, "vmlinux")) {
		close(fd);
		return 0;
	}

	struct module m = { .name = strdup(name), .fd = fd };

	if (!m.name || !vec_push(&l->modules, m)) {
		free(m.name);
		close(fd);
		return -ENOMEM;
	}
	return 0;
}

int kernel_modules(struct load *l)
{
	u32 id = 0;

	if (l->modules_listed)
		return 0;
	l->modules_listed = true;
	for (;;) {
		union bpf_attr next = { .start_id = id };

		/* No right to walk ids, no such command, or the end: what is known so far counts. */
		if (engine_bpf(l->e, BPF_BTF_GET_NEXT_ID, &next, BPF_ATTR_UPTO(open_flags)))
			return 0;
		id = next.next_id;

		union bpf_attr by_id = { .btf_id = id };
		int fd = engine_bpf(l->e, BPF_BTF_GET_FD_BY_ID, &by_id, BPF_ATTR_UPTO(open_flags));

		/* -ENOENT: unloaded meanwhile. */
		if (fd < 0)
			continue;

		int err = module_add(l, fd);

		if (err)
			return err;
	}
}

const struct btf *kernel_btf_of(struct load *l, u32 module, struct diag *dg)
{
	if (!module)
		return l->e->ops->target_btf(l->e, NULL, dg);

	struct module *m = &l->modules.p[module - 1];

	if (!m->btf)
		m->btf = l->e->ops->target_btf(l->e, m->name, NULL);
	return m->btf;
}

int kernel_btf_fd(struct load *l, u32 module)
{
	return module ? l->modules.p[module - 1].fd : 0;
}

int kernel_btf_fd_index(struct load *l, u32 module)
{
	if (!module)
		return 0;

	struct module *m = &l->modules.p[module - 1];

	if (!m->fd_array_idx) {
		if (!l->fd_array.n && !vec_push(&l->fd_array, 0))
			return -ENOMEM;
		if (l->fd_array.n > INT16_MAX)
			return -E2BIG;
		if (!vec_push(&l->fd_array, m->fd))
			return -ENOMEM;
		m->fd_array_idx = (s16)(l->fd_array.n - 1);
	}
	return m->fd_array_idx;
}

static int full_name(const char *prefix, const char *name, char *out, size_t size)
{
	size_t n = strlen(prefix), m = strlen(name);

	if (n + m >= size)
		return -ESRCH;
	memcpy(out, prefix, n);
	memcpy(out + n, name, m + 1);
	return 0;
}

/* wanted: only the module of that name ("vmlinux": none of them), NULL: any. */
static int find_in(struct load *l, const char *name, u32 kind, const char *wanted, u32 *module,
		   struct diag *dg)
{
	const struct btf *vmlinux = kernel_btf_of(l, 0, dg);
	u32 id = 0;

	if (!vmlinux)
		return -ESRCH;
	if (!wanted || !strcmp(wanted, "vmlinux"))
		id = btf_find(vmlinux, name, kind);
	*module = 0;
	if (id)
		return (int)id;

	int err = kernel_modules(l);

	for (u32 i = 1; !err && i <= l->modules.n; i++) {
		if (wanted && strcmp(wanted, l->modules.p[i - 1].name))
			continue;

		const struct btf *btf = kernel_btf_of(l, i, NULL);

		id = btf ? btf_find_own(btf, name, kind) : 0;
		if (id) {
			*module = i;
			return (int)id;
		}
	}
	return err ? err : -ESRCH;
}

int kernel_btf_find(struct load *l, const char *prefix, const char *name, u32 kind, u32 *module,
		    struct diag *dg)
{
	char full[256];
	int err = full_name(prefix, name, full, sizeof(full));

	return err ? err : find_in(l, full, kind, NULL, module, dg);
}

int kernel_btf_target(struct load *l, const char *prefix, const char *name, u32 kind, u32 *module,
		      struct diag *dg)
{
	const char *colon = strchr(name, ':');
	char full[256], wanted[64];
	int err = full_name(prefix, colon ? colon + 1 : name, full, sizeof(full));

	if (err)
		return err;
	if (!colon)
		return find_in(l, full, kind, NULL, module, dg);
	if ((size_t)(colon - name) >= sizeof(wanted))
		return -ESRCH;
	memcpy(wanted, name, (size_t)(colon - name));
	wanted[colon - name] = 0;
	return find_in(l, full, kind, wanted, module, dg);
}
