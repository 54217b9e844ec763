/* SPDX-License-Identifier: BSD-2-Clause */
/* explain/rules_call.c - refused calls, returns, references that are left, loops, stack. */
#include "abi/helper_use.h"
#include "explain/trace.h"
#include "isa/check.h"
#include "verify/reg.h"
#include <stdlib.h>
#include <string.h>

enum { CALLS_MAX = 8 };

/* ---- references ---- */

/* How what a call gives is given back. */
static const struct {
	const char *call, *what, *release;
} releases[] = {
	{ "bpf_ringbuf_reserve()", "record", "bpf_ringbuf_submit() or bpf_ringbuf_discard()" },
	{ "bpf_ringbuf_reserve_dynptr()", "record",
	  "bpf_ringbuf_submit_dynptr() or bpf_ringbuf_discard_dynptr(), also where it failed" },
	{ "bpf_sk_lookup_tcp()", "socket", "bpf_sk_release()" },
	{ "bpf_sk_lookup_udp()", "socket", "bpf_sk_release()" },
	{ "bpf_skc_lookup_tcp()", "socket", "bpf_sk_release()" },
	{ "bpf_map_lookup_elem()", "socket", "bpf_sk_release()" },
	{ "bpf_kptr_xchg()", "old object", "its release function, or bpf_obj_drop()" },
	{ "bpf_obj_new_impl()", "object", "bpf_obj_drop()" },
	{ "bpf_task_acquire()", "task", "bpf_task_release()" },
	{ "bpf_task_from_pid()", "task", "bpf_task_release()" },
	{ "bpf_cgroup_acquire()", "cgroup", "bpf_cgroup_release()" },
	{ "bpf_cgroup_from_id()", "cgroup", "bpf_cgroup_release()" },
	{ "bpf_cpumask_create()", "cpumask", "bpf_cpumask_release()" },
	{ "bpf_iter_num_new()", "iterator", "bpf_iter_num_destroy()" },
};

bool rule_leak(struct ex *e, const char *message)
{
	const char *what = "reference", *release = "its release function", *call = NULL;

	(void)message;
	for (u32 i = 0; i < e->path.n_refs; i++) {
		const struct ref *ref = &e->path.refs[i];

		if (ref->kind != REF_PTR || ref->pc >= e->p->n_insns)
			continue;
		name_from(e, ref->pc);
		if (!call)
			call = callee_words(e, &e->p->insns[ref->pc]);
		ex_note(e, EXPLAIN_ORIGIN, ref->pc, "acquired here");
	}
	if (!call)
		return false;
	note_fork(e);
	for (u32 i = 0; i < ARRAY_SIZE(releases); i++)
		if (!strcmp(releases[i].call, call)) {
			what = releases[i].what;
			release = releases[i].release;
		}
	ex_say(e, "the %s that %s gave is still held when the program ends here", what, call);
	ex_help(e, "give it back on every path, with %s", release);
	return true;
}

/* ---- results ---- */

static bool range_in(const char *message, s32 *min, s32 *max)
{
	const char *range = strstr(message, "should have been in [");
	char *end;

	if (!range)
		return false;
	*min = (s32)strtol(strchr(range, '[') + 1, &end, 10);
	*max = *end == ',' ? (s32)strtol(end + 1, &end, 10) : *min;
	return true;
}

bool rule_return(struct ex *e, const char *message)
{
	const struct reg *r0 = ex_reg(e, 0);
	const char *got, *who;
	s32 min, max;

	if (!r0 || !range_in(message, &min, &max) || r0->type != REG_SCALAR)
		return false;
	trace_value(e, e->path.n - 1, 0);
	note_fork(e);
	/* -1 of an int is a large number to the verifier */
	got = scalar_is_const(&r0->val) && r0->val.umax <= UINT32_MAX ?
		      ex_printf(e, "%d", (s32)r0->val.umax) : number_words(e, &r0->val);
	who = strstr(message, "callback return") ? "callbacks" :
						    ex_printf(e, "%s programs", prog_words(e));
	if (min == max)
		ex_say(e, "the result is %s here; %s must return %d", got, who, min);
	else
		ex_say(e, "the result is %s here; %s must return %s %d %s %d", got, who,
		       max - min == 1 ? "either" : "from", min, max - min == 1 ? "or" : "to", max);
	return true;
}

/* ---- helpers ---- */

/* Types that may call it, the first few. */
static const char *allowed_types(struct ex *e, u32 id)
{
	struct str s = {0};
	const char *out;
	u32 n = 0;

	for (u32 t = 1; t < BPF_PROG_TYPE_MAX; t++) {
		if (!helper_allowed(id, t, 0))
			continue;
		if (++n <= 4)
			str_addf(&s, "%s%s", n > 1 ? ", " : "", prog_type_text(t));
	}
	if (n > 4)
		str_addf(&s, " and %u more", n - 4);
	out = n ? ex_printf(e, "%s", str_text(&s)) : NULL;
	str_free(&s);
	return out;
}

bool rule_helper(struct ex *e, const char *message)
{
	const struct insn *i = e->res->pc < e->p->n_insns ? &e->p->insns[e->res->pc] : NULL;
	const char *types;

	if (!i || !insn_is_call(i) || i->src != CALL_HELPER)
		return false;
	if (strstr(message, "GPL-restricted")) {
		ex_say(e, "%s is only for programs with a GPL-compatible licence", callee_words(e, i));
		ex_help(e, "char LICENSE[] SEC(\"license\") = \"GPL\"; if that is what you want");
		return true;
	}
	if (strstr(message, "might sleep") || strstr(message, "sleepable helper")) {
		ex_say(e, "%s may sleep, and this is no place for it", callee_words(e, i));
		ex_help(e, "sleepable programs have a section name with \".s\", such as \"lsm.s/...\"");
		return true;
	}
	if (!strstr(message, "cannot use helper"))
		return false;
	types = allowed_types(e, (u32)i->imm);
	ex_say(e, "%s programs may not call %s", prog_words(e), callee_words(e, i));
	if (types)
		ex_help(e, "programs that may: %s", types);
	return true;
}

/* The kernel's names of types, as they stand behind "expected=". */
static const struct {
	const char *name, *words;
} type_names[] = {
	{ "fp", "the stack" }, { "pkt", "the packet" }, { "pkt_meta", NULL }, { "map_key", NULL },
	{ "map_value", "a map value" }, { "mem", "other memory" }, { "ringbuf_mem", "a ring-buffer record" },
	{ "buf", NULL }, { "trusted_ptr_", "a kernel struct" }, { "ptr_", "a kernel struct" },
	{ "rcu_ptr_", NULL }, { "ctx", "the context" }, { "map_ptr", "a map" }, { "scalar", "a number" },
	{ "func", "a function" }, { "sock_common", "a socket" }, { "sock", "a full socket" },
	{ "tcp_sock", NULL }, { "xdp_sock", NULL }, { "dynptr_ptr", "a dynptr" },
	{ "percpu_ptr_", "a per-CPU variable of the kernel" }, { "percpu_rcu_ptr_", NULL },
	{ "percpu_trusted_ptr_", NULL },
};

static const char *type_named(const char *name, size_t n)
{
	for (u32 i = 0; i < ARRAY_SIZE(type_names); i++)
		if (strlen(type_names[i].name) == n && !memcmp(type_names[i].name, name, n))
			return type_names[i].words;
	return NULL;
}

/* "the stack, the packet or a map value" of "fp, pkt, map_value"; what has no words is left out. */
static const char *expected_words(struct ex *e, const char *list)
{
	const char *words[16], *out;
	struct str s = {0};
	u32 n = 0;

	for (const char *p = list; *p && n < ARRAY_SIZE(words);) {
		size_t len = strcspn(p, ",");
		const char *w = type_named(p, len);
		bool twice = false;

		for (u32 i = 0; w && i < n; i++)
			twice |= !strcmp(words[i], w);
		if (w && !twice)
			words[n++] = w;
		p += len;
		p += strspn(p, ", ");
	}
	for (u32 i = 0; i < n; i++)
		str_addf(&s, "%s%s", !i ? "" : i + 1 == n ? " or " : ", ", words[i]);
	out = n ? ex_printf(e, "%s", str_text(&s)) : list;
	str_free(&s);
	return out;
}

bool rule_argument(struct ex *e, const char *message)
{
	const struct insn *i = ex_insn(e);
	const char *want = strstr(message, "expected=");
	const struct reg *r = e->res->reg >= 0 ? ex_reg(e, (u32)e->res->reg) : NULL;

	if (!i || !insn_is_call(i) || !r || !want || e->res->reg < 1)
		return false;
	trace_value(e, e->path.n - 1, (u32)e->res->reg);
	ex_say(e, "argument %d of %s is %s; it must be %s", e->res->reg, callee_words(e, i),
	       type_words(r->type), expected_words(e, want + strlen("expected=")));
	return true;
}

/* ---- stack ---- */

/* Where subprograms begin, and how much stack calls from each of them need. */
struct subs {
	u32 start[BPF_MAX_SUBPROGS + 1];
	u32 n;
	/* bytes[d][i]: of the worst chain of at most d + 1 calls from i on; next[d][i]: whom it
	 * calls first, i itself: nobody */
	u32 bytes[CALLS_MAX][BPF_MAX_SUBPROGS];
	u16 next[CALLS_MAX][BPF_MAX_SUBPROGS];
};

static bool subs_find(const struct ex *e, struct subs *s)
{
	u32 n = e->p->n_insns;
	bool *is_start = calloc(n + 1, sizeof(*is_start));

	if (!is_start)
		return false;
	is_start[0] = true;
	for (u32 pc = 0; pc < n; pc++) {
		const struct insn *i = &e->p->insns[pc];
		s64 to = (s64)pc + 1 + i->imm;

		if ((insn_is_subprog_call(i) || (insn_is_wide(i) && i->src == PSEUDO_FUNC)) &&
		    to >= 0 && to < n)
			is_start[to] = true;
	}
	for (u32 pc = 0; pc < n && s->n < BPF_MAX_SUBPROGS; pc++)
		if (is_start[pc])
			s->start[s->n++] = pc;
	s->start[s->n] = n;
	free(is_start);
	return true;
}

static u32 sub_at(const struct subs *s, s64 pc)
{
	u32 lo = 0, hi = s->n;

	while (lo + 1 < hi) {
		u32 mid = lo + (hi - lo) / 2;

		if (s->start[mid] <= pc)
			lo = mid;
		else
			hi = mid;
	}
	return lo;
}

static void subs_weigh(const struct ex *e, struct subs *s)
{
	for (u32 d = 0; d < CALLS_MAX; d++) {
		for (u32 i = 0; i < s->n; i++) {
			s->bytes[d][i] = ALIGN_UP(MAX(e->res->stack[i], 1u), 32u);
			s->next[d][i] = (u16)i;
		}
		for (u32 pc = 0, i = 0; d && pc < e->p->n_insns; pc++) {
			const struct insn *insn = &e->p->insns[pc];
			s64 to = (s64)pc + 1 + insn->imm;
			u32 callee, with;

			while (i + 1 < s->n && s->start[i + 1] <= pc)
				i++;
			if (!insn_is_subprog_call(insn) || to < 0 || to >= e->p->n_insns)
				continue;
			callee = sub_at(s, to);
			with = ALIGN_UP(MAX(e->res->stack[i], 1u), 32u) + s->bytes[d - 1][callee];
			if (with > s->bytes[d][i]) {
				s->bytes[d][i] = with;
				s->next[d][i] = (u16)callee;
			}
		}
	}
}

static const char *sub_name(const struct ex *e, u32 i)
{
	const struct btf *btf = e->p->btf;

	if (!btf || i >= e->p->n_func_info)
		return i ? "function" : "program";
	return btf_name(btf, e->p->func_info[i].type_id);
}

bool rule_depth(struct ex *e, const char *message)
{
	struct subs *s = strstr(message, "Too large") ? calloc(1, sizeof(*s)) : NULL;
	struct str calls = {0};
	u32 at = 0;

	if (!s || !subs_find(e, s)) {
		free(s);
		return false;
	}
	subs_weigh(e, s);
	for (u32 d = CALLS_MAX; d-- > 0;) {
		u32 bytes = e->res->stack[at], next = s->next[d][at];

		if (bytes)
			str_addf(&calls, "%s%s() %u", calls.len ? ", " : "", sub_name(e, at),
				 bytes);
		if (bytes)
			ex_note(e, EXPLAIN_ORIGIN, s->start[at], "%s() has %u bytes of stack",
				sub_name(e, at), bytes);
		if (next == at)
			break;
		at = next;
	}
	ex_say(e, "calls that are open together need more than the 512 bytes of stack there are: %s",
	       str_text(&calls));
	ex_help(e, "what is large can stand in a per-CPU array map");
	str_free(&calls);
	free(s);
	e->x->has_place = false;
	return true;
}

/* ---- loops ---- */

static void help_loop(struct ex *e)
{
	ex_help(e, "let a counter end it that the verifier can follow, or use bpf_for(), bpf_loop()");
}

bool rule_loop(struct ex *e, const char *message)
{
	(void)message;
	/* the kernel's last line is a state; before it stands: */
	e->x->message = ex_printf(e, "infinite loop detected at insn %u", e->res->pc);
	ex_say(e, "this loop may run for ever: one round changes nothing that would end it");
	help_loop(e);
	return true;
}

/* The source line that was walked most often, counted over what is kept of the path. */
bool rule_large(struct ex *e, const char *message)
{
	const struct path *p = &e->path;
	u32 best = 0, most = 0, *count;

	if (!strstr(message, "too large"))
		return false;
	count = calloc(MAX(e->p->n_insns, 1u), sizeof(*count));
	for (u32 k = 0; count && k < p->n; k++)
		if (++count[p->steps[k].pc] > most) {
			most = count[p->steps[k].pc];
			best = p->steps[k].pc;
		}
	free(count);
	if (most > 1)
		ex_note(e, EXPLAIN_PATH, best, "in the last %u insns of the path it was here %u times", p->n,
			most);
	ex_say(e, "the verifier gave up after %u insns: there are too many ways, or a loop has too "
	       "many rounds that differ", e->res->processed);
	help_loop(e);
	return true;
}
