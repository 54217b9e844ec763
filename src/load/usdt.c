/* SPDX-License-Identifier: BSD-2-Clause */
/* load/usdt.c - USDT probes: a uprobe at each place of a probe, and how its arguments are read
 * there.
 *
 * The binary's notes say per place where each argument lives, in the assembler's words: "-4@%edi",
 * "8@$5", "8@-16(%rbp)", "4@(%rax,%rbx,4)".  A program compiled with bpf/usdt.bpf.h reads that as a
 * struct __bpf_usdt_spec from its map __bpf_usdt_specs; the uprobe's cookie is the index there.
 */
#include "elf/binary.h"
#include "elf/usdt.h"
#include "load/priv.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* bpf/usdt.bpf.h, libbpf 0.8 and later; the last kind needs 1.7 there. */
enum usdt_arg_kind { USDT_CONST, USDT_REG, USDT_DEREF, USDT_INDEXED };
enum { USDT_ARGS_MAX = 12 };

struct usdt_arg {
	u64 value;           /* the constant, or what is added to the address */
	u32 kind : 8;
	u32 index_off : 12;  /* of the index register in struct pt_regs */
	u32 scale_shift : 4;
	u32 : 8;
	s16 reg_off;         /* of the register in struct pt_regs */
	bool is_signed;
	u8 shift;            /* 64 minus its bits */
};

struct usdt_spec {
	struct usdt_arg args[USDT_ARGS_MAX];
	u64 cookie;
	s16 n_args;
};
_Static_assert(sizeof(struct usdt_arg) == 16 && sizeof(struct usdt_spec) == 208,
	       "layout of bpf/usdt.bpf.h");

#if defined(__x86_64__)
/* Byte offset of a register in struct pt_regs by any of its names; -1: not one. */
static s32 reg_offset(const char *name, size_t len)
{
	static const struct { const char *names; s16 off; } regs[] = {
		{ " r15 r15d r15w r15b ", 0 }, { " r14 r14d r14w r14b ", 8 },
		{ " r13 r13d r13w r13b ", 16 }, { " r12 r12d r12w r12b ", 24 },
		{ " rbp ebp bp bpl ", 32 }, { " rbx ebx bx bl ", 40 },
		{ " r11 r11d r11w r11b ", 48 }, { " r10 r10d r10w r10b ", 56 },
		{ " r9 r9d r9w r9b ", 64 }, { " r8 r8d r8w r8b ", 72 },
		{ " rax eax ax al ", 80 }, { " rcx ecx cx cl ", 88 }, { " rdx edx dx dl ", 96 },
		{ " rsi esi si sil ", 104 }, { " rdi edi di dil ", 112 }, { " rip ", 128 },
		{ " rsp esp sp spl ", 152 },
	};
	char wanted[8];

	if (!len || len > 4)
		return -1;
	snprintf(wanted, sizeof(wanted), " %.*s ", (int)len, name);
	for (u32 i = 0; i < ARRAY_SIZE(regs); i++)
		if (strstr(regs[i].names, wanted))
			return regs[i].off;
	return -1;
}

/* Takes "%name" off the text. */
static bool take_reg(const char **p, s32 *off)
{
	size_t n = **p == '%' ? strcspn(*p + 1, ",) ") : 0;

	*off = reg_offset(*p + 1, n);
	*p += n + 1;
	return *off >= 0;
}

/* One argument without its size: $5, %rdi, -16(%rbp), 8(%rax,%rbx,4).  False: another form, such as
 * the name of a variable. */
static bool parse_place(const char *p, struct usdt_arg *arg)
{
	char *end;
	s32 off;

	if (*p == '%') {
		arg->kind = USDT_REG;
		if (!take_reg(&p, &off))
			return false;
		arg->reg_off = (s16)off;
		return !*p;
	}
	if (*p == '$') {
		arg->kind = USDT_CONST;
		arg->value = (u64)strtoll(p + 1, &end, 0);
		return end != p + 1 && !*end;
	}
	arg->kind = USDT_DEREF;
	arg->value = *p == '(' ? 0 : (u64)strtoll(p, &end, 0);
	p = *p == '(' ? p : end;
	if (*p++ != '(' || !take_reg(&p, &off))
		return false;
	arg->reg_off = (s16)off;
	if (*p == ',') {
		p++;
		if (!take_reg(&p, &off))
			return false;

		u32 scale = *p == ',' ? (u32)strtoul(p + 1, &end, 10) : 1;

		p = *p == ',' ? end : p;
		if (!scale || scale > 8 || scale & (scale - 1))
			return false;
		arg->kind = USDT_INDEXED;
		arg->index_off = (u32)off & 0xfff;
		arg->scale_shift = (u32)__builtin_ctz(scale) & 0xf;
	}
	return !strcmp(p, ")");
}
#else
/* The forms of other architectures' assemblers are not known here. */
static bool parse_place(const char *p, struct usdt_arg *arg)
{
	(void)p;
	(void)arg;
	return false;
}
#endif

/* "SIZE@PLACE SIZE@PLACE ...", SIZE negative for signed; "" for a probe without arguments. */
static int parse_args(const char *text, struct usdt_spec *spec)
{
	char copy[1024], *save = NULL;

	memset(spec, 0, sizeof(*spec));
	if ((size_t)snprintf(copy, sizeof(copy), "%s", text) >= sizeof(copy))
		return -ENOTSUP;
	for (char *p = strtok_r(copy, " ", &save); p; p = strtok_r(NULL, " ", &save)) {
		struct usdt_arg *arg = &spec->args[spec->n_args];
		char *at;
		s64 size = strtol(p, &at, 10);
		u64 bytes = size < 0 ? 0 - (u64)size : (u64)size;

		if (spec->n_args == USDT_ARGS_MAX || *at != '@' ||
		    (bytes != 1 && bytes != 2 && bytes != 4 && bytes != 8) ||
		    !parse_place(at + 1, arg))
			return -ENOTSUP;
		arg->is_signed = size < 0;
		arg->shift = (u8)(64 - 8 * bytes);
		spec->n_args++;
	}
	return 0;
}

/* Enters the spec of a place into the program's map; its index there. */
static s64 spec_enter(struct load *l, struct prog *p, const struct usdt_site *site, struct diag *dg)
{
	struct load_map *m = load_find_map(l, "__bpf_usdt_specs");
	const struct attach_spec *s = &p->pub.spec;
	struct usdt_spec spec;
	u32 id = l->n_usdt_specs;

	if (!m || m->fd < 0)
		return 0;
	if (m->value_size != sizeof(spec) || id >= m->max_entries)
		return diag_error(dg, s->at, -E2BIG,
				  "USDT %s:%s: map __bpf_usdt_specs has room for %u "
				  "places of %lu bytes",
				  s->category, s->name, m->max_entries, sizeof(spec));
	if (parse_args(site->args, &spec))
		return diag_error(dg, s->at, -ENOTSUP,
				  "USDT %s:%s: its arguments '%s' have a form that "
				  "is not known",
				  s->category, s->name, site->args);
	spec.cookie = s->cookie;

	union bpf_attr attr = { .map_fd = (u32)m->fd, .key = (u64)&id, .value = (u64)&spec };
	int err = engine_bpf(l->e, BPF_MAP_UPDATE_ELEM, &attr, BPF_ATTR_UPTO(flags));

	if (err)
		return diag_error(dg, s->at, err, "USDT %s:%s: map __bpf_usdt_specs: %s",
				  s->category, s->name, strerror(-err));
	l->n_usdt_specs++;
	return id;
}

/* Places that read their arguments alike share a spec. */
static int attach_site(struct load *l, struct prog *p, const char *path, struct usdt_site *sites,
		       s64 *ids, u32 i, struct diag *dg)
{
	struct attach_spec spec = p->pub.spec;

	ids[i] = -1;
	for (u32 j = 0; j < i && ids[i] < 0; j++)
		if (!strcmp(sites[j].args, sites[i].args))
			ids[i] = ids[j];
	if (ids[i] < 0)
		ids[i] = spec_enter(l, p, &sites[i], dg);
	if (ids[i] < 0)
		return (int)ids[i];
	spec.kind = ATTACH_UPROBE;
	spec.path = path;
	spec.name = NULL;
	spec.off = sites[i].off;
	spec.ref_ctr_off = sites[i].semaphore_off;
	spec.cookie = (u64)ids[i];
	return l->e->ops->attach(l->e, p->pub.fd, &spec, dg);
}

int usdt_attach(struct load *l, struct prog *p, struct diag *dg)
{
	const struct attach_spec *s = &p->pub.spec;
	struct usdt_site *sites;
	char path[4096];
	int first = -1, err;
	u32 n;

	err = binary_find(s->path, s->pid, path, sizeof(path), s->at, dg);
	if (!err)
		err = usdt_find(path, s->category, s->name, s->at, dg, &sites, &n);
	if (err)
		return err;

	s64 *ids = calloc(n, sizeof(*ids));

	err = ids ? 0 : -ENOMEM;
	for (u32 i = 0; !err && i < n; i++) {
		int fd = attach_site(l, p, path, sites, ids, i, dg);

		if (fd < 0) {
			err = fd;
		} else if (first < 0) {
			first = fd;
		} else if (!vec_push(&l->links, fd)) {
			close(fd);
			err = -ENOMEM;
		}
	}
	free(ids);
	free(sites);
	if (err && first >= 0)
		close(first);
	return err ? err : first;
}
