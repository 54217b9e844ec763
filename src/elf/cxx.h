/* SPDX-License-Identifier: BSD-2-Clause */
/* elf/cxx.h - mangled names of C++, and of older Rust, to what was written. */
#pragma once
#include "base/types.h"
#include <stddef.h>

struct demangler {
	char *(*demangle)(const char *name, char *buf, size_t *size, int *status); /* NULL: there is none */
	void *library;
	bool tried;
	char *text;    /* owned, by malloc: the last name */
	size_t size;
};

/* A C++ name as C++ has it, valid until the next call; other names as they are. */
const char *cxx_name(struct demangler *d, const char *name);
void demangler_free(struct demangler *d);
