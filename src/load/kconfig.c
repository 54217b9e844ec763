/* SPDX-License-Identifier: BSD-2-Clause */
/* load/kconfig.c - .kconfig externs: CONFIG_* of the running kernel and the virtual LINUX_* ones.
 *
 * A CONFIG_ line is "CONFIG_X=y|m|n|NUMBER|"TEXT"".  Where it goes depends on the extern's type:
 * bool, enum libbpf_tristate, char, an integer, a char array.  Rules are those of libbpf; the
 * system's configuration is read from /boot/config-RELEASE, else /proc/config.gz.
 */
#include "base/mem.h"
#include "base/str.h"
#include "load/priv.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <zlib.h>

enum kconfig_type {
	KCONFIG_UNKNOWN, KCONFIG_BOOL, KCONFIG_CHAR, KCONFIG_INT, KCONFIG_TRISTATE, KCONFIG_TEXT,
};
enum { TRISTATE_NO, TRISTATE_YES, TRISTATE_MODULE };

struct target_var {
	const struct obj_extern *e;
	struct ext *x;
	u8 *p;               /* e->size bytes in the map's value */
	enum kconfig_type type;
	bool is_signed;
};

static enum kconfig_type type_of(const struct btf *btf, u32 id, bool *is_signed)
{
	const struct btf_type *t = btf_resolve(btf, id);
	u32 kind = btf_kind(t);

	*is_signed = false;
	if (kind == BTF_INT) {
		u32 enc = btf_int_encoding(t);

		if (enc & BTF_INT_BOOL)
			return t->size == 1 ? KCONFIG_BOOL : KCONFIG_UNKNOWN;
		*is_signed = enc & BTF_INT_SIGNED;
		if (t->size == 1)
			return KCONFIG_CHAR;
		return t->size == 2 || t->size == 4 || t->size == 8 ? KCONFIG_INT : KCONFIG_UNKNOWN;
	}
	if (btf_is_enum(t))
		return t->size == 4 && !strcmp(btf_str(btf, t->name_off), "libbpf_tristate") ?
			       KCONFIG_TRISTATE : KCONFIG_UNKNOWN;
	if (kind == BTF_ARRAY && btf_array(t)->n) {
		bool ignored;
		const struct btf_type *elem = btf_resolve(btf, btf_array(t)->type);

		if (btf_kind(elem) == BTF_INT &&
		    type_of(btf, btf_array(t)->type, &ignored) == KCONFIG_CHAR)
			return KCONFIG_TEXT;
	}
	return KCONFIG_UNKNOWN;
}

static bool var_of(struct load *l, u32 i, struct target_var *v)
{
	const struct obj_extern *e = &l->obj->externs[i];

	*v = (struct target_var){ .e = e, .x = &l->exts[i], .p = l->kconfig + e->kconfig_off };
	v->type = type_of(l->obj->btf, e->type_id, &v->is_signed);
	return v->type != KCONFIG_UNKNOWN;
}

static int mismatch(const struct load *l, const struct target_var *v, const char *text,
		    const char *wants, struct diag *dg)
{
	return diag_error(dg, (struct place){ .file = l->obj->path }, -EINVAL,
			  "extern '%s': the configuration's value %s wants %s", v->e->name, text,
			  wants);
}

static int set_letter(struct load *l, const struct target_var *v, const char *text, struct diag *dg)
{
	char c = *text;
	u32 tri = c == 'y' ? TRISTATE_YES : c == 'm' ? TRISTATE_MODULE : TRISTATE_NO;

	if (v->type == KCONFIG_TRISTATE)
		memcpy(v->p, &tri, sizeof(tri));
	else if (v->type == KCONFIG_CHAR)
		*v->p = (u8)c;
	else if (v->type == KCONFIG_BOOL && c != 'm')
		*v->p = c == 'y';
	else
		return mismatch(l, v, text, "a bool (not for m), a tristate or a char", dg);
	v->x->is_set = true;
	return 0;
}

static int set_text(struct load *l, const struct target_var *v, const char *text, struct diag *dg)
{
	size_t n = strlen(text);

	if (v->type != KCONFIG_TEXT || n < 2 || text[n - 1] != '"')
		return mismatch(l, v, text, "a char array", dg);
	n = MIN(n - 2, (size_t)v->e->size - 1);
	memcpy(v->p, text + 1, n);
	v->p[n] = 0;
	v->x->is_set = true;
	return 0;
}

static bool fits(const struct target_var *v, u64 value)
{
	u32 bits = v->e->size * 8;

	if (bits >= 64)
		return true;
	if (v->is_signed)
		return value + (1ull << (bits - 1)) < 1ull << bits;
	return value >> bits == 0;
}

static int set_number(struct load *l, const struct target_var *v, u64 value, struct diag *dg)
{
	char text[32];

	snprintf(text, sizeof(text), "%lu", value);
	if (v->type == KCONFIG_BOOL ? value > 1 : v->type != KCONFIG_INT && v->type != KCONFIG_CHAR)
		return mismatch(l, v, text, "an integer", dg);
	if (!fits(v, value))
		return diag_error(dg, (struct place){ .file = l->obj->path }, -ERANGE,
				  "extern '%s': value %s does not fit in %u bytes", v->e->name,
				  text, v->e->size);
	switch (v->e->size) {
	case 1: *v->p = (u8)value; break;
	case 2: mem_put16(v->p, (u16)value); break;
	case 4: mem_put32(v->p, (u32)value); break;
	default: mem_put64(v->p, value); break;
	}
	v->x->is_set = true;
	return 0;
}

static int set_value(struct load *l, const struct target_var *v, const char *text, struct diag *dg)
{
	s64 negative;
	u64 value;

	switch (*text) {
	case 'y': case 'n': case 'm':
		return set_letter(l, v, text, dg);
	case '"':
		return set_text(l, v, text, dg);
	}
	if (!str_to_s64(text, &negative))
		value = (u64)negative;
	else if (str_to_u64(text, &value))
		return mismatch(l, v, text, "nothing that is known", dg);
	if (v->type != KCONFIG_INT && v->type != KCONFIG_CHAR)
		return mismatch(l, v, text, "an integer", dg);
	return set_number(l, v, value, dg);
}

/* One line without its newline; a line that is no setting is passed over. */
static int take_line(struct load *l, char *line, struct diag *dg)
{
	char *eq = strchr(line, '=');

	if (!str_starts(line, "CONFIG_") || !eq)
		return 0;
	*eq = 0;
	for (u32 i = 0; i < l->obj->n_externs; i++) {
		const struct obj_extern *e = &l->obj->externs[i];
		struct target_var v;

		if (e->kind != EXTERN_KCONFIG || l->exts[i].is_set || strcmp(e->name, line))
			continue;
		return var_of(l, i, &v) ? set_value(l, &v, eq + 1, dg) : 0;
	}
	return 0;
}

static int read_lines(struct load *l, struct diag *dg)
{
	char path[128], line[4096];
	struct utsname u;
	int err = 0;

	uname(&u);
	snprintf(path, sizeof(path), "/boot/config-%s", u.release);

	gzFile f = gzopen(path, "re"); /* reads uncompressed files too */

	if (!f)
		f = gzopen("/proc/config.gz", "re");
	if (!f)
		return diag_error(
			dg, (struct place){ .file = l->obj->path }, -ENOENT,
			"neither %s nor /proc/config.gz can be read, for the .kconfig externs",
			path);
	while (!err && gzgets(f, line, sizeof(line))) {
		line[strcspn(line, "\n")] = 0;
		err = take_line(l, line, dg);
	}
	gzclose(f);
	return err;
}

static int read_option(struct load *l, struct diag *dg)
{
	char line[4096];
	int err = 0;

	for (const char *p = l->opts.kconfig; !err && p && *p; p += *p == '\n') {
		size_t n = strcspn(p, "\n");

		snprintf(line, sizeof(line), "%.*s", (int)MIN(n, sizeof(line) - 1), p);
		err = take_line(l, line, dg);
		p += n;
	}
	return err;
}

/* KERNEL_VERSION(a, b, c), where c is at most 255. */
static u64 kernel_version(void)
{
	struct utsname u;
	u32 major, minor, patch = 0;

	if (uname(&u) || sscanf(u.release, "%u.%u.%u", &major, &minor, &patch) < 2)
		return 0;
	return (u64)major << 16 | minor << 8 | MIN(patch, 255u);
}

/* Does the kernel know perf links and their cookie (5.15)?  A link on a bad fd gives EBADF
 * there, EINVAL before. */
static bool has_cookie(struct load *l)
{
	union bpf_attr attr = {
		.link_create = {
			.prog_fd = ~0u,
			.target_fd = ~0u,
			.attach_type = BPF_PERF_EVENT,
		},
	};

	return engine_bpf(l->e, BPF_LINK_CREATE, &attr, BPF_ATTR_UPTO(link_create.perf_event)) ==
	       -EBADF;
}

/* Do kprobes meet system calls in wrappers that take a struct pt_regs?  On the 64-bit
 * architectures all kernels that have the kprobe PMU do; without kprobes the answer is no, as in
 * libbpf, which asks by opening one.  The user engine shows calls in that way everywhere. */
static bool has_syscall_wrapper(const struct load *l)
{
	return !strcmp(l->e->ops->name, "user") ||
	       !access("/sys/bus/event_source/devices/kprobe/type", F_OK);
}

static int set_virtual(struct load *l, const struct target_var *v, struct diag *dg)
{
	const char *name = v->e->name;

	if (!strcmp(name, "LINUX_KERNEL_VERSION"))
		return set_number(l, v, kernel_version(), dg);
	if (!strcmp(name, "LINUX_HAS_BPF_COOKIE"))
		return set_number(l, v, has_cookie(l), dg);
	if (!strcmp(name, "LINUX_HAS_SYSCALL_WRAPPER"))
		return set_number(l, v, has_syscall_wrapper(l), dg);
	if (str_starts(name, "LINUX_") && v->e->is_weak)
		return 0;
	return diag_error(dg, (struct place){ .file = l->obj->path }, -EINVAL,
			  "extern '%s' is neither a CONFIG_ name nor one of LINUX_KERNEL_VERSION, "
			  "LINUX_HAS_BPF_COOKIE, LINUX_HAS_SYSCALL_WRAPPER", name);
}

static bool some_unset(const struct load *l)
{
	for (u32 i = 0; i < l->obj->n_externs; i++)
		if (l->obj->externs[i].kind == EXTERN_KCONFIG && !l->exts[i].is_set &&
		    str_starts(l->obj->externs[i].name, "CONFIG_"))
			return true;
	return false;
}

static int kconfig_alloc(struct load *l, struct diag *dg)
{
	u32 size = 0;

	for (u32 i = 0; i < l->obj->n_maps; i++)
		if (l->obj->maps[i].kind == OBJ_MAP_KCONFIG)
			size = l->obj->maps[i].value_size;
	for (u32 i = 0; i < l->obj->n_externs; i++) {
		const struct obj_extern *e = &l->obj->externs[i];

		if (e->kind == EXTERN_KCONFIG &&
		    ((u64)e->kconfig_off + e->size > size || !l->obj->btf))
			return diag_error(dg, (struct place){ .file = l->obj->path }, -EINVAL,
					  "extern '%s' lies outside of the .kconfig map", e->name);
	}
	l->kconfig = size ? calloc(1, size) : NULL;
	return size && !l->kconfig ? -ENOMEM : 0;
}

int kconfig_resolve(struct load *l, struct diag *dg)
{
	int err = kconfig_alloc(l, dg);

	for (u32 i = 0; !err && i < l->obj->n_externs; i++) {
		const struct obj_extern *e = &l->obj->externs[i];
		struct target_var v;

		if (e->kind != EXTERN_KCONFIG)
			continue;
		if (!var_of(l, i, &v))
			err = diag_error(
				dg, (struct place){ .file = l->obj->path }, -ENOTSUP,
				"extern '%s': its type is none that a configuration value has",
				e->name);
		else if (!str_starts(e->name, "CONFIG_"))
			err = set_virtual(l, &v, dg);
	}
	if (!err && some_unset(l) && l->opts.kconfig)
		err = read_option(l, dg);
	if (!err && some_unset(l))
		err = read_lines(l, dg);
	for (u32 i = 0; !err && i < l->obj->n_externs; i++) {
		const struct obj_extern *e = &l->obj->externs[i];

		if (e->kind == EXTERN_KCONFIG && !e->is_weak && !l->exts[i].is_set)
			err = diag_error(
				dg, (struct place){ .file = l->obj->path }, -ESRCH,
				"extern '%s' is not set in this kernel's configuration; __weak "
				"would make it 0",
				e->name);
	}
	return err;
}
