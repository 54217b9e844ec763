/* SPDX-License-Identifier: BSD-2-Clause */
/* base/diag.c - the list of messages. */
#include "base/diag.h"
#include "base/str.h"
#include "base/vec.h"
#include <stdlib.h>
#include <string.h>

enum { MSGS_MAX = 1000 };

static char *copy_text(const char *s)
{
	return s ? strdup(s) : NULL;
}

static void diag_add(struct diag *dg, enum diag_level level, struct place at, int err,
		     const char *fmt, va_list ap)
{
	struct str text = {0};
	struct diag_msg *m;

	if (!dg)
		return;
	dg->n_errors += level == DIAG_ERROR;
	if (dg->n >= MSGS_MAX ||
	    !vec_grow((void **)&dg->msgs, &dg->cap, (u64)dg->n + 1, sizeof(*dg->msgs))) {
		dg->n_dropped++;
		return;
	}
	str_vaddf(&text, fmt, ap);
	m = &dg->msgs[dg->n++];
	*m = (struct diag_msg){ .level = level, .err = err, .at = at, .text = str_take(&text) };
	m->at.file = copy_text(at.file);
	m->at.sect = copy_text(at.sect);
}

int diag_verror(struct diag *dg, struct place at, int err, const char *fmt, va_list ap)
{
	diag_add(dg, DIAG_ERROR, at, err, fmt, ap);
	return err;
}

int diag_error(struct diag *dg, struct place at, int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	diag_add(dg, DIAG_ERROR, at, err, fmt, ap);
	va_end(ap);
	return err;
}

void diag_warn(struct diag *dg, struct place at, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	diag_add(dg, DIAG_WARN, at, 0, fmt, ap);
	va_end(ap);
}

void diag_note(struct diag *dg, struct place at, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	diag_add(dg, DIAG_NOTE, at, 0, fmt, ap);
	va_end(ap);
}

char *place_text(const struct place *at)
{
	struct str s = {0};

	if (at->file) {
		str_add(&s, at->file);
		if (at->line)
			str_addf(&s, ":%u", at->line);
		if (at->line && at->col)
			str_addf(&s, ":%u", at->col);
		str_add(&s, ": ");
	}
	if (at->sect)
		str_addf(&s, "section '%s'+0x%lx: ", at->sect, at->off);
	return str_take(&s);
}

void diag_clear(struct diag *dg)
{
	for (u32 i = 0; i < dg->n; i++) {
		free((char *)dg->msgs[i].at.file);
		free((char *)dg->msgs[i].at.sect);
		free(dg->msgs[i].text);
	}
	dg->n = dg->n_errors = dg->n_dropped = 0;
}

void diag_free(struct diag *dg)
{
	diag_clear(dg);
	free(dg->msgs);
	*dg = (struct diag){0};
}

char *diag_text(const struct diag *dg)
{
	struct str s = {0};

	for (u32 i = 0; i < dg->n; i++) {
		char *place = place_text(&dg->msgs[i].at);

		str_addf(&s, "%s%s%s", i ? "\n" : "", place ? place : "", dg->msgs[i].text);
		free(place);
	}
	return str_take(&s);
}
