/* SPDX-License-Identifier: BSD-2-Clause */
/* load/refusal.c - what a failed PROG_LOAD means, for a person.
 *
 * The verifier's log is asked for only now.  Its last lines are
 *
 *	12: (85) call bpf_map_lookup_elem#1     the insn
 *	R1 type=scalar expected=map_ptr         the reason
 *	processed 13 insns ...
 *
 * and the insn leads back through the program's parts to a function, a source line, and to a CO-RE
 * relocation, map or extern that was poisoned.
 */
#include "load/refusal.h"
#include "base/str.h"
#include "load/cost.h"
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
	LOG_FIRST = 256 << 10, LOG_MAX = 64 << 20,
	LOG_LINES = 12,                 /* shown of its end */
	POISON_CORE = 195896080, POISON_MAP = 2001000000, POISON_KFUNC = 2002000000,
	POISON_SPAN = 1000000,
};

static char *log_fetch(struct load *l, union bpf_attr attr)
{
	attr.log_level = l->opts.log_level ? l->opts.log_level : 1;
	for (u32 size = LOG_FIRST; size <= LOG_MAX; size *= 4) {
		char *log = calloc(1, size);
		int fd;

		if (!log)
			return NULL;
		attr.log_buf = (u64)log;
		attr.log_size = size;
		fd = engine_bpf(l->e, BPF_PROG_LOAD, &attr, BPF_ATTR_UPTO(core_relo_rec_size));
		if (fd >= 0)
			close(fd); /* it passed this time: nothing to show */
		if (fd != -ENOSPC || size * 4 > LOG_MAX) {
			log[size - 1] = 0;
			return log;
		}
		free(log);
	}
	return NULL;
}

/* Figures after the reason. */
static bool is_statistic(const char *line)
{
	static const char *const heads[] = {
		"processed ", "verification time ", "stack depth ", "mark_precise:", "max_states",
	};

	for (u32 i = 0; i < ARRAY_SIZE(heads); i++)
		if (str_starts(line, heads[i]))
			return true;
	return !*line;
}

/* "12: (85) call ...": the insn's number, or -1. */
static s64 line_insn(const char *line)
{
	char *end;
	s64 n = isdigit((u8)*line) ? strtol(line, &end, 10) : -1;

	return n >= 0 && str_starts(end, ": (") ? n : -1;
}

struct tail {
	char *lines[LOG_LINES]; /* oldest first */
	u32 n;
	const char *reason;     /* last line that is neither insn, state, source nor figure */
	s64 insn;               /* last insn met; -1 */
};

/* Cuts the log into lines, in place. */
static void tail_read(char *log, struct tail *t)
{
	*t = (struct tail){ .insn = -1 };
	for (char *line = log, *next; *line; line = next) {
		size_t len = strcspn(line, "\n");
		s64 insn;

		next = line + len + (line[len] == '\n');
		line[len] = 0;
		if (is_statistic(line))
			continue;
		insn = line_insn(line);
		if (insn >= 0)
			t->insn = insn;
		else if (*line != ';' && !isdigit((u8)*line) && !str_starts(line, "cur state:") &&
			 !str_starts(line, "old state:"))
			t->reason = line;
		if (t->n == LOG_LINES) {
			memmove(t->lines, t->lines + 1, (LOG_LINES - 1) * sizeof(*t->lines));
			t->n--;
		}
		t->lines[t->n++] = line;
	}
}

/* The function and insn there that final insn pc is; false for the prologue. */
static bool part_of(const struct prog *p, u64 pc, u32 *func, u32 *func_pc)
{
	bool found = false;

	for (u32 i = 0; i < p->parts.n; i++) {
		if (p->parts.p[i].off <= pc && (!found || pc - p->parts.p[i].off < *func_pc)) {
			*func = p->parts.p[i].func;
			*func_pc = (u32)(pc - p->parts.p[i].off);
			found = true;
		}
	}
	return found;
}

/* File and line of an insn, where there is line info; else the section and offset. */
static struct place insn_place(const struct load *l, u32 func, u32 pc)
{
	const struct obj_func *fn = &l->obj->funcs[func];
	struct place at = func_place(l, func);

	at.off += (u64)pc * sizeof(struct insn);
	for (u32 i = fn->n_lines; i-- > 0;) {
		if (fn->lines[i].pc <= pc && fn->lines[i].line) {
			at = (struct place){
				.file = btf_str(l->obj->btf, fn->lines[i].file_off),
				.line = fn->lines[i].line,
				.col = fn->lines[i].col,
			};
			break;
		}
	}
	return at;
}

static void explain_poison(struct load *l, u64 n, u32 func, u32 pc, struct place at, struct diag *dg)
{
	if (n == POISON_CORE)
		core_explain(l, func, pc, at, dg);
	else if (n >= POISON_MAP && n < POISON_MAP + POISON_SPAN && n - POISON_MAP < l->obj->n_maps)
		diag_note(dg, at, "the program uses map '%s', which was not made",
			  l->obj->maps[n - POISON_MAP].name);
	else if (n >= POISON_KFUNC && n < (u64)POISON_KFUNC + POISON_SPAN &&
		 n - POISON_KFUNC < l->obj->n_externs)
		diag_note(dg, at,
			  "the program calls kernel function '%s', which this kernel does not have",
			  l->obj->externs[n - POISON_KFUNC].name);
}

/* A loop whose end is not to be seen, or just too much. */
static void explain_size(struct load *l, u32 func, const char *reason, int err, struct diag *dg)
{
	bool loops = reason && strstr(reason, "infinite loop");
	bool complex = reason && (strstr(reason, "too complex") || strstr(reason, "too large"));

	if (!loops && !complex && err != -E2BIG)
		return;
	if (l->obj->script && (loops || complex))
		diag_note(dg, (struct place){0}, "  the verifier walks each turn of a while loop: a loop over a range, "
			  "for ($i : 0..N), may have 8 million of them");
	if (!loops)
		cost_explain(l, func, dg);
}

static const char *meaning(const struct prog *p, int err)
{
	switch (-err) {
	case EPERM:
		if (p->pub.type == BPF_PROG_TYPE_TRACING || p->pub.type == BPF_PROG_TYPE_LSM ||
		    p->pub.type == BPF_PROG_TYPE_EXT)
			return "not permitted: programs of this type need CAP_BPF and CAP_PERFMON, "
			       "and a "
			       "kernel that is not locked down";
		return "not permitted: loading programs of this type needs CAP_BPF and, for "
		       "tracing, "
		       "CAP_PERFMON, for networking, CAP_NET_ADMIN (or root)";
	case EACCES:
		return "the verifier refused it";
	case EINVAL:
		return "it was refused";
	case E2BIG:
		return "it is too large or too complex for the verifier";
	case ENOENT:
		return "something that it names is not there";
	case ENOTSUP:
	case 524:
		return "this kernel can't do that";
	case ENOMEM:
		return "out of memory";
	case EBUSY:
		return "something that it needs is busy";
	}
	return strerror(-err);
}

int refusal_report(struct load *l, struct prog *p, const union bpf_attr *attr, int err,
		   struct diag *dg)
{
	const char *type = prog_type_text(p->pub.type);
	char *log = dg && err != -ENOMEM ? log_fetch(l, *attr) : NULL;
	struct tail t = { .insn = -1 };
	struct place at = func_place(l, p->func);
	u32 func = p->func, pc = 0;

	if (log)
		tail_read(log, &t);
	if (t.insn >= 0 && part_of(p, (u64)t.insn, &func, &pc))
		at = insn_place(l, func, pc);
	diag_error(dg, at, err, "program '%s' (%s) was not loaded: %s%s%s", p->pub.fn->name,
		   type ? type : "?", meaning(p, err), t.reason ? ": " : "",
		   t.reason ? t.reason : "");
	if (t.insn >= 0) {
		const char *hash = t.reason ? strstr(t.reason, "unknown#") : NULL;

		explain_poison(l, hash ? strtoul(hash + 8, NULL, 10) : 0, func, pc, at, dg);
	}
	explain_size(l, func, t.reason, err, dg);
	for (u32 i = 0; i < t.n; i++)
		diag_note(dg, (struct place){0}, "  %s", t.lines[i]);
	free(log);
	return err;
}
