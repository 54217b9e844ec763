/* SPDX-License-Identifier: BSD-2-Clause */
/* base/command.c - looks a command up in PATH. */
#include "base/command.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int command_find(const char *name, char **file)
{
	const char *path = getenv("PATH");
	int err = -ENOENT;

	if (strchr(name, '/')) {
		*file = strdup(name);
		return *file ? 0 : -ENOMEM;
	}
	if (!*name)
		return -ENOENT;
	if (!path)
		path = "/bin:/usr/bin";
	for (;;) {
		const char *end = strchrnul(path, ':');
		struct stat st;
		char *full;

		if (asprintf(&full, "%.*s%s%s", (int)(end - path), path, end == path ? "" : "/",
			     name) < 0)
			return -ENOMEM;
		if (!stat(full, &st) && S_ISREG(st.st_mode)) {
			if (!access(full, X_OK)) {
				*file = full;
				return 0;
			}
			err = -EACCES;
		}
		free(full);
		if (!*end)
			return err;
		path = end + 1;
	}
}
