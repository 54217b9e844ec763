/* SPDX-License-Identifier: BSD-2-Clause */
/* verify/log.c - the log's text, and the reason of a refusal.
 *
 * Every sentence goes through v_log().  The log keeps its end when it grows past opts.log_max, as the
 * kernel's rotating log does; at level 0 only the last line is kept, which is what a refusal is
 * explained with.  Kernel 6.18: kernel/bpf/log.c, verbose() in kernel/bpf/verifier.c.
 */
#include "verify/log.h"
#include "isa/disasm.h"
#include "verify/kfunc.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

enum {
	LINE_MAX_BYTES = 1024,      /* of one v_log(), with its NUL: BPF_VERIFIER_TMP_LOG_SIZE */
	LOG_MAX_DEFAULT = 64 << 20,
	/* columns: insns are padded to 40, then by eights; BPF_LOG_ALIGNMENT, BPF_LOG_MIN_ALIGNMENT */
	COLUMN = 40,
	COLUMN_STEP = 8,
};

static size_t log_max(const struct verify *v)
{
	return v->opts.log_max ? v->opts.log_max : LOG_MAX_DEFAULT;
}

/* Keeps the last line that has text, without its newline. */
static void last_line_add(struct verify *v, const char *text, size_t n)
{
	struct str *last = &v->last_line;
	bool whole = n && text[n - 1] == '\n';
	size_t body = whole ? n - 1 : n;
	const char *nl = body ? memrchr(text, '\n', body) : NULL;

	if (body && (nl || v->last_line_done))
		str_clear(last);
	if (nl) {
		body -= (size_t)(nl + 1 - text);
		text = nl + 1;
	}
	str_addn(last, text, body);
	if (whole || body)
		v->last_line_done = whole;
}

/* Lets go of the oldest text once there is twice as much as is kept. */
static void log_trim(struct verify *v, size_t keep)
{
	size_t drop = v->log.len - keep;

	memmove(v->log.p, v->log.p + drop, keep);
	v->log.len = keep;
	v->log.p[keep] = '\0';
	v->log_dropped += drop;
}

static void log_add(struct verify *v, const char *text, size_t n)
{
	last_line_add(v, text, n);
	if (!v->opts.log_level)
		return;
	str_addn(&v->log, text, n);
	v->log_pos = v->log_dropped + v->log.len;
	v->res->log_peak = MAX(v->res->log_peak, v->log_pos);
	if (v->log_pos > log_max(v))
		v->log_start = MAX(v->log_start, v->log_pos - log_max(v));
	if (v->log.len / 2 > log_max(v))
		log_trim(v, log_max(v));
}

static void log_vadd(struct verify *v, bool newline, const char *fmt, va_list ap)
	__attribute__((format(printf, 3, 0)));
static void log_vadd(struct verify *v, bool newline, const char *fmt, va_list ap)
{
	char line[LINE_MAX_BYTES];
	int n = vsnprintf(line, sizeof(line), fmt, ap);

	if (n < 0)
		return;
	n = MIN(n, (int)sizeof(line) - 1 - newline);
	if (newline)
		line[n++] = '\n';
	log_add(v, line, (size_t)n);
}

void log_text(struct verify *v, const struct str *text)
{
	log_add(v, str_text(text), text->len);
}

void v_log(struct verify *v, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_vadd(v, false, fmt, ap);
	va_end(ap);
}

static void record(struct verify *v, int err, enum verify_reason why, s32 reg)
{
	if (v->res->why != WHY_NONE)
		return;
	v->res->err = err;
	v->res->why = why;
	v->res->pc = v->pc;
	v->res->reg = reg;
}

int v_refuse(struct verify *v, int err, enum verify_reason why, const char *fmt, ...)
{
	va_list ap;

	record(v, err, why, -1);
	va_start(ap, fmt);
	log_vadd(v, true, fmt, ap);
	va_end(ap);
	return err;
}

int v_refuse_open(struct verify *v, int err, enum verify_reason why, const char *fmt, ...)
{
	va_list ap;

	record(v, err, why, -1);
	va_start(ap, fmt);
	log_vadd(v, false, fmt, ap);
	va_end(ap);
	return err;
}

int v_refuse_reg(struct verify *v, int err, enum verify_reason why, u32 regno, const char *fmt, ...)
{
	va_list ap;

	record(v, err, why, (s32)regno);
	va_start(ap, fmt);
	log_vadd(v, true, fmt, ap);
	va_end(ap);
	return err;
}

int v_bug(struct verify *v, const char *fmt, ...)
{
	va_list ap;

	record(v, -EFAULT, WHY_BUG, -1);
	log_add(v, "verifier bug: ", strlen("verifier bug: "));
	va_start(ap, fmt);
	log_vadd(v, true, fmt, ap);
	va_end(ap);
	return -EFAULT;
}

int v_nomem(struct verify *v)
{
	record(v, -ENOMEM, WHY_NOMEM, -1);
	return -ENOMEM;
}

void log_reset(struct verify *v, u64 pos)
{
	if (!v->opts.log_level || pos >= v->log_pos)
		return;
	if (pos < v->log_dropped) {
		/* text before it is gone, as where the kernel's log has rotated past it */
		v->log_dropped = pos;
		str_clear(&v->log);
	} else {
		v->log.len = pos - v->log_dropped;
		v->log.p[v->log.len] = '\0';
	}
	v->log_pos = pos;
	v->log_start = MIN(v->log_start, pos);
}

void log_take(struct verify *v)
{
	if (v->log_start > v->log_dropped)
		log_trim(v, v->log_pos - v->log_start);
	if (!v->log.len)
		return;
	v->res->log_len = v->log.len;
	v->res->log = str_take(&v->log);
	if (!v->res->log)
		v->res->log_len = 0;
}

/* ---- insns ---- */

static const char *helper_name(void *arg, u32 id)
{
	const struct helper_proto *p = helper_proto(id);

	(void)arg;
	return p ? p->name : NULL;
}

static const char *called_kfunc(void *arg, const struct insn *call)
{
	return kfunc_name(arg, call);
}

/* The kernel shows addresses, which say nothing to a reader: here stands what lies there. */
static bool wide_operand(void *arg, const struct insn *wide, struct str *out)
{
	struct verify *v = arg;
	const struct insn_aux *aux = &v->aux[wide - v->insns];

	switch (wide->src) {
	case PSEUDO_MAP_FD:
	case PSEUDO_MAP_IDX:
	case PSEUDO_MAP_VALUE:
	case PSEUDO_MAP_IDX_VALUE:
		if (!aux->map)
			return false;
		if (!v->allow_ptr_leaks) {
			str_add(out, "0x0");
			return true;
		}
		str_addf(out, "map[%s]", aux->map->name ? aux->map->name : "");
		if (wide->src == PSEUDO_MAP_VALUE || wide->src == PSEUDO_MAP_IDX_VALUE)
			str_addf(out, "[0]+%u", aux->map_off);
		return true;
	case PSEUDO_BTF_ID:
		if (!v->k->btf)
			return false;
		str_addf(out, "&%s", btf_name(v->k->btf, (u32)wide->imm));
		return true;
	}
	return false;
}

void log_insn_text(struct verify *v, u32 pc)
{
	const struct disasm_names names = {
		.arg = v, .helper = helper_name, .kfunc = called_kfunc, .wide = wide_operand,
	};
	struct str out = {0};

	if (pc >= v->n_insns)
		return;
	str_addf(&out, "(%02x) ", v->insns[pc].code);
	disasm_insn(&out, &v->insns[pc], v->n_insns - pc, DISASM_KERNEL, &names);
	log_text(v, &out);
	str_free(&out);
}

void log_insn(struct verify *v, u32 pc)
{
	v_log(v, "%u: ", pc);
	log_insn_text(v, pc);
}

/* Where nothing was said since the insn's line, the state goes on that line. */
void log_insn_state(struct verify *v, const struct state *st, u32 frameno)
{
	if (v->prev_log_pos && v->prev_log_pos == v->log_pos) {
		u64 pos = v->prev_insn_pos;
		u64 column = ALIGN_UP(MAX(pos + COLUMN_STEP / 2, (u64)COLUMN), COLUMN_STEP);

		log_reset(v, v->prev_log_pos - 1);
		v_log(v, "%*c;", (int)(column - pos - 1), ' ');
	} else {
		v_log(v, "%u:", v->pc);
	}
	log_state(v, st, frameno, false);
}

/* ---- source lines ---- */

/* The last line record at or before pc; NULL: none.  bpf_find_linfo(). */
static const struct bpf_line_info *line_at(const struct verify *v, u32 pc)
{
	const struct bpf_line_info *lines = v->prog->line_info;
	u32 lo = 0, hi = v->prog->n_line_info;

	if (!hi || !lines || pc >= v->n_insns)
		return NULL;
	while (hi - lo > 1) {
		u32 mid = lo + (hi - lo) / 2;

		if (lines[mid].insn_off <= pc)
			lo = mid;
		else
			hi = mid;
	}
	return &lines[lo];
}

static bool same_line(const struct bpf_line_info *a, const struct bpf_line_info *b)
{
	return a == b ||
	       (a->file_name_off == b->file_name_off && a->line_col >> 10 == b->line_col >> 10);
}

void log_line(struct verify *v, u32 pc, const char *prefix)
{
	const struct bpf_line_info *line;
	const char *text, *file, *slash;

	if (!v->opts.log_level || !v->prog->btf)
		return;
	line = line_at(v, pc);
	if (!line || (v->prev_line && same_line(line, v->prev_line)))
		return;
	text = btf_str(v->prog->btf, line->line_off);
	text += strspn(text, " \t\n\v\f\r");
	file = btf_str(v->prog->btf, line->file_name_off);
	slash = strrchr(file, '/');
	if (prefix)
		v_log(v, "%s", prefix);
	v_log(v, "%s", text);
	v_log(v, " @ %s:%u\n", slash ? slash + 1 : file, line->line_col >> 10);
	v->prev_line = line;
}
