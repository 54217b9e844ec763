// SPDX-License-Identifier: BSD-2-Clause
/* DWARF of this very program: prototypes, types with cycles, bit-fields, lines. */
#include "btf/dwarf.h"
#include "btf/btf.h"
#include "test.h"
#include <errno.h>

struct dwarf_node { struct dwarf_node *next; int value : 5; unsigned wide : 20; union { long a; char b[3][2]; }; };
enum dwarf_kind { DWARF_LOW = -3, DWARF_HIGH = 7 };
typedef struct dwarf_node dwarf_alias;

__attribute__((noinline)) long dwarf_subject(const dwarf_alias *node, enum dwarf_kind kind, double ratio, ...);
__attribute__((noinline)) long dwarf_subject(const dwarf_alias *node, enum dwarf_kind kind, double ratio, ...)
{
	return node->value + (long)kind + (long)ratio;
}
enum { LINE_OF_RETURN = __LINE__ - 2, LINE_OF_STRUCT = 9 };

static struct btf *own(void)
{
	struct btf *btf = NULL;
	struct diag dg = {0};

	CHECK_EQ(dwarf_functions("/proc/self/exe", NULL, &dg, &btf), 0);
	diag_free(&dg);
	return btf;
}

TEST(a_function_has_its_parameters)
{
	struct dwarf_node n = { .value = 1 };
	struct btf *btf = own();
	u32 id = btf_find(btf, "dwarf_subject", BTF_FUNC);
	const struct btf_type *proto = btf_type(btf, btf_type(btf, id)->type);
	const struct btf_param *p = btf_params(proto);

	CHECK_EQ(dwarf_subject(&n, DWARF_HIGH, 1), 9);
	CHECK(id);
	CHECK_EQ(btf_kind(proto), BTF_FUNC_PROTO);
	CHECK_EQ(btf_vlen(proto), 3);
	CHECK_STR(btf_str(btf, p[0].name_off), "node");
	CHECK_EQ(btf_kind(btf_resolve(btf, p[0].type)), BTF_PTR);
	CHECK_EQ(btf_kind(btf_resolve(btf, p[2].type)), BTF_FLOAT);
	CHECK_EQ(btf_size(btf, proto->type), 8);
	btf_free(btf);
}

TEST(structs_have_every_member_at_its_place)
{
	struct btf *btf = own();
	u32 id = btf_find(btf, "dwarf_node", BTF_STRUCT);
	struct btf_field f;

	CHECK_EQ(btf_size(btf, id), sizeof(struct dwarf_node));
	CHECK(btf_find_field(btf, id, "next", &f));
	CHECK_EQ(btf_resolve(btf, btf_resolve(btf, f.type)->type), btf_type(btf, id));
	CHECK(btf_find_field(btf, id, "wide", &f));
	CHECK_EQ(f.bits, 20);
	CHECK_EQ(f.bit_off, offsetof(struct dwarf_node, next) * 8 + 64 + 5);
	CHECK(btf_find_field(btf, id, "b", &f));
	CHECK_EQ(f.bit_off, offsetof(struct dwarf_node, b) * 8);
	CHECK_EQ(btf_size(btf, f.type), 6);
	btf_free(btf);
}

TEST(enumerators_keep_their_sign)
{
	struct btf *btf = own();
	u64 v = 0;

	CHECK(btf_find_enumerator(btf, btf_find(btf, "dwarf_kind", BTF_ENUM), "DWARF_LOW", &v));
	CHECK_EQ((s64)v, -3);
	btf_free(btf);
}

TEST(a_line_is_found_by_its_file)
{
	struct diag dg = {0};
	u64 addr = 0, whole = 0;

	CHECK_EQ(dwarf_line("/proc/self/exe", NULL, "test_dwarf.c", LINE_OF_RETURN, 0, &dg, &addr), 0);
	CHECK_EQ(dwarf_line("/proc/self/exe", NULL, "btf/test_dwarf.c", LINE_OF_RETURN, 0, &dg, &whole), 0);
	CHECK(addr && addr == whole);
	CHECK_EQ(dwarf_line("/proc/self/exe", NULL, "f.c", LINE_OF_RETURN, 0, &dg, &addr), -ENOENT);
	CHECK_EQ(dwarf_line("/proc/self/exe", NULL, "test_dwarf.c", LINE_OF_STRUCT, 0, &dg, &addr), -ENOENT);
	CHECK(strstr(dg.msgs[dg.n - 1].text, "the next is at line"));
	diag_free(&dg);
}

TEST(what_has_no_dwarf_says_so)
{
	struct btf *btf = NULL;
	struct diag dg = {0};

	CHECK_EQ(dwarf_functions("/dev/null", NULL, &dg, &btf), -ENOENT);
	CHECK_EQ(dwarf_functions("/nonexistent", NULL, &dg, &btf), -ENOENT);
	CHECK_EQ(dg.n_errors, 2);
	diag_free(&dg);
}
