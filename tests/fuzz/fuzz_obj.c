/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz_obj.c - any bytes as a BPF object: opened, listed, its BTF made ready for the kernel, its
 * CO-RE relocations resolved against itself and patched, written and opened again. */
#include "btf/btf.h"
#include "btf/core.h"
#include "obj/dump.h"
#include "obj/obj.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void relocate(struct obj *o)
{
	struct core *c = core_new(o->btf);
	struct diag dg = {0};

	if (!c)
		abort();
	for (u32 i = 0; i < o->n_funcs; i++)
		for (u32 j = 0; j < o->funcs[i].n_cores; j++)
			core_want(c, o->funcs[i].cores[j].type_id);
	core_search(c, o->btf);
	for (u32 i = 0; i < o->n_funcs; i++) {
		struct obj_func *f = &o->funcs[i];

		for (u32 j = 0; j < f->n_cores; j++) {
			const struct obj_core_reloc *r = &f->cores[j];
			struct core_result result;

			if (!core_resolve(c, r->type_id, r->spec, r->kind, &dg, (struct place){0},
					  &result))
				core_patch_insn(f->insns, f->n_insns, r->pc, &result, &dg,
						(struct place){0});
		}
	}
	core_free(c);
	diag_free(&dg);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct diag dg = {0};
	struct str text = {0};
	struct btf *kernel = NULL;
	struct obj *o, *again;
	void *written;
	size_t n;

	if (!obj_open(data, size, "fuzz.bpf.o", &dg, &o)) {
		obj_set_var(o, "a[1].b", "7", &dg);
		obj_kernel_btf(o, &dg, &kernel);
		btf_free(kernel);
		if (!obj_write(o, &dg, &written, &n)) {
			if (!obj_open(written, n, "fuzz.bpf.o", &dg, &again))
				obj_free(again);
			free(written);
		}
		if (o->btf)
			relocate(o);
		obj_free(o);
	} else if (!dg.n_errors) {
		abort(); /* an error without a message */
	}
	obj_dump(data, size, "fuzz.bpf.o", ~0u, &dg, &text);
	str_free(&text);
	diag_free(&dg);
	return 0;
}
