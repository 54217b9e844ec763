/* SPDX-License-Identifier: BSD-2-Clause */
/* verify/profile.c - what is known of a kernel, and questions to it. */
#include "verify/profile.h"
#include "base/hash.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- sets of words ---- */

static u32 *strset_slot(const struct strset *s, const char *word, size_t n)
{
	u32 i = hash_bytes(word, n, 0) & (s->n_slots - 1);

	while (s->slots[i] &&
	       (strncmp(s->text + s->slots[i] - 1, word, n) != 0 || s->text[s->slots[i] - 1 + n]))
		i = (i + 1) & (s->n_slots - 1);
	return &s->slots[i];
}

static bool strset_grow(struct strset *s)
{
	struct strset bigger = *s;

	bigger.n_slots = s->n_slots ? s->n_slots * 2 : 64;
	bigger.slots = calloc(bigger.n_slots, sizeof(*bigger.slots));
	if (!bigger.slots)
		return false;
	for (u32 i = 0; i < s->n_slots; i++) {
		const char *word = s->slots[i] ? s->text + s->slots[i] - 1 : NULL;

		if (word)
			*strset_slot(&bigger, word, strlen(word)) = s->slots[i];
	}
	free(s->slots);
	*s = bigger;
	return true;
}

/* text has room: a word never is longer than its line. */
static bool strset_add(struct strset *s, const char *word, size_t n)
{
	u32 *slot;

	if ((u64)(s->n + 1) * 3 > (u64)s->n_slots * 2 && !strset_grow(s))
		return false;
	slot = strset_slot(s, word, n);
	if (*slot)
		return true;
	memcpy(s->text + s->size, word, n);
	s->text[s->size + n] = '\0';
	*slot = (u32)s->size + 1;
	s->size += n + 1;
	s->n++;
	return true;
}

struct strset *strset_lines(const char *text, size_t size,
			    size_t (*fn)(const char *line, size_t n, const char **word))
{
	struct strset *s = calloc(1, sizeof(*s));
	const char *end = text + size;

	if (!s || size >= UINT32_MAX / 2)
		goto fail;
	s->text = malloc(size + 1);
	if (!s->text || !strset_grow(s))
		goto fail;
	while (text < end) {
		const char *nl = memchr(text, '\n', (size_t)(end - text)), *word = NULL;
		size_t n = (size_t)((nl ? nl : end) - text), len = fn(text, n, &word);

		if (len && !memchr(word, '\0', len) && !strset_add(s, word, len))
			goto fail;
		text += n + 1;
	}
	return s;
fail:
	strset_free(s);
	return NULL;
}

bool strset_has(const struct strset *s, const char *word)
{
	return *strset_slot(s, word, strlen(word)) != 0;
}

void strset_free(struct strset *s)
{
	if (!s)
		return;
	free(s->text);
	free(s->slots);
	free(s);
}

/* ---- lines of the kernel's files ---- */

static size_t config_word(const char *line, size_t n, const char **word)
{
	*word = line;
	while (n && (line[n - 1] == '\r' || line[n - 1] == ' '))
		n--;
	return n > 7 && memcmp(line, "CONFIG_", 7) == 0 ? n : 0;
}

/* "ADDRESS TYPE NAME[\t[MODULE]]", "TYPE NAME" or "NAME". */
static size_t symbol_word(const char *line, size_t n, const char **word)
{
	const char *tab = memchr(line, '\t', n);
	const char *name = line;

	if (tab)
		return 0;
	for (size_t i = 0; i < n; i++)
		if (line[i] == ' ')
			name = line + i + 1;
	*word = name;
	return n - (size_t)(name - line);
}

static size_t first_word(const char *line, size_t n, const char **word)
{
	size_t len = 0;

	*word = line;
	while (len < n && line[len] != '\t' && line[len] != ' ')
		len++;
	return len;
}

static int set_lines(struct strset **at, const char *text, size_t size,
		     size_t (*fn)(const char *line, size_t n, const char **word))
{
	struct strset *s = strset_lines(text, size, fn);

	if (!s)
		return -ENOMEM;
	strset_free(*at);
	*at = s;
	return 0;
}

int profile_set_config(struct profile *k, const char *text, size_t size)
{
	static const u32 rates[] = { 100, 250, 300, 1000 };
	int err = set_lines(&k->config, text, size, config_word);

	if (err)
		return err;
	k->jit = strset_has(k->config, "CONFIG_BPF_JIT_ALWAYS_ON=y") ||
		 strset_has(k->config, "CONFIG_BPF_JIT_DEFAULT_ON=y");
	for (u32 i = 0; i < ARRAY_SIZE(rates); i++) {
		struct str option = {0};

		str_addf(&option, "CONFIG_HZ=%u", rates[i]);
		if (strset_has(k->config, str_text(&option)))
			k->hz = rates[i];
		str_free(&option);
	}
	return 0;
}

int profile_set_symbols(struct profile *k, const char *text, size_t size)
{
	return set_lines(&k->symbols, text, size, symbol_word);
}

int profile_set_inject(struct profile *k, const char *text, size_t size)
{
	return set_lines(&k->inject, text, size, first_word);
}

int profile_set_name(struct profile *k, const char *name)
{
	char *copy = strdup(name);

	if (!copy)
		return -ENOMEM;
	free(k->name);
	k->name = copy;
	return 0;
}

int profile_set_version(struct profile *k, const char *text)
{
	u32 part[3] = {0};

	for (u32 i = 0; i < 3; i++) {
		if (*text < '0' || *text > '9') {
			if (i < 2)
				return -EINVAL;
			break;
		}
		while (*text >= '0' && *text <= '9' && part[i] < 100000)
			part[i] = part[i] * 10 + (u32)(*text++ - '0');
		if (*text != '.')
			break;
		text++;
	}
	if (part[0] > 255 || part[1] > 255)
		return -EINVAL;
	k->version = part[0] << 16 | part[1] << 8 | MIN(part[2], 255u);
	return 0;
}

int profile_set_caps(struct profile *k, const char *text)
{
	static const char *const names[] = { "all", "noperfmon", "unpriv" };

	for (u32 i = 0; i < ARRAY_SIZE(names); i++)
		if (strcmp(text, names[i]) == 0) {
			k->caps = (enum profile_caps)i;
			return 0;
		}
	return -EINVAL;
}

int profile_set_btf(struct profile *k, const void *data, size_t size, struct place at,
		    struct diag *dg)
{
	struct btf *btf;
	int err = btf_parse(data, size, NULL, 0, dg, at, &btf);

	if (err)
		return err;
	if (k->owns_btf)
		btf_free((struct btf *)k->btf);
	k->btf = btf;
	k->owns_btf = true;
	return 0;
}

int profile_init(struct profile *k)
{
	*k = (struct profile){ .version = 6 << 16 | 18 << 8, .jit = true, .hz = 250 };
	return profile_set_name(k, "Linux 6.18 without BTF");
}

/* ---- ids ---- */

static u32 name_hash(const char *name, u32 kind)
{
	return hash_bytes(name, strlen(name), kind);
}

/* The slot of the first type of that name and kind, or the free one where it belongs. */
static u32 *name_slot(const struct profile_ids *ids, const struct btf *btf, const char *name, u32 kind)
{
	u32 i = name_hash(name, kind) & (ids->n_slots - 1);

	while (ids->slots[i] && (btf_kind(btf_type(btf, ids->slots[i])) != kind ||
				 strcmp(btf_name(btf, ids->slots[i]), name) != 0))
		i = (i + 1) & (ids->n_slots - 1);
	return &ids->slots[i];
}

static int index_names(struct profile_ids *ids, const struct btf *btf)
{
	u32 n = btf_n_types(btf), want = 64;

	while (want < n * 2 && want < 1u << 30)
		want *= 2;
	ids->slots = calloc(want, sizeof(*ids->slots));
	if (!ids->slots)
		return -ENOMEM;
	ids->n_slots = want;
	for (u32 id = 1; id < n; id++) {
		const char *name = btf_name(btf, id);
		u32 *slot = *name ? name_slot(ids, btf, name, btf_kind(btf_type(btf, id))) : NULL;

		if (slot && !*slot)
			*slot = id;
	}
	return 0;
}

u32 profile_find(const struct profile *k, const char *name, enum btf_kind kind)
{
	if (!k->btf)
		return 0;
	if (!k->ids || !k->ids->n_slots)
		return btf_find(k->btf, name, kind);
	return *name_slot(k->ids, k->btf, name, kind);
}

int profile_prepare(struct profile *k, struct diag *dg)
{
	static const char *const structs[HELPER_BTF_MAX] = {
#define BTF_STRUCT(name) [HELPER_BTF_##name] = #name,
#include "abi/helper_btf.def"
#undef BTF_STRUCT
	};

	if (k->ids)
		return 0;
	k->ids = calloc(1, sizeof(*k->ids));
	if (!k->ids || (k->btf && index_names(k->ids, k->btf)))
		return diag_error(dg, (struct place){0}, -ENOMEM, "no memory for the kernel's types");
	for (u32 i = 0; i < HELPER_BTF_MAX; i++)
		if (structs[i])
			k->ids->helper_struct[i] = profile_find(k, structs[i], BTF_STRUCT);
	return 0;
}

void profile_free(struct profile *k)
{
	if (!k)
		return;
	if (k->ids)
		free(k->ids->slots);
	free(k->ids);
	strset_free(k->config);
	strset_free(k->symbols);
	strset_free(k->inject);
	if (k->owns_btf)
		btf_free((struct btf *)k->btf);
	free(k->name);
	*k = (struct profile){0};
}

/* ---- questions ---- */

bool profile_has_config(const struct profile *k, const char *option)
{
	struct str line = {0};
	bool has;

	if (!k->config)
		return true;
	str_addf(&line, "%s=y", option);
	has = strset_has(k->config, str_text(&line));
	if (!has && line.len) {
		line.p[line.len - 1] = 'm';
		has = strset_has(k->config, str_text(&line));
	}
	str_free(&line);
	return has;
}

bool profile_has_symbol(const struct profile *k, const char *symbol)
{
	return !k->symbols || strset_has(k->symbols, symbol);
}

bool profile_injects(const struct profile *k, const char *func)
{
	return k->inject && strset_has(k->inject, func);
}
