/* SPDX-License-Identifier: BSD-2-Clause */
/* cli/list.c - `bpftrace -l`: a probe a line. */
#include "cli/list.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int print_line(void *arg, const char *line, unsigned engines)
{
	(void)arg, (void)engines;
	puts(line);
	return ferror(stdout) ? -EPIPE : 0;
}

/* Is it a script's file, and not a pattern?  Patterns have a ':', files seldom. */
static bool is_file(const char *search)
{
	return search && strncmp(search, "struct ", 7) && !access(search, R_OK) &&
	       (!strchr(search, ':') || strchr(search, '/'));
}

int cli_list_probes(struct run *r, const char *search)
{
	unsigned engines = osmia_can(OSMIA_ENGINE_KERNEL) && r->o.engine != OSMIA_ENGINE_KERNEL ?
				   OSMIA_ON_USER : OSMIA_ON_KERNEL;
	struct osmia *o = NULL;
	int err;

	if (r->o.engine == OSMIA_ENGINE_USER)
		engines = OSMIA_ON_USER;
	r->o.size = sizeof(r->o);
	r->o.script = &r->s;
	r->s.size = sizeof(r->s);
	err = osmia_new(&r->o, &o);
	if (!err && r->program)
		err = osmia_open_script(o, r->program, strlen(r->program), "stdin");
	else if (!err && is_file(search))
		err = osmia_open(o, search);
	if (!err)
		err = osmia_list_probes(o, r->program || is_file(search) ? NULL : search, engines, r->verbose,
					print_line, NULL);
	if (o)
		run_say(r, o);
	osmia_free(o);
	return err && err != -EPIPE ? EXIT_FAULT : EXIT_DONE;
}
