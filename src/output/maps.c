/* SPDX-License-Identifier: BSD-2-Clause */
/* output/maps.c - reads maps element by element and prints them sorted by key. */
#include "output/maps.h"
#include "base/cpu.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/vec.h"
#include "btf/btf.h"
#include "engine/engine.h"
#include "load/load.h"
#include "output/hist.h"
#include "output/value.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct dump {
	struct engine *engine;
	const struct load_map *map;
	const struct btf *btf;
	struct str *out;
	bool json;
	u32 n_cpus;       /* values of a key: 1, or one for each CPU */
	u32 value_stride; /* bytes from one CPU's value to the next */
	u8 *elems;        /* owned: key, then values, n times */
	u32 n, stride;
	bool cut;         /* the map changed faster than it was read */
};

static bool is_percpu(u32 type)
{
	return type == BPF_MAP_TYPE_PERCPU_HASH || type == BPF_MAP_TYPE_PERCPU_ARRAY ||
	       type == BPF_MAP_TYPE_LRU_PERCPU_HASH;
}

static bool has_elements(u32 type)
{
	return is_percpu(type) || type == BPF_MAP_TYPE_HASH || type == BPF_MAP_TYPE_ARRAY ||
	       type == BPF_MAP_TYPE_LRU_HASH || type == BPF_MAP_TYPE_LPM_TRIE;
}

static int elem_call(struct dump *d, enum bpf_cmd cmd, const void *key, void *value)
{
	union bpf_attr attr = {0};

	attr.map_fd = (u32)d->map->fd;
	attr.key = (u64)(uintptr_t)key;
	attr.value = (u64)(uintptr_t)value;
	return engine_bpf(d->engine, cmd, &attr, sizeof(attr));
}

static const u8 *elem_key(const struct dump *d, u32 i)
{
	return d->elems + (u64)i * d->stride;
}

static const u8 *elem_value(const struct dump *d, u32 i, u32 cpu)
{
	return elem_key(d, i) + ALIGN_UP(d->map->key_size, 8u) + (u64)cpu * d->value_stride;
}

/* Reads all elements.  An element that vanishes meanwhile is left out. */
static int read_elements(struct dump *d)
{
	u64 cap = 0, max = (u64)d->map->max_entries * 2, key_at = 0;
	bool first = true;

	d->stride = ALIGN_UP(d->map->key_size, 8u) + d->value_stride * d->n_cpus;
	for (u64 tries = 0;; tries++) {
		u8 *slot, *next;

		if (tries > max) {
			d->cut = true;
			return 0;
		}
		if (d->n + 2ull > cap) {
			cap = MAX(cap * 2, 64ull);
			u8 *grown = reallocarray(d->elems, cap, d->stride);
			if (!grown)
				return -ENOMEM;
			d->elems = grown;
		}
		/* The key before may stand in the slot that is filled now: the next goes one further. */
		slot = d->elems + (u64)d->n * d->stride;
		next = slot + d->stride;
		if (elem_call(d, BPF_MAP_GET_NEXT_KEY, first ? NULL : d->elems + key_at, next))
			return 0;
		first = false;
		memcpy(slot, next, d->map->key_size);
		key_at = (u64)d->n * d->stride;
		if (!elem_call(d, BPF_MAP_LOOKUP_ELEM, slot, slot + ALIGN_UP(d->map->key_size, 8u)))
			d->n++;
	}
}

/* ---- order ---- */

static int compare(const void *a, const void *b, void *arg)
{
	const struct dump *d = arg;
	u64 va, vb;
	bool sign;

	if (d->btf && d->map->btf_key_id &&
	    value_integer(d->btf, d->map->btf_key_id, a, d->map->key_size, &va, &sign) &&
	    value_integer(d->btf, d->map->btf_key_id, b, d->map->key_size, &vb, &sign))
		return sign ? ((s64)va > (s64)vb) - ((s64)va < (s64)vb) : (va > vb) - (va < vb);
	return memcmp(a, b, d->map->key_size);
}

/* ---- values ---- */

static void print_untyped(struct dump *d, const u8 *data, u32 size)
{
	if (size == 1 || size == 2 || size == 4 || size == 8) {
		str_addf(d->out, "%lu", value_bits(data, 0, size * 8, false));
		return;
	}
	str_add(d->out, d->json ? "\"" : "");
	for (u32 i = 0; i < size; i++)
		str_addf(d->out, "%s%02x", i && !d->json ? " " : "", data[i]);
	str_add(d->out, d->json ? "\"" : "");
}

static void print_typed(struct dump *d, u32 type, const u8 *data, u32 size)
{
	if (!d->btf || !type)
		print_untyped(d, data, size);
	else if (d->json)
		value_json(d->btf, type, data, size, d->out);
	else
		value_text(d->btf, type, data, size, d->out);
}

static void print_key(struct dump *d, u32 i)
{
	print_typed(d, d->map->btf_key_id, elem_key(d, i), d->map->key_size);
}

static void print_elem_value(struct dump *d, u32 i)
{
	if (d->n_cpus > 1 || is_percpu(d->map->type))
		str_addc(d->out, '[');
	for (u32 cpu = 0; cpu < d->n_cpus; cpu++) {
		str_add(d->out, cpu ? ", " : "");
		print_typed(d, d->map->btf_value_id, elem_value(d, i, cpu), d->map->value_size);
	}
	if (d->n_cpus > 1 || is_percpu(d->map->type))
		str_addc(d->out, ']');
}

static void print_elements(struct dump *d)
{
	if (d->json) {
		str_addf(d->out, "{\"map\": \"%s\", \"entries\": [", d->map->om->name);
		for (u32 i = 0; i < d->n; i++) {
			str_add(d->out, i ? ", {\"key\": " : "{\"key\": ");
			print_key(d, i);
			str_add(d->out, ", \"value\": ");
			print_elem_value(d, i);
			str_addc(d->out, '}');
		}
		str_add(d->out, "]}\n");
		return;
	}
	str_addf(d->out, "\n%s: %u %s%s\n", d->map->om->name, d->n, d->n == 1 ? "entry" : "entries",
		 d->cut ? " (changing while read: not all)" : "");
	for (u32 i = 0; i < d->n; i++) {
		str_add(d->out, "  ");
		print_key(d, i);
		str_add(d->out, ": ");
		print_elem_value(d, i);
		str_addc(d->out, '\n');
	}
}

/* ---- histograms ---- */

/* A value of n integers of width bytes each at byte off, counted together over the CPUs. */
static void print_slots(struct dump *d, u32 i, u32 off, u32 n, u32 width)
{
	u64 counts[HIST_SLOTS_MAX] = {0};

	n = MIN(n, (u32)HIST_SLOTS_MAX);
	for (u32 cpu = 0; cpu < d->n_cpus; cpu++)
		for (u32 s = 0; s < n; s++)
			counts[s] += value_bits(elem_value(d, i, cpu) + off + s * width, 0, width * 8,
						false);
	str_addf(d->out, "\n%s[", d->map->om->name);
	print_key(d, i);
	str_add(d->out, "]\n");
	hist_log2(counts, n, "value", d->out);
}

/* The member "slots" of a value: an array of integers.  False: there is none. */
static bool find_slots(const struct dump *d, u32 *off, u32 *n, u32 *width)
{
	struct btf_field f;
	const struct btf_type *t, *elem;

	if (!d->btf || !d->map->btf_value_id ||
	    !btf_find_field(d->btf, d->map->btf_value_id, "slots", &f))
		return false;
	t = btf_resolve(d->btf, f.type);
	if (btf_kind(t) != BTF_ARRAY)
		return false;
	elem = btf_resolve(d->btf, btf_array(t)->type);
	if (btf_kind(elem) != BTF_INT || elem->size > 8)
		return false;
	*off = f.bit_off / 8;
	*n = btf_array(t)->n;
	*width = elem->size;
	return *off + (u64)*n * *width <= d->map->value_size;
}

/* BCC's form: one element for each slot, the slot in the key, the rest of the key names the
 * histogram. */
static bool print_slot_keys(struct dump *d)
{
	u32 key_size = d->map->key_size, off, bytes;
	struct btf_field f;
	u8 *done;

	if (!d->btf || !d->map->btf_key_id ||
	    !btf_find_field(d->btf, d->map->btf_key_id, "slot", &f) || d->map->value_size > 8)
		return false;
	off = f.bit_off / 8;
	bytes = btf_resolve(d->btf, f.type)->size;
	if (f.bits || !bytes || bytes > 8 || off + bytes > key_size)
		return false;
	done = calloc(d->n + 1, 1);
	for (u32 i = 0; done && i < d->n; i++) {
		u64 counts[HIST_SLOTS_MAX] = {0};

		if (done[i])
			continue;
		for (u32 j = i; j < d->n; j++) {
			const u8 *a = elem_key(d, i), *b = elem_key(d, j);
			u64 slot = value_bits(b, off * 8, bytes * 8, false);

			if (memcmp(a, b, off) != 0 ||
			    memcmp(a + off + bytes, b + off + bytes, key_size - off - bytes) != 0)
				continue;
			done[j] = 1;
			for (u32 cpu = 0; slot < HIST_SLOTS_MAX && cpu < d->n_cpus; cpu++)
				counts[slot] += value_bits(elem_value(d, j, cpu), 0,
							   d->map->value_size * 8, false);
		}
		str_addf(d->out, "\n%s[", d->map->om->name);
		print_key(d, i);
		str_add(d->out, "]\n");
		hist_log2(counts, HIST_SLOTS_MAX, "value", d->out);
	}
	free(done);
	return true;
}

/* An array of counters whose name says that its index is a power of two. */
static bool print_array_hist(struct dump *d)
{
	const struct load_map *m = d->map;
	u64 counts[HIST_SLOTS_MAX] = {0};

	if ((m->type != BPF_MAP_TYPE_ARRAY && m->type != BPF_MAP_TYPE_PERCPU_ARRAY) ||
	    m->value_size > 8 || m->max_entries < 8 || m->max_entries > HIST_SLOTS_MAX + 1 ||
	    (!strstr(m->om->name, "hist") && !strstr(m->om->name, "dist")))
		return false;
	for (u32 i = 0; i < d->n && i < HIST_SLOTS_MAX; i++)
		for (u32 cpu = 0; cpu < d->n_cpus; cpu++)
			counts[i] += value_bits(elem_value(d, i, cpu), 0, m->value_size * 8, false);
	str_addf(d->out, "\n%s\n", m->om->name);
	hist_log2(counts, HIST_SLOTS_MAX, "value", d->out);
	return true;
}

static bool print_histogram(struct dump *d)
{
	u32 off, n, width;

	if (d->json)
		return false;
	if (find_slots(d, &off, &n, &width)) {
		for (u32 i = 0; i < d->n; i++)
			print_slots(d, i, off, n, width);
		return true;
	}
	return print_slot_keys(d) || print_array_hist(d);
}

/* ---- variables of .data and .bss ---- */

static void print_variables(struct dump *d)
{
	const struct btf_type *sec = btf_resolve(d->btf, d->map->btf_value_id);
	const struct btf_secinfo *si = btf_secinfos(sec);
	bool first = true;

	if (btf_kind(sec) != BTF_DATASEC || !d->n)
		return;
	str_addf(d->out, d->json ? "{\"map\": \"%s\", \"variables\": {" : "\n%s:\n", d->map->om->name);
	for (u32 i = 0; i < btf_vlen(sec); i++) {
		const char *name = btf_name(d->btf, si[i].type);

		if ((u64)si[i].offset + si[i].size > d->map->value_size)
			continue;
		str_addf(d->out, d->json ? "%s\"%s\": " : "%s  %s = ", first || !d->json ? "" : ", ",
			 name);
		first = false;
		print_typed(d, btf_type(d->btf, si[i].type)->type, elem_value(d, 0, 0) + si[i].offset,
			    si[i].size);
		str_add(d->out, d->json ? "" : "\n");
	}
	str_add(d->out, d->json ? "}}\n" : "");
}

static void print_map(struct dump *d)
{
	enum obj_map_section kind = d->map->om->kind;

	if (kind == OBJ_MAP_DATA || kind == OBJ_MAP_BSS) {
		if (d->btf && d->map->btf_value_id)
			print_variables(d);
		return;
	}
	qsort_r(d->elems, d->n, d->stride, compare, d);
	if (!print_histogram(d))
		print_elements(d);
}

void maps_print(struct load *l, struct engine *e, const struct btf *btf, bool json,
		void (*write)(void *arg, const char *text, size_t n), void *arg)
{
	for (u32 i = 0; i < load_n_maps(l); i++) {
		const struct load_map *m = load_map(l, i);
		struct str out = {0};
		struct dump d = { .engine = e, .map = m, .btf = btf, .out = &out,
				  .json = json, .n_cpus = 1, .value_stride = m->value_size };

		/* usdt.bpf.h's maps are the loader's own. */
		if (m->fd < 0 || !has_elements(m->type) || m->om->kind == OBJ_MAP_RODATA ||
		    m->om->kind == OBJ_MAP_KCONFIG || str_starts(m->om->name, "__bpf_usdt_"))
			continue;
		if (is_percpu(m->type)) {
			d.n_cpus = cpus_possible();
			d.value_stride = ALIGN_UP(m->value_size, 8u);
		}
		d.value_stride = ALIGN_UP(d.value_stride, 8u);
		if (read_elements(&d) == 0)
			print_map(&d);
		else
			str_addf(&out, "%s: out of memory\n", m->om->name);
		if (out.len)
			write(arg, out.p, out.len);
		str_free(&out);
		free(d.elems);
	}
}
