/* SPDX-License-Identifier: BSD-2-Clause */
/* btf/load.c - BTF of the running kernel and its modules. */
#include "btf/image.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define BTF_DIR "/sys/kernel/btf"

enum { FILE_MAX = 1 << 30 };

static int load_sysfs(const char *path, const struct btf *base, struct diag *dg, struct btf **out)
{
	struct place at = { .file = path };
	struct bytes file;
	int err = file_map(path, FILE_MAX, &file);

	if (err == -ENOENT)
		return diag_error(dg, at, err, "the kernel has no BTF here");
	if (err)
		return diag_error(dg, at, err, "can't read: %s", strerror(-err));
	at.sect = "BTF";
	err = btf_parse(file.p, file.size, base, BTF_TRUSTED | BTF_BORROW, dg, at, out);
	if (err)
		bytes_free(&file);
	else
		(*out)->file = file;
	return err;
}

int btf_load_kernel(struct diag *dg, struct btf **out)
{
	return load_sysfs(BTF_DIR "/vmlinux", NULL, dg, out);
}

int btf_load_module(const char *name, const struct btf *vmlinux, struct diag *dg, struct btf **out)
{
	char path[128];

	if (strchr(name, '/') ||
	    snprintf(path, sizeof(path), BTF_DIR "/%s", name) >= (int)sizeof(path))
		return diag_error(dg, (struct place){0}, -EINVAL, "'%s' is no module name", name);
	return load_sysfs(path, vmlinux, dg, out);
}
