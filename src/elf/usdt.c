/* SPDX-License-Identifier: BSD-2-Clause */
/* elf/usdt.c - user-space static probes: the notes that sys/sdt.h leaves in a binary. */
#include "elf/usdt.h"
#include "base/vec.h"
#include "elf/binary.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { STAPSDT_TYPE = 3 };

/* One note of .note.stapsdt: three addresses, then provider, name and arguments as strings.  The
 * addresses are those of link time; base tells how far .stapsdt.base was moved since. */
static bool usdt_note(const struct elf_file *f, const u8 *desc, u32 size, const char **provider,
		      const char **name, struct usdt_site *out)
{
	u32 word = f->is64 ? 8 : 4;
	const char *s[3];
	u64 addr[3];

	if (size < 3 * word)
		return false;
	for (u32 i = 0; i < 3; i++)
		addr[i] = f->is64 ? elf_get64(f, desc + 8 * i) : elf_get32(f, desc + 4 * i);

	const char *p = (const char *)desc + 3 * word, *end = (const char *)desc + size;

	for (u32 i = 0; i < 3; i++) {
		const char *nul = memchr(p, 0, (size_t)(end - p));

		if (!nul)
			return false;
		s[i] = p;
		p = nul + 1;
	}

	const struct elf_section *base = elf_find(f, ".stapsdt.base");
	u64 moved = base && addr[1] ? base->addr - addr[1] : 0;

	if (!elf_addr_to_off(f, addr[0] + moved, &out->off))
		return false;
	out->semaphore_off = 0;
	if (addr[2])
		elf_addr_to_off(f, addr[2] + moved, &out->semaphore_off);
	snprintf(out->args, sizeof(out->args), "%s", s[2]);
	*provider = s[0];
	*name = s[1];
	return true;
}

int usdt_each(const char *path, struct place at, struct diag *dg,
	      int (*fn)(void *arg, const char *provider, const char *name,
			const struct usdt_site *site),
	      void *arg)
{
	struct binary b;
	int ret = binary_open(path, at, dg, &b);

	if (ret)
		return ret;

	const struct elf_section *notes = elf_find(&b.elf, ".note.stapsdt");
	u64 pos = 0;

	while (!ret && notes && notes->data && notes->size - pos >= 12) {
		const u8 *h = notes->data + pos;
		u64 name_size = ALIGN_UP((u64)elf_get32(&b.elf, h), 4);
		u32 desc_size = elf_get32(&b.elf, h + 4);
		u64 need = 12 + name_size + ALIGN_UP((u64)desc_size, 4);
		const char *provider, *name;
		struct usdt_site site;

		if (need > notes->size - pos)
			break;
		if (elf_get32(&b.elf, h + 8) == STAPSDT_TYPE &&
		    usdt_note(&b.elf, h + 12 + name_size, desc_size, &provider, &name, &site))
			ret = fn(arg, provider, name, &site);
		pos += need;
	}
	binary_close(&b);
	return ret;
}

struct find {
	const char *provider, *name;
	VEC(struct usdt_site) sites;
};

static int find_one(void *arg, const char *provider, const char *name, const struct usdt_site *site)
{
	struct find *f = arg;

	if (strcmp(provider, f->provider) || strcmp(name, f->name))
		return 0;
	return vec_push(&f->sites, *site) ? 0 : -ENOMEM;
}

int usdt_find(const char *path, const char *provider, const char *name, struct place at,
	      struct diag *dg, struct usdt_site **out, u32 *n)
{
	struct find f = { .provider = provider, .name = name };
	int err = usdt_each(path, at, dg, find_one, &f);

	if (!err && !f.sites.n)
		err = diag_error(dg, at, -ENOENT, "%s has no USDT probe %s:%s", path, provider,
				 name);
	if (err) {
		vec_free(&f.sites);
		return err;
	}
	*out = f.sites.p;
	*n = f.sites.n;
	return 0;
}
