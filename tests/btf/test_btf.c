/* SPDX-License-Identifier: BSD-2-Clause */
/* test_btf.c - BTF built by hand: read back, asked, printed, refused where it is broken. */
#include "btf/btf.h"
#include "btf/build.h"
#include "btf/print.h"
#include "test.h"
#include <byteswap.h>
#include <errno.h>

static const struct place nowhere = { .sect = ".BTF" };

static struct btf *build(struct btf_builder *b)
{
	struct btf *btf = NULL;
	struct diag dg = {0};

	if (btf_build(b, &dg, nowhere, &btf))
		fail_msg("%s", dg.n ? dg.msgs[0].text : "no message");
	btf_builder_free(b);
	return btf;
}

/* Expects btf_build() to refuse it with a message that holds text. */
static void check_refused(struct btf_builder *b, const char *text)
{
	struct btf *btf = NULL;
	struct diag dg = {0};

	CHECK_EQ(btf_build(b, &dg, nowhere, &btf), -EINVAL);
	CHECK(btf == NULL);
	CHECK_EQ(dg.n, 1);
	if (!strstr(dg.msgs[0].text, text))
		fail_msg("'%s' does not hold '%s'", dg.msgs[0].text, text);
	diag_free(&dg);
	btf_builder_free(b);
}

static void check_c(const struct btf *btf, u32 id, const char *name, const char *expected)
{
	struct str s = {0};

	btf_print_decl(btf, id, name, &s);
	CHECK_STR(str_text(&s), expected);
	str_free(&s);
}

TEST(ids_and_names)
{
	struct btf_builder b = {0};
	u32 i = btf_add_int(&b, "int", 4, BTF_INT_SIGNED);
	u32 t = btf_add(&b, "pid_t", BTF_TYPEDEF, false, 0, i);
	u32 c = btf_add(&b, NULL, BTF_CONST, false, 0, t);
	struct btf *btf = build(&b);

	CHECK_EQ(i, 1);
	CHECK_EQ(btf_n_types(btf), 4);
	CHECK_STR(btf_name(btf, t), "pid_t");
	CHECK_EQ(btf_skip(btf, c), i);
	CHECK_EQ(btf_size(btf, c), 4);
	CHECK_EQ(btf_find(btf, "pid_t", BTF_TYPEDEF), t);
	CHECK_EQ(btf_find(btf, "pid_t", BTF_STRUCT), 0);
	CHECK_EQ(btf_find(btf, "int", 0), i);
	/* Out of range reads as void and "". */
	CHECK_EQ(btf_kind(btf_type(btf, 99)), BTF_VOID);
	CHECK_STR(btf_name(btf, 99), "");
	CHECK_STR(btf_str(btf, ~0u), "");
	CHECK_EQ(btf_size(btf, 0), -EINVAL);
	btf_free(btf);
}

TEST(members_bitfields_and_anonymous_members)
{
	struct btf_builder b = {0};
	u32 i = btf_add_int(&b, "int", 4, BTF_INT_SIGNED);
	u32 u = btf_add_struct(&b, BTF_UNION, NULL, 4);
	u32 s;
	struct btf_field f;
	struct btf *btf;

	btf_add_member(&b, "x", i, 0, 0);
	s = btf_add_struct(&b, BTF_STRUCT, "s", 12);
	btf_add_member(&b, "a", i, 0, 0);
	btf_add_member(&b, NULL, u, 32, 0);
	btf_add_member(&b, "bits", i, 67, 5);
	btf = build(&b);
	CHECK(btf_find_field(btf, s, "x", &f));
	CHECK_EQ(f.bit_off, 32);
	CHECK_EQ(f.bits, 0);
	CHECK(btf_find_field(btf, s, "bits", &f));
	CHECK_EQ(f.bit_off, 67);
	CHECK_EQ(f.bits, 5);
	CHECK(!btf_find_field(btf, s, "y", &f));
	CHECK_EQ(btf_align(btf, s), 4);
	btf_free(btf);
}

TEST(enums_of_32_and_64_bits)
{
	struct btf_builder b = {0};
	u32 e = btf_add_enum(&b, "e", 4, true), w;
	struct btf *btf;
	u64 v;

	btf_add_enumerator(&b, "MINUS", (u64)-1);
	w = btf_add_enum64(&b, "w", false);
	btf_add_enumerator(&b, "BIG", 1ul << 40);
	btf = build(&b);
	CHECK(btf_find_enumerator(btf, e, "MINUS", &v));
	CHECK_EQ(v, -1);
	CHECK(btf_find_enumerator(btf, w, "BIG", &v));
	CHECK_EQ(v, 1l << 40);
	CHECK(!btf_find_enumerator(btf, w, "SMALL", &v));
	btf_free(btf);
}

TEST(declarators)
{
	struct btf_builder b = {0};
	u32 i = btf_add_int(&b, "int", 4, BTF_INT_SIGNED);
	u32 ci = btf_add(&b, NULL, BTF_CONST, false, 0, i);
	u32 arr = btf_add_array(&b, ci, i, 4);
	u32 parr = btf_add(&b, NULL, BTF_PTR, false, 0, arr);
	u32 proto, fp, afp, cp;
	struct btf *btf;

	proto = btf_add_proto(&b, i);
	btf_add_param(&b, "a", parr);
	btf_add_param(&b, NULL, 0);
	fp = btf_add(&b, NULL, BTF_PTR, false, 0, proto);
	afp = btf_add_array(&b, fp, i, 2);
	cp = btf_add(&b, NULL, BTF_CONST, false, 0, btf_add(&b, NULL, BTF_PTR, false, 0, ci));
	btf = build(&b);
	check_c(btf, arr, "x", "const int x[4]");
	check_c(btf, parr, "x", "const int (*x)[4]");
	check_c(btf, afp, "x", "int (*x[2])(const int (*a)[4], ...)");
	check_c(btf, cp, "x", "const int *const x");
	check_c(btf, cp, "", "const int *const");
	check_c(btf, 0, "", "void");
	btf_free(btf);
}

TEST(printed_structs_keep_their_layout)
{
	struct btf_builder b = {0};
	u32 c = btf_add_int(&b, "char", 1, 0), l = btf_add_int(&b, "long", 8, BTF_INT_SIGNED);
	struct str s = {0};
	struct btf *btf;
	u32 gap, packed;

	gap = btf_add_struct(&b, BTF_STRUCT, "gap", 24);
	btf_add_member(&b, "a", c, 0, 0);
	btf_add_member(&b, "b", c, 32, 0);
	btf_add_member(&b, "n", l, 64, 0);
	packed = btf_add_struct(&b, BTF_STRUCT, "packed", 9);
	btf_add_member(&b, "a", c, 0, 0);
	btf_add_member(&b, "n", l, 8, 0);
	btf = build(&b);
	btf_print_def(btf, gap, &s);
	CHECK_STR(str_text(&s), "struct gap {\n\tchar a;\n\tchar: 8;\n\tshort: 16;\n\tchar b;\n\tlong n;\n"
				"\tlong: 64;\n}");
	str_clear(&s);
	btf_print_def(btf, packed, &s);
	CHECK_STR(str_text(&s), "struct packed {\n\tchar a;\n\tlong n;\n} __attribute__((packed))");
	str_free(&s);
	btf_free(btf);
}

TEST(c_in_an_order_that_compiles)
{
	struct btf_builder b = {0};
	u32 node = btf_add_struct(&b, BTF_STRUCT, "node", 16);
	struct str s = {0};
	struct btf *btf;

	/* struct node { list_t list; }, where list_t and struct item follow it. */
	btf_add_member(&b, "list", 4, 0, 0);
	btf_add_member(&b, "self", 2, 64, 0);
	CHECK_EQ(btf_add(&b, NULL, BTF_PTR, false, 0, node), 2);
	CHECK_EQ(btf_add_struct(&b, BTF_STRUCT, "item", 8), 3);
	btf_add_member(&b, "up", 2, 0, 0);
	CHECK_EQ(btf_add(&b, "list_t", BTF_TYPEDEF, false, 0, 3), 4);
	btf_add_struct(&b, BTF_STRUCT, "item", 0);
	btf = build(&b);
	CHECK_EQ(btf_print_c(btf, &s), 0);
	CHECK_STR(str_text(&s), "struct node;\n\nstruct item {\n\tstruct node *up;\n};\n\n"
				"typedef struct item list_t;\n\n"
				"struct node {\n\tlist_t list;\n\tstruct node *self;\n};\n\n"
				"struct item___2 {\n};\n\n");
	str_free(&s);
	btf_free(btf);
}

TEST(split_btf_goes_on_where_its_base_ends)
{
	struct btf_builder b = {0}, m = {0};
	u32 i = btf_add_int(&b, "int", 4, BTF_INT_SIGNED), s;
	struct btf *base = build(&b), *btf;

	m.base = base;
	s = btf_add_struct(&m, BTF_STRUCT, "of_module", 4);
	btf_add_member(&m, "x", i, 0, 0);
	btf = build(&m);
	CHECK_EQ(s, 2);
	CHECK_EQ(btf_first_id(btf), 2);
	CHECK_EQ(btf_find(btf, "int", BTF_INT), 1);
	CHECK_EQ(btf_find_own(btf, "int", BTF_INT), 0);
	CHECK_EQ(btf_find(btf, "of_module", 0), 2);
	CHECK_STR(btf_name(btf, 1), "int");
	btf_free(btf);
	btf_free(base);
}

TEST(other_byte_order)
{
	struct btf_builder b = {0};
	u32 i = btf_add_int(&b, "int", 4, BTF_INT_SIGNED), size;
	struct btf *btf, *again;
	u8 *raw;

	btf_add_array(&b, i, i, 7);
	btf = build(&b);
	btf_raw(btf, &size);
	raw = btf_raw_copy(btf, true);
	CHECK_EQ(*(u16 *)raw, bswap_16(0xeb9f));
	CHECK_EQ(btf_parse(raw, size, NULL, 0, NULL, nowhere, &again), 0);
	CHECK(btf_swapped(again));
	CHECK_EQ(btf_array(btf_type(again, 2))->n, 7);
	free(raw);
	btf_free(again);
	btf_free(btf);
}

TEST(many_names_in_one_scan)
{
	struct btf_builder b = {0};
	struct btf_query q[3] = { { "name77", BTF_STRUCT, 0 }, { "nothing", 0, 0 }, { "n", 0, 0 } };
	struct btf *btf;
	char name[16];

	for (u32 i = 1; i <= 100; i++) {
		snprintf(name, sizeof(name), "name%u", i);
		btf_add_struct(&b, BTF_STRUCT, name, 0);
	}
	btf_add_struct(&b, BTF_UNION, "n", 0);
	btf = build(&b);
	btf_find_all(btf, q, 3);
	CHECK_EQ(q[0].id, 77);
	CHECK_EQ(q[1].id, 0);
	CHECK_EQ(q[2].id, 101);
	btf_free(btf);
}

TEST(refuses_what_contains_itself)
{
	struct btf_builder b = {0};

	btf_add_struct(&b, BTF_STRUCT, "s", 8);
	btf_add_member(&b, "a", 2, 0, 0);
	btf_add(&b, "t", BTF_TYPEDEF, false, 0, 1);
	check_refused(&b, "it contains itself");
	btf_add(&b, NULL, BTF_PTR, false, 0, 2);
	btf_add(&b, NULL, BTF_CONST, false, 0, 1);
	check_refused(&b, "it contains itself");
	btf_add_array(&b, 1, 1, 1);
	check_refused(&b, "it contains itself");
}

TEST(accepts_structs_that_point_to_themselves)
{
	struct btf_builder b = {0};

	btf_add_struct(&b, BTF_STRUCT, "s", 8);
	btf_add_member(&b, "next", 2, 0, 0);
	btf_add(&b, NULL, BTF_PTR, false, 0, 1);
	btf_free(build(&b));
}

TEST(refuses_types_nested_too_deep)
{
	struct btf_builder b = {0};

	btf_add_int(&b, "int", 4, 0);
	for (u32 i = 1; i < 400; i++)
		btf_add(&b, NULL, BTF_CONST, false, 0, i);
	check_refused(&b, "too deep");
}

TEST(refuses_references_out_of_range)
{
	struct btf_builder b = {0};

	btf_add(&b, NULL, BTF_PTR, false, 0, 5);
	check_refused(&b, "its type is out of range");
	btf_add(&b, NULL, BTF_INT, false, 0, 4);
	btf_add_words(&b, (u32[]){ 99 }, 1);
	check_refused(&b, "more bits than its size holds");
	btf_add(&b, "f", BTF_FUNC, false, 0, 0);
	check_refused(&b, "its type is no func_proto");
	btf_add(&b, NULL, 20, false, 0, 0);
	check_refused(&b, "unknown kind 20");
}

TEST(refuses_broken_headers)
{
	static const u8 short_one[8] = { 0x9f, 0xeb, 1 };
	u8 raw[26] = { 0x9f, 0xeb, 1, 0, 24 };
	struct btf *btf;

	CHECK_EQ(btf_parse(short_one, sizeof(short_one), NULL, 0, NULL, nowhere, &btf), -EINVAL);
	raw[20] = 1;
	CHECK_EQ(btf_parse(raw, sizeof(raw), NULL, 0, NULL, nowhere, &btf), 0);
	btf_free(btf);
	raw[2] = 2;
	CHECK_EQ(btf_parse(raw, sizeof(raw), NULL, 0, NULL, nowhere, &btf), -EINVAL);
	raw[2] = 1;
	raw[20] = 3;
	CHECK_EQ(btf_parse(raw, sizeof(raw), NULL, 0, NULL, nowhere, &btf), -EINVAL);
}

TEST(the_kernels_own)
{
	struct diag dg = {0};
	struct btf *btf;
	u32 task;
	struct btf_field f;

	if (btf_load_kernel(&dg, &btf)) {
		diag_free(&dg);
		SKIP("the kernel has no BTF");
	}
	task = btf_find(btf, "task_struct", BTF_STRUCT);
	CHECK(task != 0);
	CHECK(btf_find_field(btf, task, "pid", &f));
	CHECK_STR(btf_name(btf, f.type), "pid_t");
	CHECK(btf_size(btf, task) > 1000);
	btf_free(btf);
}
