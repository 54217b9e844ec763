/* SPDX-License-Identifier: BSD-2-Clause */
/* Scripts as bytes: what is written is read again, anything else is refused. */
#include "obj/script.h"
#include "test.h"
#include <errno.h>

static void fill(struct script *s)
{
	struct arena *a = &s->arena;
	const struct stype *parts[] = { stype_int(4, true), stype_str(a, 64), stype_ptr(a, stype_int(1, true), SS_USER) };
	const struct stype *tuple = stype_tuple(a, parts, NULL, 3);

	s->compat = 17;
	s->events_map = 1;
	s->max_strlen = 200;
	s->print_maps_on_exit = s->lazy_symbols = true;
	vec_push(&s->actions, ((struct script_action){ .kind = ACTION_PRINTF, .text = "%d %s\n", .args = tuple,
						       .at = { .file = "x.bt", .line = 3, .col = 9 }, .line = "begin {" }));
	vec_push(&s->actions, ((struct script_action){ .kind = ACTION_CLEAR, .text = "", .map = 0, .line = "" }));
	vec_push(&s->maps, ((struct script_map){ .name = "@x", .obj_map = 0, .key = tuple,
						 .value = stype_hist(a, 2), .is_percpu = true }));
	vec_push(&s->maps, ((struct script_map){ .name = "@", .obj_map = 2,
						 .value = stype_lhist(a, 0, 100, 10) }));
	vec_push(&s->attaches, ((struct script_attach){ .func = 1, .hook = HOOK_UPROBE, .name = "uprobe:/bin/x:f",
							.target = "/bin/x", .fn = "f", .ns = "", .off = 8, .mode = "",
							.cookie = 1ull << 40, .pid = -1, .is_multi = true }));
}

static int read_copy(const void *data, size_t size, struct diag *dg, struct script **out)
{
	/* A copy of exactly that size, so that a sanitizer sees a read past the end. */
	void *copy = malloc(size ? size : 1);
	int err;

	memcpy(copy, data, size);
	err = script_read(copy, size, 2, 3, dg, out);
	free(copy);
	return err;
}

TEST(a_script_comes_back)
{
	struct script *s = script_new(), *t = NULL;
	struct diag dg = {0};
	size_t size;
	void *data;

	fill(s);
	CHECK_EQ(script_write(s, &dg, &data, &size), 0);
	CHECK_EQ(read_copy(data, size, &dg, &t), 0);
	CHECK_EQ(t->compat, 17);
	CHECK_EQ(t->events_map, 1);
	CHECK_EQ(t->counts_map, UINT32_MAX);
	CHECK_STR(t->str_trailer, "..");
	CHECK(t->print_maps_on_exit && t->lazy_symbols && !t->cpp_demangle);
	CHECK_EQ(t->actions.n, 2);
	CHECK_STR(t->actions.p[0].text, "%d %s\n");
	CHECK_EQ(t->actions.p[0].at.line, 3);
	CHECK(stype_same(t->actions.p[0].args, s->actions.p[0].args));
	CHECK(stype_same(t->maps.p[0].key, s->maps.p[0].key));
	CHECK(stype_same(t->maps.p[0].value, s->maps.p[0].value));
	CHECK(stype_same(t->maps.p[1].value, s->maps.p[1].value));
	CHECK(!t->maps.p[1].key);
	CHECK_STR(t->attaches.p[0].fn, "f");
	CHECK_EQ(t->attaches.p[0].cookie, 1ull << 40);
	CHECK_EQ(t->attaches.p[0].pid, -1);
	CHECK(t->attaches.p[0].is_multi && !t->attaches.p[0].is_freq);
	free(data);
	script_free(s);
	script_free(t);
	diag_free(&dg);
}

TEST(a_pointer_into_itself_ends)
{
	struct script *s = script_new(), *t = NULL;
	struct stype node = { .kind = ST_STRUCT, .size = 8, .name = "struct list_head" };
	struct stype ptr = { .kind = ST_PTR, .size = 8, .of = &node };
	struct stype_field next = { .name = "next", .type = &ptr };
	struct diag dg = {0};
	size_t size;
	void *data;

	node.fields = &next;
	node.n_fields = 1;
	vec_push(&s->maps, ((struct script_map){ .name = "@", .obj_map = 0, .value = &node }));
	CHECK_EQ(script_write(s, &dg, &data, &size), 0);
	CHECK_EQ(read_copy(data, size, &dg, &t), 0);
	CHECK_STR(t->maps.p[0].value->fields[0].type->of->name, "struct list_head");
	free(data);
	script_free(s);
	script_free(t);
	diag_free(&dg);
}

TEST(damaged_bytes_are_refused_or_harmless)
{
	struct script *s = script_new(), *t;
	struct diag dg = {0};
	size_t size;
	u8 *data;

	fill(s);
	CHECK_EQ(script_write(s, &dg, (void **)&data, &size), 0);
	for (size_t n = 0; n < size; n++) {
		diag_clear(&dg);
		CHECK_EQ(read_copy(data, n, &dg, &t), -EINVAL);
		CHECK_EQ(dg.n_errors, 1);
	}
	for (size_t i = 0; i < size; i++)
		for (u32 bit = 0; bit < 8; bit++) {
			data[i] ^= (u8)(1u << bit);
			diag_clear(&dg);
			if (!read_copy(data, size, &dg, &t))
				script_free(t);
			else
				CHECK_EQ(dg.n_errors, 1);
			data[i] ^= (u8)(1u << bit);
		}
	free(data);
	script_free(s);
	diag_free(&dg);
}

TEST(another_version_is_named)
{
	struct script *s = script_new(), *t;
	struct diag dg = {0};
	size_t size;
	u8 *data;

	CHECK_EQ(script_write(s, &dg, (void **)&data, &size), 0);
	data[6] = 99;
	CHECK_EQ(read_copy(data, size, &dg, &t), -EINVAL);
	CHECK(strstr(dg.msgs[0].text, "another version"));
	free(data);
	script_free(s);
	diag_free(&dg);
}
