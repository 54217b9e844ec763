/* SPDX-License-Identifier: BSD-2-Clause */
/* engine/progs.h - functions of the BPF programs that are loaded, to attach to. */
#pragma once
#include "engine/engine.h"

struct prog_func {
	u32 prog_id;
	u32 btf_id;        /* FUNC in the program's own BTF */
	const char *name;  /* borrowed for the call */
};

/* Tells each function of each program that has BTF (prog_id: of that one; 0: of all), until fn returns what is not 0.
 * That, 0 at the end, or a negative errno where programs may not be listed. */
int progs_each(struct engine *e, u32 prog_id, int (*fn)(void *arg, const struct prog_func *f), void *arg);
/* The program's fd, and the BTF id of its function.  -ENOENT: there is none. */
int prog_func_open(struct engine *e, u32 prog_id, const char *name, u32 *btf_id);
