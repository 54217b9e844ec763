/* SPDX-License-Identifier: BSD-2-Clause */
/* cli/run_words.c - values of options that a run takes: numbers, lists, commands, stages. */
#include "cli/run.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

bool run_init(struct run *r, int argc)
{
	struct words *all[] = { &r->params, &r->named, &r->include_dirs, &r->includes, &r->sets, &r->events };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		all[i]->p = calloc((size_t)argc + 1, sizeof(*all[i]->p));
		if (!all[i]->p)
			return false;
	}
	return true;
}

void run_free(struct run *r)
{
	free(r->params.p);
	free(r->named.p);
	free(r->include_dirs.p);
	free(r->includes.p);
	free(r->sets.p);
	free(r->events.p);
	/* The words of a command share one block. */
	if (r->command)
		free(r->command[0]);
	free(r->command);
}

void words_add(struct words *w, const char *word)
{
	w->p[w->n++] = word;
}

bool run_number(const struct run *r, const char *value, long max, long *out)
{
	char *end;
	long n;

	errno = 0;
	n = strtol(value, &end, 10);
	if (errno || *end || end == value || n <= 0 || n > max) {
		run_error(r, "'%s' is no number from 1 to %ld", value, max);
		return false;
	}
	*out = n;
	return true;
}

/* One word: from *from to *to, which both move on.  false: a quote does not end. */
static bool take_word(const char **from, char **to)
{
	char quote = 0;

	for (; **from && (quote || !strchr(" \t\n", **from)); ++*from) {
		char c = **from;

		if (quote ? c == quote : c == '\'' || c == '"') {
			quote = quote ? 0 : c;
			continue;
		}
		if (c == '\\' && quote != '\'' && (*from)[1])
			c = *++*from;
		*(*to)++ = c;
	}
	*(*to)++ = '\0';
	return !quote;
}

int run_command(struct run *r, const char *text)
{
	size_t n = strlen(text);
	char *words = malloc(n + 2), *at = words;
	char **argv = calloc(n / 2 + 3, sizeof(*argv));
	size_t argc = 0;
	bool ok = words && argv;

	while (ok) {
		text += strspn(text, " \t\n");
		if (!*text)
			break;
		argv[argc++] = at;
		ok = take_word(&text, &at);
	}
	if (!ok || !argc) {
		free(words);
		free(argv);
		return words && argv ? -EINVAL : -ENOMEM;
	}
	r->command = argv;
	return 0;
}

int run_stages(const char *text, unsigned *stages, bool *verifier)
{
	static const struct {
		const char *name;
		unsigned stages;
	} all[] = {
		{ "ast", OSMIA_STAGE_AST }, { "parse", OSMIA_STAGE_AST }, { "types", OSMIA_STAGE_TYPES },
		{ "ir", OSMIA_STAGE_IR }, { "codegen", OSMIA_STAGE_IR },
		{ "passes", OSMIA_STAGE_PASSES }, { "codegen-opt", OSMIA_STAGE_PASSES },
		{ "insns", OSMIA_STAGE_INSNS }, { "dis", OSMIA_STAGE_INSNS },
		{ "libbpf", 0 }, { "verifier", 0 }, { "all", ~0u },
	};

	while (*text) {
		size_t n = strcspn(text, ","), i;

		for (i = 0; i < sizeof(all) / sizeof(all[0]); i++)
			if (strlen(all[i].name) == n && memcmp(all[i].name, text, n) == 0)
				break;
		if (i == sizeof(all) / sizeof(all[0]))
			return -EINVAL;
		*stages |= all[i].stages;
		*verifier |= !all[i].stages || all[i].stages == ~0u;
		text += n + (text[n] == ',');
	}
	return 0;
}

int run_compat(const char *text, uint32_t *compat)
{
	if (strcmp(text, "0.17") == 0 || strcmp(text, "17") == 0 || strcmp(text, "0.17.0") == 0)
		*compat = 17;
	else if (strcmp(text, "new") == 0 || strncmp(text, "0.2", 3) == 0 || !*text)
		*compat = 0;
	else
		return -EINVAL;
	return 0;
}
