/* SPDX-License-Identifier: BSD-2-Clause */
/* explain/words.c - numbers, types, names and places in the words of a sentence. */
#include "abi/helper.h"
#include "explain/trace.h"
#include "isa/check.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct path_step *ex_step(const struct ex *e)
{
	return e->path.ends_at_refusal ? &e->path.steps[e->path.n - 1] : NULL;
}

const struct insn *ex_insn(const struct ex *e)
{
	return e->path.ends_at_refusal ? &e->p->insns[e->res->pc] : NULL;
}

const struct reg *ex_reg(const struct ex *e, u32 r)
{
	const struct path_step *s = ex_step(e);

	return s && r < REG_MAX ? &s->regs[r] : NULL;
}

/* ---- texts ---- */

static const char *vprint(struct ex *e, const char *fmt, va_list ap)
{
	struct str s = {0};
	const char *out;

	str_vaddf(&s, fmt, ap);
	out = arena_strdup(&e->x->mem, str_text(&s));
	str_free(&s);
	return out;
}

const char *ex_printf(struct ex *e, const char *fmt, ...)
{
	const char *out;
	va_list ap;

	va_start(ap, fmt);
	out = vprint(e, fmt, ap);
	va_end(ap);
	return out;
}

void ex_say(struct ex *e, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	e->x->sentence = vprint(e, fmt, ap);
	va_end(ap);
}

void ex_help(struct ex *e, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	e->x->help = vprint(e, fmt, ap);
	va_end(ap);
}

void ex_note(struct ex *e, enum explain_kind kind, u32 pc, const char *fmt, ...)
{
	struct explanation *x = e->x;
	struct explain_note note = { .kind = kind };
	va_list ap;

	ex_place(e, pc, &note.at);
	for (u32 i = 0; i < x->n_notes; i++)
		if (x->notes[i].at.pc == pc ||
		    (note.at.file && x->notes[i].at.line == note.at.line &&
		     (x->notes[i].kind == kind || kind == EXPLAIN_PATH)))
			return;
	if (x->n_notes == EXPLAIN_NOTES_MAX)
		return;
	va_start(ap, fmt);
	note.text = vprint(e, fmt, ap);
	va_end(ap);
	x->notes[x->n_notes++] = note;
}

/* ---- places ---- */

bool ex_place(struct ex *e, u32 pc, struct explain_place *out)
{
	const struct verify_prog *p = e->p;
	const struct bpf_line_info *best = NULL;

	*out = (struct explain_place){ .pc = pc };
	for (u32 i = 0; i < p->n_line_info && p->btf; i++)
		if (p->line_info[i].insn_off <= pc && p->line_info[i].line_col >> 10)
			best = &p->line_info[i];
	if (!best)
		return false;
	out->file = arena_strdup(&e->x->mem, btf_str(p->btf, best->file_name_off));
	out->text = arena_strdup(&e->x->mem, btf_str(p->btf, best->line_off));
	out->line = best->line_col >> 10;
	out->col = best->line_col & 0x3ff;
	return true;
}

/* Where the path last came to a fork. */
void note_fork(struct ex *e)
{
	for (u32 k = e->path.n - 1; k-- > 0;) {
		const struct insn *i = &e->p->insns[e->path.steps[k].pc];

		if (!insn_is_jmp(i) || INSN_OP(i->code) == JMP_JA)
			continue;
		ex_note(e, EXPLAIN_PATH, e->path.steps[k].pc, "the path goes through here");
		return;
	}
}

/* ---- numbers ---- */

const char *number_words(struct ex *e, const struct scalar *s)
{
	if (scalar_is_const(s))
		return ex_printf(e, "%ld", (long)s->bits.value);
	if (s->smin < 0) {
		/* next to nothing is known */
		if (s->smin <= INT64_MIN / 2 && s->smax >= INT64_MAX / 2)
			return "any 64-bit number";
		if (s->smin == INT32_MIN && s->smax == INT32_MAX)
			return "any 32-bit number, negative ones too";
		if (s->smin == INT64_MIN)
			return ex_printf(e, "at most %ld, and maybe negative", (long)s->smax);
		if (s->smax == INT64_MAX)
			return ex_printf(e, "%ld or more", (long)s->smin);
		return ex_printf(e, "from %ld to %ld", (long)s->smin, (long)s->smax);
	}
	if (!s->umin && s->umax == UINT32_MAX)
		return "any number of 32 bits, up to 4294967295";
	if (s->umax >= INT64_MAX)
		return s->umin ? ex_printf(e, "%lu or more", (unsigned long)s->umin) :
				 "any positive number";
	if (!s->umin)
		return ex_printf(e, "at most %lu", (unsigned long)s->umax);
	return ex_printf(e, "from %lu to %lu", (unsigned long)s->umin, (unsigned long)s->umax);
}

const char *type_words(u32 type)
{
	static const char *const words[] = {
		[REG_NOT_INIT] = "nothing", [REG_SCALAR] = "a number", [PTR_CTX] = "the context",
		[PTR_MAP] = "a map", [PTR_MAP_VALUE] = "a pointer to a map value",
		[PTR_MAP_KEY] = "a pointer to a map key", [PTR_STACK] = "a pointer into the stack",
		[PTR_PACKET_META] = "a pointer to packet metadata",
		[PTR_PACKET] = "a pointer into the packet",
		[PTR_PACKET_END] = "the packet's end", [PTR_FLOW_KEYS] = "flow keys",
		[PTR_SOCKET] = "a socket", [PTR_SOCK_COMMON] = "a socket", [PTR_TCP_SOCK] = "a TCP socket",
		[PTR_TP_BUFFER] = "a tracepoint's buffer", [PTR_XDP_SOCK] = "an XDP socket",
		[PTR_BTF] = "a pointer to a kernel struct", [PTR_MEM] = "a pointer to memory",
		[PTR_ARENA] = "a pointer into the arena", [PTR_BUF] = "a pointer to a buffer",
		[PTR_FUNC] = "a function", [PTR_DYNPTR] = "a dynptr",
	};
	u32 base = REG_BASE(type);

	if (base == PTR_BTF && type & T_ALLOC)
		return "a pointer to an object of the program";
	if (base == PTR_MEM && type & T_RINGBUF)
		return "a ring-buffer record";
	return base < ARRAY_SIZE(words) ? words[base] : "something else";
}

/* ---- names ---- */

const char *callee_words(struct ex *e, const struct insn *call)
{
	const char *name;

	if (call->src == CALL_HELPER) {
		const struct helper_proto *p = helper_proto((u32)call->imm);

		return p ? ex_printf(e, "bpf_%s()", p->name) : "this call";
	}
	if (call->src != CALL_KFUNC || call->off || !e->k->btf)
		return "this call";
	name = btf_name(e->k->btf, (u32)call->imm);
	return *name ? ex_printf(e, "%s()", name) : "this call";
}

const char *bytes_words(struct ex *e, s64 from, u64 n)
{
	if (n <= 1)
		return ex_printf(e, "byte %ld", (long)from);
	return ex_printf(e, "bytes %ld to %ld", (long)from, (long)(from + (s64)n - 1));
}

const char *name_or(struct ex *e, const char *other)
{
	return e->name ? ex_printf(e, "'%s'", e->name) : other;
}

static bool is_word_char(char c)
{
	return isalnum((u8)c) || c == '_';
}

/* "x" of "u32 x = ...;", "x = ...", "for (int x = 0; ..."; n 0: no plain variable is set there. */
static const char *assigned(const char *line, size_t *n)
{
	const char *eq = line;

	*n = 0;
	for (;; eq++) {
		eq = strchr(eq, '=');
		if (!eq || eq == line)
			return NULL;
		if (eq[1] == '=') {
			eq++;
			continue;
		}
		if (!strchr("=!<>", eq[-1]))
			break;
	}
	while (eq > line && strchr("+-*/%&|^ \t", eq[-1]))
		eq--;
	for (const char *s = eq; s > line && is_word_char(s[-1]); s--)
		++*n;
	/* a member or an element is no name of its own */
	if (*n && eq - *n > line && (eq[-(s64)*n - 1] == '.' || eq[-(s64)*n - 1] == '>'))
		*n = 0;
	return *n ? eq - *n : NULL;
}

static bool has_word(const char *line, const char *word, size_t n)
{
	for (const char *s = line; (s = strstr(s, word)); s++)
		if ((s == line || !is_word_char(s[-1])) && !is_word_char(s[n]))
			return true;
	return false;
}

/* The word that ends before end, unless it is a member's or a number. */
static void name_before(struct ex *e, const char *line, const char *end)
{
	size_t n = 0;

	while (end - n > line && is_word_char(end[-(s64)n - 1]))
		n++;
	if (!n || isdigit((u8)end[-(s64)n]) || end - n == line)
		return;
	if (end[-(s64)n - 1] != '>' && end[-(s64)n - 1] != '.')
		e->name = ex_printf(e, "%.*s", (int)n, end - n);
}

void name_of_pointer(struct ex *e)
{
	const struct explain_place *at = &e->x->at;
	const char *p;
	size_t n = 0;

	if (e->name || !e->x->has_place || at->col < 4 || at->col > strlen(at->text))
		return;
	p = at->text + at->col - 1;
	if (p[-1] == '>' && p[-2] == '-') {
		name_before(e, at->text, p - 2);
	} else if (*p == '*') {
		while (is_word_char(p[n + 1]))
			n++;
		if (n && !isdigit((u8)p[1]))
			e->name = ex_printf(e, "%.*s", (int)n, p + 1);
	}
}

void name_of_index(struct ex *e)
{
	const char *line = e->x->at.text, *open, *close;

	if (e->name || !e->x->has_place)
		return;
	open = strrchr(line, '[');
	close = open ? strchr(open, ']') : NULL;
	if (close && strspn(open + 1, "_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") ==
			     (size_t)(close - open - 1))
		name_before(e, line, close);
}

void name_from_argument(struct ex *e, u32 n)
{
	const char *line = e->x->at.text, *p;
	const struct insn *i = ex_insn(e);
	char callee[64];
	size_t len = 0;
	u32 depth = 0;

	if (e->name || !e->x->has_place || !i)
		return;
	snprintf(callee, sizeof(callee), "%s", callee_words(e, i));
	callee[strcspn(callee, "(")] = '\0';
	p = strstr(line, callee);
	p = p ? strchr(p, '(') : NULL;
	if (!p)
		return;
	for (p++; *p && n > 1; p++) {
		depth += *p == '(';
		if (*p == ')' && !depth--)
			return;
		n -= *p == ',' && !depth;
	}
	p += strspn(p, " \t");
	if (*p++ != '&')
		return;
	while (is_word_char(p[len]))
		len++;
	if (len && (p[len] == ',' || p[len] == ')'))
		e->name = ex_printf(e, "%.*s", (int)len, p);
}

void name_from(struct ex *e, u32 pc)
{
	struct explain_place at;
	const char *name;
	size_t n;

	if (e->name || !ex_place(e, pc, &at))
		return;
	name = assigned(at.text, &n);
	if (!name || isdigit((u8)*name))
		return;
	name = ex_printf(e, "%.*s", (int)n, name);
	if (e->x->has_place && !has_word(e->x->at.text, name, n))
		return;
	e->name = name;
}

const char *prog_words(struct ex *e)
{
	const char *type = prog_type_text(e->p->type);

	return type ? type : ex_printf(e, "type %u", e->p->type);
}

bool ex_is_tracing(const struct ex *e)
{
	switch (e->p->type) {
	case BPF_PROG_TYPE_KPROBE: case BPF_PROG_TYPE_TRACEPOINT: case BPF_PROG_TYPE_PERF_EVENT:
	case BPF_PROG_TYPE_RAW_TRACEPOINT: case BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE:
	case BPF_PROG_TYPE_TRACING: case BPF_PROG_TYPE_LSM:
		return true;
	}
	return false;
}
