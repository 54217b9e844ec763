/* SPDX-License-Identifier: BSD-2-Clause */
/* isa/asm.c - the assembler: lines, labels, calls; the two notations are in files of their own. */
#include "isa/asm_parse.h"
#include "isa/check.h"
#include <ctype.h>
#include <errno.h>

bool asm_emit(struct asm_parser *a, struct insn i)
{
	if (vec_push(&a->insns, i))
		return true;
	a->failed = a->no_memory = true;
	return false;
}

bool asm_emit_wide(struct asm_parser *a, u32 dst, u32 src, u64 imm)
{
	struct insn w[2] = { { .code = CLS_LD | MODE_IMM | SZ_DW,
			       .dst = dst & 15,
			       .src = src & 15 } };

	insn_set_imm64(w, imm);
	return asm_emit(a, w[0]) && asm_emit(a, w[1]);
}

bool asm_fixup(struct asm_parser *a, const char *at, const char *name, int kind)
{
	struct asm_fixup *f = vec_add(&a->fixups);

	if (!f) {
		a->failed = a->no_memory = true;
		return false;
	}
	f->pc = a->insns.n;
	f->line = a->line;
	f->col = (u32)(at - a->begin) + 1;
	f->name = name;
	f->kind = kind;
	return true;
}

/* call_id := '#' NUMBER, after a name that says which kind it is */
static bool call_by_id(struct asm_parser *a, const char *at, const char *name)
{
	struct insn i = { .code = CLS_JMP | JMP_CALL };
	u32 known = 0;

	if (!want_imm32(a, &i.imm))
		return false;
	if (strcmp(name, "kernel") == 0)
		i.src = CALL_KFUNC;
	else if (strcmp(name, "unknown") != 0 && a->names && a->names->helper) {
		known = a->names->helper(a->names->arg, name);
		if (known && known != (u32)i.imm)
			return asm_error(a, at, "%s is helper %u, not %d", name, known, i.imm);
		if (!known)
			i.src = CALL_KFUNC;
	}
	return asm_emit(a, i);
}

/* call := "call" ( ["local"] TARGET | ["helper"] ID | "runtime" ID | REG | NAME [#ID] ) */
bool asm_call(struct asm_parser *a)
{
	struct insn i = { .code = CLS_JMP | JMP_CALL };
	const char *at, *name;
	u32 reg;
	bool is64;

	asm_blanks(a);
	at = a->p;
	if (try_text(a, "local") || (a->end - at > 2 && memcmp(at, "pc", 2) == 0 &&
				     (at[2] == '+' || at[2] == '-'))) {
		i.src = CALL_SUBPROG;
		return want_target(a, &i, true) && asm_emit(a, i);
	}
	if (try_text(a, "runtime")) {
		i.src = CALL_KFUNC;
		return want_imm32(a, &i.imm) && asm_emit(a, i);
	}
	try_text(a, "helper");
	if (try_reg(a, &reg, &is64)) {
		i.code |= SRC_X;
		i.dst = reg & 15;
		return asm_emit(a, i);
	}
	if (asm_at_number(a))
		return want_imm32(a, &i.imm) && asm_emit(a, i);
	if (try_text(a, "kernel-function#"))
		return call_by_id(a, at, "kernel");
	if (!try_name(a, &name))
		return asm_expected(a, "a helper, a label or pc+N");
	if (try_text(a, "#"))
		return call_by_id(a, at, name);
	return asm_fixup(a, at, name, FIXUP_CALL) && asm_emit(a, i);
}

/* Eight hex bytes, as ".insn" has them and as objdump puts them before an insn. */
static bool try_bytes(struct asm_parser *a, struct insn *i)
{
	const char *p = a->p;
	u8 b[sizeof(*i)];

	for (u32 n = 0; n < sizeof(b); n++) {
		char hex[3] = { 0 };

		while (p < a->end && isspace((u8)*p))
			p++;
		if (a->end - p < 2 || !isxdigit((u8)p[0]) || !isxdigit((u8)p[1]) ||
		    (a->end - p > 2 && !isspace((u8)p[2])))
			return false;
		hex[0] = p[0];
		hex[1] = p[1];
		b[n] = (u8)strtoul(hex, NULL, 16);
		p += 2;
	}
	memcpy(i, b, sizeof(b));
	a->p = p;
	return true;
}

/* prefix := [ NUMBER ':' ] { BYTES } [ '(' HEX HEX ')' ] */
static void skip_prefix(struct asm_parser *a)
{
	const char *p;
	struct insn unused;

	asm_blanks(a);
	for (p = a->p; p < a->end && isxdigit((u8)*p);)
		p++;
	if (p > a->p && p < a->end && *p == ':' && isdigit((u8)*a->p))
		a->p = p + 1;
	while (try_bytes(a, &unused))
		;
	asm_blanks(a);
	p = a->p;
	a->said_code = 0;
	if (a->end - p >= 4 && p[0] == '(' && isxdigit((u8)p[1]) && isxdigit((u8)p[2]) &&
	    p[3] == ')') {
		a->said_code = (u32)strtoul(p + 1, NULL, 16) + 1;
		a->p += 4;
	}
}

static bool define_label(struct asm_parser *a, const char *at, const char *name)
{
	u32 before;

	if (strmap_get(&a->labels, name, &before))
		return asm_error(a, at, "label '%s' is defined twice", name);
	if (strmap_set(&a->labels, name, a->insns.n) < 0) {
		a->failed = a->no_memory = true;
		return false;
	}
	return true;
}

/* label := NAME ':' | [ HEX ] '<' NAME '>' ':' */
static bool try_label(struct asm_parser *a)
{
	const char *at, *name, *p;

	asm_blanks(a);
	at = p = a->p;
	while (p < a->end && isxdigit((u8)*p))
		p++;
	while (p < a->end && isspace((u8)*p))
		p++;
	if (p < a->end && *p == '<') {
		a->p = p + 1;
		if (try_name(a, &name) && try_text(a, ">") && try_text(a, ":"))
			return define_label(a, at, name), true;
	} else if (try_name(a, &name) && a->p < a->end && *a->p == ':') {
		a->p++;
		return define_label(a, at, name), true;
	}
	a->p = at;
	return false;
}

static bool statement(struct asm_parser *a)
{
	struct insn raw;
	bool mine = false;

	if (try_text(a, ".insn")) {
		if (!try_bytes(a, &raw))
			return asm_expected(a, "eight hex bytes");
		return asm_emit(a, raw);
	}
	if (try_text(a, "exit")) {
		if (!a->first_exit)
			a->first_exit = a->insns.n + 1;
		return asm_emit(a, (struct insn){ .code = CLS_JMP | JMP_EXIT });
	}
	if (try_text(a, "call") || try_text(a, "callx"))
		return asm_call(a);
	if (!asm_kernel_statement(a, &mine))
		return false;
	return mine || asm_mnemonic_statement(a);
}

/* line := { label } [ prefix statement ] */
static void line(struct asm_parser *a)
{
	u32 pc = a->insns.n;
	const char *at;

	while (try_label(a))
		;
	skip_prefix(a);
	while (try_label(a))
		;
	at = a->p;
	if (asm_at_end(a) || !statement(a))
		return;
	if (!asm_at_end(a))
		asm_expected(a, "the end of the line");
	else if (a->said_code && a->insns.p[pc].code != a->said_code - 1)
		asm_error(a, at, "this is opcode %02x, not %02x", a->insns.p[pc].code,
			  a->said_code - 1);
}

/* Cuts comments off: ';' and "//" anywhere, '#' at the begin or after a blank. */
static const char *comment(const char *p, const char *end)
{
	for (const char *c = p; c < end; c++)
		if (*c == ';' || (*c == '/' && c + 1 < end && c[1] == '/') ||
		    (*c == '#' && (c == p || isspace((u8)c[-1]))))
			return c;
	return end;
}

static void lines(struct asm_parser *a, const char *text, size_t size)
{
	const char *end = text + size;

	while (text < end && !a->no_memory && a->insns.n <= INSNS_MAX) {
		const char *eol = memchr(text, '\n', (size_t)(end - text));

		a->line++;
		a->begin = a->p = text;
		a->end = comment(text, eol ? eol : end);
		line(a);
		text = eol ? eol + 1 : end;
	}
}

/* Puts the distance to its label into an insn. */
static void resolve(struct asm_parser *a, const struct asm_fixup *f)
{
	struct place at = { .file = a->file, .line = f->line, .col = f->col };
	struct insn *i = &a->insns.p[f->pc];
	u32 to;
	s64 distance;

	if (!strmap_get(&a->labels, f->name, &to)) {
		u32 id = 0;

		if (f->kind == FIXUP_CALL && a->names && a->names->helper)
			id = a->names->helper(a->names->arg, f->name);
		if (id) {
			i->imm = (s32)id;
			return;
		}
		if (f->kind == FIXUP_CALL || strcmp(f->name, "exit") != 0 || !a->first_exit) {
			diag_error(a->dg, at, -EINVAL, "no label%s is called '%s'",
				   f->kind == FIXUP_CALL ? " and no helper" : "", f->name);
			a->failed = true;
			return;
		}
		to = a->first_exit - 1;
	}
	distance = (s64)to - f->pc - 1;
	if (f->kind == FIXUP_OFF) {
		if (distance < INT16_MIN || distance > INT16_MAX) {
			diag_error(a->dg, at, -EINVAL, "label '%s' is %ld insns away, a jump reaches "
				   "32767 (gotol: all)", f->name, (long)distance);
			a->failed = true;
		}
		i->off = (s16)distance;
	} else {
		i->imm = (s32)distance;
		if (f->kind == FIXUP_CALL)
			i->src = CALL_SUBPROG;
	}
}

int asm_text(const char *text, size_t size, const char *file, const struct asm_names *names,
	     struct diag *dg, struct insn **insns, u32 *n)
{
	struct asm_parser a = { .file = file, .names = names, .dg = dg };
	struct place at = { .file = file };
	int err = 0;

	if (size > ASM_TEXT_MAX)
		return diag_error(dg, at, -E2BIG, "more than %u bytes of text", ASM_TEXT_MAX);
	lines(&a, text, size);
	if (a.insns.n > INSNS_MAX)
		err = diag_error(dg, at, -E2BIG, "more than %u insns", INSNS_MAX);
	if (!err && !a.failed) /* else an insn that waits for a label may be missing */
		for (u32 i = 0; i < a.fixups.n; i++)
			resolve(&a, &a.fixups.p[i]);
	if (!err && a.failed)
		err = a.no_memory ? -ENOMEM : -EINVAL;
	vec_free(&a.fixups);
	strmap_free(&a.labels);
	arena_free(&a.arena);
	if (err) {
		vec_free(&a.insns);
		return err;
	}
	*insns = a.insns.p;
	*n = a.insns.n;
	return 0;
}
