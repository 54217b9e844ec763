/* SPDX-License-Identifier: BSD-2-Clause */
/* abi/uapi.h against the running kernel's own BTF: numbers, offsets and sizes. */
#include "test.h"
#include "abi/uapi.h"
#include "btf/btf.h"
#include <errno.h>

static struct btf *kernel;

static bool kernel_btf(void)
{
	return kernel || !btf_load_kernel(NULL, &kernel);
}

static u32 known, unknown;

static void number(const char *name, u64 value)
{
	static const char *const enums[] = {
		"bpf_cmd", "bpf_map_type", "bpf_prog_type", "bpf_attach_type", "bpf_link_type",
	};
	u64 here;

	for (u32 i = 0; i < ARRAY_SIZE(enums); i++) {
		u32 id = btf_find(kernel, enums[i], BTF_ENUM);

		if (id && btf_find_enumerator(kernel, id, name, &here)) {
			CHECK_EQ(here, value);
			known++;
			return;
		}
	}
	unknown++;
}

TEST(numbers_are_the_kernels)
{
	if (!kernel_btf())
		SKIP("this kernel has no BTF");
#define CMD(name, value) number("BPF_" #name, value);
#include "abi/cmd.def"
#undef CMD
#define MAP_TYPE(name, value, text) number("BPF_MAP_TYPE_" #name, value);
#include "abi/map_type.def"
#undef MAP_TYPE
#define PROG_TYPE(name, value, text) number("BPF_PROG_TYPE_" #name, value);
#include "abi/prog_type.def"
#undef PROG_TYPE
#define ATTACH_TYPE(name, value, text) number("BPF_" #name, value);
#include "abi/attach_type.def"
#undef ATTACH_TYPE
#define LINK_TYPE(name, value, text) number("BPF_LINK_TYPE_" #name, value);
#include "abi/link_type.def"
#undef LINK_TYPE
	/* An older kernel lacks the newest, a newer one lacks none. */
	CHECK(known > 100);
	CHECK(unknown < 40);
}

/* Fields of unnamed parts are found by their own names; parts that have a name by the part's. */
static void field(const char *type, const char *name, u32 offset)
{
	u32 id =
		btf_find(kernel, type, btf_find(kernel, type, BTF_STRUCT) ? BTF_STRUCT : BTF_UNION);
	struct btf_field f;

	CHECK(id);
	if (btf_find_field(kernel, id, name, &f))
		CHECK_EQ(f.bit_off, offset * 8);
}

#define ATTR(name) field("bpf_attr", #name, offsetof(union bpf_attr, name))
#define PROG(name) field("bpf_prog_info", #name, offsetof(struct bpf_prog_info, name))
#define MAP(name) field("bpf_map_info", #name, offsetof(struct bpf_map_info, name))

TEST(offsets_are_the_kernels)
{
	if (!kernel_btf())
		SKIP("this kernel has no BTF");
	ATTR(map_name), ATTR(btf_vmlinux_value_type_id), ATTR(map_extra), ATTR(map_token_fd);
	ATTR(value), ATTR(insns), ATTR(log_buf), ATTR(prog_name), ATTR(expected_attach_type);
	ATTR(func_info), ATTR(line_info_cnt), ATTR(attach_btf_id), ATTR(attach_prog_fd);
	ATTR(fd_array), ATTR(core_relos), ATTR(log_true_size), ATTR(prog_token_fd);
	ATTR(fd_array_cnt), ATTR(pathname), ATTR(path_fd), ATTR(btf_size), ATTR(btf_token_fd);
	PROG(xlated_prog_insns), PROG(name), PROG(netns_dev), PROG(btf_id), PROG(line_info);
	PROG(run_cnt), PROG(recursion_misses), PROG(verified_insns), PROG(attach_btf_id);
	MAP(name), MAP(netns_dev), MAP(btf_id), MAP(btf_value_type_id), MAP(map_extra);
}

TEST(structs_are_not_longer_than_the_newest_known)
{
	if (!kernel_btf())
		SKIP("this kernel has no BTF");

	s64 here = btf_size(kernel, btf_find(kernel, "bpf_attr", BTF_UNION));

	/* 6.18 has 168 bytes; where this kernel is that old or older ours is no shorter. */
	CHECK(here > 100);
	if (here <= 168)
		CHECK(sizeof(union bpf_attr) >= (size_t)here);
}
