/* SPDX-License-Identifier: BSD-2-Clause */
/* obj/script_section.c - section .osmia of an object file: a script, and which functions and maps it means.
 *
 *	"N-FUNCS N-MAPS\n", a name a line, then obj/script.c's bytes
 *
 * The script counts functions and maps as the compiler made them; a file has them by section.
 */
#include "obj/reader.h"
#include "obj/script.h"
#include <errno.h>
#include <stdio.h>

enum { NAMES_MAX = 1 << 20 };

struct names {
	u32 *funcs, *maps;      /* owned; number in the object by number in the script */
	u32 n_funcs, n_maps;
};

static int damaged(const struct reader *r, const char *what)
{
	return diag_error(r->dg, (struct place){ .file = r->elf.path, .sect = ".osmia" }, -EINVAL,
			  "damaged: %s", what);
}

/* The line at *at, without its end; NULL: there is none. */
static char *take_line(const char **at, const char *end)
{
	const char *stop = memchr(*at, '\n', (size_t)(end - *at));
	char *line = stop ? strndup(*at, (size_t)(stop - *at)) : NULL;

	if (stop)
		*at = stop + 1;
	return line;
}

static bool find_func(const struct reader *r, const char *name, u32 *out)
{
	for (u32 i = 0; i < r->funcs.n; i++)
		if (strcmp(r->funcs.p[i].name, name) == 0) {
			*out = i;
			return true;
		}
	return false;
}

static bool find_map(const struct reader *r, const char *name, u32 *out)
{
	for (u32 i = 0; i < r->maps.n; i++)
		if (strcmp(r->maps.p[i].name, name) == 0) {
			*out = i;
			return true;
		}
	return false;
}

static int read_names(struct reader *r, const char **at, const char *end, struct names *n)
{
	char *line = take_line(at, end);
	bool ok = line && sscanf(line, "%u %u", &n->n_funcs, &n->n_maps) == 2 &&
		  n->n_funcs <= NAMES_MAX && n->n_maps <= NAMES_MAX &&
		  (u64)n->n_funcs + n->n_maps <= (u64)(end - *at);

	free(line);
	if (!ok)
		return damaged(r, "it does not begin as it should");
	n->funcs = calloc(n->n_funcs + 1ul, sizeof(u32));
	n->maps = calloc(n->n_maps + 1ul, sizeof(u32));
	if (!n->funcs || !n->maps)
		return no_memory(r);
	for (u32 i = 0; ok && i < n->n_funcs + n->n_maps; i++) {
		line = take_line(at, end);
		ok = line && (i < n->n_funcs ? find_func(r, line, &n->funcs[i])
					     : find_map(r, line, &n->maps[i - n->n_funcs]));
		free(line);
	}
	return ok ? 0 : damaged(r, "it names a function or map that is not in the object");
}

/* A map's values must be as large as its type says, because the printer reads them by that. */
static int check_sizes(const struct reader *r, const struct script *s)
{
	for (u32 i = 0; i < s->maps.n; i++) {
		const struct script_map *m = &s->maps.p[i];
		const struct obj_map *om = &r->maps.p[m->obj_map];

		if (m->value->size > om->value_size || (m->key && m->key->size > om->key_size))
			return diag_error(r->dg, om->at, -EINVAL,
					  "map '%s': its type is larger than its key or value", om->name);
	}
	return 0;
}

static void renumber_map(const struct names *n, u32 *map)
{
	if (*map != UINT32_MAX)
		*map = n->maps[*map];
}

static void renumber(struct script *s, const struct names *n)
{
	renumber_map(n, &s->events_map);
	renumber_map(n, &s->counts_map);
	renumber_map(n, &s->start_map);
	renumber_map(n, &s->kstack_map);
	renumber_map(n, &s->ustack_map);
	for (u32 i = 0; i < s->maps.n; i++)
		renumber_map(n, &s->maps.p[i].obj_map);
	for (u32 i = 0; i < s->attaches.n; i++)
		s->attaches.p[i].func = n->funcs[s->attaches.p[i].func];
}

int read_script(struct reader *r)
{
	const struct elf_section *s = elf_find(&r->elf, ".osmia");
	struct names n = {0};
	const char *at, *end;
	int err;

	if (!s)
		return 0;
	if (!s->data)
		return damaged(r, "it has no contents");
	at = (const char *)s->data;
	end = at + s->size;
	err = read_names(r, &at, end, &n);
	if (!err)
		err = script_read(at, (size_t)(end - at), n.n_funcs, n.n_maps, r->dg, &r->o->script);
	if (!err) {
		renumber(r->o->script, &n);
		err = check_sizes(r, r->o->script);
	}
	free(n.funcs);
	free(n.maps);
	return err;
}
