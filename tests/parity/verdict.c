/* SPDX-License-Identifier: BSD-2-Clause */
/* parity/verdict.c - recorded verdicts (tables) and logs (gzipped, "== CASE" before each). */
#include "parity/verdict.h"
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <zlib.h>

enum { COL_NAME, COL_TYPE, COL_INSNS, COL_VERDICT, COL_ERROR, COL_PROCESSED, COL_TIME = 9, COL_MSG = 17,
       COLS };

/* ---- tables ---- */

static void row(struct verdicts *out, char *line)
{
	char *col[COLS];
	struct verdict *v;

	line[strcspn(line, "\n")] = '\0';
	if (!*line || *line == '#')
		return;
	for (u32 i = 0; i < COLS; i++) {
		col[i] = strsep(&line, "\t");
		if (!col[i])
			return;
	}
	if (strcmp(col[COL_VERDICT], "accept") != 0 && strcmp(col[COL_VERDICT], "reject") != 0)
		return;
	v = vec_add(&out->all);
	v->name = strdup(col[COL_NAME]);
	v->accept = strcmp(col[COL_VERDICT], "accept") == 0;
	v->prog_type = (u32)strtoul(col[COL_TYPE], NULL, 10);
	snprintf(v->error, sizeof(v->error), "%s", col[COL_ERROR]);
	v->processed = (u32)strtoul(col[COL_PROCESSED], NULL, 10);
	v->time_us = strtoull(col[COL_TIME], NULL, 10);
	v->message = strdup(strcmp(col[COL_MSG], "-") ? col[COL_MSG] : "");
}

static int read_table(const char *path, struct verdicts *out)
{
	FILE *f = fopen(path, "re");
	char *line = NULL;
	size_t cap = 0;

	if (!f)
		return -errno;
	while (getline(&line, &cap, f) > 0)
		row(out, line);
	free(line);
	fclose(f);
	return 0;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

int verdicts_read(const char *dir, const char *kernel, const char *mode, const char *corpus,
		  struct verdicts *out)
{
	char path[768];
	struct dirent **names;
	int n, err = -ENOENT;

	snprintf(path, sizeof(path), "%s/verdicts/%s", dir, kernel);
	n = scandir(path, &names, NULL, by_name);
	for (int i = 0; i < n; i++) {
		char name[256], *dot;
		const char *got = "";

		snprintf(name, sizeof(name), "%s", names[i]->d_name);
		free(names[i]);
		if (!str_ends(name, ".tsv"))
			continue;
		name[strlen(name) - 4] = '\0';
		dot = strchr(name, '.');
		if (dot) {
			*dot = '\0';
			got = dot + 1;
		}
		/* programs that are not in the corpus have a table only */
		if (strcmp(got, mode) != 0 || str_starts(name, "fetched-") ||
		    (corpus && strcmp(name, corpus) != 0))
			continue;
		snprintf(path, sizeof(path), "%s/verdicts/%s/%s%s%s.tsv", dir, kernel, name,
			 *mode ? "." : "", mode);
		err = read_table(path, out);
	}
	if (n >= 0)
		free(names);
	return err;
}

void verdicts_free(struct verdicts *v)
{
	for (u32 i = 0; i < v->all.n; i++) {
		free(v->all.p[i].name);
		free(v->all.p[i].message);
	}
	vec_free(&v->all);
}

/* ---- logs ---- */

char *log_recorded(const char *dir, const char *kernel, const char *name)
{
	char path[768], head[512], line[16384];
	struct str out = {0};
	bool in = false;
	gzFile f;

	snprintf(path, sizeof(path), "%s/logs/%s/%.*s.log.gz", dir, kernel,
		 (int)strcspn(name, "/"), name);
	snprintf(head, sizeof(head), "== %s\n", name);
	f = gzopen(path, "rb");
	if (!f)
		return NULL;
	while (gzgets(f, line, sizeof(line))) {
		if (str_starts(line, "== ")) {
			if (in)
				break;
			in = strcmp(line, head) == 0;
		} else if (in) {
			str_add(&out, line);
		}
	}
	gzclose(f);
	return in ? str_take(&out) : NULL;
}

/* Kernel addresses differ each time, and our log names what they are of: both become '@'.  So does the
 * width that they take: blanks before ';' count as one. */
static void normalize(const char *line, size_t n, char *out, size_t size)
{
	size_t o = 0;

	for (size_t i = 0; i < n && o + 1 < size;) {
		bool load = i >= 3 && memcmp(line + i - 3, " = ", 3) == 0;

		if (load && i + 18 <= n && memcmp(line + i, "0xffff", 6) == 0) {
			i += 18;
			out[o++] = '@';
		} else if (load && (line[i] == '&' || (i + 4 < n && !memcmp(line + i, "map[", 4)))) {
			while (i < n && line[i] != ' ')
				i++;
			out[o++] = '@';
		} else if (line[i] == ' ' && i + 1 < n && (line[i + 1] == ' ' || line[i + 1] == ';')) {
			i++;
		} else {
			out[o++] = line[i++];
		}
	}
	out[o] = '\0';
}

/* The next line that counts; NULL: none. */
static const char *next(const char **p, char *out, size_t size)
{
	while (**p) {
		const char *line = *p;
		size_t n = strcspn(line, "\n");

		*p += n + (line[n] == '\n');
		normalize(line, n, out, size);
		if (!str_starts(out, "verification time") && !str_starts(out, "stack depth"))
			return line;
	}
	return NULL;
}

static void show(const char *mark, const char *line, u32 n_lines)
{
	for (u32 i = 0; i < n_lines && line && *line; i++) {
		size_t n = strcspn(line, "\n");

		printf("%s%.*s\n", mark, (int)n, line);
		line += n + (line[n] == '\n');
	}
}

/* Compares from a and b on, up to the end of the recorded log or its cut. */
static bool same_lines(const char *a, const char *b, const char *b_end, u32 line, bool print)
{
	const char *before[4] = {0};
	char left[4096], right[4096];

	for (u32 n = 0;; n++) {
		const char *x = next(&a, left, sizeof(left));
		const char *y = b < b_end ? next(&b, right, sizeof(right)) : NULL;

		if (y && y >= b_end)
			y = NULL;
		if (!y && (!x || *b_end))
			return true;
		if (!x || !y || strcmp(left, right) != 0) {
			if (!print)
				return false;
			printf("the logs part at line %u\n", line + n + 1);
			for (u32 i = 0; i < ARRAY_SIZE(before); i++)
				show("  ", before[(n + i) % ARRAY_SIZE(before)], 1);
			show("- ", y, 4);
			show("+ ", x, 4);
			return false;
		}
		before[n % ARRAY_SIZE(before)] = x;
	}
}

static u32 count_lines(const char *s)
{
	u32 n = 0;

	while ((s = strchr(s, '\n')) != NULL) {
		n++;
		s++;
	}
	return n;
}

static const char *skip_lines(const char *s, u32 n)
{
	while (n-- && *s) {
		s += strcspn(s, "\n");
		s += *s == '\n';
	}
	return s;
}

/* The recorded log from where it is whole up to its end, compared with as many lines of ours. */
static bool same_end(const char *a, const char *b, bool print)
{
	u32 n_ours = count_lines(a), n = MIN(count_lines(b), n_ours);

	return same_lines(skip_lines(a, n_ours - n), b, b + strlen(b), n_ours - n, print);
}

/* Where the recorder left out the middle of a long log; NULL: it did not. */
static const char *find_cut(const char *log)
{
	const char *cut = log;

	while ((cut = strstr(cut, "\n...")) != NULL) {
		const char *mark = strstr(cut, " bytes left out...\n");

		if (mark && mark < cut + 40)
			return cut + 1;
		cut++;
	}
	return NULL;
}

/* A long log was recorded in parts: the kernel keeps only the end of one that is longer than its buffer,
 * and the recorder left out the middle.  The line at a cut is there in part. */
bool log_compare(const char *ours, const char *recorded, bool print)
{
	const char *a = ours ? ours : "", *b = recorded ? recorded : "";
	const char *cut = find_cut(b), *head_end = cut ? cut - 1 : NULL;
	bool rotated = strcspn(a, "\n") != strcspn(b, "\n");

	if (cut && !rotated) {
		while (head_end > b && head_end[-1] != '\n')
			head_end--;
		if (!same_lines(a, b, head_end, 0, print))
			return false;
	}
	if (cut || rotated)
		return same_end(a, skip_lines(cut ? cut : b, cut ? 2 : 1), print);
	return same_lines(a, b, b + strlen(b), 0, print);
}
