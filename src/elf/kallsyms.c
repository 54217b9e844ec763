/* SPDX-License-Identifier: BSD-2-Clause */
/* elf/kallsyms.c - reads /proc/kallsyms. */
#include "elf/kallsyms.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool kallsym_parse(char *line, struct kallsym *sym)
{
	char *type;
	u64 addr = strtoull(line, &type, 16);

	if (type == line || type[0] != ' ' || !type[1] || type[2] != ' ')
		return false;

	char *name = type + 3;

	name[strcspn(name, " \t\n")] = '\0';
	*sym = (struct kallsym){ addr, name, type[1] };
	return *name;
}

int kallsyms_each(int (*fn)(void *arg, const struct kallsym *sym), void *arg)
{
	FILE *f = fopen("/proc/kallsyms", "re");
	struct kallsym sym;
	char *line = NULL;
	size_t size = 0;
	int ret = 0;

	if (!f)
		return -errno;
	while (!ret && getline(&line, &size, f) > 0)
		if (kallsym_parse(line, &sym))
			ret = fn(arg, &sym);
	free(line);
	fclose(f);
	return ret;
}
