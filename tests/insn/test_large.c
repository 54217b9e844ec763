/* SPDX-License-Identifier: BSD-2-Clause */
/* Programs too long for a file: jumps over 70,000 insns, on interpreter, native code and kernel. */
#include "kernel.h"
#include "osmia.h"
#include "test.h"

enum { BODY = 70000, N_INSNS = BODY + 8 };

/*	r3 = *(u8 *)(r1 +0)      r0 = 0      if r3 == 0 goto body      gotol far
 * body:	r0 += 1, BODY times
 * out:	exit
 * far:	r0 = 5                   gotol out
 */
static struct insn *far_jumps(void)
{
	struct insn *p = calloc(N_INSNS, sizeof(*p));
	u32 n = 0;

	CHECK(p);
	p[n++] = (struct insn){ .code = CLS_LDX | MODE_MEM | SZ_B, .dst = 3, .src = 1 };
	p[n++] = (struct insn){ .code = CLS_ALU64 | ALU_MOV };
	p[n++] = (struct insn){ .code = CLS_JMP | JMP_JEQ, .dst = 3, .off = 1 };
	p[n++] = (struct insn){ .code = CLS_JMP32 | JMP_JA, .imm = BODY + 1 };
	while (n < BODY + 4)
		p[n++] = (struct insn){ .code = CLS_ALU64 | ALU_ADD, .imm = 1 };
	p[n++] = (struct insn){ .code = CLS_JMP | JMP_EXIT };
	p[n++] = (struct insn){ .code = CLS_ALU64 | ALU_MOV, .imm = 5 };
	p[n++] = (struct insn){ .code = CLS_JMP32 | JMP_JA, .imm = -3 };
	p[n++] = (struct insn){ .code = CLS_JMP | JMP_EXIT };
	return p;
}

static u64 run_user(const struct insn *p, u8 first, bool jit)
{
	struct osmia_vm *vm;
	uint64_t r0 = 0;

	CHECK_EQ(osmia_vm_new(&vm), 0);
	/* The last exit is never reached, which only a verifier would mind. */
	CHECK_EQ(osmia_vm_load(vm, OSMIA_VM_BYTES, p, N_INSNS * sizeof(*p), NULL), 0);
	if (jit)
		CHECK_EQ(osmia_vm_compile(vm), 0);
	CHECK_EQ(osmia_vm_run(vm, &first, 1, 0, &r0), 0);
	osmia_vm_free(vm);
	return r0;
}

TEST(long_jumps_in_user_space)
{
	struct insn *p = far_jumps();

	CHECK_EQ(run_user(p, 0, false), BODY);
	CHECK_EQ(run_user(p, 0, true), BODY);
	CHECK_EQ(run_user(p, 1, false), 5);
	CHECK_EQ(run_user(p, 1, true), 5);
	free(p);
}

TEST(long_jumps_in_the_kernel)
{
	struct insn *p = far_jumps();

	for (u8 first = 0; first < 2; first++) {
		struct kernel_run k = { .insns = p, .n = N_INSNS - 1, .mem = &first, .mem_size = 1 };
		int err;

		if (!kernel_is_usable()) {
			free(p);
			SKIP("bpf(2) is not allowed here");
		}
		err = kernel_run(&k);
		free(k.log);
		if (err == -EINVAL) {
			free(p);
			SKIP("this kernel has no gotol");
		}
		CHECK_EQ(err, 0);
		CHECK_EQ(k.r0, first ? 5 : BODY);
	}
	free(p);
}
