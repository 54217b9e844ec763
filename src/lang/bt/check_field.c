/* SPDX-License-Identifier: BSD-2-Clause */
/* lang/bt/check_field.c - fields of structs, records and tuples; elements of arrays; offsetof().
 *
 * A pointer is followed by '.' as by '->'.  Pointers that are found in a struct point into what the
 * struct itself lies in: that is where their targets are read from.
 */
#include "lang/bt/check_inner.h"
#include "lang/bt/probe.h"
#include <stdlib.h>
#include <string.h>

enum { FIELDS_SHOWN = 8, POINTERS_MAX = 16 };

enum stype_space sema_probe_space(const struct sema *s)
{
	if (!s->probe)
		return SS_KERNEL;
	if (s->probe->is_user)
		return SS_USER;
	switch (s->probe->hook) {
	case HOOK_KPROBE:
	case HOOK_KRETPROBE:
	case HOOK_FENTRY:
	case HOOK_FEXIT:
	case HOOK_RAWTRACEPOINT:
	case HOOK_ITER:
		return SS_KERNEL;
	default:
		return SS_NONE;
	}
}

enum stype_space sema_space(struct sema *s, const struct node *n)
{
	const struct stype *t = n->type;

	if (t && t->kind == ST_PTR && n->kind != NODE_FIELD && n->kind != NODE_INDEX)
		return t->space;
	switch (n->kind) {
	case NODE_FIELD:
	case NODE_INDEX:
		t = n->kids->type;
		return t && t->kind == ST_PTR ? t->space : sema_space(s, n->kids);
	case NODE_UNARY:
		t = n->kids->type;
		return n->op == BT_MUL && t && t->kind == ST_PTR ? t->space
								 : sema_space(s, n->kids);
	case NODE_NAME:
		return strcmp(n->text, "args") && strcmp(n->text, "ctx") ? SS_NONE : SS_CTX;
	case NODE_VAR:
	case NODE_MAP:
	case NODE_TUPLE:
	case NODE_RECORD:
		return SS_MAP;
	default:
		return SS_NONE;
	}
}

/* The type of what is found in a struct: a pointer points where the struct points. */
static const struct stype *found_in(struct sema *s, const struct stype *t, enum stype_space space)
{
	if (t->kind == ST_STRUCT)
		return sema_complete(s, t);
	if (t->kind == ST_ARRAY && t->of->kind == ST_INT && t->of->size == 1 && t->of->is_signed)
		return stype_chars(sema_types(s), t->n);
	if (t->kind != ST_PTR || t->space != SS_NONE)
		return t;
	if (space == SS_CTX || space == SS_MAP || space == SS_NONE)
		space = sema_probe_space(s);
	return stype_in_space(sema_types(s), t, space);
}

/* ---- mistakes ---- */

/* The nearest field, or which there are. */
static void hint_field(struct sema *s, const struct stype *t, const char *name)
{
	struct near_name n = near_begin(name);
	struct str list = { 0 };
	u32 shown = 0;

	for (u32 i = 0; i < t->n_fields; i++)
		if (t->fields[i].name)
			near_try(&n, t->fields[i].name);
	near_hint(s, &n);
	for (u32 i = 0; i < t->n_fields && shown < FIELDS_SHOWN && !n.best; i++)
		if (t->fields[i].name)
			str_addf(&list, "%s%s", shown++ ? ", " : "", t->fields[i].name);
	if (shown)
		sema_hint(s, "there are: %s%s", str_text(&list),
			  shown < t->n_fields ? ", ..." : "");
	str_free(&list);
}

static const struct stype_field *field_of(struct sema *s, struct node *n, const struct stype *t)
{
	const struct stype_field *f = stype_field(t, n->text);

	if (f)
		return f;
	if (t->kind == ST_TUPLE) {
		sema_error(s, n, "no element %s: the tuple has %u", n->text, t->n_fields);
	} else if (t->is_fwd) {
		sema_error(s, n, "the members of '%s' are not known", stype_name(sema_types(s), t));
	} else {
		if (n->kids->kind == NODE_NAME && !strcmp(n->kids->text, "args"))
			sema_error(s, n, "this probe has no argument '%s'", n->text);
		else if (t->kind == ST_RECORD)
			sema_error(s, n, "the record has no field '%s'", n->text);
		else
			sema_error(s, n, "'%s' has no field '%s'", stype_name(sema_types(s), t),
				   n->text);
		hint_field(s, t, n->text);
	}
	return NULL;
}

/* ---- fields ---- */

/* config.max_strlen and typeinfo(x).base_type are known now. */
static bool known_field(struct sema *s, struct node *n)
{
	struct node *k = n->kids;
	struct bt_setting_value v;
	const struct stype *t;
	const char *text = NULL;

	if (k->kind == NODE_NAME && !strcmp(k->text, "config")) {
		if (!bt_setting_get(s, n->text, &v)) {
			sema_error(s, n, "there is no setting '%s'", n->text);
			return true;
		}
		if (v.text)
			sema_become_str(n, arena_strdup(&s->prog->arena, v.text));
		else
			sema_become_int(s, n, v.number, false);
		if (v.is_bool)
			n->kind = NODE_BOOL;
		sema_expr(s, n);
		return true;
	}
	if (k->kind != NODE_TYPEOF)
		return false;
	t = sema_typeof(s, k->kids);
	n->type = sema_unknown();
	if (!t)
		return true;
	if (!strcmp(n->text, "btf_id")) {
		n->is_const = true;
		n->konst = t->btf_id;
		n->type = stype_int(8, false);
		return true;
	}
	if (!strcmp(n->text, "base_type"))
		text = stype_kind_text(t->kind);
	else if (!strcmp(n->text, "full_type"))
		text = stype_name(sema_types(s), t);
	else
		sema_error(s, n, "typeinfo() has btf_id, base_type and full_type, no '%s'",
			   n->text);
	if (!text)
		return true;
	if (s->final)
		sema_become_str(n, text);
	n->str = text;
	n->type = stype_str(sema_types(s), (u32)strlen(text) + 1);
	return true;
}

void sema_field(struct sema *s, struct node *n)
{
	struct node *k = n->kids;
	const struct stype_field *f;
	const struct stype *t, *base;
	u32 depth = 0;

	n->field = NULL;
	if (known_field(s, n))
		return;
	t = sema_expr(s, k);
	if (!sema_is_known(t))
		return;
	for (base = t; base->kind == ST_PTR && depth < POINTERS_MAX; base = base->of)
		depth++;
	if (base->kind == ST_STRUCT) {
		base = sema_complete(s, base);
	} else if (base->kind != ST_TUPLE && base->kind != ST_RECORD) {
		sema_error(s, n, "no field '%s': %s is no struct", n->text,
			   stype_name(sema_types(s), t));
		return;
	}
	if (depth > 1) {
		/* p->x of a pointer to a pointer: followed one by one */
		struct node *star = arena_alloc(&s->prog->arena, sizeof(*star));

		*star = (struct node){ .kind = NODE_UNARY,
				       .op = BT_MUL,
				       .at = k->at,
				       .text = "",
				       .raw = "",
				       .kids = k,
				       .last = k };
		n->kids = n->last = star;
		sema_field(s, n);
		return;
	}
	f = field_of(s, n, base);
	if (!f)
		return;
	n->field = f;
	n->type = found_in(s, f->type, sema_space(s, n));
}

/* ---- elements ---- */

static void tuple_element(struct sema *s, struct node *n, const struct stype *t)
{
	struct node *index = n->last;

	if (!index->is_const) {
		sema_error(s, index,
			   "the number of a tuple's element must be known when the script is "
			   "compiled");
		return;
	}
	if (index->konst < 0 || index->konst >= (s64)t->n_fields) {
		sema_error(s, n, "no element %lld: the tuple has %u", (long long)index->konst,
			   t->n_fields);
		return;
	}
	/* $t[1] is $t.1 */
	n->kind = NODE_FIELD;
	n->text = arena_printf(&s->prog->arena, "%lld", (long long)index->konst);
	n->kids->next = NULL;
	n->last = n->kids;
	n->field = &t->fields[index->konst];
	n->type = n->field->type;
}

void sema_index(struct sema *s, struct node *n)
{
	struct node *k = n->kids, *index = n->last;
	const struct stype *t = sema_expr(s, k), *it = sema_read_type(sema_expr(s, index));
	u32 count = 0;

	if (!sema_is_known(t) || !sema_is_known(it))
		return;
	switch (t->kind) {
	case ST_TUPLE:
		tuple_element(s, n, t);
		return;
	case ST_ARRAY:
		count = t->n;
		n->type = found_in(s, t->of, sema_space(s, n));
		break;
	case ST_STR:
		count = t->size;
		n->type = stype_int(1, true);
		break;
	case ST_PTR:
		if (t->of->kind == ST_VOID ||
		    (t->of->kind == ST_STRUCT && sema_complete(s, t->of)->is_fwd)) {
			sema_error(
				s, n,
				"[] wants to know the size of what '%s' points to: cast it first",
				stype_name(sema_types(s), t));
			return;
		}
		n->type = found_in(s, t->of, t->space);
		break;
	default:
		sema_error(s, n,
			   "[] can be used on arrays, pointers, strings and tuples, not on %s",
			   stype_name(sema_types(s), t));
		return;
	}
	if (!sema_is_int(it)) {
		sema_error(s, index, "an index must be an integer, not %s",
			   stype_name(sema_types(s), it));
		n->type = NULL;
	} else if (count && index->is_const && (index->konst < 0 || index->konst >= count)) {
		sema_error(s, n, "no element %lld: the %s has %u", (long long)index->konst,
			   t->kind == ST_STR ? "string" : "array", count);
		n->type = NULL;
	} else if (k->str && index->is_const && (size_t)index->konst < strlen(k->str) + 1) {
		n->is_const = true;
		n->konst = (s8)k->str[index->konst];
	}
}

/* ---- offsetof(struct x, a.b) ---- */

void sema_offsetof(struct sema *s, struct node *n)
{
	const struct stype *t = sema_typeof(s, n->kids);
	char *path = arena_strdup(&s->prog->arena, n->text), *save = NULL;
	s64 off = 0;

	n->type = sema_literal_type(s, 0, false);
	if (!t)
		return;
	for (char *name = strtok_r(path, ".", &save); name; name = strtok_r(NULL, ".", &save)) {
		const struct stype_field *f;

		if (t->kind == ST_STRUCT)
			t = sema_complete(s, t);
		if (t->kind != ST_STRUCT && t->kind != ST_RECORD) {
			sema_error(s, n, "no field '%s': %s is no struct", name,
				   stype_name(sema_types(s), t));
			return;
		}
		f = stype_field(t, name);
		if (!f) {
			sema_error(s, n, "'%s' has no field '%s'", stype_name(sema_types(s), t),
				   name);
			hint_field(s, t, name);
			return;
		}
		if (f->bits) {
			sema_error(s, n, "'%s' is a bit-field: it has no offset", name);
			return;
		}
		off += f->off;
		t = f->type;
	}
	n->is_const = true;
	n->konst = off;
	n->type = sema_literal_type(s, (u64)off, false);
}
