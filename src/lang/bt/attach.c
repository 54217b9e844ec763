/* SPDX-License-Identifier: BSD-2-Clause */
/* lang/bt/attach.c - the text of an attach point.
 *
 *	attach := PROVIDER { ":" part }          part: anything but ':', or "quoted"
 *	uprobe := "uprobe:" BINARY ":" [ LANG ":" ] FUNCTION [ "+" OFFSET ]
 *	        | "uprobe:" BINARY ":" ADDRESS | "uprobe:" BINARY "@" FILE ":" LINE [ ":" COLUMN ]
 *
 * What a part means depends on the provider: one function for each form, a table says which.
 */
#include "lang/bt/attach.h"
#include "base/str.h"
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { PARTS_MAX = 8 };

struct parts {
	struct arena *a;
	const char *text;
	const char *p[PARTS_MAX];   /* [0] is the provider */
	bool quoted[PARTS_MAX];
	u32 unquoted[PARTS_MAX];    /* where the last quote ended */
	u32 n;
	bool is_line;               /* '@' stood behind part 1 */
	bool is_list;
	s32 pid;
	struct place at;
	struct diag *dg;
};

#define U HOOK_USER
#define R HOOK_REGS
#define T HOOK_TYPED
#define W HOOK_WILD
static const struct provider {
	const char *text, *alias, *old;
	u32 max_args, flags;
} providers[] = {
#define PROVIDER(name, text, alias, old, args, flags) { text, alias, old, args, flags },
#include "obj/hook.def"
#undef PROVIDER
};
#undef U
#undef R
#undef T
#undef W

u32 hook_flags(enum script_hook h)
{
	return h < HOOK_MAX ? providers[h].flags : 0;
}

enum script_hook bt_hook_find(const char *name)
{
	for (u32 i = 0; i < HOOK_MAX; i++) {
		const struct provider *p = &providers[i];

		/* A short name is that letter alone: u is a uprobe, U a USDT probe. */
		if (!strcmp(name, p->alias) || !strcmp(name, p->old) || !strcasecmp(name, p->text))
			return *name ? (enum script_hook)i : HOOK_MAX;
	}
	return HOOK_MAX;
}

bool attach_is_pattern(const char *text)
{
	return strpbrk(text, "*?[") != NULL;
}

/* ---- numbers ---- */

static bool unit_scale(const char *suffix, u64 *scale)
{
	static const struct { const char *name; u64 scale; } units[] = {
		{ "", 1 }, { "ns", 1 }, { "us", 1000 }, { "ms", 1000000 }, { "s", 1000000000 },
		{ "m", 60000000000 }, { "h", 3600000000000 }, { "d", 86400000000000 },
		{ "u", 1 }, { "l", 1 }, { "ul", 1 }, { "ll", 1 }, { "ull", 1 },
	};

	for (u32 i = 0; i < ARRAY_SIZE(units); i++)
		if (!strcasecmp(suffix, units[i].name)) {
			*scale = units[i].scale;
			return true;
		}
	return false;
}

bool attach_number(const char *text, u64 *out)
{
	char digits[32];
	u32 n = 0;
	char *end;
	u64 v, scale;

	if (!isdigit((u8)*text))
		return false;
	for (; isalnum((u8)*text) || *text == '_'; text++)
		if (*text != '_') {
			if (n + 1 == sizeof(digits))
				return false;
			digits[n++] = *text;
		}
	digits[n] = '\0';
	if (*text)
		return false;
	errno = 0;
	v = strtoull(digits, &end, 0);
	if (errno)
		return false;
	if ((*end == 'e' || *end == 'E') && isdigit((u8)end[1])) {
		u64 exp = strtoull(end + 1, &end, 10);

		for (; exp; exp--)
			if (exp > 19 || __builtin_mul_overflow(v, (u64)10, &v))
				return false;
	}
	if (!unit_scale(end, &scale) || __builtin_mul_overflow(v, scale, &v))
		return false;
	*out = v;
	return true;
}

/* ---- parameters and lists, before anything is parsed ---- */

const char *attach_params(struct arena *a, const char *text, const char *const *params,
			  u32 n_params, const char **why)
{
	struct str out = {0};
	bool quoted = false;
	const char *result;

	for (; *text; text++) {
		char *end;
		u64 i;

		if (*text == '"')
			quoted = !quoted;
		if (quoted && *text == '\\' && text[1])
			str_addc(&out, *text++);
		if (quoted || *text != '$') {
			str_addc(&out, *text);
			continue;
		}
		if (text[1] < '1' || text[1] > '9') {
			*why = arena_printf(
				a,
				"'$%c' is no parameter: quote this part if it is meant so, \"$%c\"",
				text[1] ? text[1] : ' ', text[1] ? text[1] : ' ');
			str_free(&out);
			return NULL;
		}
		i = strtoull(text + 1, &end, 10);
		/* What is not given is empty, as str($9) is; numbers are 0 there. */
		str_add(&out, i <= n_params ? params[i - 1] : "0");
		text = end - 1;
	}
	result = arena_strdup(a, str_text(&out));
	str_free(&out);
	return result;
}

/* The first "{a,b}" outside quotes: its begin and end; NULL: none. */
static const char *list_find(const char *text, const char **end)
{
	bool quoted = false;

	for (; *text; text++) {
		if (*text == '"')
			quoted = !quoted;
		if (quoted && *text == '\\' && text[1])
			text++;
		if (!quoted && *text == '{' && (*end = strchr(text, '}')))
			return text;
	}
	return NULL;
}

/* Puts the texts that the first list of `whole` makes behind the others. */
static bool list_expand(struct arena *a, const char *whole, const char *open, const char *end,
			void *texts)
{
	VEC(const char *) *all = texts;

	for (const char *from = open + 1; from <= end; from++) {
		size_t len = strcspn(from, ",}");

		if (all->n >= ATTACH_LISTS_MAX ||
		    !vec_push(all, arena_printf(a, "%.*s%.*s%s", (int)(open - whole), whole,
						(int)len, from, end + 1)))
			return false;
		from += len;
	}
	return true;
}

/* List by list from the left: each round makes of every text those of its first list, in order. */
u32 attach_lists(struct arena *a, const char *text, const char ***out)
{
	VEC(const char *) now = {0}, next = {0};
	const char *end, *open = list_find(text, &end);
	bool ok = vec_push(&now, text) && (!open || strlen(text) <= ATTACH_TEXT_MAX);
	u32 n;

	for (bool more = open; ok && more;) {
		more = false;
		next.n = 0;
		for (u32 i = 0; ok && i < now.n; i++) {
			open = list_find(now.p[i], &end);
			more |= open != NULL;
			ok = open ? list_expand(a, now.p[i], open, end, &next)
				  : vec_push(&next, now.p[i]);
		}
		if (ok && more) {
			now.n = 0;
			for (u32 i = 0; ok && i < next.n; i++)
				ok = vec_push(&now, next.p[i]);
		}
	}
	n = ok ? now.n : 0;
	if (n) {
		*out = arena_alloc(a, n * sizeof(**out));
		memcpy(*out, now.p, n * sizeof(**out));
	}
	vec_free(&now);
	vec_free(&next);
	return n;
}

/* ---- parts ---- */

static int bad(struct parts *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static int bad(struct parts *p, const char *fmt, ...)
{
	va_list ap;
	int err;

	va_start(ap, fmt);
	err = diag_verror(p->dg, p->at, -EINVAL, fmt, ap);
	va_end(ap);
	return err;
}

static bool has_lines(const char *provider)
{
	enum script_hook h = bt_hook_find(provider);

	return h == HOOK_UPROBE || h == HOOK_URETPROBE;
}

static int parts_split(struct parts *p)
{
	struct str part = {0};
	bool quoted = false;

	for (const char *c = p->text;; c++) {
		if (*c == '"' && (*c)) {
			quoted = !quoted;
			if (p->n < PARTS_MAX) {
				p->quoted[p->n] = true;
				p->unquoted[p->n] = (u32)part.len;
			}
			continue;
		}
		if (quoted && *c == '\\' && c[1]) {
			str_addc(&part, *++c);
			continue;
		}
		bool line = *c == '@' && !quoted && p->n == 1 && !p->is_line && has_lines(p->p[0]);

		if (!*c || (*c == ':' && !quoted) || line) {
			if (p->n == PARTS_MAX) {
				str_free(&part);
				return bad(p, "'%s': too many parts", p->text);
			}
			p->p[p->n++] = arena_strdup(p->a, str_text(&part));
			str_clear(&part);
			p->is_line |= line;
			if (!*c)
				break;
			continue;
		}
		str_addc(&part, *c);
	}
	str_free(&part);
	return quoted ? bad(p, "'%s': the quote has no end", p->text) : 0;
}

/* "kprobe probe type requires 1 or 2 arguments, found 3: kprobe:[MODULE:]FUNCTION[+OFFSET]" */
static int count_error(struct parts *p, const char *wanted, const char *form)
{
	return bad(p, "%s takes %s arguments, found %u: %s", p->p[0], wanted, p->n - 1, form);
}

/* The last part: "FUNCTION[+OFFSET]"; what is quoted is the name's. */
static int take_function(struct parts *p, struct script_attach *out)
{
	const char *text = p->p[p->n - 1], *name_end = text + p->unquoted[p->n - 1];
	const char *plus = strrchr(name_end, '+');

	out->fn = text;
	/* operator+ and the like have theirs in front of no number */
	if (!plus)
		return 0;
	if (!attach_number(plus + 1, &out->off)) {
		if (strstr(text, "operator"))
			return 0;
		return bad(p, "'%s': behind '+' should stand a number of bytes", text);
	}
	if (plus == text)
		return bad(p, "'%s': a function belongs before '+'", text);
	if (memchr(name_end, '+', (size_t)(plus - name_end)))
		return bad(p, "'%s': one offset only", text);
	out->fn = arena_printf(p->a, "%.*s", (int)(plus - text), text);
	return 0;
}

/* ---- forms of providers ---- */

static int form_none(struct parts *p, struct script_attach *out)
{
	if (p->n == 2 && !strcmp(p->p[1], "*") && p->is_list)
		p->n--;
	return p->n > 1 ? bad(p, "%s takes no arguments, found %u", script_hook_text(out->hook),
			      p->n - 1)
			: 0;
}

static int form_self(struct parts *p, struct script_attach *out)
{
	if (p->is_list && p->n < 3) {
		out->target = "signal";
		out->fn = p->n == 2 ? p->p[1] : "*";
		return 0;
	}
	if (p->n != 3)
		return count_error(p, "2", "self:signal:SIGUSR1");
	if (strcmp(p->p[1], "signal") != 0 && !p->is_list)
		return bad(p, "'%s' is no trigger: self:signal:SIGUSR1 is the only form", p->p[1]);
	if (strcmp(p->p[2], "SIGUSR1") != 0 && !p->is_list)
		return bad(p, "signal '%s' is not served, SIGUSR1 is", p->p[2]);
	out->target = p->p[1];
	out->fn = p->p[2];
	return 0;
}

static int form_name(struct parts *p, struct script_attach *out)
{
	if (p->is_list && p->n == 1)
		return 0;
	if (p->n != 2 || !*p->p[1])
		return count_error(p, "1", out->hook == HOOK_TEST ? "test:NAME" : "bench:NAME");
	out->target = p->p[1];
	return 0;
}

static int form_kprobe(struct parts *p, struct script_attach *out)
{
	int err;

	if (p->n != 2 && p->n != 3)
		return count_error(p, "1 or 2", "[MODULE:]FUNCTION[+OFFSET]");
	if (p->n == 3)
		out->target = p->p[1];
	if (!p->quoted[p->n - 1] && attach_number(p->p[p->n - 1], &out->off))
		return 0;
	err = take_function(p, out);
	if (!err && out->off && out->hook == HOOK_KRETPROBE)
		err = bad(p, "a kretprobe takes no offset: it is where the function returns");
	if (!err && !*out->fn)
		err = bad(p, "a %s belongs to a function or an address",
			  script_hook_text(out->hook));
	return err;
}

static int form_fentry(struct parts *p, struct script_attach *out)
{
	if (p->n < 2 || p->n > 4)
		return count_error(p, "1 to 3", "[MODULE:]FUNCTION or bpf:[ID:]PROGRAM");
	if (!strcmp(p->p[1], "bpf") && p->n > 2) {
		out->target = "bpf";
		out->ns = p->n == 4 ? p->p[2] : "";
		if (*out->ns && strcmp(out->ns, "*") != 0 && !attach_number(out->ns, &out->value))
			return bad(p, "'%s' is no program id: a number, or '*'", out->ns);
	} else if (p->n == 4) {
		return bad(p, "three arguments have programs only: %s:bpf:ID:PROGRAM", p->p[0]);
	} else if (p->n == 3) {
		out->target = p->p[1];
	}
	out->fn = p->p[p->n - 1];
	return *out->fn ? 0 : bad(p, "a function belongs behind %s", p->p[0]);
}

static int form_tracepoint(struct parts *p, struct script_attach *out)
{
	if (p->n == 2 && attach_is_pattern(p->p[1])) {
		out->target = "*";
		out->fn = p->p[1];
		return 0;
	}
	if (p->n != 3 || !*p->p[1] || !*p->p[2])
		return count_error(p, "2", "CATEGORY:EVENT");
	out->target = p->p[1];
	out->fn = p->p[2];
	return 0;
}

static int form_rawtracepoint(struct parts *p, struct script_attach *out)
{
	if ((p->n != 2 && p->n != 3) || !*p->p[p->n - 1])
		return count_error(p, "1 or 2", "[MODULE:]EVENT");
	out->target = p->n == 3 ? p->p[1] : "";
	out->fn = p->p[p->n - 1];
	return 0;
}

static bool is_lang(const char *text)
{
	return !strcmp(text, "cpp");
}

static int form_line(struct parts *p, struct script_attach *out)
{
	u64 line, col = 0;

	if (out->hook == HOOK_URETPROBE)
		return bad(p, "a uretprobe belongs to a function, not to a line");
	if ((p->n != 4 && p->n != 5) || !*p->p[2] || !attach_number(p->p[3], &line) ||
	    line > UINT32_MAX || (p->n == 5 && (!attach_number(p->p[4], &col) || col > UINT32_MAX)))
		return bad(p, "'%s': should be %s:BINARY@FILE:LINE[:COLUMN]", p->text, p->p[0]);
	if (attach_is_pattern(p->p[1]))
		return bad(p, "a source line needs one binary, not the pattern '%s'", p->p[1]);
	out->target = p->p[1];
	out->ns = "@";
	out->fn = p->n == 5 ? arena_printf(p->a, "%s:%lu:%lu", p->p[2], line, col) :
			      arena_printf(p->a, "%s:%lu", p->p[2], line);
	return 0;
}

static int form_uprobe(struct parts *p, struct script_attach *out)
{
	const char *fn = p->p[p->n - 1];
	bool quoted = p->quoted[p->n - 1];
	/* -p says the binary */
	u32 first = p->pid > 0 && (p->n == 2 || (p->n == 3 && is_lang(p->p[1]))) ? 0 : 1;
	int err;

	if (p->is_line)
		return form_line(p, out);
	if (p->is_list && p->n == 2) {
		out->target = "*";
		out->fn = fn;
		return 0;
	}
	if (p->n < 2 + first || p->n > 4)
		return count_error(
			p, "2 or 3",
			"BINARY:FUNCTION[+OFFSET], BINARY:ADDRESS, BINARY:cpp:\"FUNCTION\" "
			"or BINARY@FILE:LINE");
	out->target = first ? p->p[1] : "";
	if (p->n - first == 3 || (!first && p->n == 3)) {
		out->ns = p->p[1 + first];
		if (!is_lang(out->ns))
			return bad(p, "'%s' is no language whose names are known: cpp is", out->ns);
	}
	if (!*out->target && first && p->pid <= 0)
		return bad(p, "a %s belongs to a binary", p->p[0]);
	if (!quoted && attach_number(fn, &out->off)) {
		if (attach_is_pattern(out->target))
			return bad(p, "an address needs one binary, not the pattern '%s'",
				   out->target);
		return 0;
	}
	err = take_function(p, out);
	if (!err && out->hook == HOOK_URETPROBE && out->off)
		err = bad(p, "a uretprobe takes no offset: it is where the function returns");
	if (!err && !*out->fn)
		err = bad(p, "a %s belongs to a function, an address, or a source line", p->p[0]);
	return err;
}

static int form_usdt(struct parts *p, struct script_attach *out)
{
	if (p->n == 2 && (p->pid > 0 || p->is_list)) {
		out->target = p->is_list ? "*" : "";
		out->fn = p->p[1];
		return 0;
	}
	if (p->n != 3 && p->n != 4)
		return count_error(p, "2 or 3", "BINARY:[PROVIDER:]PROBE");
	out->target = p->p[1];
	out->ns = p->n == 4 ? p->p[2] : "";
	out->fn = p->p[p->n - 1];
	if (!*out->fn)
		return bad(p, "a usdt probe needs a name, or a pattern");
	return *out->target || p->pid > 0
		       ? 0
		       : bad(p, "a usdt probe belongs to a binary ('*': every one)");
}

static int form_time(struct parts *p, struct script_attach *out)
{
	static const struct { const char *unit; u64 ns; } units[] = {
		{ "s", 1000000000 }, { "ms", 1000000 }, { "us", 1000 }, { "hz", 0 },
	};
	const char *number = p->p[p->n - 1], *hook = script_hook_text(out->hook);
	u64 v;

	if (p->is_list && p->n <= 3) {
		out->target = p->n > 1 ? p->p[1] : "*";
		return 0;
	}
	if (p->n != 2 && p->n != 3)
		return count_error(p, "1 or 2", "UNIT:NUMBER or a time (s:1, hz:99, 10ms)");
	if (!attach_number(number, &v))
		return bad(p, "rate of the %s probe: '%s' is no number", hook, number);
	out->fn = number;
	if (p->n == 2) {
		if (v < 1000)
			return bad(p, "%s of %lu ns: the least is 1us", hook, v);
		out->target = "";
		out->value = v;
		return 0;
	}
	out->target = p->p[1];
	for (u32 i = 0; i < ARRAY_SIZE(units); i++) {
		if (strcmp(units[i].unit, out->target) != 0)
			continue;
		if (!v || (units[i].ns && v > INT64_MAX / units[i].ns) ||
		    (!units[i].ns && v > 1000000000))
			return bad(p, "%s %s:%s: the number must be positive, and not that big",
				   hook, out->target, number);
		out->is_freq = !units[i].ns;
		out->value = units[i].ns ? v * units[i].ns : v;
		return 0;
	}
	return bad(p, "'%s' is no unit of time: s, ms, us and hz are", out->target);
}

static int form_count(struct parts *p, struct script_attach *out)
{
	if (p->is_list && p->n == 1) {
		out->target = "*";
		return 0;
	}
	if ((p->n != 2 && p->n != 3) || !*p->p[1])
		return count_error(p, "1 or 2", "EVENT[:COUNT]");
	out->target = p->p[1];
	if (p->n == 3 && *p->p[2] && strcmp(p->p[2], "*") != 0) {
		if (!attach_number(p->p[2], &out->value))
			return bad(p, "count of the %s probe: '%s' is no number",
				   script_hook_text(out->hook), p->p[2]);
		out->fn = p->p[2];
	}
	if (attach_is_pattern(out->target) && !p->is_list)
		return bad(p, "a %s probe takes no pattern", script_hook_text(out->hook));
	return 0;
}

static int form_watchpoint(struct parts *p, struct script_attach *out)
{
	if (p->is_list)
		return 0;
	if (p->n != 4)
		return count_error(p, "3", "ADDRESS:LENGTH:MODE, as in watchpoint:0x10000000:8:rw");
	if (!attach_number(p->p[1], &out->off)) {
		const char *plus = strstr(p->p[1], "+arg");
		u64 n;

		if (!plus || plus == p->p[1] || !attach_number(plus + 4, &n) || n > 5)
			return bad(p, "'%s' is no address, nor FUNCTION+argN", p->p[1]);
		out->fn = arena_printf(p->a, "%.*s", (int)(plus - p->p[1]), p->p[1]);
		out->off = n;
	} else if (!out->off) {
		return bad(p, "a watchpoint needs an address that is not 0");
	}
	if (!attach_number(p->p[2], &out->value) ||
	    (out->value != 1 && out->value != 2 && out->value != 4 && out->value != 8))
		return bad(p, "length '%s' of the watchpoint: 1, 2, 4 or 8", p->p[2]);
	out->mode = p->p[3];
	/* What the processor can watch: x86 has no read alone. */
	static const char *const modes[] = { "r", "w", "x", "rw", "wr", "rx", "xr", "wx", "xw" };
	bool known = false;

	for (u32 i = 0; i < ARRAY_SIZE(modes); i++)
		known |= !strcmp(out->mode, modes[i]);
	if (!known)
		return bad(p, "mode '%s' of the watchpoint: of r, w and x, each once", out->mode);
#if defined(__x86_64__)
	if (strcmp(out->mode, "w") && strcmp(out->mode, "x") && strcmp(out->mode, "rw") &&
	    strcmp(out->mode, "wr"))
		return bad(p, "mode '%s' can't be watched on x86: w, x and rw can", out->mode);
#endif
	return 0;
}

static int form_iter(struct parts *p, struct script_attach *out)
{
	if ((p->n != 2 && p->n != 3) || !*p->p[1])
		return count_error(p, "1 or 2", "NAME[:PIN]");
	out->fn = p->p[1];
	if (p->n == 3)
		out->mode =
			*p->p[2] == '/' ? p->p[2] : arena_printf(p->a, "/sys/fs/bpf/%s", p->p[2]);
	return 0;
}

static int (*const forms[])(struct parts *p, struct script_attach *out) = {
	[HOOK_BEGIN] = form_none,
	[HOOK_END] = form_none,
	[HOOK_SELF] = form_self,
	[HOOK_TEST] = form_name,
	[HOOK_BENCH] = form_name,
	[HOOK_KPROBE] = form_kprobe,
	[HOOK_KRETPROBE] = form_kprobe,
	[HOOK_FENTRY] = form_fentry,
	[HOOK_FEXIT] = form_fentry,
	[HOOK_TRACEPOINT] = form_tracepoint,
	[HOOK_RAWTRACEPOINT] = form_rawtracepoint,
	[HOOK_UPROBE] = form_uprobe,
	[HOOK_URETPROBE] = form_uprobe,
	[HOOK_USDT] = form_usdt,
	[HOOK_PROFILE] = form_time,
	[HOOK_INTERVAL] = form_time,
	[HOOK_SOFTWARE] = form_count,
	[HOOK_HARDWARE] = form_count,
	[HOOK_WATCHPOINT] = form_watchpoint,
	[HOOK_ASYNCWATCHPOINT] = form_watchpoint,
	[HOOK_ITER] = form_iter,
};

static int unknown_provider(struct parts *p)
{
	const char *best = NULL;
	u32 best_d = 4;

	for (u32 i = 0; i < HOOK_MAX; i++) {
		u32 d = str_distance(p->p[0], providers[i].text, strlen(providers[i].text));

		if (d < best_d) {
			best_d = d;
			best = providers[i].text;
		}
	}
	return best ? bad(p, "there is no probe type '%s'; did you mean %s?", p->p[0], best) :
		      bad(p, "there is no probe type '%s'", p->p[0]);
}

int attach_parse(struct arena *a, const char *text, s32 pid, bool is_list, struct place at,
		 struct diag *dg, struct script_attach *out)
{
	struct parts p = {.a = a, .text = text, .is_list = is_list, .pid = pid, .at = at, .dg = dg};
	struct script_attach s = {.target = "",
				  .fn = "",
				  .ns = "",
				  .mode = "",
				  .pid = -1,
				  .at = at,
				  .func = UINT32_MAX};
	int err = parts_split(&p);

	if (err)
		return err;
	s.hook = bt_hook_find(p.p[0]);
	if (s.hook == HOOK_MAX)
		return unknown_provider(&p);
	err = forms[s.hook](&p, &s);
	if (!err)
		*out = s;
	return err;
}

int bt_attach_parse(struct arena *a, const char *text, struct place at, struct diag *dg,
		    struct script_attach *out)
{
	return attach_parse(a, text, 0, false, at, dg, out);
}

/* ---- names ---- */

const char *attach_name(struct arena *a, const struct script_attach *s, u32 compat)
{
	const char *hook = script_hook_text(s->hook);
	const char *target_colon = *s->target ? ":" : "";
	const char *name;

	switch (s->hook) {
	case HOOK_BEGIN: return compat == 17 ? "BEGIN" : "begin";
	case HOOK_END: return compat == 17 ? "END" : "end";
	case HOOK_TEST:
	case HOOK_BENCH:
		return arena_printf(a, "%s:%s", hook, s->target);
	case HOOK_WATCHPOINT:
	case HOOK_ASYNCWATCHPOINT:
		if (*s->fn)
			return arena_printf(a, "%s:%s+arg%lu:%lu:%s", hook, s->fn, s->off, s->value,
					    s->mode);
		return arena_printf(a, "%s:0x%lx:%lu:%s", hook, s->off, s->value, s->mode);
	case HOOK_SOFTWARE:
	case HOOK_HARDWARE:
		return arena_printf(a, "%s:%s:%s", hook, s->target, s->fn);
	case HOOK_USDT:
		return *s->ns ? arena_printf(a, "%s:%s:%s:%s", hook, s->target, s->ns, s->fn) :
				arena_printf(a, "%s:%s:%s", hook, s->target, s->fn);
	case HOOK_UPROBE:
	case HOOK_URETPROBE:
		if (!strcmp(s->ns, "@"))
			return arena_printf(a, "%s:%s@%s", hook, s->target, s->fn);
		break;
	case HOOK_FENTRY:
	case HOOK_FEXIT:
		if (*s->ns)
			return arena_printf(a, "%s:%s:%s:%s", hook, s->target, s->ns, s->fn);
		break;
	case HOOK_ITER:
		return arena_printf(a, "%s:%s", hook, s->fn);
	default:
		break;
	}
	name = *s->fn ? s->fn : arena_printf(a, "%lu", s->off);
	if (*s->fn && s->off)
		return arena_printf(a, "%s:%s%s%s+%lu", hook, s->target, target_colon, name,
				    s->off);
	return arena_printf(a, "%s:%s%s%s", hook, s->target, target_colon, name);
}
