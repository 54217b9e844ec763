/* SPDX-License-Identifier: BSD-2-Clause */
/* lang/cdecl/names.c - names that need no declaration: integers of C and of the kernel, constants of
 * its headers, and the headers that these stand for.
 */
#include "lang/cdecl/priv.h"

static const struct {
	const char *name;
	u8 size;
	bool is_signed;
} aliases[] = {
#define ALIAS(name, size, is_signed) { name, size, is_signed },
#include "lang/cdecl/alias.def"
#undef ALIAS
};

/* Names one after the other, so that nothing is relocated when the program starts. */
static const char constant_names[] =
#define CONSTANT(name, value) #name "\0"
#include "lang/cdecl/constant.def"
#undef CONSTANT
	"";
static const s64 constant_values[] = {
#define CONSTANT(name, value) (s64)(value),
#include "lang/cdecl/constant.def"
#undef CONSTANT
};

const struct stype *cchar_type(void)
{
	static const struct stype plain = { .kind = ST_INT, .size = 1, .is_signed = true, .name = "char" };

	return &plain;
}

bool cis_char(const struct stype *t)
{
	return t == cchar_type();
}

const struct stype *copaque(struct arena *a, const char *name, u32 size)
{
	struct stype *t = arena_alloc(a, sizeof(*t));

	t->kind = ST_NONE;
	t->size = size;
	t->name = name;
	return t;
}

const struct stype *calias_find(const char *name)
{
	if (strcmp(name, "char") == 0)
		return cchar_type();
	if (strcmp(name, "bool") == 0)
		return stype_bool();
	if (strcmp(name, "void") == 0)
		return stype_void();
	for (u32 i = 0; i < ARRAY_SIZE(aliases); i++)
		if (strcmp(aliases[i].name, name) == 0)
			return stype_int(aliases[i].size, aliases[i].is_signed);
	return NULL;
}

const char *calias_at(u32 i)
{
	return i < ARRAY_SIZE(aliases) ? aliases[i].name : NULL;
}

bool cconstant_find(const char *name, s64 *v)
{
	const char *p = constant_names;

	for (u32 i = 0; i < ARRAY_SIZE(constant_values); i++, p += strlen(p) + 1)
		if (strcmp(p, name) == 0) {
			*v = constant_values[i];
			return true;
		}
	return false;
}

/* The name behind another one; NULL past the end. */
const char *cconstant_next(const char *name)
{
	const char *p = name ? name + strlen(name) + 1 : constant_names;

	return *p ? p : NULL;
}

bool cheader_known(const char *name)
{
	static const char *const folders[] = { "linux/", "asm/", "asm-generic/", "uapi/", "net/", "scsi/",
					       "trace/", "sound/", "drm/", "crypto/", "media/", "rdma/",
					       "bits/", "bpf/", "netinet/", "arpa/", "sys/" };
	static const char *const files[] = { "vmlinux.h", "stdint.h", "stdbool.h", "stddef.h", "stdio.h",
					     "stdlib.h", "stdarg.h", "string.h", "strings.h", "inttypes.h",
					     "limits.h", "errno.h", "signal.h", "fcntl.h", "unistd.h",
					     "time.h", "float.h", "iso646.h", "stdalign.h" };

	for (u32 i = 0; i < ARRAY_SIZE(folders); i++)
		if (str_starts(name, folders[i]))
			return true;
	for (u32 i = 0; i < ARRAY_SIZE(files); i++)
		if (strcmp(name, files[i]) == 0)
			return true;
	return false;
}

const struct stype *ctypedef_find(struct ctypes *c, struct cname *n)
{
	const struct stype *t = n->type;

	if (t || n->is_constant || n->word)
		return t;
	if (strcmp(n->text, "bool") == 0)
		return stype_int(1, false); /* as _Bool is in C: 0 or 1 */
	t = calias_find(n->text);
	return t ? t : cbtf_find(c, n->text);
}
