/* SPDX-License-Identifier: BSD-2-Clause */
/* explain/witness_text.c - a witness as a file, and for people.
 *
 *	witness 1
 *	prog_type N, target PC REG, start PC
 *	insns N, then N insns of 16 hex digits, a line each eight
 *	map TYPE KEY VALUE MAX [HEX]        what a map's only value is known to hold
 *	names PC MAP                        the wide load at PC names that map
 *	arg REG RESULT..., gives PC RESULT...   kind rule nullable size map off umin umax smin smax
 *	input KEY HEX                       bytes from outside, zeros at the end left out
 *	fault PC TEXT
 */
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
	str_addf(out, "%u %u %u %u %d %d %llx %llx %llx %llx\n", r->kind, r->rule, r->nullable,
		 r->size, r->map, r->off, (unsigned long long)r->umin, (unsigned long long)r->umax,
		 (unsigned long long)r->smin, (unsigned long long)r->smax);
}

static void write_program(struct str *out, const struct plan *p)
{
	str_addf(out, "prog_type %u\ntarget %u %d\nstart %u\ninsns %u\n", p->prog_type, p->target,
		 p->reg, p->start, p->n_insns);
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
		if (p->results[i].kind != RESULT_UNKNOWN) {
			str_addf(out, "gives %u ", i);
			write_result(out, &p->results[i]);
		}
	}
	for (u32 i = 1; i <= 5; i++)
		if (p->args[i].kind != RESULT_UNKNOWN) {
			str_addf(out, "arg %u ", i);
			write_result(out, &p->args[i]);
		}
	for (u32 i = 0; i < w->in.list.n; i++) {
		const u8 *bytes = inputs_at(&w->in, i);
		u32 n = used_bytes(bytes, w->in.list.p[i].size);

		if (!n)
			continue;
		str_addf(out, "input %llx ", (unsigned long long)w->in.list.p[i].key);
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
	u32 kind, rule, nullable;
	u64 off;

	if (!number32(r, RESULT_KIND_END - 1, &kind) || !number32(r, RULE_END - 1, &rule) ||
	    !number32(r, 1, &nullable) || !number32(r, BYTES_LIMIT, &out->size) ||
	    !number32(r, MAPS_LIMIT, (u32 *)&out->map) || !number(r, 10, &off) ||
	    !number(r, 16, &out->umin) || !number(r, 16, &out->umax) ||
	    !number(r, 16, (u64 *)&out->smin) || !number(r, 16, (u64 *)&out->smax))
		return false;
	out->kind = (enum result_kind)kind;
	out->rule = (enum result_rule)rule;
	out->nullable = nullable;
	out->off = (s32)off;
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
	u64 key;
	s64 n;

	if (bytes && number(r, 16, &key)) {
		n = hex(r, bytes, MIN(left / 2, (size_t)BYTES_LIMIT));
		/* as large as any that the run will ask for under this key */
		input = n < 0 ? -1 : inputs_get(&r->w->in, key, (u32)MAX(n, 1 << 16));
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
		return number32(r, INSNS_LIMIT, &p->target) && number32(r, 10, (u32 *)&p->reg);
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
		if (p->args[i].map >= (s32)p->n_maps && p->args[i].map > 0)
			return false;
	return true;
}

int witness_read(const char *text, size_t size, struct witness **out, char *message, size_t n)
{
	struct reader r = { .at = text, .end = text + size, .line = 1,
			    .w = calloc(1, sizeof(*r.w)) };
	bool ok = r.w != NULL;

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

/* A key says what asked for the input: insn in the high half, see watch_key(). */
static void print_input(const struct witness *w, u32 i, struct str *out)
{
	u64 key = w->in.list.p[i].key;
	const u8 *bytes = inputs_at(&w->in, i);
	u32 n = used_bytes(bytes, w->in.list.p[i].size);
	u64 v = 0;

	if (!n && key != 3)
		return;
	memcpy(&v, bytes, MIN(w->in.list.p[i].size, 8u));
	if (key == 3) {
		str_addf(out, "a packet of %u bytes\n", (u32)v);
		return;
	}
	if (key == 1 || key == 2) {
		str_addf(out, "%s that begins with ", key == 1 ? "a context" : "a packet");
	} else if ((s64)key < 0 && w->in.list.p[i].size == 1) {
		u64 map = ~key >> 32;

		if (~key & 1 && map < w->plan.n_maps && !((~key & 0xff) == 0))
			str_add(out, "a lookup that finds nothing\n");
		else
			str_addf(out, "null from insn %u\n", (u32)(~key >> 32));
		return;
	} else if (n <= 8 && w->in.list.p[i].size == 8 && !(key & 0xff)) {
		str_addf(out, "0x%llx from the call at insn %u\n", (unsigned long long)v,
			 (u32)(key >> 32));
		return;
	} else {
		str_add(out, "memory that begins with ");
	}
	write_hex(out, bytes, MIN(n, 32u));
	str_add(out, n > 32 ? "...\n" : "\n");
}

void witness_print(const struct witness *w, struct str *out)
{
	for (u32 i = 0; i < w->in.list.n; i++)
		print_input(w, i, out);
	str_addf(out, "insn %u: %s\n", w->out.pc, w->out.text);
}
