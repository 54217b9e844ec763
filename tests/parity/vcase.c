/* SPDX-License-Identifier: BSD-2-Clause */
/* parity/vcase.c - reads .vc files: lines of words, see the corpus's README. */
#include "parity/vcase.h"
#include "base/str.h"
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <zlib.h>

enum { TEXT_MAX = 256 << 20, WORDS_MAX = 16 };

struct reader {
	struct vcases *out;
	struct vcase *c;      /* the case that lines belong to; NULL: between cases */
	u32 first_blob;       /* of this file */
	u32 left;             /* insns to come */
	bool skip;            /* they are not the program's */
	char *word[WORDS_MAX];
	u32 n;
};

static const char *bad(struct reader *r, const char *why)
{
	if (r->c && !r->c->error)
		r->c->error = why;
	return why;
}

static u32 num(const char *s)
{
	return (u32)strtoul(s, NULL, 0);
}

/* Bytes of a text of hex digits; NULL: it is none. */
static u8 *from_hex(const char *hex, size_t *size)
{
	size_t n = strlen(hex) / 2;
	u8 *out = calloc(1, n + 1);

	for (size_t i = 0; out && i < n; i++) {
		int hi = hex_digit(hex[2 * i]), lo = hex_digit(hex[2 * i + 1]);

		if (hi < 0 || lo < 0) {
			free(out);
			return NULL;
		}
		out[i] = (u8)(hi << 4 | lo);
	}
	*size = n;
	return out;
}

static const struct vc_blob *find_blob(struct reader *r, const char *name)
{
	for (u32 i = r->out->blobs.n; i-- > r->first_blob;)
		if (strcmp(r->out->blobs.p[i]->name, name) == 0)
			return r->out->blobs.p[i];
	bad(r, "names an unknown blob");
	return NULL;
}

static s32 find_map(struct reader *r, const char *label)
{
	for (u32 i = 0; i < r->c->maps.n; i++)
		if (strcmp(r->c->maps.p[i].label, label) == 0)
			return (s32)i;
	bad(r, "names an unknown map");
	return -1;
}

/* ---- lines ---- */

static void line_blob(struct reader *r)
{
	struct vc_blob *b = calloc(1, sizeof(*b));
	size_t size = 0;

	b->name = r->word[1];
	b->raw = from_hex(r->word[2], &size);
	b->size = (u32)size;
	b->err = b->raw ? btf_parse(b->raw, size, NULL, 0, NULL, (struct place){0}, &b->btf) :
			  -EINVAL;
	(void)!vec_push(&r->out->blobs, b);
}

static void line_case(struct reader *r)
{
	r->c = calloc(1, sizeof(*r->c));
	r->c->name = r->word[1];
	r->c->license = "";
	r->left = 0;
	strmap_set(&r->out->index, r->c->name, r->out->all.n);
	(void)!vec_push(&r->out->all, r->c);
}

static void line_end(struct reader *r)
{
	if (r->left || !r->c->n_insns)
		bad(r, "has not all its insns");
	r->c = NULL;
}

static void line_prog_type(struct reader *r)
{
	r->c->prog_type = num(r->word[1]);
}

static void line_attach_type(struct reader *r)
{
	r->c->attach_type = num(r->word[1]);
}

static void line_attach_btf(struct reader *r)
{
	static const char *const kinds[] = {
		[VC_FUNC] = "func", [VC_LSM] = "lsm",       [VC_ITER] = "iter",
		[VC_RAW_TP] = "raw_tp", [VC_STRUCT] = "struct",
	};

	for (u32 i = VC_FUNC; i < ARRAY_SIZE(kinds); i++)
		if (strcmp(kinds[i], r->word[1]) == 0)
			r->c->attach = (enum vc_attach)i;
	if (!r->c->attach || r->n < 3)
		bad(r, "has an unknown attach_btf");
	r->c->attach_name = r->word[2];
}

static void line_flags(struct reader *r)
{
	r->c->flags = num(r->word[1]);
}

static void line_license(struct reader *r)
{
	/* the whole line is the text */
	for (u32 i = 2; i < r->n; i++)
		r->word[i][-1] = ' ';
	r->c->license = r->n > 1 ? r->word[1] : "";
}

static void line_map(struct reader *r)
{
	struct vc_map *m = r->n >= 7 ? vec_add(&r->c->maps) : NULL;

	if (!m) {
		bad(r, "has a short map line");
		return;
	}
	m->label = r->word[1];
	m->type = num(r->word[2]);
	m->key_size = num(r->word[3]);
	m->value_size = num(r->word[4]);
	m->max_entries = num(r->word[5]);
	m->flags = num(r->word[6]);
	for (u32 i = 7; i < r->n; i++) {
		char *w = r->word[i];

		if (str_starts(w, "inner=")) {
			m->inner = w + 6;
		} else if (str_starts(w, "extra=")) {
			m->extra = strtoull(w + 6, NULL, 0);
		} else if (str_starts(w, "btf=")) {
			char *rest = w + 4, *name = strsep(&rest, ","), *key = strsep(&rest, ",");

			m->blob = find_blob(r, name);
			m->btf_key = key ? num(key) : 0;
			m->btf_value = rest ? num(rest) : 0;
		} else {
			bad(r, "has an unknown word for a map");
		}
	}
}

static bool is_zero(const u8 *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i])
			return false;
	return true;
}

static void line_init(struct reader *r)
{
	s32 i = find_map(r, r->word[1]);
	size_t key_size = 0, size = 0;
	u8 *key, *value;

	if (i < 0 || r->n < 4)
		return;
	key = from_hex(strcmp(r->word[2], "-") ? r->word[2] : "", &key_size);
	value = from_hex(strcmp(r->word[3], "-") ? r->word[3] : "", &size);
	if (key && value && is_zero(key, key_size) && !r->c->maps.p[i].first) {
		u8 *all = calloc(1, MAX(r->c->maps.p[i].value_size, size) + 1);

		memcpy(all, value, size);
		r->c->maps.p[i].first = all;
	}
	free(key);
	free(value);
}

static void line_freeze(struct reader *r)
{
	s32 i = find_map(r, r->word[1]);

	if (i >= 0)
		r->c->maps.p[i].frozen = true;
}

static void line_fix(struct reader *r)
{
	s32 map = find_map(r, r->word[1]);

	for (u32 i = 2; i < r->n && map >= 0; i++)
		(void)!vec_push(&r->c->fixes, ((struct vc_fix){ num(r->word[i]), (u32)map }));
}

static void line_name(struct reader *r)
{
	struct vc_name n = { num(r->word[1]), r->word[2], r->word[0][1] == 'v' };

	(void)!vec_push(&r->c->names, n);
}

static void line_prog_btf(struct reader *r)
{
	r->c->btf = find_blob(r, r->word[1]);
}

static void line_func_info(struct reader *r)
{
	(void)!vec_push(&r->c->funcs, ((struct vc_func){ num(r->word[1]), num(r->word[2]) }));
}

/* Insns that the rewritten program must have, which is the kernel's business. */
static void line_xlated(struct reader *r)
{
	r->left = num(r->word[1]);
	r->skip = true;
}

static void line_insns(struct reader *r)
{
	r->skip = false;
	r->left = num(r->word[1]);
	r->c->insns = calloc((size_t)r->left + 1, sizeof(*r->c->insns));
	if (!r->c->insns)
		bad(r, "has too many insns");
}

static void line_nothing(struct reader *r)
{
	(void)r;
}

static const struct {
	const char *word;
	u32 words; /* at least, with itself */
	bool in_case;
	void (*fn)(struct reader *r);
} lines[] = {
	{ "vcase", 2, false, line_nothing },
	{ "blob", 3, false, line_blob },
	{ "case", 2, false, line_case },
	{ "end", 1, true, line_end },
	{ "descr", 1, true, line_nothing },
	{ "prog_type", 2, true, line_prog_type },
	{ "attach_type", 2, true, line_attach_type },
	{ "attach_btf", 3, true, line_attach_btf },
	{ "prog_flags", 2, true, line_flags },
	{ "license", 1, true, line_license },
	{ "expect", 1, true, line_nothing },
	{ "errstr", 1, true, line_nothing },
	{ "expect_unpriv", 1, true, line_nothing },
	{ "errstr_unpriv", 1, true, line_nothing },
	{ "processed", 1, true, line_nothing },
	{ "map", 7, true, line_map },
	{ "init", 4, true, line_init },
	{ "freeze", 2, true, line_freeze },
	{ "slot", 1, true, line_nothing },
	{ "fix", 3, true, line_fix },
	{ "kfunc", 3, true, line_name },
	{ "kvar", 3, true, line_name },
	{ "prog_btf", 2, true, line_prog_btf },
	{ "func_info", 3, true, line_func_info },
	{ "insns", 2, true, line_insns },
	{ "xlated", 2, true, line_xlated },
	{ "not_xlated", 2, true, line_xlated },
	{ "run", 1, true, line_nothing },
};

/* One or more insns of 16 digits; " xK" after a single one. */
static void insn_line(struct reader *r)
{
	u32 times = r->n > 1 && r->word[1][0] == 'x' ? num(r->word[1] + 1) : 1;
	size_t size = 0;
	u8 *raw = from_hex(r->word[0], &size);
	u32 n = (u32)(size / sizeof(struct insn));

	if (!raw || size % sizeof(struct insn) || !n || (u64)n * times > r->left) {
		bad(r, "has bad insns");
		r->left = 0;
	} else {
		for (u32 k = 0; k < times; k++) {
			if (!r->skip) {
				memcpy(r->c->insns + r->c->n_insns, raw, size);
				r->c->n_insns += n;
			}
			r->left -= n;
		}
	}
	free(raw);
}

static void line(struct reader *r, char *text)
{
	bool insns = r->c && r->left;

	r->n = 0;
	for (char *w; r->n < WORDS_MAX && (w = strsep(&text, " ")) != NULL;)
		if (*w)
			r->word[r->n++] = w;
	if (!r->n || r->word[0][0] == '#')
		return;
	if (insns) {
		insn_line(r);
		return;
	}
	for (u32 i = 0; i < ARRAY_SIZE(lines); i++) {
		if (strcmp(lines[i].word, r->word[0]) != 0)
			continue;
		if (r->n < lines[i].words || (lines[i].in_case && !r->c))
			bad(r, "has a short or misplaced line");
		else
			lines[i].fn(r);
		return;
	}
	bad(r, "has an unknown line");
}

/* A fix line may name any number of insns: split it into lines of few. */
static void long_line(struct reader *r, char *text)
{
	char *label, *next;

	if (!r->c || r->left || !str_starts(text, "fix ")) {
		line(r, text);
		return;
	}
	text += 4;
	label = strsep(&text, " ");
	while ((next = text ? strsep(&text, " ") : NULL) != NULL) {
		s32 map = *next ? find_map(r, label) : -1;

		if (map >= 0)
			(void)!vec_push(&r->c->fixes, ((struct vc_fix){ num(next), (u32)map }));
	}
}

static char *read_text(const char *path)
{
	gzFile f = gzopen(path, "rb");
	size_t n = 0, cap = 1 << 16;
	char *text = f ? malloc(cap) : NULL;
	int got;

	while (text && (got = gzread(f, text + n, (unsigned)(cap - n - 1))) > 0) {
		n += (size_t)got;
		if (cap - n < 2) {
			cap *= 2;
			text = cap < TEXT_MAX ? realloc(text, cap) : NULL;
		}
	}
	if (f)
		gzclose(f);
	if (text)
		text[n] = '\0';
	return text;
}

static int read_file(const char *path, struct vcases *out)
{
	struct reader r = { .out = out, .first_blob = out->blobs.n };
	char *text = read_text(path), *p = text, *l;

	if (!text)
		return -EIO;
	(void)!vec_push(&out->texts, text);
	while ((l = strsep(&p, "\n")) != NULL)
		long_line(&r, l);
	return 0;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int visible(const struct dirent *d)
{
	return d->d_name[0] != '.';
}

static int read_corpus(const char *dir, const char *corpus, const char *groups, struct vcases *out)
{
	struct str path = {0};
	struct dirent **names;
	int n, err = 0;

	str_addf(&path, "%s/cases/%s", dir, corpus);
	n = scandir(str_text(&path), &names, visible, by_name);
	for (int i = 0; i < n; i++) {
		char *group = strdup(names[i]->d_name);
		struct str file = {0};

		if (strstr(group, ".vc"))
			*strstr(group, ".vc") = '\0';
		str_addf(&file, "%s/%s", str_text(&path), names[i]->d_name);
		if (str_glob(groups, group))
			err = err ? err : read_file(str_text(&file), out);
		str_free(&file);
		free(group);
		free(names[i]);
	}
	if (n >= 0)
		free(names);
	str_free(&path);
	return n < 0 ? -ENOENT : err;
}

int vcases_read(const char *dir, const char *corpus, const char *groups, struct vcases *out)
{
	struct str path = {0};
	struct dirent **names;
	int n, err = 0;

	if (corpus)
		return read_corpus(dir, corpus, groups, out);
	str_addf(&path, "%s/cases", dir);
	n = scandir(str_text(&path), &names, visible, by_name);
	str_free(&path);
	for (int i = 0; i < n; i++) {
		if (!err)
			err = read_corpus(dir, names[i]->d_name, groups, out);
		free(names[i]);
	}
	if (n >= 0)
		free(names);
	return n < 0 ? -ENOENT : err;
}

static void case_free(struct vcase *c)
{
	for (u32 i = 0; i < c->maps.n; i++)
		free(c->maps.p[i].first);
	vec_free(&c->maps);
	vec_free(&c->fixes);
	vec_free(&c->names);
	vec_free(&c->funcs);
	free(c->insns);
	free(c);
}

void vcases_free(struct vcases *c)
{
	for (u32 i = 0; i < c->all.n; i++)
		case_free(c->all.p[i]);
	for (u32 i = 0; i < c->blobs.n; i++) {
		btf_free(c->blobs.p[i]->btf);
		free((void *)c->blobs.p[i]->raw);
		free(c->blobs.p[i]);
	}
	for (u32 i = 0; i < c->texts.n; i++)
		free(c->texts.p[i]);
	vec_free(&c->all);
	vec_free(&c->blobs);
	vec_free(&c->texts);
	strmap_free(&c->index);
}

struct vcase *vcases_find(const struct vcases *c, const char *name)
{
	u32 i;

	return strmap_get(&c->index, name, &i) ? c->all.p[i] : NULL;
}
