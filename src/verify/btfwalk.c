/* SPDX-License-Identifier: BSD-2-Clause */
/* verify/btfwalk.c - which member of a struct an access is to, by BTF.
 *
 *	struct task_struct, off 24   ->  a member that covers byte 24
 *	    a struct or union        ->  go on inside it
 *	    an array                 ->  the element that covers it, then as above
 *	    a pointer to a struct    ->  that struct, and what its type tags say
 *	    another pointer          ->  memory that nothing is known of
 *	    anything else            ->  a number
 *
 * Kernel 6.18: btf_struct_walk(), btf_struct_access(), btf_struct_ids_match() and
 * btf_type_ids_nocast_alias() in kernel/bpf/btf.c.
 */
#include "verify/call.h"
#include "verify/ctx.h"
#include <errno.h>
#include <string.h>

enum walk_result { /* or a negative errno */
	WALK_SCALAR,
	WALK_PTR,           /* to the struct next_id */
	WALK_PTR_UNTRUSTED, /* to something else */
	WALK_STRUCT,        /* the access begins where the member next_id does */
	WALK_AGAIN,         /* inside the member that t now is */
	WALK_NEXT,          /* not this member */
};

enum { WALK_STEPS_MAX = 256, SIZE_STEPS_MAX = 32 };

struct walk {
	struct verify *v;
	const struct btf *btf;
	bool refuse;     /* what goes wrong is the reason to refuse the program, not just told */
	bool flexible;   /* past the end of a struct its last member, an array of unknown length, goes on */
	const struct btf_type *t;
	u32 off, size;   /* of the access, inside t */
	u32 next_id, flags;
	const char *field;
};

/* A member's type without its arrays. */
struct element {
	u32 bytes;                  /* of the whole */
	u32 n;                      /* elements; 1 where it is no array */
	bool is_array;
	const struct btf_type *t;   /* of one element, resolved */
	u32 id;                     /* of that, as the member or the innermost array names it */
};

static int walk_error(const struct walk *w, int err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static int walk_error(const struct walk *w, int err, const char *fmt, ...)
{
	struct str text = { 0 };
	va_list ap;

	va_start(ap, fmt);
	str_vaddf(&text, fmt, ap);
	va_end(ap);
	if (w->refuse)
		v_refuse(w->v, err, WHY_BTF, "%s", str_text(&text));
	else
		v_log(w->v, "%s\n", str_text(&text));
	str_free(&text);
	return err;
}

static const char *name_of(const struct btf *btf, u32 name_off)
{
	return name_off ? btf_str(btf, name_off) : "(anon)";
}

static const struct btf_type *resolve(const struct btf *btf, const struct btf_type *t)
{
	return btf_is_modifier(t) ? btf_resolve(btf, t->type) : t;
}

/* Multi-dimensional arrays count as one of all elements.  False: it has no size.
 * __btf_resolve_size(). */
static bool element_of(const struct btf *btf, u32 id, struct element *e)
{
	const struct btf_type *t = btf_type(btf, id);
	u64 size;

	*e = (struct element){ .n = 1, .id = id };
	for (u32 i = 0; i < SIZE_STEPS_MAX; i++) {
		if (btf_is_modifier(t)) {
			if (!e->is_array)
				e->id = t->type;
			t = btf_type(btf, t->type);
			continue;
		}
		switch (btf_kind(t)) {
		case BTF_PTR:
			size = 8;
			break;
		case BTF_INT: case BTF_STRUCT: case BTF_UNION: case BTF_ENUM: case BTF_ENUM64:
		case BTF_FLOAT:
			size = t->size;
			break;
		case BTF_ARRAY:
			if ((u64)e->n * btf_array(t)->n > UINT32_MAX)
				return false;
			e->n *= btf_array(t)->n;
			e->is_array = true;
			e->id = btf_array(t)->type;
			t = btf_type(btf, e->id);
			continue;
		default:
			return false;
		}
		if (size * e->n > UINT32_MAX)
			return false;
		e->bytes = (u32)(size * e->n);
		e->t = t;
		return true;
	}
	return false;
}

/* The access ends behind the struct: only an array at its end may go on there. */
static int walk_beyond(struct walk *w, const char *name)
{
	const struct btf_type *t = w->t, *array, *elem;
	u32 n = btf_vlen(t), array_off;

	if (!w->flexible || !n)
		goto beyond;
	array = btf_resolve(w->btf, btf_members(t)[n - 1].type);
	array_off = btf_member_bit_off(t, n - 1) / 8;
	if (btf_kind(array) != BTF_ARRAY || btf_array(array)->n || w->off < array_off)
		goto beyond;
	elem = btf_resolve(w->btf, btf_array(array)->type);
	if (btf_kind(elem) == BTF_INT)
		return WALK_SCALAR;
	if (!btf_is_composite(elem) || !elem->size)
		goto beyond;
	w->t = elem;
	w->off = (w->off - array_off) % elem->size;
	return WALK_AGAIN;
beyond:
	return walk_error(w, -EACCES, "access beyond struct %s at off %u size %u", name, w->off,
			  w->size);
}

static int walk_pointer(struct walk *w, const struct element *e, u32 elem_off, u32 elem_size,
			const char *member, const char *name)
{
	const struct btf_type *to = btf_type(w->btf, e->t->type);
	u32 id = btf_skip(w->btf, e->t->type);

	if (elem_size != w->size || w->off != elem_off)
		return walk_error(w, -EACCES,
				  "cannot access ptr member %s with moff %u in struct %s with off %u "
				  "size %u", member, elem_off, name, w->off, w->size);
	if (!btf_is_composite(btf_type(w->btf, id)))
		return WALK_PTR_UNTRUSTED;
	if (btf_kind(to) == BTF_TYPE_TAG) {
		const char *tag = btf_str(w->btf, to->name_off);

		if (!strcmp(tag, "user"))
			w->flags |= T_USER;
		else if (!strcmp(tag, "percpu"))
			w->flags |= T_PERCPU;
		else if (!strcmp(tag, "rcu"))
			w->flags |= T_RCU;
	}
	w->next_id = id;
	w->field = member;
	return WALK_PTR;
}

/* Member i, which begins before the access ends.  A bitfield counts only when all of it is read. */
static int walk_member(struct walk *w, u32 i, const char *name)
{
	const struct btf_member *m = &btf_members(w->t)[i];
	u32 bit_off = btf_member_bit_off(w->t, i), bits = btf_member_bits(w->t, i);
	u32 off = bit_off / 8, true_end, elem_size;
	const char *member = name_of(w->btf, m->name_off);
	struct element e;

	if (bits) {
		u64 end = ((u64)bit_off + bits + 7) / 8;

		return w->off <= off && end <= (u64)w->off + w->size ? WALK_SCALAR : WALK_NEXT;
	}
	if (w->off < off) /* a hole */
		return walk_error(w, -EINVAL, "struct %s doesn't have field at offset %d", name,
				  w->off);
	if (!element_of(w->btf, m->type, &e))
		return walk_error(w, -EFAULT, "field %s doesn't have size", member);
	true_end = off + e.bytes;
	if (w->off >= true_end)
		return WALK_NEXT;
	elem_size = e.bytes / e.n; /* neither is 0: the member covers a byte */
	off += (w->off - off) / elem_size * elem_size;
	if (btf_is_composite(e.t)) {
		w->t = e.t;
		w->next_id = e.id;
		if (w->off == off)
			return WALK_STRUCT;
		w->off -= off;
		return WALK_AGAIN;
	}
	if (btf_kind(e.t) == BTF_PTR)
		return walk_pointer(w, &e, off, elem_size, member, name);
	/* Numbers may be read across elements, as skb->cb[] is. */
	if (w->off + w->size > true_end && !(w->flags & T_UNTRUSTED))
		return walk_error(w, -EACCES,
				  "access beyond the end of member %s (mend:%u) in struct %s with off %u "
				  "size %u", member, true_end, name, w->off, w->size);
	return WALK_SCALAR;
}

/* One struct. */
static int walk_level(struct walk *w)
{
	const char *name;
	int ret;

	w->t = resolve(w->btf, w->t);
	name = name_of(w->btf, w->t->name_off);
	if (!btf_is_composite(w->t))
		return walk_error(w, -EINVAL, "Type '%s' is not a struct", name);
	/* Who knows which member of a union is meant?  One alone is just for its alignment. */
	if (btf_kind(w->t) == BTF_UNION && btf_vlen(w->t) != 1)
		w->flags |= T_UNTRUSTED;
	if (w->off + w->size > w->t->size || w->off + w->size < w->off)
		return walk_beyond(w, name);
	for (u32 i = 0; i < btf_vlen(w->t); i++) {
		if (w->off + w->size <= btf_member_bit_off(w->t, i) / 8)
			break;
		ret = walk_member(w, i, name);
		if (ret != WALK_NEXT)
			return ret;
	}
	return walk_error(w, -EINVAL, "struct %s doesn't have field at offset %d", name, w->off);
}

/* To the first member that is no struct which merely covers the access.  btf_struct_walk(). */
static int walk(struct walk *w)
{
	for (u32 i = 0; i < WALK_STEPS_MAX; i++) {
		int ret = walk_level(w);

		if (ret != WALK_AGAIN)
			return ret;
	}
	return -EINVAL;
}

/* Fields of an allocated object that only the kernel's functions may touch. */
static int special_field_check(struct verify *v, const struct reg *r, u32 off, u32 size)
{
	const struct btf_record *rec = alloc_record(v, r->btf, r->btf_id);

	for (u32 i = 0; rec && i < rec->n; i++) {
		const struct record_field *f = &rec->fields[i];

		if ((u64)off < (u64)f->offset + f->size && f->offset < (u64)off + size)
			return v_refuse(v, -EACCES, WHY_PERM,
					"direct access to %s is disallowed",
					field_kind_text(f->kind));
	}
	return 0;
}

int btf_struct_access(struct verify *v, const struct reg *r, s32 off, u32 size, enum access t,
		      u32 *next_id, u32 *flags, const char **field_name)
{
	bool alloc = r->type & T_ALLOC;
	struct walk w = {
		.v = v,
		.btf = r->btf,
		.refuse = true,
		.flexible = !alloc,
		.t = btf_type(r->btf, r->btf_id),
		.off = (u32)off,
		.size = size,
	};
	int err = alloc ? special_field_check(v, r, (u32)off, size) : 0;

	(void)t;
	if (err)
		return err;
	for (u32 i = 0; i < WALK_STEPS_MAX; i++) {
		int ret = walk(&w);

		if (ret < 0)
			return ret;
		if (ret == WALK_STRUCT) { /* at its first byte */
			w.t = btf_type(w.btf, w.next_id);
			w.off = 0;
			continue;
		}
		if (ret == WALK_PTR_UNTRUSTED) {
			*flags = T_RDONLY | T_UNTRUSTED;
			return PTR_MEM;
		}
		/* what a program stored itself is no pointer any more */
		if (ret == WALK_SCALAR || alloc)
			return REG_SCALAR;
		*next_id = w.next_id;
		*flags = w.flags;
		if (field_name)
			*field_name = w.field;
		return PTR_BTF;
	}
	return -EINVAL;
}

bool btf_same_type(const struct btf *a, u32 a_id, const struct btf *b, u32 b_id)
{
	return a_id == b_id && (a == b || (a && b && btf_type(a, a_id) == btf_type(b, b_id)));
}

bool btf_of_kernel(const struct verify *v, const struct btf *btf)
{
	return btf && (btf == v->k->btf || btf_first_id(btf) > 1);
}

bool btf_ids_match(struct verify *v, const struct btf *btf, u32 id, s32 off,
		   const struct btf *want_btf, u32 want_id, bool strict)
{
	struct walk w = {
		.v = v,
		.btf = btf,
		.flexible = btf_of_kernel(v, btf),
		.off = (u32)off,
		.size = 1,
	};

	if (!btf || !want_btf)
		return false;
	if (off == 0 && btf_same_type(btf, id, want_btf, want_id))
		return true;
	if (strict)
		return false;
	w.t = btf_type(btf, id);
	for (u32 i = 0; i < WALK_STEPS_MAX && walk(&w) == WALK_STRUCT; i++) {
		if (btf_same_type(btf, w.next_id, want_btf, want_id))
			return true;
		w.t = btf_type(btf, w.next_id);
		w.off = 0;
	}
	return false;
}

bool btf_nocast_alias(const struct btf *a, u32 a_id, const struct btf *b, u32 b_id)
{
	static const char suffix[] = "___init";
	const char *s = btf_name(a, a_id), *l = btf_name(b, b_id), *at;

	if (strlen(s) > strlen(l)) {
		const char *other = s;

		s = l;
		l = other;
	}
	if (strlen(l) != strlen(s) + sizeof(suffix) - 1)
		return false;
	at = strstr(l, suffix);
	return at && !at[sizeof(suffix) - 1] && !strncmp(s, l, strlen(s));
}

u32 btf_helper_struct(struct verify *v, enum helper_btf which)
{
	return v->k->ids && which < HELPER_BTF_MAX ? v->k->ids->helper_struct[which] : 0;
}

u32 btf_kernel_struct(struct verify *v, const char *name)
{
	return v->k->btf ? profile_find(v->k, name, BTF_STRUCT) : 0;
}

const char *btf_kind_upper(const struct btf_type *t)
{
	static const char *const text[BTF_KIND_END] = {
		[BTF_VOID] = "UNKNOWN",
#define KIND(name, number, ...) [BTF_##name] = #name,
#include "btf/kind.def"
#undef KIND
	};
	u32 kind = btf_kind(t);

	return kind < BTF_KIND_END && text[kind] ? text[kind] : "UNKNOWN";
}
