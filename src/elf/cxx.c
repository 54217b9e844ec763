/* SPDX-License-Identifier: BSD-2-Clause */
/* elf/cxx.c - C++ names, by the C++ library's own demangler, which is loaded when the first one comes. */
#include "elf/cxx.h"
#include <stdlib.h>
#include <string.h>
#ifdef OSMIA_STATIC

/* A static program loads no libraries: names stay as the linker has them. */
static void find_library(struct demangler *d)
{
	d->tried = true;
}

static void close_library(struct demangler *d)
{
	(void)d;
}
#else
#include <dlfcn.h>

static void close_library(struct demangler *d)
{
	if (d->library)
		dlclose(d->library);
}

static void find_library(struct demangler *d)
{
	static const char *const names[] = { "libstdc++.so.6", "libc++abi.so.1" };

	d->tried = true;
	for (u32 i = 0; i < ARRAY_SIZE(names) && !d->demangle; i++) {
		d->library = dlopen(names[i], RTLD_LAZY | RTLD_LOCAL);
		if (!d->library)
			continue;
		*(void **)&d->demangle = dlsym(d->library, "__cxa_demangle");
		if (!d->demangle) {
			dlclose(d->library);
			d->library = NULL;
		}
	}
}
#endif

const char *cxx_name(struct demangler *d, const char *name)
{
	char *text;
	int status = -1;

	if (strncmp(name, "_Z", 2) != 0)
		return name;
	if (!d->tried)
		find_library(d);
	if (!d->demangle)
		return name;
	text = d->demangle(name, d->text, &d->size, &status);
	if (status || !text)
		return name;
	d->text = text;
	return text;
}

void demangler_free(struct demangler *d)
{
	free(d->text);
	close_library(d);
}
