/* SPDX-License-Identifier: BSD-2-Clause */
/* btf/load.c - BTF from the kernel and from files. */
#include "btf/image.h"
#include "elf/file.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define BTF_DIR "/sys/kernel/btf"

enum { FILE_MAX = 1 << 30 };

/* Takes the file over: the BTF lies in it. */
static int parse_file(struct bytes *file, const char *path, u64 off, u64 size,
		      const struct btf *base, u32 flags, const char *sect, struct diag *dg,
		      struct btf **out)
{
	struct place at = { .file = path, .sect = sect ? sect : "BTF" };
	int err = btf_parse(file->p + off, size, base, flags | BTF_BORROW, dg, at, out);

	if (err) {
		bytes_free(file);
		return err;
	}
	(*out)->file = *file;
	return 0;
}

static int load_sysfs(const char *path, const struct btf *base, struct diag *dg, struct btf **out)
{
	struct place at = { .file = path };
	struct bytes file;
	int err = file_map(path, FILE_MAX, &file);

	if (err == -ENOENT)
		return diag_error(dg, at, err, "the kernel has no BTF here");
	if (err)
		return diag_error(dg, at, err, "can't read: %s", strerror(-err));
	return parse_file(&file, path, 0, file.size, base, BTF_TRUSTED, NULL, dg, out);
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

int btf_load_file(const char *path, const struct btf *base, struct diag *dg, struct btf **out)
{
	struct place at = { .file = path };
	const struct elf_section *s;
	struct elf_file elf;
	struct bytes file;
	u64 off, size;
	int err = file_map(path, FILE_MAX, &file);

	if (err)
		return diag_error(dg, at, err, "can't read: %s", strerror(-err));
	if (file.size < SELFMAG || memcmp(file.p, ELFMAG, SELFMAG) != 0)
		return parse_file(&file, path, 0, file.size, base, 0, NULL, dg, out);
	err = elf_open(file.p, file.size, path, dg, &elf);
	if (err) {
		bytes_free(&file);
		return err;
	}
	s = elf_find(&elf, ".BTF");
	off = s && s->data ? s->off : 0;
	size = s && s->data ? s->size : 0;
	elf_close(&elf);
	if (!off) {
		bytes_free(&file);
		return diag_error(dg, at, -ENOENT, "no .BTF section");
	}
	return parse_file(&file, path, off, size, base, 0, ".BTF", dg, out);
}
