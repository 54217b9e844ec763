/* SPDX-License-Identifier: BSD-2-Clause */
/* tests/output/script_rig.h - a script printer without a script: maps on the user engine, records made by hand.
 *
 *	struct rig *r = rig_new(0, false);
 *	u32 say = rig_action(r, ACTION_PRINTF, "%d\n", stype_int(4, true), NULL);
 *	rig_start(r);
 *	rig_send(r, say, 5ul);                 // scalars by value, others by address
 *	CHECK_STR(rig_read(r), "5\n");
 *	rig_free(r);
 */
#pragma once
#include "test.h"
#include "abi/uapi.h"
#include "base/mem.h"
#include "base/str.h"
#include "engine/user/user.h"
#include "load/load.h"
#include "obj/obj.h"
#include "obj/script.h"
#include "output/script.h"
#include <sys/mman.h>
#include <unistd.h>

enum { RIG_RING = 1 << 16 };

struct rig {
	struct engine *e;
	struct obj *o;
	struct script *s;
	struct load *l;
	struct script_out *out;
	struct script_out_opts opts;
	struct str text, err;
	u8 *ring;                     /* the producer's page, then the data */
};

static inline void rig_write(void *arg, const char *text, size_t n)
{
	str_addn(&((struct rig *)arg)->text, text, n);
}

static inline void rig_error(void *arg, const char *text, size_t n)
{
	str_addn(&((struct rig *)arg)->err, text, n);
}

/* A map of the engine; its index in the object. */
static inline u32 rig_obj_map(struct rig *r, const char *name, u32 type, u32 key, u32 value, u32 n)
{
	struct obj_map *m;

	r->o->maps = realloc(r->o->maps, (r->o->n_maps + 1) * sizeof(*m));
	m = &r->o->maps[r->o->n_maps];
	*m = (struct obj_map){ .name = strdup(name), .real_name = strdup(name), .section = strdup(".maps"),
			       .type = type, .key_size = key, .value_size = value, .max_entries = n,
			       .autocreate = true };
	return r->o->n_maps++;
}

static inline struct rig *rig_new(u32 compat, bool json)
{
	struct rig *r = calloc(1, sizeof(*r));

	r->o = calloc(1, sizeof(*r->o));
	r->o->name = strdup("rig");
	r->o->path = strdup("rig");
	r->o->license = strdup("GPL");
	r->s = r->o->script = script_new();
	r->s->compat = compat;
	r->s->max_strlen = 1024;
	r->s->max_cat_bytes = 10240;
	r->s->str_trailer = "..";
	r->s->print_maps_on_exit = r->s->cpp_demangle = true;
	r->s->kstack_map = r->s->ustack_map = UINT32_MAX;
	r->opts = (struct script_out_opts){ .json = json, .write = rig_write, .error = rig_error, .arg = r };
	r->s->events_map = rig_obj_map(r, "events", BPF_MAP_TYPE_RINGBUF, 0, 0, RIG_RING);
	r->s->counts_map = rig_obj_map(r, "counts", BPF_MAP_TYPE_PERCPU_ARRAY, 4, 8, COUNT_HOWMANY);
	CHECK_EQ(engine_user_new(NULL, NULL, &r->e), 0);
	return r;
}

/* A record's arguments: types, behind the header. */
static inline const struct stype *rig_record(struct rig *r, const struct stype *const *types, u32 n)
{
	struct stype *t = arena_alloc(&r->s->arena, sizeof(*t));
	struct stype_field *f = arena_alloc(&r->s->arena, (n + 1) * sizeof(*f));
	s64 off = sizeof(struct script_record);

	for (u32 i = 0; i < n; i++) {
		off = (s64)ALIGN_UP((u64)off, (u64)stype_align(types[i]));
		f[i] = (struct stype_field){ .type = types[i], .off = off };
		off += types[i]->size;
	}
	*t = (struct stype){ .kind = ST_TUPLE, .size = (u32)ALIGN_UP((u64)off, 8ul), .fields = f, .n_fields = n };
	return t;
}

/* An action; its number.  Types up to NULL. */
static inline u32 rig_action(struct rig *r, enum script_action_kind kind, const char *text, ...)
{
	const struct stype *types[32];
	struct script_action *a = vec_add(&r->s->actions);
	u32 n = 0;
	va_list ap;

	va_start(ap, text);
	while ((types[n] = va_arg(ap, const struct stype *)))
		n++;
	va_end(ap);
	*a = (struct script_action){ .kind = kind, .text = text, .args = rig_record(r, types, n),
				     .at = { .file = "x.bt", .line = 4, .col = 9 }, .line = "BEGIN { thing(); }" };
	return r->s->actions.n - 1;
}

/* A map of the script; its number. */
static inline u32 rig_map(struct rig *r, const char *name, const struct stype *key, const struct stype *value)
{
	bool percpu = stype_is_agg(value);
	u32 at = rig_obj_map(r, name[1] ? name + 1 : "AT_", percpu ? BPF_MAP_TYPE_PERCPU_HASH : BPF_MAP_TYPE_HASH,
			     key ? key->size : 8, value->size, 64);

	vec_push(&r->s->maps, ((struct script_map){ .name = name, .obj_map = at, .key = key, .value = value,
						    .is_percpu = percpu }));
	return r->s->maps.n - 1;
}

static inline void rig_start(struct rig *r)
{
	struct load_opts lo = {0};
	struct diag dg = {0};
	u64 page = (u64)sysconf(_SC_PAGESIZE);
	char *said;

	if (load_open(r->o, r->e, &lo, &dg, &r->l) || load_run(r->l, &dg) ||
	    script_out_new(r->s, r->l, r->e, &r->opts, &dg, &r->out)) {
		said = diag_text(&dg);
		fail_msg("%s", said ? said : "?");
	}
	diag_free(&dg);
	r->ring = mmap(NULL, page + 2 * RIG_RING, PROT_READ | PROT_WRITE, MAP_SHARED,
		       load_map(r->l, r->s->events_map)->fd, (off_t)page);
	CHECK(r->ring != MAP_FAILED);
}

/* Bytes into the ring, whatever they are. */
static inline void rig_send_bytes(struct rig *r, const void *data, u32 size)
{
	u64 page = (u64)sysconf(_SC_PAGESIZE), pos = mem_get64(r->ring), at = pos & (RIG_RING - 1);
	u8 *to = r->ring + page + at;

	mem_put32(to, size);
	mem_copy(to + 8, data, size);
	mem_put64(r->ring, pos + ALIGN_UP(size + 8, 8u));
}

/* A record: scalars as u64, others as const void *. */
static inline void rig_send(struct rig *r, u32 action, ...)
{
	const struct stype *args = r->s->actions.p[action].args;
	u8 *rec = calloc(1, args->size);
	va_list ap;

	mem_put32(rec, action);
	mem_put32(rec + 4, args->size);
	va_start(ap, action);
	for (u32 i = 0; i < args->n_fields; i++) {
		const struct stype_field *f = &args->fields[i];
		u64 v;

		if (stype_is_scalar(f->type)) {
			v = va_arg(ap, u64);
			mem_copy(rec + f->off, &v, f->type->size);
		} else {
			mem_copy(rec + f->off, va_arg(ap, const void *), f->type->size);
		}
	}
	va_end(ap);
	rig_send_bytes(r, rec, args->size);
	free(rec);
}

/* Handles what is there: all that was printed since the last call. */
static inline const char *rig_text(struct rig *r)
{
	static char *last;

	free(last);
	last = strdup(str_text(&r->text));
	str_clear(&r->text);
	return last;
}

static inline const char *rig_read(struct rig *r)
{
	CHECK(script_out_read(r->out, 0, NULL) >= 0);
	return rig_text(r);
}

/* One CPU's share of an element; key: as the map has it, NULL: of a scalar. */
static inline void rig_set(struct rig *r, u32 map, const void *key, u32 cpu, const void *share)
{
	const struct load_map *lm = load_map(r->l, r->s->maps.p[map].obj_map);
	u32 n = r->s->maps.p[map].is_percpu ? 1024 : 1, each = ALIGN_UP(lm->value_size, 8u);
	u8 *values = calloc(n, each);
	u64 none = 0;
	union bpf_attr attr = {0};

	attr.map_fd = (u32)lm->fd;
	attr.key = (u64)(uintptr_t)(key ? key : &none);
	attr.value = (u64)(uintptr_t)values;
	(void)engine_bpf(r->e, BPF_MAP_LOOKUP_ELEM, &attr, sizeof(attr));
	mem_copy(values + (u64)cpu * each, share, lm->value_size);
	attr.flags = BPF_ANY;
	CHECK_EQ(engine_bpf(r->e, BPF_MAP_UPDATE_ELEM, &attr, sizeof(attr)), 0);
	free(values);
}

/* The maps as SIGUSR1 shows them. */
static inline const char *rig_maps(struct rig *r)
{
	script_out_maps(r->out, NULL);
	return rig_text(r);
}

static inline void rig_free(struct rig *r)
{
	if (r->ring)
		munmap(r->ring, (u64)sysconf(_SC_PAGESIZE) + 2 * RIG_RING);
	script_out_free(r->out);
	load_close(r->l);
	r->e->ops->free(r->e);
	obj_free(r->o);
	str_free(&r->text);
	str_free(&r->err);
	free(r);
}
