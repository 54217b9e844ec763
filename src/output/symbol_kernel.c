/* SPDX-License-Identifier: BSD-2-Clause */
/* output/symbol_kernel.c - the kernel's symbols: /proc/kallsyms by address. */
#include "elf/kallsyms.h"
#include "output/symbol_inner.h"
#include <string.h>

/* Of several names the global function's, as the kernel itself has it in its messages. */
static u8 rank_of(char type)
{
	switch (type) {
	case 'T': return 3;
	case 't': return 2;
	case 'W':
	case 'w': return 1;
	default: return 0;
	}
}

/* Absolute ones are no addresses; of those that are zero (kptr_restrict) nothing is known. */
static int add_one(void *arg, const struct kallsym *sym)
{
	if (!sym->addr || sym->type == 'a' || sym->type == 'A')
		return 0;
	return !symtab_add(arg, sym->addr, 0, sym->name, strlen(sym->name), rank_of(sym->type));
}

void kernel_symbols_read(struct symbol_table *out)
{
	kallsyms_each(add_one, out);
	symtab_sort(out);
}
