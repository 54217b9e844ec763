/* SPDX-License-Identifier: BSD-2-Clause */
/* test_core.c - CO-RE: rules on small types, and the same answers as the running kernel's. */
#include "abi/uapi.h"
#include "btf/build.h"
#include "btf/core.h"
#include "test.h"
#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

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

static int resolve(const struct btf *local, const struct btf *target, u32 type, const char *spec,
		   u32 kind, struct core_result *out)
{
	struct core *c = core_new(local);
	int err;

	CHECK_EQ(core_want(c, type), 0);
	CHECK_EQ(core_search(c, target), 0);
	err = core_resolve(c, type, spec, kind, NULL, nowhere, out);
	core_free(c);
	return err;
}

/* struct s { int a; union { int x; long y; }; char arr[4]; unsigned f : 3; }, with pads before each. */
static struct btf *make(const char *name, u32 pad, u32 arr_len, const char *member)
{
	struct btf_builder b = {0};
	u32 i = btf_add_int(&b, "int", 4, BTF_INT_SIGNED), l = btf_add_int(&b, "long", 8, BTF_INT_SIGNED);
	u32 u = btf_add_int(&b, "unsigned int", 4, 0), c = btf_add_int(&b, "char", 1, 0);
	u32 arr = btf_add_array(&b, c, i, arr_len), un = btf_add_struct(&b, BTF_UNION, NULL, 8);

	btf_add_member(&b, "x", i, 0, 0);
	btf_add_member(&b, "y", l, 0, 0);
	btf_add_struct(&b, BTF_STRUCT, name, pad + 32);
	btf_add_member(&b, "a", i, pad * 8, 0);
	btf_add_member(&b, NULL, un, (pad + 8) * 8, 0);
	btf_add_member(&b, member, arr, (pad + 16) * 8, 0);
	btf_add_member(&b, "f", u, (pad + 20) * 8 + 2, 3);
	return build(&b);
}

enum { S = 7 }; /* its type id */

TEST(essential_names)
{
	CHECK_EQ(core_essential_len("task_struct"), 11);
	CHECK_EQ(core_essential_len("task_struct___old"), 11);
	CHECK_EQ(core_essential_len("a___b___c"), 5);
	CHECK_EQ(core_essential_len("a____b"), 6);
	CHECK_EQ(core_essential_len("___b"), 4);
	CHECK_EQ(core_essential_len(""), 0);
}

TEST(offsets_move_with_the_target)
{
	struct btf *local = make("s___mine", 0, 4, "arr"), *target = make("s", 40, 8, "arr");
	struct core_result r;

	CHECK_EQ(resolve(local, target, S, "0:0", CORE_FIELD_BYTE_OFFSET, &r), 0);
	CHECK_EQ(r.orig, 0);
	CHECK_EQ(r.value, 40);
	CHECK(!r.poison && r.validate);
	/* Through the nameless union. */
	CHECK_EQ(resolve(local, target, S, "0:1:1", CORE_FIELD_BYTE_OFFSET, &r), 0);
	CHECK_EQ(r.value, 48);
	CHECK_EQ(r.new_size, 8);
	CHECK_EQ(resolve(local, target, S, "0:2:3", CORE_FIELD_BYTE_OFFSET, &r), 0);
	CHECK_EQ(r.value, 59);
	/* The second struct of an array of them. */
	CHECK_EQ(resolve(local, target, S, "1:0", CORE_FIELD_BYTE_OFFSET, &r), 0);
	CHECK_EQ(r.orig, 32);
	CHECK_EQ(r.value, 112);
	btf_free(local);
	btf_free(target);
}

TEST(bitfields)
{
	struct btf *local = make("s", 0, 4, "arr"), *target = make("s", 4, 4, "arr");
	struct core_result r;

	CHECK_EQ(resolve(local, target, S, "0:3", CORE_FIELD_BYTE_OFFSET, &r), 0);
	CHECK_EQ(r.value, 24);
	CHECK(!r.validate);
	CHECK_EQ(resolve(local, target, S, "0:3", CORE_FIELD_BYTE_SIZE, &r), 0);
	CHECK_EQ(r.value, 4);
	CHECK_EQ(resolve(local, target, S, "0:3", CORE_FIELD_LSHIFT_U64, &r), 0);
	CHECK_EQ(r.value, 59);
	CHECK_EQ(resolve(local, target, S, "0:3", CORE_FIELD_RSHIFT_U64, &r), 0);
	CHECK_EQ(r.value, 61);
	CHECK_EQ(resolve(local, target, S, "0:3", CORE_FIELD_SIGNED, &r), 0);
	CHECK_EQ(r.value, 0);
	btf_free(local);
	btf_free(target);
}

TEST(what_is_not_there)
{
	struct btf *local = make("s", 0, 4, "arr"), *target = make("s", 0, 4, "other");
	struct btf *none = make("t", 0, 4, "arr");
	struct core_result r;

	CHECK_EQ(resolve(local, target, S, "0:2:0", CORE_FIELD_EXISTS, &r), 0);
	CHECK_EQ(r.value, 0);
	CHECK(!r.poison);
	CHECK_EQ(resolve(local, target, S, "0:2:0", CORE_FIELD_BYTE_OFFSET, &r), 0);
	CHECK(r.poison);
	CHECK_EQ(resolve(local, none, S, "0", CORE_TYPE_EXISTS, &r), 0);
	CHECK_EQ(r.value, 0);
	CHECK_EQ(resolve(local, none, S, "0", CORE_TYPE_SIZE, &r), 0);
	CHECK_EQ(r.value, 0);
	CHECK_EQ(resolve(local, target, S, "0", CORE_TYPE_MATCHES, &r), 0);
	CHECK_EQ(r.value, 0);
	CHECK_EQ(resolve(local, local, S, "0", CORE_TYPE_MATCHES, &r), 0);
	CHECK_EQ(r.value, 1);
	btf_free(local);
	btf_free(target);
	btf_free(none);
}

TEST(paths_that_are_none)
{
	struct btf *local = make("s", 0, 4, "arr");
	struct core_result r;

	CHECK_EQ(resolve(local, local, S, "", CORE_FIELD_EXISTS, &r), -EINVAL);
	CHECK_EQ(resolve(local, local, S, ":0", CORE_FIELD_EXISTS, &r), -EINVAL);
	CHECK_EQ(resolve(local, local, S, "0:9", CORE_FIELD_EXISTS, &r), -EINVAL);
	CHECK_EQ(resolve(local, local, S, "0:0:0", CORE_FIELD_EXISTS, &r), -EINVAL);
	CHECK_EQ(resolve(local, local, S, "0:2:4", CORE_FIELD_EXISTS, &r), -EINVAL);
	CHECK_EQ(resolve(local, local, S, "0:x", CORE_FIELD_EXISTS, &r), -EINVAL);
	CHECK_EQ(resolve(local, local, S, "0:0", CORE_KIND_END, &r), -EINVAL);
	CHECK_EQ(resolve(local, local, S, "0:0", CORE_TYPE_EXISTS, &r), -EINVAL);
	btf_free(local);
}

/* Two types of that name in the target: they must agree. */
TEST(candidates_that_disagree)
{
	struct btf *local = make("s", 0, 4, "arr");
	struct btf_builder b = {0};
	struct core_result r;
	struct btf *target;
	u32 i = btf_add_int(&b, "int", 4, BTF_INT_SIGNED);

	btf_add_struct(&b, BTF_STRUCT, "s", 8);
	btf_add_member(&b, "a", i, 0, 0);
	btf_add_struct(&b, BTF_STRUCT, "s___2", 8);
	btf_add_member(&b, "a", i, 32, 0);
	target = build(&b);
	CHECK_EQ(resolve(local, target, S, "0:0", CORE_FIELD_BYTE_OFFSET, &r), -EINVAL);
	btf_free(target);
	btf_free(local);
}

TEST(insns_are_patched)
{
	struct core_result r = { .orig = 8, .value = 24, .validate = true, .orig_size = 8,
				 .new_size = 4 };
	struct insn load = { .code = CLS_LDX | MODE_MEM | SZ_DW, .dst = 1, .src = 2, .off = 8 };
	struct insn mov = { .code = CLS_ALU64 | ALU_MOV | SRC_K, .imm = 8 };
	struct insn wide[2] = { { .code = CLS_LD | MODE_IMM | SZ_DW, .imm = 8 } };
	struct insn jump = { .code = CLS_JMP | JMP_JA };
	struct insn wrong = { .code = CLS_ALU64 | ALU_MOV | SRC_K, .imm = 7 };

	CHECK_EQ(core_patch_insn(&load, 1, 0, &r, NULL, nowhere), 0);
	CHECK_EQ(load.off, 24);
	CHECK_EQ(load.code, CLS_LDX | MODE_MEM | SZ_W);
	CHECK_EQ(core_patch_insn(&mov, 1, 0, &r, NULL, nowhere), 0);
	CHECK_EQ(mov.imm, 24);
	r.value = 1ul << 40;
	CHECK_EQ(core_patch_insn(wide, 2, 0, &r, NULL, nowhere), 0);
	CHECK_EQ(insn_imm64(wide), 1ul << 40);
	CHECK_EQ(core_patch_insn(wide, 1, 0, &r, NULL, nowhere), -EINVAL);
	CHECK_EQ(core_patch_insn(&jump, 1, 0, &r, NULL, nowhere), -EINVAL);
	CHECK_EQ(core_patch_insn(&wrong, 1, 0, &r, NULL, nowhere), -EINVAL);
	CHECK_EQ(core_patch_insn(&mov, 1, 1, &r, NULL, nowhere), -EINVAL);
	r.poison = true;
	CHECK_EQ(core_patch_insn(wide, 2, 0, &r, NULL, nowhere), 0);
	CHECK(insn_is_call(&wide[0]) && insn_is_call(&wide[1]));
	CHECK_EQ(wide[0].imm, CORE_POISON);
}

TEST(what_it_is_about)
{
	struct btf *local = make("s", 0, 4, "arr");
	struct str s = {0};

	core_describe(local, S, "0:1:1", CORE_FIELD_BYTE_OFFSET, &s);
	CHECK_STR(str_text(&s), "byte_off struct s.y");
	str_clear(&s);
	core_describe(local, S, "0:2:3", CORE_FIELD_EXISTS, &s);
	CHECK_STR(str_text(&s), "field_exists struct s.arr[3]");
	str_free(&s);
	btf_free(local);
}

/* ---- the running kernel relocates too: the same insn must come out ---- */

struct kernel_reloc {
	u32 insn_off, type_id, spec_off, kind;
};

/* r0 = orig, relocated by the kernel; exit.  The program's result, or a negative errno. */
static s64 kernel_value(int btf_fd, u32 func, u32 spec_off, u32 type, u32 kind, s32 orig)
{
	struct insn insns[] = { { .code = CLS_ALU64 | ALU_MOV | SRC_K, .imm = orig },
				{ .code = CLS_JMP | JMP_EXIT } };
	struct kernel_reloc reloc = { 0, type, spec_off, kind };
	u32 func_info[2] = { 0, func };
	u8 packet[64] = {0};
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_SOCKET_FILTER,
		.insns = (u64)(uintptr_t)insns, .insn_cnt = 2,
		.license = (u64)(uintptr_t)"GPL", .prog_btf_fd = btf_fd,
		.func_info = (u64)(uintptr_t)func_info, .func_info_cnt = 1,
		.func_info_rec_size = sizeof(func_info),
		.core_relos = (u64)(uintptr_t)&reloc, .core_relo_cnt = 1,
		.core_relo_rec_size = sizeof(reloc),
	};
	int fd = syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));
	s64 value;

	if (fd < 0)
		return -errno;
	memset(&attr, 0, sizeof(attr));
	attr.test.prog_fd = fd;
	attr.test.data_in = (u64)(uintptr_t)packet;
	attr.test.data_size_in = sizeof(packet);
	value = syscall(SYS_bpf, BPF_PROG_TEST_RUN, &attr, sizeof(attr)) ? -errno
									 : (s64)attr.test.retval;
	close(fd);
	return value;
}

TEST(same_as_the_kernel)
{
	static const char *const paths[] = { "0:0", "0:1", "0:2", "0:3", "0:4" };
	static const char *const structs[] = { "task_struct", "sk_buff", "file", "cred", "no_such" };
	struct btf_builder b = {0};
	struct diag dg = {0};
	struct btf *vmlinux, *local;
	union bpf_attr attr = {0};
	u32 i, func, first, size, compared = 0, zero;
	u32 path_off[ARRAY_SIZE(paths)];
	int btf_fd;

	if (btf_load_kernel(&dg, &vmlinux)) {
		diag_free(&dg);
		SKIP("the kernel has no BTF");
	}
	i = btf_add_int(&b, "int", 4, BTF_INT_SIGNED);
	func = btf_add(&b, "f", BTF_FUNC, false, BTF_GLOBAL, btf_add_proto(&b, i));
	first = func + 1;
	for (u32 s = 0; s < ARRAY_SIZE(structs); s++) {
		char name[64];

		snprintf(name, sizeof(name), "%s___test", structs[s]);
		btf_add_struct(&b, BTF_STRUCT, name, 64);
		btf_add_member(&b, "pid", i, 0, 0);
		btf_add_member(&b, "uid", i, 32, 0);
		btf_add_member(&b, "len", i, 64, 0);
		btf_add_member(&b, "no_such_member", i, 96, 0);
		btf_add_member(&b, "f_flags", i, 128, 0);
	}
	zero = btf_add_str(&b, "0");
	for (u32 p = 0; p < ARRAY_SIZE(paths); p++)
		path_off[p] = btf_add_str(&b, paths[p]);
	local = build(&b);
	attr.btf = (u64)(uintptr_t)btf_raw(local, &size);
	attr.btf_size = size;
	btf_fd = syscall(SYS_bpf, BPF_BTF_LOAD, &attr, sizeof(attr));
	if (btf_fd < 0) {
		btf_free(local);
		btf_free(vmlinux);
		SKIP("needs bpf(2)");
	}
	for (u32 n = 0; n < ARRAY_SIZE(structs) * ARRAY_SIZE(paths) * CORE_KIND_END; n++) {
		u32 kind = n % CORE_KIND_END, rest = n / CORE_KIND_END;
		u32 p = rest % ARRAY_SIZE(paths), type = first + rest / ARRAY_SIZE(paths);
		bool is_type = kind >= CORE_TYPE_ID_LOCAL && kind != CORE_ENUMVAL_EXISTS &&
			       kind != CORE_ENUMVAL_VALUE;
		struct core_result r;
		s64 theirs;

		if (kind == CORE_ENUMVAL_EXISTS || kind == CORE_ENUMVAL_VALUE || (is_type && p))
			continue;
		CHECK_EQ(resolve(local, vmlinux, type, is_type ? "0" : paths[p], kind, &r), 0);
		theirs = kernel_value(btf_fd, func, is_type ? zero : path_off[p], type, kind,
				      (s32)r.orig);
		if (r.poison ? theirs >= 0 : theirs != (s64)(u32)r.value)
			fail_msg("%s %s of %s: ours is %s%lu, the kernel's %ld", core_kind_text(kind),
				 paths[p], btf_name(local, type), r.poison ? "poison, " : "", r.value,
				 theirs);
		compared++;
	}
	CHECK(compared > 100);
	close(btf_fd);
	btf_free(local);
	btf_free(vmlinux);
}
