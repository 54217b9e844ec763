/* SPDX-License-Identifier: BSD-2-Clause */
/* btf/parse.c - lays a struct btf over raw bytes: header, byte order, one offset per type.
 *
 * What is wrong inside the types is check.c's to say; files are load.c's.
 */
#include "btf/image.h"
#include <errno.h>
#include "base/vec.h"
#include <byteswap.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	u8 fixed, per_vlen;
} tails[BTF_KIND_END] = {
#define KIND(name, number, fixed, per_vlen, text) [number] = { fixed, per_vlen },
#include "btf/kind.def"
#undef KIND
};

u32 btf_type_bytes(u32 kind, u32 vlen)
{
	if (kind == BTF_VOID || kind >= BTF_KIND_END)
		return 0;
	return sizeof(struct btf_type) + tails[kind].fixed + tails[kind].per_vlen * vlen;
}

static int fail(struct diag *dg, struct place at, u64 off, const char *what)
{
	at.off += off;
	return diag_error(dg, at, -EINVAL, "broken BTF: %s", what);
}

static void swap_words(u8 *p, u32 size)
{
	for (u32 i = 0; i + 4 <= size; i += 4) {
		u32 v;

		memcpy(&v, p + i, 4);
		v = bswap_32(v);
		memcpy(p + i, &v, 4);
	}
}

/* Every field of header and types is a u32 but the first four bytes: magic, version, flags. */
static int swap_image(u8 *raw, u32 size, struct diag *dg, struct place at)
{
	struct btf_header h;
	u16 magic;

	memcpy(&magic, raw, 2);
	magic = bswap_16(magic);
	memcpy(raw, &magic, 2);
	swap_words(raw + 4, sizeof(h) - 4);
	memcpy(&h, raw, sizeof(h));
	if ((u64)h.hdr_len + h.type_off + h.type_len > size)
		return fail(dg, at, 0, "types reach past the end");
	swap_words(raw + h.hdr_len + h.type_off, h.type_len);
	return 0;
}

u8 *btf_raw_copy(const struct btf *btf, bool swapped)
{
	u8 *copy = malloc(btf->raw_size);
	u16 magic;

	if (!copy)
		return NULL;
	memcpy(copy, btf->raw, btf->raw_size);
	if (swapped) {
		swap_words(copy + (btf->types - btf->raw), btf->types_size);
		swap_words(copy + 4, sizeof(struct btf_header) - 4);
		memcpy(&magic, copy, 2);
		magic = bswap_16(magic);
		memcpy(copy, &magic, 2);
	}
	return copy;
}

static int read_header(struct btf *btf, struct diag *dg, struct place at)
{
	struct btf_header h;

	memcpy(&h, btf->raw, sizeof(h));
	if (h.version != BTF_VERSION)
		return fail(dg, at, 2, "its version is not 1");
	if (h.hdr_len < sizeof(h) || h.hdr_len > btf->raw_size)
		return fail(dg, at, 4, "header length out of range");
	if (h.type_off % 4 || h.hdr_len % 4)
		return fail(dg, at, 8, "types are not aligned to 4 bytes");
	if ((u64)h.hdr_len + h.type_off + h.type_len > btf->raw_size)
		return fail(dg, at, 8, "types reach past the end");
	if ((u64)h.hdr_len + h.str_off + h.str_len > btf->raw_size)
		return fail(dg, at, 16, "strings reach past the end");
	btf->types = btf->raw + h.hdr_len + h.type_off;
	btf->types_size = h.type_len;
	btf->strs = (const char *)btf->raw + h.hdr_len + h.str_off;
	btf->strs_size = h.str_len;
	if (h.str_len ? btf->strs[h.str_len - 1] != '\0' : !btf->base)
		return fail(dg, at, (u64)h.hdr_len + h.str_off, "strings do not end in NUL");
	if (!btf->base && btf->strs[0])
		return fail(dg, at, (u64)h.hdr_len + h.str_off, "the first string is not empty");
	if (btf->base) {
		btf->first_id = btf_n_types(btf->base);
		btf->first_str = btf->base->first_str + btf->base->strs_size;
	} else {
		btf->first_id = 1;
	}
	if ((u64)btf->first_str + btf->strs_size > UINT32_MAX)
		return fail(dg, at, 16, "more than 4 GiB of strings");
	return 0;
}

/* One pass over the types: where each begins. */
static int index_types(struct btf *btf, struct diag *dg, struct place at)
{
	VEC(u32) offs = {0};
	u64 types_at = btf->types - btf->raw;
	u32 off = 0;

	/* Kernels have some 24 bytes a type. */
	if (btf->types_size && !vec_reserve(&offs, btf->types_size / 22 + 8))
		return diag_error(dg, at, -ENOMEM, "no memory for an index of the BTF's types");
	while (off < btf->types_size) {
		const struct btf_type *t = (const void *)(btf->types + off);
		u32 bytes;

		if (btf->types_size - off < sizeof(*t)) {
			free(offs.p);
			return fail(dg, at, types_at + off, "a type is cut off");
		}
		bytes = btf_type_bytes(btf_kind(t), btf_vlen(t));
		/* vlen of FUNC is its linkage. */
		if (!bytes || bytes > btf->types_size - off) {
			free(offs.p);
			at.off += types_at + off;
			if (!bytes)
				return diag_error(dg, at, -EINVAL,
						  "broken BTF: type %u is of unknown kind %u",
						  btf->first_id + offs.n, btf_kind(t));
			return diag_error(dg, at, -EINVAL, "broken BTF: type %u is cut off",
					  btf->first_id + offs.n);
		}
		if (!vec_push(&offs, off)) {
			free(offs.p);
			return diag_error(dg, at, -ENOMEM, "no memory for an index of the BTF's types");
		}
		off += bytes;
	}
	btf->offs = offs.p;
	btf->n_own = offs.n;
	return 0;
}

static int own_copy(struct btf *btf, struct diag *dg, struct place at)
{
	btf->owned = malloc(btf->raw_size);
	if (!btf->owned)
		return diag_error(dg, at, -ENOMEM, "no memory for %u bytes of BTF", btf->raw_size);
	memcpy(btf->owned, btf->raw, btf->raw_size);
	btf->raw = btf->owned;
	return 0;
}

int btf_parse(const void *data, size_t size, const struct btf *base, u32 flags, struct diag *dg,
	      struct place at, struct btf **out)
{
	struct btf *btf;
	u16 magic;
	int err;

	if (size < sizeof(struct btf_header))
		return fail(dg, at, 0, "shorter than its header");
	if (size > INT32_MAX)
		return fail(dg, at, 0, "longer than 2 GiB");
	memcpy(&magic, data, 2);
	if (magic != BTF_MAGIC && magic != bswap_16(BTF_MAGIC))
		return fail(dg, at, 0, "it does not begin with 0xeb9f");
	btf = calloc(1, sizeof(*btf));
	if (!btf)
		return diag_error(dg, at, -ENOMEM, "no memory for BTF");
	btf->raw = data;
	btf->raw_size = size;
	btf->base = base;
	btf->swapped = magic != BTF_MAGIC;
	err = 0;
	if (!(flags & BTF_BORROW) || btf->swapped || (uintptr_t)data % 4)
		err = own_copy(btf, dg, at);
	if (!err && btf->swapped)
		err = swap_image(btf->owned, size, dg, at);
	if (!err)
		err = read_header(btf, dg, at);
	if (!err)
		err = index_types(btf, dg, at);
	if (!err && !(flags & BTF_TRUSTED))
		err = btf_check(btf, dg, at);
	if (err) {
		btf_free(btf);
		return err;
	}
	*out = btf;
	return 0;
}

void btf_free(struct btf *btf)
{
	if (!btf)
		return;
	free(btf->offs);
	free(btf->owned);
	bytes_free(&btf->file);
	free(btf);
}
