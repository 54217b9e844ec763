/* SPDX-License-Identifier: BSD-2-Clause */
/* gen: modules with maps, calls, callbacks and probe reads load in the kernel and in the user engine. */
#include "../insn/kernel.h"
#include "engine/kernel/kernel.h"
#include "gen/gen.h"
#include "ir/pass.h"
#include "load/load.h"
#include "test.h"

/* From text to a loaded program; the kernel must take it. */
static void load_text(const char *text, struct obj **obj, struct load **load, struct engine **e)
{
	struct mod *m = NULL;
	struct diag dg = {0};
	struct load_opts opts = { .no_pinning = true };

	if (mod_read(text, "text", &dg, &m) || mod_check(m, &dg) || mod_optimize(m, NULL, &dg) ||
	    mod_check(m, &dg) || gen_obj(m, NULL, &dg, obj))
		fail_msg("%s", dg.n ? dg.msgs[0].text : "?");
	mod_free(m);
	CHECK_EQ(engine_kernel_open(&dg, e), 0);
	if (load_open(*obj, *e, &opts, &dg, load) || load_run(*load, &dg)) {
		struct str all = {0};

		for (u32 i = 0; i < dg.n; i++)
			str_addf(&all, "%s\n", dg.msgs[i].text);
		fail_msg("%s", str_text(&all));
	}
	diag_free(&dg);
}

static s64 run(const char *text)
{
	struct obj *o = NULL;
	struct load *l = NULL;
	struct engine *e = NULL;
	u8 packet[64] = {0};
	s64 ret;

	load_text(text, &o, &l, &e);
	ret = kernel_test_run(load_prog(l, 0)->fd, packet, sizeof(packet));
	load_close(l);
	e->ops->free(e);
	obj_free(o);
	return ret;
}

TEST(a_map_counts)
{
	if (!kernel_is_usable())
		SKIP("needs bpf(2)");
	CHECK_EQ(run("map @counts type 2 key 4 value 8 max 1 flags 0\n"
		     "fn @main prog \"socket\" (ptr.ctx %0) i64 {\n"
		     "b0:\n"
		     "	%1 = alloca.ptr.stack 4 align 4\n"
		     "	%2 = const.i32 0\n"
		     "	store %2, %1, 0\n"
		     "	%3 = map.ptr.map @counts\n"
		     "	%4 = helper.ptr.value map_lookup_elem %3, %1\n"
		     "	%6 = const.i64 0\n"
		     "	%5 = inttoptr.ptr %6\n"
		     "	%7 = ne.i1 %4, %5\n"
		     "	br %7, b1, b2\n"
		     "b1:\n"
		     "	%8 = load.i64 %4, 0\n"
		     "	%9 = const.i64 41\n"
		     "	%10 = add.i64 %8, %9\n"
		     "	store %10, %4, 0\n"
		     "	%11 = const.i64 1\n"
		     "	atomic 0 %11, %4, 0\n"
		     "	%12 = load.i64 %4, 0\n"
		     "	ret %12\n"
		     "b2:\n"
		     "	%13 = const.i64 0\n"
		     "	ret %13\n"
		     "}\n"),
		 42);
}

TEST(functions_are_called)
{
	if (!kernel_is_usable())
		SKIP("needs bpf(2)");
	CHECK_EQ(run("fn @twice subprog (i64 %0, i64 %1) i64 {\n"
		     "b0:\n"
		     "	%2 = add.i64 %0, %1\n"
		     "	%3 = helper.i64 get_prandom_u32\n"
		     "	%4 = sub.i64 %3, %3\n"
		     "	%5 = add.i64 %2, %0\n"
		     "	%6 = add.i64 %5, %4\n"
		     "	ret %6\n"
		     "}\n"
		     "fn @step callback (i64 %0, ptr.stack %1) i64 {\n"
		     "b0:\n"
		     "	%2 = load.i64 %1, 0\n"
		     "	%3 = call.i64 @twice %2, %0\n"
		     "	%4 = const.i64 1023\n"
		     "	%5 = and.i64 %3, %4\n"
		     "	store %5, %1, 0\n"
		     "	%6 = const.i64 0\n"
		     "	ret %6\n"
		     "}\n"
		     "fn @main prog \"socket\" (ptr.ctx %0) i64 {\n"
		     "b0:\n"
		     "	%1 = alloca.ptr.stack 8 align 8\n"
		     "	%2 = const.i64 1\n"
		     "	store %2, %1, 0\n"
		     "	%3 = const.i64 4\n"
		     "	%4 = func.ptr.func @step\n"
		     "	%5 = const.i64 0\n"
		     "	%6 = helper.i64 loop %3, %4, %1, %5\n"
		     "	%7 = load.i64 %1, 0\n"
		     "	ret %7\n"
		     "}\n"),
		 ((((1 * 2 + 0) * 2 + 1) * 2 + 2) * 2 + 3) & 1023);
}

/* A pointer out of nowhere is read by the helper, a failed read is 0. */
TEST(unknown_pointers_are_probed)
{
	if (!kernel_is_usable())
		SKIP("needs bpf(2)");
	CHECK_EQ(run("fn @main prog \"socket\" (ptr.ctx %0) i64 {\n"
		     "b0:\n"
		     "	%1 = load.i32 %0, 0\n"
		     "	%2 = zext.i64 %1\n"
		     "	%3 = const.i64 8\n"
		     "	%4 = udiv.i64 %2, %3\n"
		     "	%5 = inttoptr.ptr.kernel %4\n"
		     "	%6 = load.i32 %5, 4\n"
		     "	%7 = zext.i64 %6\n"
		     "	%8 = const.i64 7\n"
		     "	%9 = add.i64 %7, %8\n"
		     "	ret %9\n"
		     "}\n"),
		 7);
}

/* The verifier wants accesses of the stack aligned: copies and zeroes are cut where constants tell. */
TEST(copies_keep_the_stack_aligned)
{
	if (!kernel_is_usable())
		SKIP("needs bpf(2)");
	CHECK_EQ(run("fn @main prog \"socket\" (ptr.ctx %0) i64 {\n"
		     "b0:\n"
		     "	%1 = alloca.ptr.stack 24 align 8\n"
		     "	%2 = alloca.ptr.stack 8 align 4\n"
		     "	zero %1, 24\n"
		     "	zero %2, 8\n"
		     "	%3 = const.i64 3\n"
		     "	%4 = ptradd.ptr.stack %1, %3\n"
		     "	%5 = const.i32 16909060\n"
		     "	store %5, %2, 4\n"
		     "	copy %4, %2, 8\n"
		     "	%6 = helper.i64 get_current_comm %2, %3\n"
		     "	%7 = load.i8 %1, 7\n"
		     "	%8 = zext.i64 %7\n"
		     "	ret %8\n"
		     "}\n"),
		 4);
}

TEST(a_frame_that_is_too_large_is_named)
{
	struct mod *m = NULL;
	struct obj *o = NULL;
	struct diag dg = {0};

	CHECK_EQ(mod_read("fn @f prog \"socket\" (ptr.ctx %0) i64 {\n"
			  "b0:\n"
			  "	%1 = alloca.ptr.stack 600 align 8\n"
			  "	%2 = const.i64 8\n"
			  "	%3 = helper.i64 get_current_comm %1, %2\n"
			  "	ret %3\n"
			  "}\n", "text", &dg, &m), 0);
	CHECK_EQ(gen_obj(m, NULL, &dg, &o), -E2BIG);
	CHECK(strstr(dg.msgs[0].text, "needs 600 bytes of stack, of at most 512") != NULL);
	diag_free(&dg);
	mod_free(m);
}

TEST(text_with_mistakes_is_refused_with_its_line)
{
	static const char *const bad[] = {
		"fn", "fn @f prog () i64 {\nb0:\n\tfrob\n}\n", "fn @f prog () i64 {\nb0:\n\tret %9\n}\n",
		"fn @f prog () i64 {\nb0:\n\tjmp b7\n}\n", "map @m type", "fn @f prog (i64 %0) i64 {\nb0:\n"
		"\t%0 = const.i64 1\n\tret %0\n}\n", "fn @f prog () i64 {\n}\n",
		"fn @f prog () i64 {\nb0:\n\t%1 = map.ptr @none\n\tret %1\n}\n",
	};

	for (u32 i = 0; i < ARRAY_SIZE(bad); i++) {
		struct diag dg = {0};
		struct mod *m = NULL;

		CHECK_EQ(mod_read(bad[i], "text", &dg, &m), -EINVAL);
		CHECK(dg.n > 0 && dg.msgs[0].at.line > 0);
		diag_free(&dg);
	}
}
