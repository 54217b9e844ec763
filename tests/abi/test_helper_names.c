/* SPDX-License-Identifier: BSD-2-Clause */
/* abi: helper names and ids are those of the system's <linux/bpf.h>, as far as it goes. */
#include "abi/helper.h"
#include "test.h"

#if __has_include(<linux/bpf.h>)
#include <linux/bpf.h>
#endif

TEST(names_and_ids_are_those_of_the_header)
{
#ifdef __BPF_FUNC_MAPPER
	static const char *const names[] = {
#ifdef ___BPF_FUNC_MAPPER /* headers since 6.2 have no commas of their own */
#define NAME(name, ...) #name,
#else
#define NAME(name) #name
#endif
		__BPF_FUNC_MAPPER(NAME)
#undef NAME
	};

	for (u32 id = 1; id < ARRAY_SIZE(names) && id < HELPER_ID_MAX; id++) {
		CHECK_STR(helper_proto(id)->name, names[id]);
		CHECK_EQ(helper_id_by_name(names[id]), id);
	}
#else
	SKIP("needs <linux/bpf.h>");
#endif
}

TEST(unknown_ids_and_names_are_none)
{
	CHECK(!helper_proto(0));
	CHECK(!helper_proto(HELPER_ID_MAX));
	CHECK(!helper_proto(~0u));
	CHECK_EQ(HELPER_ID_MAX, 212);
	CHECK_EQ(helper_id_by_name("bpf_map_lookup_elem"), 1);
	CHECK_EQ(helper_id_by_name("map_lookup"), 0);
	CHECK_EQ(helper_id_by_name("map_lookup_elem2"), 0);
	CHECK_EQ(helper_id_by_name(""), 0);
	CHECK_EQ(helper_id_by_name("bpf_"), 0);
}

TEST(every_line_is_whole)
{
	for (u32 id = 1; id < HELPER_ID_MAX; id++) {
		const struct helper_proto *p = helper_proto(id);

		CHECK_EQ(p->id, id);
		for (u32 i = 0; i < 5; i++) {
			u32 next = i < 4 ? ARG_KIND(p->arg[i + 1]) : ARG_NONE;
			bool sized = next == ARG_SIZE || next == ARG_SIZE0;

			/* arguments stand without gaps, memory knows its size */
			CHECK(p->arg[i] != ARG_NONE || next == ARG_NONE);
			if (ARG_KIND(p->arg[i]) == ARG_MEM)
				CHECK(p->arg[i] & ARG_FIXED_SIZE ? ARG_BYTES(p->arg[i]) > 0 : sized);
		}
	}
}
