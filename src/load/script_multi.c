/* SPDX-License-Identifier: BSD-2-Clause */
/* load/script_multi.c - many places of one program in one link each binary: uprobe_multi,
 * kprobe_multi; by single links where the engine has none.
 *
 * A place that can't be hooked makes the kernel refuse the whole link: halves are tried then, until
 * what can't is alone.
 */
#include "base/hash.h"
#include "elf/binary.h"
#include "elf/symbols.h"
#include "engine/list.h"
#include "load/script_priv.h"
#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { FEW = 4 };  /* names that are looked up one by one */

/* The places that go into one link. */
struct batch {
	const struct attach_spec *spec;
	VEC(u64) offs;
	VEC(u64) cookies;
	VEC(u64) refs;
	VEC(const char *) names;
	bool has_cookie, has_ref;
	u32 n_refused;     /* left out before */
	u32 n_failed;
	int err;           /* of the first that failed */
};

static void batch_free(struct batch *b)
{
	vec_free(&b->offs);
	vec_free(&b->cookies);
	vec_free(&b->refs);
	vec_free(&b->names);
}

static int batch_add(struct batch *b, const char *name, u64 off, u64 cookie, u64 ref)
{
	b->has_cookie |= cookie != 0;
	b->has_ref |= ref != 0;
	return vec_push(&b->names, name) && vec_push(&b->offs, off) &&
			       vec_push(&b->cookies, cookie) && vec_push(&b->refs, ref)
		       ? 0
		       : -ENOMEM;
}

/* ---- links ---- */

static int attach_single(struct load *l, struct prog *p, const struct batch *b, u32 i,
			 struct diag *dg)
{
	struct attach_spec spec = *b->spec;
	int fd;

	spec.cookie = b->cookies.p[i];
	if (spec.kind == ATTACH_UPROBE) {
		spec.name = NULL;
		spec.off = b->offs.p[i];
		spec.ref_ctr_off = b->refs.p[i];
	} else {
		spec.name = b->names.p[i];
	}
	fd = l->e->ops->attach(l->e, p->pub.fd, &spec, dg);
	return fd < 0 ? fd : script_keep(l, fd);
}

static int attach_multi(struct load *l, struct prog *p, const struct batch *b, u32 from, u32 n,
			struct diag *dg)
{
	struct attach_spec spec = *b->spec;
	bool is_uprobe = spec.kind == ATTACH_UPROBE;
	int fd;

	spec.kind = is_uprobe ? ATTACH_UPROBE_MULTI : ATTACH_KPROBE_MULTI;
	spec.attach_type = is_uprobe ? BPF_TRACE_UPROBE_MULTI : BPF_TRACE_KPROBE_MULTI;
	spec.n = n;
	spec.offs = is_uprobe ? b->offs.p + from : NULL;
	spec.ref_ctr_offs = is_uprobe && b->has_ref ? b->refs.p + from : NULL;
	spec.names = is_uprobe ? NULL : b->names.p + from;
	spec.cookies = b->has_cookie ? b->cookies.p + from : NULL;
	fd = l->e->ops->attach(l->e, p->pub.fd, &spec, dg);
	return fd < 0 ? fd : script_keep(l, fd);
}

/* Places [from, from + n).  Halved on failure; what fails alone is counted, and the first of them
 * told. */
static void attach_range(struct load *l, struct prog *p, struct batch *b, u32 from, u32 n,
			 struct diag *dg)
{
	int err = -EINVAL;

	if (p->is_multi)
		err = attach_multi(l, p, b, from, n, n == 1 && !b->n_failed ? dg : NULL);
	else if (n == 1)
		err = attach_single(l, p, b, from, b->n_failed ? NULL : dg);
	if (!err)
		return;
	if (n == 1 || err == -ENOMEM || err == -EMFILE || err == -EPERM || err == -EACCES) {
		b->n_failed += n;
		b->err = b->err ? b->err : err;
		return;
	}
	attach_range(l, p, b, from, n / 2, dg);
	attach_range(l, p, b, from + n / 2, n - n / 2, dg);
}

static int batch_attach(struct load *l, struct prog *p, struct batch *b, bool is_pattern,
			struct diag *dg)
{
	u32 n = b->names.n, bad, before = dg ? dg->n : 0;

	if (n)
		attach_range(l, p, b, 0, n, dg);
	bad = b->n_failed + b->n_refused;
	if (!bad)
		return (int)n;
	if (!b->err && (!is_pattern || !n))
		b->err = diag_error(dg, b->spec->at, -EOPNOTSUPP,
				    "uprobe %s: the kernel can't run the insn at %u of %u places "
				    "out of line (AVX, lock)",
				    b->spec->path, bad, n + b->n_refused);
	/* Of what a pattern fits, some can't be hooked: the rest is what was wanted. */
	if (!is_pattern || b->n_failed == n)
		return b->err;
	for (u32 i = before; dg && i < dg->n; i++)
		if (dg->msgs[i].level == DIAG_ERROR) {
			dg->msgs[i].level = DIAG_WARN;
			dg->n_errors--;
		}
	diag_warn(dg, b->spec->at, "%u of %u places that fit can't be hooked", bad,
		  n + b->n_refused);
	return (int)(n - b->n_failed);
}

/* Places that no uprobe may be put on are left out, and counted. */
static int places_check(const char *path, struct batch *b)
{
	struct binary bin;
	u32 kept = 0;
	int err = binary_open(path, b->spec->at, NULL, &bin);

	if (err)
		return 0; /* for the kernel to judge */
	for (u32 i = 0; i < b->offs.n; i++) {
		if (!binary_probe_ok(&bin, b->offs.p[i]))
			continue;
		b->offs.p[kept] = b->offs.p[i];
		b->cookies.p[kept] = b->cookies.p[i];
		b->refs.p[kept] = b->refs.p[i];
		b->names.p[kept++] = b->names.p[i];
	}
	binary_close(&bin);
	b->n_refused = b->names.n - kept;
	b->offs.n = b->cookies.n = b->refs.n = b->names.n = kept;
	return 0;
}

/* ---- patterns ---- */

struct functions {
	struct load *l;
	struct batch *b;
	const struct script_attach *a;
};

static int add_function(void *arg, const char *name, u32 engines)
{
	struct functions *c = arg;
	const char *colon = strchr(name, ':');

	(void)engines;
	return batch_add(c->b, arena_strdup(&c->l->arena, colon ? colon + 1 : name), 0,
			 c->a->cookie, 0);
}

static int pattern_add(struct load *l, const struct script_attach *a, struct batch *b,
		       struct diag *dg)
{
	char path[4096];
	u64 *offs;
	u32 n;
	int err;

	if (b->spec->kind == ATTACH_UPROBE) {
		err = binary_find(a->target, a->pid, path, sizeof(path), a->at, dg);
		if (!err)
			err = symbol_match(path, a->fn, a->at, dg, &offs, &n);
		if (err)
			return err;
		for (u32 i = 0; i < n && !err; i++)
			err = batch_add(b, a->fn, offs[i], a->cookie, 0);
		free(offs);
		return err ? err : places_check(path, b);
	}

	struct functions c = { l, b, a };
	bool is_user = l->e->ops->samples_threads;

	err = list_hooks(arena_printf(&l->arena, "kprobe:%s", a->fn),
			 is_user ? LIST_USER : LIST_KERNEL, dg, add_function, &c);
	if (!err && !b->names.n)
		err = diag_error(dg, a->at, -ENOENT, "no function that can be hooked fits '%s'",
				 a->fn);
	return err;
}

/* ---- names ---- */

/* Offsets of many functions by one look at the binary's symbols. */
struct lookup {
	struct strmap by_name;  /* index in offs */
	u64 *offs;
	u8 *rank;
};

static int lookup_one(void *arg, const struct symbol *sym)
{
	struct lookup *k = arg;
	u8 rank = sym->is_old ? 1 : sym->is_local ? 2 : 3;
	u32 i;

	if (strmap_get(&k->by_name, sym->name, &i) && rank > k->rank[i]) {
		k->rank[i] = rank;
		k->offs[i] = sym->off;
	}
	return 0;
}

static int names_lookup(struct load *l, const char *path, const u32 *which, u32 n, struct batch *b,
			struct diag *dg)
{
	const struct script_attach *all = l->obj->script->attaches.p;
	struct lookup k = { .offs = calloc(n, sizeof(u64)), .rank = calloc(n, 1) };
	int err = k.offs && k.rank ? 0 : -ENOMEM;

	for (u32 i = 0; i < n && !err; i++)
		if (*all[which[i]].fn)
			err = strmap_set(&k.by_name, all[which[i]].fn, i);
	if (!err)
		err = symbol_each(path, all[which[0]].at, dg, lookup_one, &k);
	for (u32 i = 0; i < n && !err; i++) {
		const struct script_attach *a = &all[which[i]];
		u64 off = a->off;
		u32 j = i;

		if (*a->fn) {
			strmap_get(&k.by_name, a->fn, &j);
			if (k.rank[j])
				off = k.offs[j] + a->off;
			else
				err = symbol_offset(path, a->fn, a->off, a->at, dg, &off);
		}
		if (!err)
			err = batch_add(b, a->fn, off, a->cookie, a->ref_ctr_off);
	}
	strmap_free(&k.by_name);
	free(k.offs);
	free(k.rank);
	return err;
}

static int places_add(struct load *l, const u32 *which, u32 n, struct batch *b, struct diag *dg)
{
	const struct script_attach *all = l->obj->script->attaches.p;
	const struct script_attach *first = &all[which[0]];
	char path[4096];
	int err = 0;

	if (b->spec->kind != ATTACH_UPROBE) {
		for (u32 i = 0; i < n && !err; i++)
			err = batch_add(b, all[which[i]].fn, 0, all[which[i]].cookie, 0);
		return err;
	}
	err = binary_find(first->target, first->pid, path, sizeof(path), first->at, dg);
	if (err)
		return err;
	if (n > FEW && first->hook != HOOK_USDT) {
		err = names_lookup(l, path, which, n, b, dg);
		return err ? err : places_check(path, b);
	}
	for (u32 i = 0; i < n && !err; i++) {
		const struct script_attach *a = &all[which[i]];
		u64 off = a->off;

		if (*a->fn && a->hook != HOOK_USDT)
			err = symbol_offset(path, a->fn, a->off, a->at, dg, &off);
		if (!err)
			err = batch_add(b, a->fn, off, a->cookie, a->ref_ctr_off);
	}
	return err ? err : places_check(path, b);
}

static bool same_link(const struct script_attach *a, const struct script_attach *b)
{
	return a->func == b->func && a->hook == b->hook && a->is_multi == b->is_multi &&
	       a->pid == b->pid && !a->is_multi && !strcmp(a->target, b->target);
}

int script_multi(struct load *l, struct prog *p, u32 i, bool *done, struct diag *dg)
{
	const struct script_attach *all = l->obj->script->attaches.p, *a = &all[i];
	VEC(u32) which = {0};
	struct attach_spec spec;
	struct batch b = { .spec = &spec };
	int err;

	script_spec(l, a, &spec);
	if (a->is_multi) {
		err = pattern_add(l, a, &b, dg);
	} else {
		for (u32 j = 0; j < l->obj->script->attaches.n; j++)
			if ((j == i || (!done[j] && same_link(a, &all[j])))) {
				if (!vec_push(&which, j)) {
					vec_free(&which);
					return -ENOMEM;
				}
				done[j] = true;
			}
		err = places_add(l, which.p, which.n, &b, dg);
	}
	if (!err)
		err = batch_attach(l, p, &b, a->is_multi, dg);
	vec_free(&which);
	batch_free(&b);
	return err;
}
