/* SPDX-License-Identifier: BSD-2-Clause */
/* cli/run_say.c - messages of a run, in Osmia's shape or in bpftrace's.
 *
 *	osmia: x.bt:1:9: text               x.bt:1:9-12: ERROR: text
 *	  begin { foo(); }                  begin { foo(); }
 *	          ^~~                               ~~~
 *	osmia: hint: text                   HINT: text
 *
 * A mistake of a script is followed by its line and the marks under it, notes that begin with two blanks.
 */
#include "cli/run.h"
#include <stdarg.h>
#include <string.h>

static bool is_source(const struct osmia *o, unsigned n)
{
	const char *text = osmia_message_at(o, n, NULL);

	return text && osmia_message_level(o, n) == OSMIA_NOTE && strncmp(text, "  ", 2) == 0;
}

/* Columns that the marks under message n's line cover; 0: it has none. */
static unsigned marked(const struct osmia *o, unsigned n)
{
	const char *marks = is_source(o, n + 1) && is_source(o, n + 2) ? osmia_message_at(o, n + 2, NULL)
									  : "";

	return (unsigned)strspn(marks + strcspn(marks, "^~"), "^~");
}

static void say_source(const char *text)
{
	for (text += 2; *text; text++)
		fputc(*text == '^' ? '~' : *text, stderr);
	fputc('\n', stderr);
}

/* Source lines as they are, but a line of marks, which has nothing else. */
static bool is_marks(const char *text)
{
	return strspn(text, " \t^~") == strlen(text) && strchr(text, '^');
}

/* Does a note belong to a mistake or warning before it? */
static bool explains(const struct osmia *o, unsigned n)
{
	while (n && osmia_message_level(o, n) == OSMIA_NOTE)
		n--;
	return osmia_message_level(o, n) != OSMIA_NOTE;
}

static void say_bpftrace(const struct osmia *o, unsigned n)
{
	static const char *const levels[] = { "ERROR", "WARNING", "HINT" };
	enum osmia_level level = osmia_message_level(o, n);
	struct osmia_place at;
	const char *text = osmia_message_at(o, n, &at);
	unsigned width = marked(o, n);

	if (is_source(o, n)) {
		if (is_marks(text))
			say_source(text);
		else
			fprintf(stderr, "%s\n", text + 2);
		return;
	}
	/* Notes that explain no mistake ("user engine: ...") are osmia's way. */
	if (level == OSMIA_NOTE && !explains(o, n))
		return;
	if (at.file && at.line && at.col && width)
		fprintf(stderr, "%s:%u:%u-%u: ", at.file, at.line, at.col, at.col + width);
	else if (at.file && at.line)
		fprintf(stderr, "%s:%u:%u: ", at.file, at.line, at.col);
	fprintf(stderr, "%s: %s\n", levels[level], text);
}

static void say_osmia(struct osmia *o, unsigned n)
{
	enum osmia_level level = osmia_message_level(o, n);
	struct osmia_place at;
	const char *text = osmia_message_at(o, n, &at);
	bool is_hint = osmia_is_script(o) && level == OSMIA_NOTE && !at.file && explains(o, n);

	if (is_source(o, n))
		fprintf(stderr, "%s\n", text);
	else
		cli_error("%s%s", level == OSMIA_WARNING ? "warning: " : is_hint ? "hint: " : "",
			  osmia_message(o, n));
}

void run_say(struct run *r, struct osmia *o)
{
	if (r->said < osmia_messages(o))
		fflush(r->out ? r->out : stdout);
	for (; r->said < osmia_messages(o); r->said++)
		if (r->style == STYLE_BPFTRACE)
			say_bpftrace(o, r->said);
		else
			say_osmia(o, r->said);
}

int run_error(const struct run *r, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs(r->style == STYLE_BPFTRACE ? "ERROR: " : "osmia: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
	return EXIT_FAULT;
}
