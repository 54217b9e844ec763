/* SPDX-License-Identifier: BSD-2-Clause */
/* Any text into the assembler, any bytes into checker, disassembler and interpreter.
 *
 * What must hold: no crash; a program's exact text gives its bytes again; what the assembler accepts
 * has such a text; a program that passes insns_check() runs in the interpreter without leaving its
 * memory, for as many insns as it is given.
 */
#include "isa/asm.h"
#include "isa/check.h"
#include "isa/disasm.h"
#include "osmia.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static u32 helper(void *arg, const char *name)
{
	(void)arg;
	if (strncmp(name, "bpf_", 4) == 0)
		name += 4;
	return strcmp(name, "map_lookup_elem") == 0 ? 1 : 0;
}

static const struct asm_names names = { .helper = helper };

static void must_read_back(const struct insn *insns, u32 n)
{
	struct str text = { 0 };
	struct insn *back;
	u32 n_back;

	for (u32 pc = 0; pc < n;) {
		pc += disasm_insn(&text, &insns[pc], n - pc, DISASM_EXACT, NULL);
		str_addc(&text, '\n');
	}
	if (asm_text(str_text(&text), text.len, "fuzz", NULL, NULL, &back, &n_back))
		abort();
	if (n_back != n || (n && memcmp(back, insns, n * sizeof(*insns)) != 0))
		abort();
	free(back);
	str_free(&text);
}

static void disasm_kernel(const struct insn *insns, u32 n)
{
	struct str text = { 0 };

	for (u32 pc = 0; pc < n;)
		pc += disasm_insn(&text, &insns[pc], n - pc, DISASM_KERNEL, NULL);
	str_free(&text);
}

static void run(const struct insn *insns, u32 n)
{
	struct osmia_vm *vm;
	uint64_t r0;
	u8 mem[64] = { 1, 2, 3 };

	if (osmia_vm_new(&vm))
		return;
	if (!osmia_vm_load(vm, OSMIA_VM_BYTES, insns, n * sizeof(*insns), "fuzz")) {
		osmia_vm_run(vm, mem, sizeof(mem), 10000, &r0);
		osmia_vm_text(vm);
	}
	osmia_vm_message(vm, 0);
	osmia_vm_free(vm);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct diag dg = { 0 };
	struct insn *insns = NULL;
	u32 n = 0;

	if (size && data[0] & 0x80) { /* bytes: no text begins so */
		n = (u32)((size - 1) / sizeof(*insns));
		insns = malloc(n * sizeof(*insns) + 1);
		if (!insns)
			return 0;
		memcpy(insns, data + 1, n * sizeof(*insns));
	} else if (asm_text((const char *)data, size, "fuzz", &names, &dg, &insns, &n)) {
		diag_free(&dg);
		return 0;
	}
	must_read_back(insns, n);
	disasm_kernel(insns, n);
	run(insns, n);
	free(insns);
	diag_free(&dg);
	return 0;
}
