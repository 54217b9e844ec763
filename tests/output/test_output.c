/* SPDX-License-Identifier: BSD-2-Clause */
/* output: values, columns, histograms, finding a record's struct. */
#include "btf/build.h"
#include "obj/obj.h"
#include "output/event.h"
#include "output/hist.h"
#include "output/table.h"
#include "output/value.h"
#include "test.h"
#include <errno.h>

/* struct event { u32 pid; char comm[16]; enum state state; struct { s64 a; u8 b:3, c:5; }; void *p; } */
struct types {
	struct btf *btf;
	u32 event, u32_id;
};

static struct types make_types(void)
{
	struct btf_builder b = {0};
	struct types t = {0};
	u32 u8_id, s64_id, char_id, comm, state, inner, ptr;

	t.u32_id = btf_add_int(&b, "unsigned int", 4, 0);
	u8_id = btf_add_int(&b, "unsigned char", 1, 0);
	s64_id = btf_add_int(&b, "long", 8, BTF_INT_SIGNED);
	char_id = btf_add_int(&b, "char", 1, BTF_INT_SIGNED);
	comm = btf_add_array(&b, char_id, t.u32_id, 16);
	state = btf_add_enum(&b, "state", 4, false);
	btf_add_enumerator(&b, "IDLE", 0);
	btf_add_enumerator(&b, "BUSY", 7);
	inner = btf_add_struct(&b, BTF_STRUCT, NULL, 16);
	btf_add_member(&b, "a", s64_id, 0, 0);
	btf_add_member(&b, "b", u8_id, 64, 3);
	btf_add_member(&b, "c", u8_id, 67, 5);
	ptr = btf_add(&b, NULL, BTF_PTR, false, 0, 0);
	t.event = btf_add_struct(&b, BTF_STRUCT, "event", 48);
	btf_add_member(&b, "pid", t.u32_id, 0, 0);
	btf_add_member(&b, "comm", comm, 32, 0);
	btf_add_member(&b, "state", state, 160, 0);
	btf_add_member(&b, NULL, inner, 192, 0);
	btf_add_member(&b, "p", ptr, 320, 0);
	CHECK_EQ(btf_build(&b, NULL, (struct place){0}, &t.btf), 0);
	btf_builder_free(&b);
	return t;
}

static void make_event(u8 *rec)
{
	u32 pid = 4711, state = 7;
	s64 a = -5;
	u64 p = 0xffff0000;

	memset(rec, 0, 48);
	memcpy(rec, &pid, 4);
	memcpy(rec + 4, "a\"b\n", 5);
	memcpy(rec + 20, &state, 4);
	memcpy(rec + 24, &a, 8);
	rec[32] = 5 | 17 << 3;
	memcpy(rec + 40, &p, 8);
}

TEST(value_prints_every_kind)
{
	struct types t = make_types();
	struct str s = {0};
	u8 rec[48];

	make_event(rec);
	value_text(t.btf, t.event, rec, sizeof(rec), &s);
	CHECK_STR(s.p, "{.pid = 4711, .comm = \"a\\\"b\\n\", .state = BUSY, .a = -5, .b = 5, .c = 17, "
		       ".p = 0xffff0000}");
	str_clear(&s);
	value_json(t.btf, t.event, rec, sizeof(rec), &s);
	CHECK_STR(s.p, "{\"pid\": 4711, \"comm\": \"a\\\"b\\n\", \"state\": \"BUSY\", \"a\": -5, \"b\": 5, "
		       "\"c\": 17, \"p\": \"0xffff0000\"}");
	str_free(&s);
	btf_free(t.btf);
}

TEST(value_stays_inside_a_short_record)
{
	struct types t = make_types();
	struct str s = {0};
	u8 rec[48];

	make_event(rec);
	for (u32 n = 0; n <= 48; n++) {
		u8 *exact = malloc(n ? n : 1); /* so that a sanitizer sees the first byte too far */

		memcpy(exact, rec, n);
		str_clear(&s);
		value_text(t.btf, t.event, exact, n, &s);
		CHECK(str_ends(s.p, "}"));
		if (n == 4)
			CHECK_STR(s.p, "{.pid = 4711, .comm = \"\", .state = ?, .a = ?, .b = ?, .c = ?, .p = ?}");
		free(exact);
	}
	str_free(&s);
	btf_free(t.btf);
}

/* Each union holds the one before eight times: 8^20 parts over one byte. */
TEST(value_of_unions_in_unions_ends)
{
	struct btf_builder b = {0};
	u32 type = btf_add_int(&b, "unsigned char", 1, 0);
	struct str out = {0};
	struct btf *btf;
	u8 byte = 1;

	for (u32 level = 0; level < 20; level++) {
		u32 outer = btf_add_struct(&b, BTF_UNION, NULL, 1);

		for (u32 i = 0; i < 8; i++)
			btf_add_member(&b, level % 2 ? "m" : NULL, type, 0, 0);
		type = outer;
	}
	CHECK_EQ(btf_build(&b, NULL, (struct place){0}, &btf), 0);
	value_text(btf, type, &byte, 1, &out);
	CHECK(out.len < 4 << 20);
	str_clear(&out);
	value_json(btf, type, &byte, 1, &out);
	CHECK(out.len < 4 << 20);
	str_free(&out);
	btf_free(btf);
	btf_builder_free(&b);
}

TEST(json_strings_are_valid_utf8)
{
	struct str s = {0};

	json_string(&s, "\xc3\xa4\xff\x01", 4);
	CHECK_STR(s.p, "\"\xc3\xa4\\u00ff\\u0001\"");
	str_free(&s);
}

TEST(table_aligns_columns)
{
	struct types t = make_types();
	struct table table;
	struct str s = {0};
	u8 rec[48];

	make_event(rec);
	CHECK_EQ(table_init(&table, t.btf, t.event), 0);
	table_header(&table, &s);
	table_row(&table, rec, sizeof(rec), &s);
	CHECK_STR(s.p, "PID     COMM             STATE            A              B     C     P\n"
		       "4711    a\\\"b\\n           BUSY             -5             5     17    0xffff0000\n");
	table_free(&table);
	str_free(&s);
	btf_free(t.btf);
}

TEST(hist_draws_powers_of_two)
{
	u64 counts[64] = { 1, 0, 4 };
	struct str s = {0};

	hist_log2(counts, 64, "usecs", &s);
	CHECK_STR(s.p, "     usecs               : count    distribution\n"
		       "         0 -> 1          : 1        |**********                              |\n"
		       "         2 -> 3          : 0        |                                        |\n"
		       "         4 -> 7          : 4        |****************************************|\n");
	str_clear(&s);
	memset(counts, 0, sizeof(counts));
	hist_log2(counts, 64, "usecs", &s);
	CHECK_EQ(s.len, 0);
	str_free(&s);
}

TEST(event_is_found_by_size_when_only_one_has_it)
{
	struct types t = make_types();
	struct obj obj = { .path = "x.o", .btf = t.btf };
	struct obj_map map = { .name = "events" };
	struct event_types et = { .obj = &obj };
	struct event_type found;

	CHECK_EQ(event_type_find(&et, &map, 48, false, &found), 0);
	CHECK_EQ(found.type, t.event);
	CHECK_EQ(event_type_find(&et, &map, 52, true, &found), 0); /* as a perf buffer pads it */
	CHECK_EQ(event_type_find(&et, &map, 52, false, &found), -ENOENT);
	CHECK_EQ(event_types_choose(&et, "events=struct event", NULL), 0);
	CHECK_EQ(event_types_choose(&et, "=x", NULL), -EINVAL);
	CHECK_EQ(event_type_find(&et, &map, 1, false, &found), 0);
	CHECK_EQ(found.size, 48);
	event_types_free(&et);
	btf_free(t.btf);
}
