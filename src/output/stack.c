/* SPDX-License-Identifier: BSD-2-Clause */
/* output/stack.c - kernel and user stacks, one frame a line.
 *
 * A process that has gone before anything was learned of it: its first frame is where the probe
 * stands, so that the probe's binary tells how it was mapped.
 */
#include "output/stack.h"
#include "abi/uapi.h"
#include "base/mem.h"
#include "elf/binary.h"
#include "elf/symbols.h"
#include "engine/engine.h"
#include "load/load.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { BUILD_ID_BYTES = 20, BUILD_ID_FRAME = 32, BUILD_ID_VALID = 1, KEY_BYTES = 16 };

/* Where a probe stands. */
struct stack_place {
	bool is_known, is_there;
	char *path;        /* owned */
	u64 file_off;
};

/* ---- which maps and types ---- */

static bool shows_user(const struct stype *t)
{
	if (!t)
		return false;
	if (t->kind == ST_USYM || t->kind == ST_USTACK)
		return true;
	for (u32 i = 0; t->kind != ST_ENUM && i < t->n_fields; i++)
		if (shows_user(t->fields[i].type))
			return true;
	return t->kind == ST_ARRAY && shows_user(t->of);
}

static const struct load_map *stack_map(struct load *l, u32 i)
{
	const struct load_map *lm = i < load_n_maps(l) ? load_map(l, i) : NULL;

	return lm && lm->fd >= 0 && lm->key_size == KEY_BYTES ? lm : NULL;
}

int stacks_init(struct stacks *st, const struct script *s, struct load *l, struct engine *e,
		struct symbols *symbols)
{
	*st = (struct stacks){ .engine = e, .s = s, .symbols = symbols };
	st->kernel = stack_map(l, s->kstack_map);
	st->user = stack_map(l, s->ustack_map);
	if (st->kernel)
		st->frames_bytes = st->kernel->value_size;
	if (st->user)
		st->frames_bytes = MAX(st->frames_bytes, st->user->value_size);
	st->frames = malloc(st->frames_bytes + 8ul);
	st->places = calloc(s->attaches.n + 1ul, sizeof(*st->places));
	for (u32 i = 0; i < s->actions.n; i++)
		st->wants_user |= shows_user(s->actions.p[i].args);
	for (u32 i = 0; i < s->maps.n; i++)
		st->wants_user |= shows_user(s->maps.p[i].key) || shows_user(s->maps.p[i].value);
	return st->frames && st->places ? 0 : -ENOMEM;
}

void stacks_free(struct stacks *st)
{
	for (u32 i = 0; st->places && i < st->s->attaches.n; i++)
		free(st->places[i].path);
	free(st->places);
	free(st->frames);
}

/* ---- names ---- */

/* The place of probe number n (index + 1); NULL: it stands in no binary, or that can't be read. */
static const struct stack_place *place_of(struct stacks *st, u32 n)
{
	const struct script_attach *a;
	struct stack_place *p;
	char path[4096];

	if (!n || n > st->s->attaches.n)
		return NULL;
	a = &st->s->attaches.p[n - 1];
	p = &st->places[n - 1];
	if (p->is_known || a->hook != HOOK_UPROBE)
		return p->is_there ? p : NULL;
	p->is_known = true;
	if (!*a->fn || a->is_multi ||
	    binary_find(a->target, a->pid, path, sizeof(path), a->at, NULL) ||
	    symbol_offset(path, a->fn, a->off, a->at, NULL, &p->file_off))
		return NULL;
	p->path = realpath(path, NULL);
	p->is_there = p->path;
	return p->is_there ? p : NULL;
}

struct frame {
	u64 addr, first;   /* first: the address that the probe stands at */
	s32 tgid;
	const struct stack_place *place; /* of the probe; NULL: not known */
	bool with_off, with_module;
	bool is_gone;      /* the process has ended; known where with_module is */
};

/* What a module is called: as the script has it, where that is the same file and the process has
 * gone. */
static const char *module_text(struct stacks *st, const struct frame *f, const char *module)
{
	if (f->is_gone && f->place && strcmp(f->place->path, module) == 0)
		return st->s->attaches.p[f->place - st->places].target;
	return module;
}

static void frame_text(struct stacks *st, struct frame f, struct str *out)
{
	const struct stack_place *place = f.place;
	struct symbol_name sym;

	if (!symbol_user(st->symbols, f.tgid, f.addr, &sym) &&
	    (!place ||
	     !symbol_in_file(st->symbols, place->path, place->file_off, f.first, f.addr, &sym))) {
		str_addf(out, f.with_module ? "%#lx ([unknown])" : "%#lx", f.addr);
		return;
	}
	str_add(out, sym.name);
	if (f.with_off)
		str_addf(out, "+%lu", sym.off);
	if (f.with_module)
		str_addf(out, " (%s)", module_text(st, &f, sym.module));
}

void usym_text(struct stacks *st, u64 addr, s32 tgid, u32 probe, struct str *out)
{
	symbols_look(st->symbols, tgid);
	frame_text(st,
		   (struct frame){
			   .addr = addr, .first = addr, .tgid = tgid, .place = place_of(st, probe)},
		   out);
}

static void kernel_text(struct stacks *st, u64 addr, bool with_off, struct str *out)
{
	struct symbol_name sym;

	if (!symbol_kernel(st->symbols, addr, &sym)) {
		str_addf(out, "%#lx", addr); /* a null pointer is "0" */
		return;
	}
	str_add(out, sym.name);
	if (with_off)
		str_addf(out, "+%lu", sym.off);
}

void ksym_text(struct stacks *st, u64 addr, struct str *out)
{
	kernel_text(st, addr, false, out);
}

/* ---- stacks ---- */

/* Frames of a value, their number in *n; NULL: the map has forgotten them. */
static const u8 *frames_of(struct stacks *st, const struct stype *t, const u8 *p, u32 each, u32 *n)
{
	const struct load_map *lm = t->kind == ST_KSTACK ? st->kernel : st->user;
	union bpf_attr attr = {0};
	u8 key[KEY_BYTES];

	mem_copy(key, p, sizeof(key));
	*n = MIN(mem_get32(key + 8), t->n);
	if (!lm || !*n)
		return *n ? NULL : st->frames;
	*n = MIN(*n, lm->value_size / each);
	attr.map_fd = (u32)lm->fd;
	attr.key = (u64)(uintptr_t)key;
	attr.value = (u64)(uintptr_t)st->frames;
	return engine_bpf(st->engine, BPF_MAP_LOOKUP_ELEM, &attr, sizeof(attr)) ? NULL : st->frames;
}

/* struct bpf_stack_build_id: s32 status, build id, then the offset in the file or the address. */
static void build_ids_text(const u8 *frames, u32 n, struct str *out)
{
	for (u32 i = 0; i < n; i++, frames += BUILD_ID_FRAME) {
		u64 where = mem_get64(frames + 24);

		if (mem_get32(frames) != BUILD_ID_VALID) {
			str_addf(out, "%lx\n", where);
			continue;
		}
		for (u32 j = 0; j < BUILD_ID_BYTES; j++)
			str_addf(out, "%02x", frames[4 + j]);
		str_addf(out, " 0x%02lx\n", where);
	}
}

void stack_text(struct stacks *st, const struct stype *t, const u8 *p, u32 n, u32 indent,
		struct str *out)
{
	bool user = t->kind == ST_USTACK, perf = t->mode == STACK_PERF;
	u32 n_frames, each = t->mode == STACK_BUILD_ID ? BUILD_ID_FRAME : 8;
	struct frame f = { .with_off = true, .with_module = perf };
	const u8 *frames;

	if (n < (user ? 24u : 16u))
		return;
	str_addc(out, '\n');
	frames = frames_of(st, t, p, each, &n_frames);
	if (!frames) {
		str_addf(out, "%*s<stack lost>\n", (int)indent, "");
		return;
	}
	if (t->mode == STACK_BUILD_ID) {
		build_ids_text(frames, n_frames, out);
		return;
	}
	if (user && t->mode != STACK_RAW) {
		f.tgid = (s32)mem_get32(p + 12);
		f.place = place_of(st, mem_get32(p + 16));
		f.is_gone = perf && !process_lives(f.tgid);
		symbols_look(st->symbols, f.tgid);
	}
	f.first = n_frames ? mem_get64(frames) : 0;
	for (u32 i = 0; i < n_frames; i++) {
		f.addr = mem_get64(frames + 8ul * i);
		if (f.addr == UINT64_MAX) {
			str_addf(out, "%*s<unwind failure>\n", (int)indent, "");
			break;
		}
		if (t->mode == STACK_RAW) {
			str_addf(out, "%lx\n", f.addr);
			continue;
		}
		if (perf)
			str_addf(out, "\t%lx ", f.addr);
		else
			str_addf(out, "%*s", (int)indent, "");
		if (user)
			frame_text(st, f, out);
		else
			kernel_text(st, f.addr, true, out);
		str_addc(out, '\n');
	}
}
