/* SPDX-License-Identifier: BSD-2-Clause */
/* cli/list.h - probes listed as `bpftrace -l` does it. */
#pragma once
#include "cli/run.h"

/* Probes that a pattern matches (NULL: all), or those of a script: r->program, r->path, or where search is a file.
 * r->verbose: with arguments.  The exit status. */
int cli_list_probes(struct run *r, const char *search);
