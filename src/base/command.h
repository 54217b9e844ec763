/* SPDX-License-Identifier: BSD-2-Clause */
/* base/command.h - which file a command is. */
#pragma once

/* The file that execvp(3) would run, found without trying: a tracer then shows one execve, not one for
 * each folder of PATH.  0 and *file (caller frees), -ENOENT, -EACCES (found, but not executable),
 * -ENOMEM. */
int command_find(const char *name, char **file);
