/* SPDX-License-Identifier: BSD-2-Clause */
/* engine/user/btf.c - builds Osmia's own BTF from btf.def.
 *
 * Named types come first and get their ids by their order in the table, so a field may name a type
 * that follows; pointers and arrays are made at their first use and stand behind them, and so do
 * the tracepoints' typedefs.
 */
#include "engine/user/btf.h"
#include "abi/uapi.h"
#include "btf/build.h"
#include "engine/user/kmem.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum item_kind { ITEM_INT, ITEM_ALIAS, ITEM_STRUCT, ITEM_FIELD, ITEM_TRACE };
enum { TRACE_ARGS_MAX = 4 };

struct item {
	enum item_kind kind;
	const char *name;
	const char *type;    /* ALIAS, FIELD */
	u32 bytes, encoding; /* FIELD: bytes is its offset */
	const char *args[2 * TRACE_ARGS_MAX + 1]; /* type, name; ... */
};

static const struct item items[] = {
#define INT(name, bytes, encoding) {ITEM_INT, #name, NULL, bytes, encoding, {NULL}},
#define ALIAS(name, type)	   {ITEM_ALIAS, #name, #type, 0, 0, {NULL}},
#define STRUCT(name, bytes)	   {ITEM_STRUCT, #name, NULL, bytes, 0, {NULL}},
#define FIELD(name, type, off)	   {ITEM_FIELD, #name, #type, off, 0, {NULL}},
#define TRACE(name, ...)	   {ITEM_TRACE, "btf_trace_" #name, NULL, 0, 0, {__VA_ARGS__}},
#include "engine/user/btf.def"
#undef INT
#undef ALIAS
#undef STRUCT
#undef FIELD
#undef TRACE
};

/* A pointer or array that the table uses. */
struct derived {
	const char *text;
	u32 id;
};

struct make {
	struct btf_builder b;
	u32 n_named;
	VEC(struct derived) derived;
};

static bool is_named(const struct item *i)
{
	return i->kind == ITEM_INT || i->kind == ITEM_ALIAS || i->kind == ITEM_STRUCT;
}

/* Id of the named type whose name is the first len characters of text; 0: none. */
static u32 named_id(const char *text, size_t len)
{
	u32 id = 0;

	for (u32 i = 0; i < ARRAY_SIZE(items); i++) {
		if (!is_named(&items[i]))
			continue;
		id++;
		if (strlen(items[i].name) == len && !memcmp(items[i].name, text, len))
			return id;
	}
	return 0;
}

/* Id of a type as the table writes it.  A new pointer or array gets the next id behind the named
 * types and those before it; add_derived() keeps that order. */
static u32 type_id(struct make *m, const char *text)
{
	size_t len = strcspn(text, "*[");
	struct derived *d;

	while (len && text[len - 1] == ' ')
		len--;
	if (!text[strcspn(text, "*[")])
		return named_id(text, len);
	for (u32 i = 0; i < m->derived.n; i++)
		if (!strcmp(m->derived.p[i].text, text))
			return m->derived.p[i].id;
	d = vec_add(&m->derived);
	if (!d) {
		m->b.failed = true;
		return 0;
	}
	d->text = text;
	d->id = m->n_named + m->derived.n;
	return d->id;
}

static void add_named(struct make *m)
{
	for (u32 i = 0; i < ARRAY_SIZE(items); i++) {
		const struct item *it = &items[i];

		switch (it->kind) {
		case ITEM_INT:
			btf_add_int(&m->b, it->name, it->bytes, it->encoding);
			break;
		case ITEM_ALIAS:
			btf_add(&m->b, it->name, BTF_TYPEDEF, false, 0, type_id(m, it->type));
			break;
		case ITEM_STRUCT:
			btf_add_struct(&m->b, BTF_STRUCT, it->name, it->bytes);
			break;
		case ITEM_FIELD:
			btf_add_member(&m->b, it->name, type_id(m, it->type), it->bytes * 8, 0);
			break;
		case ITEM_TRACE:
			for (u32 a = 0; it->args[a]; a += 2)
				type_id(m, it->args[a]);
			break;
		}
	}
}

static void add_derived(struct make *m)
{
	u32 index_type = named_id("int", 3);

	for (u32 i = 0; i < m->derived.n; i++) {
		const char *text = m->derived.p[i].text;
		u32 end = (u32)strcspn(text, "*["), target = named_id(text, end);

		if (text[end] == '*')
			btf_add(&m->b, "", BTF_PTR, false, 0, target);
		else
			btf_add_array(&m->b, target, index_type,
				      (u32)strtoul(text + end + 1, NULL, 10));
	}
}

static void add_traces(struct make *m)
{
	u32 void_ptr = btf_add(&m->b, "", BTF_PTR, false, 0, 0);

	for (u32 i = 0; i < ARRAY_SIZE(items); i++) {
		const struct item *it = &items[i];
		u32 id;

		if (it->kind != ITEM_TRACE)
			continue;
		id = btf_add_proto(&m->b, 0);
		btf_add_param(&m->b, "", void_ptr);
		for (u32 a = 0; it->args[a]; a += 2)
			btf_add_param(&m->b, it->args[a + 1], type_id(m, it->args[a]));
		id = btf_add(&m->b, "", BTF_PTR, false, 0, id);
		btf_add(&m->b, it->name, BTF_TYPEDEF, false, 0, id);
	}
}

int host_btf_build(struct diag *dg, struct btf **out)
{
	struct make m = {0};
	int err;

	for (u32 i = 0; i < ARRAY_SIZE(items); i++)
		m.n_named += is_named(&items[i]);
	add_named(&m);
	add_derived(&m);
	add_traces(&m);
	err = btf_build(&m.b, dg, (struct place){.file = "Osmia's own BTF"}, out);
	btf_builder_free(&m.b);
	vec_free(&m.derived);
	return err;
}
