/* SPDX-License-Identifier: BSD-2-Clause */
/* lang/bt/emit_scratch.c - where temporaries, large values and constants lie.
 *
 * Scratch is a per-CPU array.  A unit (a program with its callbacks) has two rows of bytes in it:
 * slots, which stay, and temporaries, which are free again behind their statement.  How long the
 * rows get is known at the unit's end; until then a function's bases are stand-ins (OP_UNDEF),
 * which become lookups in its prologue.
 */
#include "abi/helper.h"
#include "abi/uapi.h"
#include "lang/bt/emit_unit.h"
#include <errno.h>
#include <string.h>

/* ---- scratch ---- */

void scratch_begin(struct emit *e)
{
	struct emit_scratch *s = e->scratch;

	memset(s->rows, 0, sizeof(s->rows));
	s->shared = NULL;
	s->shared_bytes = SHARED_VARS;
}

/* Takes bytes of a row, never across two chunks. */
static u32 row_take(struct emit *e, struct emit_row *r, u32 bytes)
{
	u32 at = ALIGN_UP(r->used, 8u), chunk;

	bytes = ALIGN_UP(MAX(bytes, 1u), 8u);
	if (bytes > SCRATCH_CHUNK) {
		if (!e->failed)
			diag_error(e->dg, (struct place){.file = e->s->prog->file}, -E2BIG,
				   "a value takes %u bytes, of at most %u", bytes, SCRATCH_CHUNK);
		e->failed = true;
		return 0;
	}
	if (at / SCRATCH_CHUNK != (at + bytes - 1) / SCRATCH_CHUNK)
		at = ALIGN_UP(at, (u32)SCRATCH_CHUNK);
	chunk = at / SCRATCH_CHUNK;
	if (chunk >= SCRATCH_CHUNKS_MAX) {
		if (!e->failed)
			diag_error(e->dg, (struct place){.file = e->s->prog->file}, -E2BIG,
				   "values of one program take more than %u bytes",
				   SCRATCH_CHUNK * SCRATCH_CHUNKS_MAX);
		e->failed = true;
		return 0;
	}
	r->used = at + bytes;
	r->n_chunks = MAX(r->n_chunks, chunk + 1);
	r->peak[chunk] = MAX(r->peak[chunk], at % SCRATCH_CHUNK + bytes);
	return at;
}

u32 scratch_slot(struct emit *e, u32 bytes)
{
	return row_take(e, &e->scratch->rows[REGION_SLOTS], bytes);
}

struct val *scratch_addr(struct emit *e, enum scratch_region region, u32 off)
{
	struct emit_frame *f = e->frame;
	struct emit_base base = {region, off / SCRATCH_CHUNK, NULL};

	for (u32 i = 0; i < f->bases.n; i++)
		if (f->bases.p[i].region == region && f->bases.p[i].chunk == base.chunk)
			base = f->bases.p[i];
	if (!base.v) {
		base.v = val_new(f->fn->entry, OP_UNDEF, IR_PTR, 0);
		base.v->space = SPACE_MAP_VALUE;
		if (!vec_push(&f->bases, base))
			e->failed = true;
	}
	return emit_add(e, base.v, off % SCRATCH_CHUNK);
}

static struct val *piece_new(struct emit *e, u32 bytes, bool pooled)
{
	struct emit_frame *f = e->frame;
	struct emit_piece p = {NULL, bytes, true};

	if (bytes > f->stack_left || bytes > e->s->set.on_stack_limit)
		return NULL;
	f->stack_left -= bytes;
	p.alloca = ir_alloca(f->fn, bytes, 8);
	if (pooled && !vec_push(&f->pieces, p))
		e->failed = true;
	return p.alloca;
}

struct val *scratch_temp(struct emit *e, u32 bytes)
{
	return scratch_addr(e, REGION_TEMPS, row_take(e, &e->scratch->rows[REGION_TEMPS], bytes));
}

struct val *emit_temp(struct emit *e, u32 bytes)
{
	struct emit_frame *f = e->frame;
	struct val *p;

	bytes = ALIGN_UP(MAX(bytes, 1u), 8u);
	for (u32 i = 0; i < f->pieces.n; i++)
		if (!f->pieces.p[i].used && f->pieces.p[i].bytes == bytes) {
			f->pieces.p[i].used = true;
			return f->pieces.p[i].alloca;
		}
	p = piece_new(e, bytes, true);
	return p ? p : scratch_temp(e, bytes);
}

struct val *emit_slot(struct emit *e, u32 bytes)
{
	struct val *p = piece_new(e, ALIGN_UP(MAX(bytes, 1u), 8u), false);

	return p ? p : scratch_addr(e, REGION_SLOTS, scratch_slot(e, bytes));
}

struct emit_mark scratch_mark(struct emit *e)
{
	struct emit_mark m = {e->scratch->rows[REGION_TEMPS].used, 0};

	/* pieces in use now stay so: a bit each */
	for (u32 i = 0; i < e->frame->pieces.n && i < 64; i++)
		if (e->frame->pieces.p[i].used)
			m.pieces |= 1ull << i;
	return m;
}

void scratch_release(struct emit *e, struct emit_mark m)
{
	e->scratch->rows[REGION_TEMPS].used = m.temps;
	for (u32 i = 0; i < e->frame->pieces.n && i < 64; i++)
		e->frame->pieces.p[i].used = m.pieces >> i & 1;
}

/* ---- prologues ---- */

static void fail_ret(struct blk *b)
{
	struct fn *f = b->fn;
	struct val *v = f->ret == IR_VOID ? NULL : ir_const(b, IR_I64, 0);

	ir_ret(b, f->ret == IR_PTR ? ir_cast(b, OP_INTTOPTR, IR_PTR, v) : v);
}

/* The address of an entry of the scratch map, from block *b on. */
static struct val *lookup(struct emit *e, struct blk **b, struct val *key, struct blk *fail,
			  u32 entry)
{
	struct val *args[2], *p, *is_null;
	struct blk *go = blk_new((*b)->fn);

	ir_store(*b, ir_const(*b, IR_I32, (s64)entry), key, 0);
	args[0] = ir_ref(*b, OP_MAP, e->scratch->map, 0);
	args[1] = key;
	p = ir_call(*b, OP_HELPER, HELPER_map_lookup_elem, IR_PTR, 2, args);
	p->space = SPACE_MAP_VALUE;
	is_null = ir_cmp(*b, OP_EQ, ir_cast(*b, OP_PTRTOINT, IR_I64, p), ir_const(*b, IR_I64, 0));
	ir_br(*b, is_null, fail, go);
	*b = go;
	return p;
}

struct layout {
	u32 first[N_REGIONS]; /* entry of the region's first chunk */
	u32 bias;	      /* bytes of slots before temporaries in the same chunk */
	bool is_one;
};

static void bases_fill(struct emit *e, struct emit_frame *f, const struct layout *l, struct blk **b)
{
	struct val *key = NULL, *one = NULL;
	struct blk *fail = NULL;

	for (u32 i = 0; i < f->bases.n; i++) {
		const struct emit_base *base = &f->bases.p[i];
		struct val *p = one;

		if (!key) {
			key = ir_alloca(f->fn, 4, 4);
			fail = blk_new(f->fn);
			fail_ret(fail);
		}
		if (!p)
			p = lookup(e, b, key, fail, l->first[base->region] + base->chunk);
		if (l->is_one)
			one = p;
		if (l->is_one && base->region == REGION_TEMPS)
			p = ir_ptradd(*b, p, ir_const(*b, IR_I64, l->bias));
		val_replace(base->v, p);
		val_remove(base->v);
	}
}

static void frame_finish(struct emit *e, struct emit_frame *f, const struct layout *l)
{
	struct emit_scratch *s = e->scratch;
	struct blk *b = f->fn->entry;

	if (s->shared && !f->up) {
		ir_zero(b, s->shared, s->shared_bytes);
		if (f->fn->kind == FN_PROG)
			ir_store(b, f->fn->params.p[0], s->shared, SHARED_CTX);
	}
	bases_fill(e, f, l, &b);
	ir_jmp(b, f->init);
	ir_jmp(f->init, f->body);
	fn_resolve(f->fn);
	fn_order(f->fn); /* what stands behind a jump goes */
	vec_free(&f->bases);
	vec_free(&f->pieces);
}

static void scratch_map(struct emit *e)
{
	struct ir_map m = {.name = "scratch", .type = BPF_MAP_TYPE_PERCPU_ARRAY, .key_size = 4};

	if (e->scratch->map == UINT32_MAX)
		e->scratch->map = mod_map(e->m, &m);
}

/* The entry of a unit that needs one alone.  Programs that never interrupt each other share it: the
 * kernel runs none of these events' programs while one of them runs on the CPU (bpf_prog_active),
 * and user space runs its own one after the other.
 */
static u32 entry_of(struct emit *e)
{
	struct emit_scratch *s = e->scratch;
	u32 *shared = NULL;

	switch (e->probe && !e->s->w->is_user ? e->probe->hook : HOOK_MAX) {
	case HOOK_KPROBE:
	case HOOK_KRETPROBE:
	case HOOK_TRACEPOINT:
	case HOOK_PROFILE:
	case HOOK_SOFTWARE:
	case HOOK_HARDWARE:
	case HOOK_WATCHPOINT:
	case HOOK_ASYNCWATCHPOINT:
		shared = &s->entry_of_events;
		break;
	case HOOK_BEGIN:
	case HOOK_END:
	case HOOK_INTERVAL:
	case HOOK_SELF:
	case HOOK_TEST:
	case HOOK_BENCH:
		shared = &s->entry_of_user;
		break;
	default:
		return s->n_entries++;
	}
	if (!*shared)
		*shared = ++s->n_entries;
	return *shared - 1;
}

void scratch_end(struct emit *e)
{
	struct emit_scratch *s = e->scratch;
	struct emit_row *slots = &s->rows[REGION_SLOTS], *temps = &s->rows[REGION_TEMPS];
	struct layout l = {0};

	if (slots->n_chunks || temps->n_chunks)
		scratch_map(e);
	l.bias = slots->peak[0];
	l.is_one = slots->n_chunks <= 1 && temps->n_chunks <= 1 &&
		   l.bias + temps->peak[0] <= SCRATCH_CHUNK;
	l.first[REGION_SLOTS] = s->n_entries;
	l.first[REGION_TEMPS] = s->n_entries + slots->n_chunks;
	if (l.is_one && slots->n_chunks + temps->n_chunks) {
		l.first[REGION_SLOTS] = l.first[REGION_TEMPS] = entry_of(e);
		s->value_size = MAX(s->value_size, l.bias + temps->peak[0]);
	} else {
		s->n_entries += slots->n_chunks + temps->n_chunks;
		for (u32 r = 0; r < N_REGIONS; r++)
			for (u32 i = 0; i < s->rows[r].n_chunks; i++)
				s->value_size = MAX(s->value_size, s->rows[r].peak[i]);
	}
	for (u32 i = 0; i < s->frames.n; i++)
		frame_finish(e, s->frames.p[i], &l);
	s->frames.n = 0;
}

void scratch_finish(struct emit *e)
{
	struct emit_scratch *s = e->scratch;
	u8 *data;

	if (s->map != UINT32_MAX) {
		e->m->maps.p[s->map].value_size = s->value_size;
		e->m->maps.p[s->map].max_entries = s->n_entries;
	}
	if (s->rodata != UINT32_MAX) {
		data = arena_alloc(&e->m->arena, s->rodata_bytes.n);
		memcpy(data, s->rodata_bytes.p, s->rodata_bytes.n);
		e->m->maps.p[s->rodata].data = data;
		e->m->maps.p[s->rodata].value_size = s->rodata_bytes.n;
	}
	if (s->zeros != UINT32_MAX) {
		e->m->maps.p[s->zeros].data = arena_alloc(&e->m->arena, s->zeros_bytes);
		e->m->maps.p[s->zeros].value_size = s->zeros_bytes;
	}
}

void scratch_free(struct emit *e)
{
	vec_free(&e->scratch->frames);
	vec_free(&e->scratch->rodata_bytes);
	vec_free(&e->scratch->line_starts);
	vec_free(&e->scratch->subs);
}

/* ---- constants ---- */

static u32 data_map(struct emit *e, const char *name)
{
	struct ir_map m = {.name = name,
			   .type = BPF_MAP_TYPE_ARRAY,
			   .key_size = 4,
			   .max_entries = 1,
			   .flags = BPF_F_RDONLY_PROG,
			   .data = "",
			   .rdonly = true};

	return mod_map(e->m, &m);
}

struct val *emit_bytes(struct emit *e, const void *data, u32 n)
{
	struct emit_scratch *s = e->scratch;
	u32 at = ALIGN_UP(s->rodata_bytes.n, 8u);

	if (s->rodata == UINT32_MAX)
		s->rodata = data_map(e, ".rodata");
	if (!vec_reserve(&s->rodata_bytes, n + 8)) {
		e->failed = true;
		return ir_ref(e->b, OP_GLOBAL, s->rodata, 0);
	}
	memset(s->rodata_bytes.p + s->rodata_bytes.n, 0, at - s->rodata_bytes.n);
	memcpy(s->rodata_bytes.p + at, data, n);
	s->rodata_bytes.n = at + n;
	return ir_ref(e->b, OP_GLOBAL, s->rodata, at);
}

struct val *emit_zeros(struct emit *e, u32 bytes)
{
	struct emit_scratch *s = e->scratch;

	if (s->zeros == UINT32_MAX)
		s->zeros = data_map(e, ".rodata.zeros");
	s->zeros_bytes = MAX(s->zeros_bytes, ALIGN_UP(bytes, 8u));
	return ir_ref(e->b, OP_GLOBAL, s->zeros, 0);
}
