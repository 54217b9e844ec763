/* SPDX-License-Identifier: BSD-2-Clause */
/* explain/text.c - an explanation as lines of text.
 *
 *	  prog.bpf.c:21:10
 *	     21 |         *value += 1;
 *	        |         ^
 *	  prog.bpf.c:19: may still be null: from this lookup
 *	     19 |         value = bpf_map_lookup_elem(&counts, &key);
 *	  help: test it before it is used: if (!value) return ...;
 *	  Linux says: R0 invalid mem access 'map_value_or_null'
 */
#include "explain/explain.h"
#include <string.h>

enum { TAB = 8 };

const char *explain_kind_text(enum explain_kind kind)
{
	static const char *const text[] = {
		[EXPLAIN_ORIGIN] = "origin", [EXPLAIN_CHECK] = "check", [EXPLAIN_LOST] = "lost",
		[EXPLAIN_PATH] = "path",
	};

	return text[kind];
}

/* The file's last part: the whole path stands above the notes already. */
static const char *base_name(const char *file)
{
	const char *slash = strrchr(file, '/');

	return slash ? slash + 1 : file;
}

/* Blanks in front of the line, less those that all C code has, become at most a few. */
static u32 indent_of(const char *text, u32 *n_chars)
{
	u32 width = 0;

	for (*n_chars = 0; text[*n_chars] == ' ' || text[*n_chars] == '\t'; ++*n_chars)
		width += text[*n_chars] == '\t' ? TAB - width % TAB : 1;
	return width;
}

static void source_line(const struct explain_place *at, bool caret, struct str *out)
{
	u32 blanks, indent = indent_of(at->text, &blanks), col = indent;

	if (!at->text[blanks])
		return;
	str_addf(out, "  %6u | %*s%s\n", at->line, (int)indent, "", at->text + blanks);
	if (!caret || at->col <= blanks || at->col > strlen(at->text) + 1)
		return;
	for (u32 i = blanks; i + 1 < at->col; i++)
		col += at->text[i] == '\t' ? TAB - col % TAB : 1;
	str_addf(out, "         | %*s^\n", (int)col, "");
}

static void failing_run(const struct explanation *x, struct str *out)
{
	const char *line = x->witness, *end;

	if (x->is_about_run && !x->witness)
		str_add(out, "  no input was found that fails: Linux refuses what it can't prove\n");
	if (!line)
		return;
	str_add(out, "  fails with:\n");
	for (; (end = strchr(line, '\n')) != NULL; line = end + 1)
		str_addf(out, "    %.*s\n", (int)(end - line), line);
}

void explain_text(const struct explanation *x, struct str *out)
{
	if (x->has_place) {
		str_addf(out, "  %s:%u", x->at.file, x->at.line);
		if (x->at.col)
			str_addf(out, ":%u", x->at.col);
		str_addc(out, '\n');
		source_line(&x->at, true, out);
	}
	for (u32 i = 0; i < x->n_notes; i++) {
		const struct explain_note *n = &x->notes[i];

		if (n->at.file)
			str_addf(out, "  %s:%u: %s\n", base_name(n->at.file), n->at.line, n->text);
		else
			str_addf(out, "  insn %u: %s\n", n->at.pc, n->text);
		if (n->at.file && !(x->has_place && n->at.line == x->at.line))
			source_line(&n->at, false, out);
	}
	if (x->help)
		str_addf(out, "  help: %s\n", x->help);
	failing_run(x, out);
	if (x->message && *x->message && !strstr(x->sentence, x->message))
		str_addf(out, "  Linux says: %s\n", x->message);
}
