/* SPDX-License-Identifier: BSD-2-Clause */
/* Any text as C declarations.
 *
 * What must hold: no crash, no hang; without success there is a message; every type that came out has a name and
 * members that lie in it.
 */
#include "lang/cdecl/cdecl.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static int include(void *arg, const char *name, bool is_system, struct diag *dg, char **text)
{
	(void)is_system;
	(void)dg;
	if (strcmp(name, "self.h") != 0)
		return -ENOENT;
	*text = strdup(arg);
	return 0;
}

static void look_at(struct ctypes *c, const char *name)
{
	const struct stype *t = ctypes_find(c, name), *e;
	struct str s = {0};
	s64 v;

	if (t)
		t = ctypes_complete(c, t);
	for (u32 i = 0; t && t->kind == ST_STRUCT && i < t->n_fields; i++) {
		const struct stype_field *f = &t->fields[i];
		u64 bytes = f->bits ? (f->bit_off + f->bits + 7) / 8 : f->type->size;

		if (f->off < 0 || (u64)f->off + bytes > t->size)
			abort();
	}
	if (t)
		stype_text(t, &s);
	ctypes_constant(c, name, &v, &e);
	ctypes_string(c, name);
	ctypes_define(c, name);
	str_free(&s);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static const char *const names[] = { "struct a", "union a", "enum a", "a", "b", "A", "B", "unsigned a",
					     "struct b", "uint64_t" };
	char *text = strndup((const char *)data, size);
	struct arena types = {0};
	struct ctypes_opts o = { .types = &types, .include = include, .arg = text };
	struct diag dg = {0};
	struct ctypes *c;

	if (text && !ctypes_new(&o, &c)) {
		if (ctypes_add(c, (const char *)data, size, "fuzz", 1, &dg) && !dg.n)
			abort();
		for (u32 i = 0; i < ARRAY_SIZE(names); i++)
			look_at(c, names[i]);
		ctypes_free(c);
	}
	diag_free(&dg);
	arena_free(&types);
	free(text);
	return 0;
}
