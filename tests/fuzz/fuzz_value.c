/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz_value.c - values of any type and any bytes, as text, JSON and columns.
 *
 *	input  2 bytes length of the BTF, the BTF, then the value's bytes
 */
#include "base/mem.h"
#include "btf/btf.h"
#include "output/table.h"
#include "output/value.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TYPES_MAX = 64 };

static void print(const struct btf *btf, u32 type, const uint8_t *data, size_t size)
{
	struct str text = {0};
	struct table t;
	bool sign;
	u64 v;

	value_text(btf, type, data, size, &text);
	str_clear(&text);
	value_json(btf, type, data, size, &text);
	str_clear(&text);
	value_is_string(btf, type);
	value_integer(btf, type, data, size, &v, &sign);
	if (!table_init(&t, btf, type)) {
		table_header(&t, &text);
		table_row(&t, data, size, &text);
		table_free(&t);
	}
	str_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct place at = { .sect = "BTF" };
	struct diag dg = {0};
	struct btf *btf;
	size_t n;

	if (size < 2)
		return 0;
	n = mem_get16(data);
	n = MIN(n, size - 2);
	if (!btf_parse(data + 2, n, NULL, 0, &dg, at, &btf)) {
		/* A copy of its own, so that the sanitizer sees a byte past the end. */
		size_t left = size - 2 - n;
		u8 *value = malloc(left + !left);

		if (!value)
			abort();
		memcpy(value, data + 2 + n, left);
		for (u32 id = 0; id < MIN(btf_n_types(btf) + 1, (u32)TYPES_MAX); id++)
			print(btf, id, value, left);
		free(value);
		btf_free(btf);
	}
	diag_free(&dg);
	return 0;
}
