/* SPDX-License-Identifier: BSD-2-Clause */
/* obj/dump.h - an object as text for people. */
#pragma once
#include "base/diag.h"
#include "base/str.h"
#include "base/types.h"

enum obj_dump_part {
	DUMP_SECTIONS = 1,
	DUMP_MAPS = 2,     /* externs too */
	DUMP_PROGS = 4,    /* insns with the source lines they come from */
	DUMP_BTF_C = 8,
	DUMP_BTF_RAW = 16,
};

/* Appends the parts (enum obj_dump_part, or'ed) of an ELF object, of any other ELF file with BTF, or of
 * raw BTF, as far as the file has them.  Errors: those of obj_open() and btf_parse(); -ENOENT when
 * the file has none of the parts. */
int obj_dump(const void *data, size_t size, const char *path, u32 parts, struct diag *dg,
	     struct str *out);
