/* SPDX-License-Identifier: BSD-2-Clause */
/* osmia_dump.c - the public calls that show what an object holds. */
#include "base/file.h"
#include "obj/dump.h"
#include "osmia.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_MAX = 1 << 30 };

_Static_assert((int)OSMIA_DUMP_SECTIONS == DUMP_SECTIONS && (int)OSMIA_DUMP_MAPS == DUMP_MAPS &&
	       (int)OSMIA_DUMP_PROGS == DUMP_PROGS && (int)OSMIA_DUMP_BTF_C == DUMP_BTF_C &&
	       (int)OSMIA_DUMP_BTF_RAW == DUMP_BTF_RAW, "the library's numbers are the public ones");

int osmia_dump(const char *path, unsigned parts, char **text, char **messages)
{
	struct diag dg = {0};
	struct str out = {0};
	struct bytes file;
	int err = file_map(path, FILE_MAX, &file);

	if (err) {
		diag_error(&dg, (struct place){ .file = path }, err, "can't read: %s", strerror(-err));
	} else {
		err = obj_dump(file.p, file.size, path, parts ? parts : ~(u32)DUMP_BTF_RAW, &dg, &out);
		bytes_free(&file);
	}
	if (!err && out.failed)
		err = diag_error(&dg, (struct place){0}, -ENOMEM, "no memory for the text");
	if (messages)
		*messages = diag_text(&dg);
	if (text)
		*text = err ? NULL : str_take(&out);
	str_free(&out);
	diag_free(&dg);
	return err;
}
