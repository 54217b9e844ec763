/* SPDX-License-Identifier: BSD-2-Clause */
/* engine/kernel/kernel.h - the engine that passes everything on to bpf(2). */
#pragma once
#include "engine/engine.h"

/* The running kernel as an engine.  Needs no privilege by itself: each call answers for itself.
 * -ENOSYS where the kernel has no bpf(2), -ENOMEM. */
int engine_kernel_open(struct diag *dg, struct engine **out);

/* Can this process use bpf(2) to load programs of some kind?  0, or the errno that an attempt (a
 * map of one element) gave. */
int engine_kernel_usable(void);

/* Directory of tracefs: the mounted one, or, where none is mounted and the process may, a mount
 * of its own that no other process sees and that ends with the fd.  The caller closes it;
 * -EACCES, -ENOENT. */
int tracefs_open(void);
