/* SPDX-License-Identifier: BSD-2-Clause */
/* verify/profile_file.c - a profile as one file: see verify/profile.h for its format. */
#include "base/file.h"
#include "verify/profile.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MAGIC "osmia-profile 1"

enum { FACT_MAX = 255, FILE_MAX = 512 << 20 };

struct reader {
	const char *p, *end;
	struct place at;
	struct diag *dg;
	struct profile *k;
};

/* ---- facts of one word or line ---- */

static int one_of(const char *value, const char *no, const char *yes, bool *out)
{
	if (strcmp(value, no) != 0 && strcmp(value, yes) != 0)
		return -EINVAL;
	*out = strcmp(value, yes) == 0;
	return 0;
}

static int set_lockdown(struct profile *k, const char *value)
{
	return one_of(value, "none", "integrity", &k->lockdown_integrity);
}

static int set_trampoline(struct profile *k, const char *value)
{
	return one_of(value, "yes", "no", &k->no_trampoline);
}

static int set_mitigations(struct profile *k, const char *value)
{
	return one_of(value, "on", "off", &k->mitigations_off);
}

static int set_jit(struct profile *k, const char *value)
{
	return one_of(value, "no", "yes", &k->jit);
}

static int set_hz(struct profile *k, const char *value)
{
	u64 hz;

	if (str_to_u64(value, &hz) || !hz || hz > 100000)
		return -EINVAL;
	k->hz = (u32)hz;
	return 0;
}

static int set_cpus(struct profile *k, const char *value)
{
	u64 n;

	if (str_to_u64(value, &n) || n > 1 << 20)
		return -EINVAL;
	k->nr_cpus = (u32)n;
	return 0;
}

static const struct {
	const char *name;
	int (*set)(struct profile *k, const char *value);
} facts[] = {
	{ "name", profile_set_name },
	{ "version", profile_set_version },
	{ "caps", profile_set_caps },
	{ "lockdown", set_lockdown },
	{ "trampoline", set_trampoline },
	{ "mitigations", set_mitigations },
	{ "jit", set_jit },
	{ "hz", set_hz },
	{ "cpus", set_cpus },
};

/* ---- blocks ---- */

static const struct {
	const char *name;
	int (*set)(struct profile *k, const char *text, size_t size); /* NULL: BTF */
} blocks[] = {
	{ "config", profile_set_config },
	{ "symbols", profile_set_symbols },
	{ "inject", profile_set_inject },
	{ "btf", NULL },
};

static int block(struct reader *r, u32 which, const char *count)
{
	struct place at = r->at;
	u64 size;
	int err;

	if (str_to_u64(count, &size) || size > (u64)(r->end - r->p))
		return diag_error(r->dg, r->at, -EINVAL, "'%s %s' counts past the end of the file",
				  blocks[which].name, count);
	at.sect = blocks[which].name;
	if (blocks[which].set)
		err = blocks[which].set(r->k, r->p, size);
	else
		err = profile_set_btf(r->k, r->p, size, at, r->dg);
	if (err == -ENOMEM)
		return diag_error(r->dg, r->at, err, "no memory for %s", blocks[which].name);
	r->p += size;
	if (r->p < r->end && *r->p == '\n')
		r->p++;
	return err;
}

/* Takes the next line as "KEY VALUE"; false at the end. */
static bool next_line(struct reader *r, char *line, size_t size, char **value)
{
	const char *nl;
	size_t n;

	if (r->p >= r->end)
		return false;
	nl = memchr(r->p, '\n', (size_t)(r->end - r->p));
	n = (size_t)((nl ? nl : r->end) - r->p);
	memcpy(line, r->p, MIN(n, size - 1));
	line[MIN(n, size - 1)] = '\0';
	r->p += nl ? n + 1 : n;
	r->at.line++;
	*value = line + strcspn(line, " ");
	if (**value)
		*(*value)++ = '\0';
	return true;
}

static int fact(struct reader *r, const char *key, const char *value)
{
	for (u32 i = 0; i < ARRAY_SIZE(blocks); i++)
		if (strcmp(key, blocks[i].name) == 0)
			return block(r, i, value);
	for (u32 i = 0; i < ARRAY_SIZE(facts); i++) {
		int err = strcmp(key, facts[i].name) ? 0 : facts[i].set(r->k, value);

		if (err)
			return diag_error(r->dg, r->at, err, "%s can't be '%s'", key, value);
	}
	return 0;
}

int profile_parse(const void *data, size_t size, struct place at, struct diag *dg,
		  struct profile *out)
{
	struct profile k;
	struct reader r = { .p = data, .end = (const char *)data + size, .at = at, .dg = dg, .k = &k };
	char line[FACT_MAX + 1], *value;
	int err = profile_init(&k);

	if (err)
		return err;
	r.at.line = 0;
	if (!next_line(&r, line, sizeof(line), &value) || strcmp(line, "osmia-profile") != 0 ||
	    strcmp(value, "1") != 0) {
		err = diag_error(dg, at, -EINVAL, "no profile: it does not begin with '%s'", MAGIC);
		goto out;
	}
	while (!err && next_line(&r, line, sizeof(line), &value))
		if (*line && *line != '#')
			err = fact(&r, line, value);
out:
	if (err)
		profile_free(&k);
	else
		*out = k;
	return err;
}

int profile_read(const char *path, struct diag *dg, struct profile *out)
{
	struct place at = { .file = path };
	struct bytes file;
	int err = file_read(path, FILE_MAX, &file);

	if (err)
		return diag_error(dg, at, err, "can't read: %s", strerror(-err));
	err = profile_parse(file.p, file.size, at, dg, out);
	bytes_free(&file);
	return err;
}

/* ---- writing ---- */

static void add_block(struct str *out, const char *name, const void *data, size_t size)
{
	str_addf(out, "%s %zu\n", name, size);
	str_addn(out, data, size);
	str_addc(out, '\n');
}

/* Words in the order in which they were read, which keeps a profile's file stable. */
static void add_words(struct str *out, const char *name, const struct strset *s)
{
	struct str text = {0};

	if (!s)
		return;
	str_addn(&text, s->text, s->size);
	for (size_t i = 0; i < text.len; i++)
		if (!text.p[i])
			text.p[i] = '\n';
	add_block(out, name, str_text(&text), text.len);
	out->failed |= text.failed;
	str_free(&text);
}

int profile_write(const struct profile *k, struct str *out)
{
	static const char *const caps[] = { "all", "noperfmon", "unpriv" };
	u32 size = 0;
	const void *btf = k->btf ? btf_raw(k->btf, &size) : NULL;

	str_addf(out, MAGIC "\nname %s\nversion %u.%u.%u\ncaps %s\n", k->name ? k->name : "",
		 k->version >> 16, k->version >> 8 & 0xff, k->version & 0xff, caps[k->caps]);
	str_addf(out, "lockdown %s\ntrampoline %s\nmitigations %s\njit %s\nhz %u\n",
		 k->lockdown_integrity ? "integrity" : "none", k->no_trampoline ? "no" : "yes",
		 k->mitigations_off ? "off" : "on", k->jit ? "yes" : "no", k->hz);
	if (k->nr_cpus)
		str_addf(out, "cpus %u\n", k->nr_cpus);
	add_words(out, "config", k->config);
	add_words(out, "symbols", k->symbols);
	add_words(out, "inject", k->inject);
	if (btf)
		add_block(out, "btf", btf, size);
	return out->failed ? -ENOMEM : 0;
}
