/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz_dwarf.c - any bytes as an ELF file with DWARF: its structs as BTF, or an error. */
#include "btf/btf.h"
#include "output/dwarf.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct btf *btf = NULL;
	u8 *copy = malloc(size + !size);

	if (!copy)
		abort();
	memcpy(copy, data, size);
	if (!dwarf_structs(copy, size, &btf))
		btf_free(btf);
	free(copy);
	return 0;
}
