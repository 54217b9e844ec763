/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz_btf.c - any bytes as BTF: parsed, asked about every type, printed both ways, copied, and as a
 * split BTF on itself. */
#include "btf/btf.h"
#include "btf/build.h"
#include "btf/print.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ask(const struct btf *btf)
{
	struct btf_field field;
	u64 value;

	for (u32 id = 0; id <= btf_n_types(btf); id++) {
		btf_size(btf, id);
		btf_align(btf, id);
		btf_skip(btf, id);
		btf_find_field(btf, id, "x", &field);
		btf_find_enumerator(btf, id, "x", &value);
	}
	btf_find(btf, "x", 0);
	btf_find(btf, "struct_with_a_longer_name", BTF_STRUCT);
}

static void print(const struct btf *btf)
{
	struct str text = {0};

	btf_print_c(btf, &text);
	str_clear(&text);
	for (u32 id = 1; id < btf_n_types(btf); id++)
		btf_print_raw(btf, id, &text);
	str_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct btf *btf, *split, *copy;
	struct btf_builder b = {0};
	struct diag dg = {0};
	struct place at = { .sect = "BTF" };

	if (btf_parse(data, size, NULL, 0, &dg, at, &btf)) {
		if (!dg.n_errors)
			abort();
		diag_free(&dg);
		return 0;
	}
	ask(btf);
	print(btf);
	if (!btf_parse(data, size, btf, 0, &dg, at, &split)) {
		ask(split);
		print(split);
		btf_free(split);
	}
	btf_builder_copy(&b, btf);
	btf_add_str(&b, "another");
	if (btf_build(&b, &dg, at, &copy))
		abort(); /* what was valid stays so */
	btf_free(copy);
	btf_builder_free(&b);
	btf_free(btf);
	diag_free(&dg);
	return 0;
}
