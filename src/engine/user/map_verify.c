/* SPDX-License-Identifier: BSD-2-Clause */
/* engine/user/map_verify.c - maps as the verifier sees them, and the kernel it speaks for. */
#include "engine/user/object.h"
#include "engine/user/verdict.h"
#include "verify/record.h"
#include <errno.h>
#include <stdlib.h>

enum { LOCK_BYTES = 4, TIMER_BYTES = 16 };

/* Linux 6.18 with all capabilities, whose types are Osmia's own: what it does not serve is not there. */
const struct profile *session_profile(struct session *s)
{
	const struct btf *btf = s->engine.ops->target_btf(&s->engine, NULL, NULL);
	struct profile *k;

	if (s->profile || !btf)
		return s->profile;
	k = calloc(1, sizeof(*k));
	if (!k)
		return NULL;
	if (!profile_init(k) && !profile_set_name(k, "the user engine")) {
		k->btf = btf;
		k->nr_cpus = s->n_cpus;
		k->sound = true;
		if (!profile_prepare(k, NULL))
			return s->profile = k;
	}
	profile_free(k);
	free(k);
	return NULL;
}

int map_describe(struct session *s, const union bpf_attr *attr, const struct btf *btf,
		 struct arena *arena, struct verify_map *vm, struct map_attr *a)
{
	const struct profile *k = session_profile(s);
	int err;

	*vm = (struct verify_map){
		.name = "",
		.type = attr->map_type,
		.key_size = attr->key_size,
		.value_size = attr->value_size,
		.max_entries = attr->max_entries,
		.flags = attr->map_flags,
		.extra = attr->map_extra,
		.btf = btf,
		.btf_key_id = attr->btf_key_type_id,
		.btf_value_id = attr->btf_value_type_id,
	};
	if (!k)
		return -ENOMEM;
	err = map_record_make(vm, k, arena);
	if (err || !vm->record)
		return err;
	if (vm->record->spin_lock_off >= 0)
		a->spin_lock_off = (u32)vm->record->spin_lock_off;
	if (vm->record->timer_off >= 0)
		a->timer_off = (u32)vm->record->timer_off;
	return 0;
}

static void add_field(struct btf_record *r, enum field_kind kind, u32 off, u32 bytes)
{
	r->fields[r->n++] = (struct record_field){ .offset = off, .size = bytes, .kind = kind };
	r->mask |= kind;
}

/* Locks and timers are not the program's to write, whoever made the map. */
static const struct btf_record *record_of(const struct map_attr *a, struct arena *arena)
{
	bool lock = a->spin_lock_off != ~0u, timer = a->timer_off != ~0u;
	struct btf_record *r;

	if (!lock && !timer)
		return NULL;
	r = arena_alloc(arena, sizeof(*r) + 2 * sizeof(r->fields[0]));
	*r = (struct btf_record){ .spin_lock_off = -1, .res_spin_lock_off = -1, .timer_off = -1,
				  .wq_off = -1, .refcount_off = -1, .task_work_off = -1 };
	if (lock) {
		r->spin_lock_off = (s32)a->spin_lock_off;
		add_field(r, FIELD_SPIN_LOCK, a->spin_lock_off, LOCK_BYTES);
	}
	if (timer) {
		r->timer_off = (s32)a->timer_off;
		add_field(r, FIELD_TIMER, a->timer_off, TIMER_BYTES);
	}
	if (lock && timer && a->timer_off < a->spin_lock_off) {
		struct record_field first = r->fields[1];

		r->fields[1] = r->fields[0];
		r->fields[0] = first;
	}
	return r;
}

static struct verify_map of_attr(const struct map_attr *a, struct arena *arena)
{
	return (struct verify_map){
		.name = a->name,
		.type = a->type,
		.key_size = a->key_size,
		.value_size = a->value_size,
		.max_entries = a->max_entries,
		.flags = a->flags,
		.extra = a->extra,
		.record = record_of(a, arena),
	};
}

void map_describe_foreign(struct map_object *m)
{
	m->vm = of_attr(&m->attr, &m->arena);
	if (m->attr.inner) {
		m->inner_vm = of_attr(m->attr.inner, &m->arena);
		m->vm.inner = &m->inner_vm;
	}
}

int map_describe_inner(struct session *s, struct map_object *m, const struct map_object *inner)
{
	const struct profile *k = session_profile(s);

	if (!k)
		return -ENOMEM;
	m->inner_vm = inner->vm;
	m->inner_vm.name = m->inner_attr.name;
	m->inner_vm.value = NULL;
	m->inner_vm.frozen = false;
	m->vm.inner = &m->inner_vm;
	m->inner_btf = inner->btf;
	if (!inner->btf) {
		m->inner_vm.record = record_of(&m->inner_attr, &m->arena);
		return 0;
	}
	object_get(&inner->btf->o);
	return map_record_make(&m->inner_vm, k, &m->arena);
}
