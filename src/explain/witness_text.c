/* SPDX-License-Identifier: BSD-2-Clause */
/* explain/witness_text.c - a witness as a file, and for people.
 *
 *	witness 1
 *	prog_type N, target PC REG GOAL RET_MIN RET_MAX, start PC
 *	insns N, then N insns of 16 hex digits, a line each eight
 *	map TYPE KEY VALUE MAX [HEX]        what a map's only value is known to hold
 *	names PC MAP                        the wide load at PC names that map
 *	arg REG RESULT..., gives PC RESULT...   kind rule flags size map off umin umax smin smax
 *	input KEY KIND PC HEX               bytes from outside, zeros at the end left out
 *	fault PC TEXT
 */
#include "abi/helper.h"
#include "abi/uapi.h"
#include "explain/witness.h"
#include <errno.h>
#include <stdio.h>

enum { INSNS_LIMIT = 1000000, MAPS_LIMIT = 4096, BYTES_LIMIT = 1 << 26 };

/* ---- writing ---- */

static void write_hex(struct str *out, const u8 *p, u32 n)
{
	for (u32 i = 0; i < n; i++)
		str_addf(out, "%02x", p[i]);
}

static void write_result(struct str *out, const struct result *r)
{
	str_addf(out, "%u %u %u %u %d %d %llx %llx %llx %llx\n", r->kind, r->rule,
		 r->nullable | r->acquires << 1 | r->releases << 2, r->size, r->map, r->off, (unsigned long long)r->umin, (unsigned long long)r->umax,
		 (unsigned long long)r->smin, (unsigned long long)r->smax);
}

static void write_program(struct str *out, const struct plan *p)
{
	str_addf(out, "prog_type %u\ntarget %u %d %u %d %d\nstart %u\ninsns %u\n", p->prog_type,
		 p->target, p->reg, p->goal, p->ret_min, p->ret_max, p->start, p->n_insns);
	for (u32 i = 0; i < p->n_insns; i++) {
		write_hex(out, (const u8 *)&p->insns[i], sizeof(p->insns[i]));
		str_addc(out, i % 8 == 7 || i + 1 == p->n_insns ? '\n' : ' ');
	}
	for (u32 i = 0; i < p->n_maps; i++) {
		const struct plan_map *m = &p->maps[i];

		str_addf(out, "map %u %u %u %u ", m->type, m->key_size, m->value_size,
			 m->max_entries);
		write_hex(out, m->frozen, m->frozen ? m->value_size : 0);
		str_addc(out, '\n');
	}
}

static u32 used_bytes(const u8 *p, u32 n)
{
	while (n && !p[n - 1])
		n--;
	return n;
}

void witness_write(const struct witness *w, struct str *out)
{
	const struct plan *p = &w->plan;

	str_add(out, "witness 1\n");
	write_program(out, p);
	for (u32 i = 0; i < p->n_insns; i++) {
		if (p->map_of[i] >= 0)
			str_addf(out, "names %u %d\n", i, p->map_of[i]);
		if (p->results[i].kind > RESULT_NOTHING ||
		    (p->results[i].kind == RESULT_NOTHING && insn_is_call(&p->insns[i]))) {
			str_addf(out, "gives %u ", i);
			write_result(out, &p->results[i]);
		}
	}
	for (u32 i = 1; i <= 5; i++)
		if (p->args[i].kind > RESULT_NOTHING) {
			str_addf(out, "arg %u ", i);
			write_result(out, &p->args[i]);
		}
	for (u32 i = 0; i < w->in.list.n; i++) {
		const u8 *bytes = inputs_at(&w->in, i);
		u32 n = used_bytes(bytes, w->in.list.p[i].size);

		if (!n)
			continue;
		str_addf(out, "input %llx %u %u ", (unsigned long long)w->in.list.p[i].key,
			 w->in.list.p[i].kind, w->in.list.p[i].pc);
		write_hex(out, bytes, n);
		str_addc(out, '\n');
	}
	str_addf(out, "fault %u %s\n", w->out.pc, w->out.text);
}

/* ---- reading ---- */

struct reader {
	const char *at, *end;
	u32 line;
	struct witness *w;
	u32 insns_read;
};

/* The next word of the line; 0 bytes at its end. */
static size_t word(struct reader *r, const char **out)
{
	const char *from;

	while (r->at < r->end && (*r->at == ' ' || *r->at == '\r'))
		r->at++;
	from = r->at;
	while (r->at < r->end && *r->at != ' ' && *r->at != '\n' && *r->at != '\r')
		r->at++;
	*out = from;
	return (size_t)(r->at - from);
}

static bool number(struct reader *r, int base, u64 *out)
{
	char buf[32], *stop;
	const char *text;
	size_t n = word(r, &text);

	if (!n || n >= sizeof(buf))
		return false;
	memcpy(buf, text, n);
	buf[n] = '\0';
	errno = 0;
	*out = base == 16 || buf[0] != '-' ? strtoull(buf, &stop, base) :
					     (u64)strtoll(buf, &stop, base);
	return !*stop && !errno;
}

static bool number32(struct reader *r, u64 max, u32 *out)
{
	u64 v;

	if (!number(r, 10, &v) || (v > max && (s64)v != -1))
		return false;
	*out = (u32)v;
	return true;
}

/* Hex digits to the end of the word; at most max bytes.  -1: no hex. */
static s64 hex(struct reader *r, u8 *out, u64 max)
{
	const char *text;
	size_t n = word(r, &text);

	if (n % 2 || n / 2 > max)
		return -1;
	for (size_t i = 0; i < n; i += 2) {
		int high = hex_digit(text[i]), low = hex_digit(text[i + 1]);

		if (high < 0 || low < 0)
			return -1;
		out[i / 2] = (u8)(high << 4 | low);
	}
	return (s64)(n / 2);
}

static bool read_result(struct reader *r, struct result *out)
{
	u32 kind, rule, flags;
	u64 off;

	if (!number32(r, RESULT_KIND_END - 1, &kind) || !number32(r, RULE_END - 1, &rule) ||
	    !number32(r, 7, &flags) || !number32(r, BYTES_LIMIT, &out->size) ||
	    !number32(r, MAPS_LIMIT, (u32 *)&out->map) || !number(r, 10, &off) ||
	    !number(r, 16, &out->umin) || !number(r, 16, &out->umax) ||
	    !number(r, 16, (u64 *)&out->smin) || !number(r, 16, (u64 *)&out->smax))
		return false;
	out->kind = (enum result_kind)kind;
	out->rule = (enum result_rule)rule;
	out->nullable = flags & 1;
	out->acquires = flags & 2;
	out->releases = flags & 4;
	out->off = (s32)off;
	return true;
}

static bool read_target(struct reader *r)
{
	struct plan *p = &r->w->plan;
	u64 min, max;
	u32 goal;

	if (!number32(r, INSNS_LIMIT, &p->target) || !number32(r, 10, (u32 *)&p->reg) ||
	    !number32(r, GOAL_END - 1, &goal) || !number(r, 10, &min) || !number(r, 10, &max))
		return false;
	p->goal = (enum plan_goal)goal;
	p->ret_min = (s32)min;
	p->ret_max = (s32)max;
	return true;
}

static bool read_insns(struct reader *r)
{
	struct plan *p = &r->w->plan;

	if (p->insns || !number32(r, INSNS_LIMIT, &p->n_insns) || (s32)p->n_insns <= 0)
		return false;
	p->insns = calloc((size_t)p->n_insns + 2, sizeof(*p->insns));
	p->map_of = calloc((size_t)p->n_insns + 2, sizeof(*p->map_of));
	p->results = calloc((size_t)p->n_insns + 2, sizeof(*p->results));
	if (!p->insns || !p->map_of || !p->results)
		return false;
	for (u32 i = 0; i < p->n_insns; i++)
		p->map_of[i] = p->results[i].map = -1;
	while (r->insns_read < p->n_insns) {
		while (r->at < r->end && (*r->at == '\n' || *r->at == ' ')) {
			r->line += *r->at == '\n';
			r->at++;
		}
		if (hex(r, (u8 *)&p->insns[r->insns_read++], 8) != 8)
			return false;
	}
	return true;
}

static bool read_map(struct reader *r)
{
	struct plan *p = &r->w->plan;
	struct plan_map m = { 0 }, *grown;
	s64 n;

	if (p->n_maps >= MAPS_LIMIT || !number32(r, 1000, &m.type) ||
	    !number32(r, 1 << 20, &m.key_size) || !number32(r, BYTES_LIMIT, &m.value_size) ||
	    !number32(r, UINT32_MAX, &m.max_entries))
		return false;
	grown = realloc(p->maps, (p->n_maps + 1) * sizeof(*grown));
	if (!grown)
		return false;
	p->maps = grown;
	m.frozen = calloc(1, (size_t)m.value_size + 1);
	n = m.frozen ? hex(r, m.frozen, m.value_size) : -1;
	if (n <= 0) {
		free(m.frozen);
		m.frozen = NULL;
	}
	grown[p->n_maps++] = m;
	return n >= 0;
}

static bool read_input(struct reader *r)
{
	size_t left = (size_t)(r->end - r->at);
	u8 *bytes = malloc(left / 2 + 1);
	s32 input = -1;
	u32 kind, pc;
	u64 key;
	s64 n;

	if (bytes && number(r, 16, &key) && number32(r, INPUT_KIND_END - 1, &kind) &&
	    number32(r, INSNS_LIMIT, &pc)) {
		n = hex(r, bytes, MIN(left / 2, (size_t)BYTES_LIMIT));
		/* as large as any that the run will ask for under this key */
		input = n < 0 ? -1 : inputs_get(&r->w->in, key, (u32)MAX(n, 1 << 16),
					       (enum input_kind)kind, pc);
		if (input >= 0)
			memcpy(inputs_at(&r->w->in, (u32)input), bytes, (size_t)n);
	}
	free(bytes);
	return input >= 0;
}

static bool read_fault(struct reader *r)
{
	const char *text;
	size_t n;

	if (!number32(r, INSNS_LIMIT, &r->w->out.pc))
		return false;
	text = r->at;
	while (r->at < r->end && *r->at != '\n')
		r->at++;
	n = MIN((size_t)(r->at - text), sizeof(r->w->out.text) - 1);
	memcpy(r->w->out.text, text, n);
	return true;
}

static bool read_line(struct reader *r)
{
	struct plan *p = &r->w->plan;
	const char *text;
	size_t n = word(r, &text);
	u32 a, b;
#define IS(what) (n == sizeof(what) - 1 && !memcmp(text, what, n))

	if (!n || text[0] == '#')
		return true;
	if (IS("witness"))
		return number32(r, 1, &a) && a == 1;
	if (IS("prog_type"))
		return number32(r, BPF_PROG_TYPE_MAX, &p->prog_type);
	if (IS("target"))
		return read_target(r);
	if (IS("start"))
		return number32(r, INSNS_LIMIT, &p->start);
	if (IS("insns"))
		return read_insns(r);
	if (IS("map"))
		return read_map(r);
	if (IS("names")) {
		if (!p->n_insns || !number32(r, p->n_insns - 1, &a) || !number32(r, MAPS_LIMIT, &b))
			return false;
		p->map_of[a] = (s32)b;
		return true;
	}
	if (IS("gives"))
		return p->n_insns && number32(r, p->n_insns - 1, &a) && (s32)a >= 0 &&
		       read_result(r, &p->results[a]);
	if (IS("arg"))
		return number32(r, 5, &a) && (s32)a > 0 && read_result(r, &p->args[a]);
	if (IS("input"))
		return read_input(r);
	return IS("fault") && read_fault(r);
#undef IS
}

/* Are all numbers in range that refer to something? */
static bool is_whole(const struct plan *p)
{
	if (!p->n_insns || p->start >= p->n_insns || p->target >= p->n_insns)
		return false;
	for (u32 i = 0; i < p->n_insns; i++)
		if (p->map_of[i] >= (s32)p->n_maps || p->results[i].map >= (s32)p->n_maps)
			return false;
	for (u32 i = 0; i < 6; i++)
		if (p->args[i].map >= (s32)p->n_maps)
			return false;
	return true;
}

int witness_read(const char *text, size_t size, struct witness **out, char *message, size_t n)
{
	struct reader r = { .at = text, .end = text + size, .line = 1,
			    .w = calloc(1, sizeof(*r.w)) };
	bool ok = r.w != NULL;

	for (u32 i = 0; ok && i < ARRAY_SIZE(r.w->plan.args); i++)
		r.w->plan.args[i].map = -1;
	while (ok && r.at < r.end) {
		ok = read_line(&r);
		while (ok && r.at < r.end && *r.at != '\n')
			r.at++;
		if (ok && r.at < r.end)
			r.at++;
		r.line += ok;
	}
	if (ok && is_whole(&r.w->plan)) {
		*out = r.w;
		return 0;
	}
	snprintf(message, n, ok ? "no whole witness: insns, maps and what refers to them" :
				  "line %u: not understood", r.line);
	witness_free(r.w);
	return r.w ? -EINVAL : -ENOMEM;
}

/* ---- for people ---- */

/* The bytes of an input that are not nought, and where the first of them is. */
static void print_bytes(const u8 *p, u32 n, struct str *out)
{
	u32 first = 0;

	n = used_bytes(p, n);
	while (first < n && !p[first])
		first++;
	if (n - first > 32)
		str_addf(out, " bytes %u to %u are ", first, n - 1);
	else
		str_addf(out, n - first == 1 ? " byte %u is " : " bytes from %u on are ", first);
	write_hex(out, p + first, MIN(n - first, 32u));
	str_add(out, n - first > 32 ? "..., the rest nought\n" : ", the rest nought\n");
}

/* "insn 5, bpf_map_lookup_elem," */
static void print_asker(const struct plan *p, u32 pc, struct str *out)
{
	const struct insn *i = pc < p->n_insns ? &p->insns[pc] : NULL;
	const struct helper_proto *h = i && insn_is_call(i) && i->src == CALL_HELPER ?
				       helper_proto((u32)i->imm) : NULL;

	str_addf(out, "insn %u", pc);
	if (h)
		str_addf(out, " (bpf_%s)", h->name);
}

static void print_input(const struct witness *w, u32 index, struct str *out)
{
	const struct input *i = &w->in.list.p[index];
	const u8 *bytes = inputs_at(&w->in, index);
	u32 n = used_bytes(bytes, i->size);
	u64 v = 0;

	if (!n && i->kind != INPUT_LENGTH)
		return;
	memcpy(&v, bytes, MIN(i->size, 8u));
	switch (i->kind) {
	case INPUT_CONTEXT:
		str_add(out, "context:");
		print_bytes(bytes, n, out);
		return;
	case INPUT_PACKET:
		str_add(out, "packet:");
		print_bytes(bytes, n, out);
		return;
	case INPUT_LENGTH:
		str_addf(out, "packet: %u bytes long\n", (u32)v);
		return;
	case INPUT_RESULT:
		print_asker(&w->plan, i->pc, out);
		str_addf(out, " gives 0x%llx\n", (unsigned long long)v);
		return;
	case INPUT_NULL:
		print_asker(&w->plan, i->pc, out);
		str_add(out, " gives null\n");
		return;
	case INPUT_TURNS:
		print_asker(&w->plan, i->pc, out);
		str_addf(out, " calls back %u times\n", (u32)v);
		return;
	case INPUT_ADDRESS:
		str_add(out, "memory of ");
		print_asker(&w->plan, i->pc, out);
		str_addf(out, " lies 0x%llx further on\n", (unsigned long long)v);
		return;
	default:
		str_add(out, i->kind == INPUT_VALUE ? "map value of " :
			     i->kind == INPUT_WRITTEN ? "memory written by " : "memory of ");
		print_asker(&w->plan, i->pc, out);
		str_addc(out, ':');
		print_bytes(bytes, n, out);
	}
}

void witness_print(const struct witness *w, struct str *out)
{
	for (u32 i = 0; i < w->in.list.n; i++)
		print_input(w, i, out);
	str_addf(out, "insn %u: %s\n", w->out.pc, w->out.text);
}
