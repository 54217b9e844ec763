/* SPDX-License-Identifier: BSD-2-Clause */
/* lang/bt/fn_stack.c - stacks: kstack, ustack, dw_ustack.
 *
 *	frames  ── bpf_get_stack ──> scratch ── by {hash, number, tgid} ──> kstack_map or ustack_map
 *	value   {hash, number, tgid ...}    small, so that it can be a key, and the same for the
 *same stack
 *
 * The maps forget the stacks that were not seen for longest; what was forgotten prints as unknown.
 */
#include "abi/env.h"
#include "abi/helper.h"
#include "abi/uapi.h"
#include "lang/bt/func.h"
#include "lang/bt/probe.h"
#include <string.h>

enum { FRAMES_DEFAULT = 127, FRAMES_MAX = 1024, BUILD_ID_BYTES = 32, STACK_KEY = 16 };

/* ---- types ---- */

static bool mode_find(const char *name, enum stack_mode *mode)
{
	static const char *const names[] = { "bpftrace", "perf", "raw", "build_id" };

	for (u32 i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(name, names[i])) {
			*mode = (enum stack_mode)i;
			return true;
		}
	return false;
}

static enum stack_mode check_mode(struct sema *s, const struct node *n, bool kernel)
{
	enum stack_mode mode = (enum stack_mode)s->set.stack_mode;

	if (kernel && mode == STACK_BUILD_ID) {
		sema_warn(s, n, "build ids are of user stacks only: %s has raw addresses", n->text);
		return STACK_RAW;
	}
	return mode;
}

/* stack([mode] [, frames]) */
static void check_stack(struct sema *s, struct node *n, enum stype_kind kind)
{
	bool kernel = kind == ST_KSTACK;
	enum stack_mode mode = check_mode(s, n, kernel);
	struct node *arg = n->kind == NODE_CALL ? n->kids : NULL;
	s64 frames = FRAMES_DEFAULT;

	n->type = stype_stack(sema_types(s), kind, FRAMES_DEFAULT, mode);
	if (!s->probe) {
		sema_error(s, n, "%s can only be used in a probe", n->text);
		return;
	}
	if (arg && (arg->kind == NODE_NAME || arg->next)) {
		if (arg->kind != NODE_NAME || !mode_find(arg->text, &mode)) {
			sema_error(s, arg, "%s() knows the modes bpftrace, perf, raw and build_id",
				   n->text);
			return;
		}
		if (kernel && mode == STACK_BUILD_ID) {
			sema_error(s, n, "build ids are of user stacks only");
			return;
		}
		arg = arg->next;
	}
	if (arg) {
		sema_expr(s, arg);
		if (!sema_literal_int(s, arg, "the number of frames", &frames))
			return;
		if (frames < 1 || frames > FRAMES_MAX) {
			sema_error(s, n, "%s() takes 1 to %d frames, not %lld", n->text, FRAMES_MAX,
				   (long long)frames);
			return;
		}
	}
	n->type = stype_stack(sema_types(s), kind, (u32)frames, mode);
}

void func_check_kstack(struct sema *s, struct node *n)
{
	if (s->w->is_user)
		sema_warn(s, n, "the user engine has no kernel stacks: kstack is empty");
	check_stack(s, n, ST_KSTACK);
}

void func_check_ustack(struct sema *s, struct node *n)
{
	check_stack(s, n, ST_USTACK);
}

void func_check_dw_ustack(struct sema *s, struct node *n)
{
	check_stack(s, n, ST_USTACK);
	if (!s->w->is_user)
		sema_warn(s, n,
			  "dw_ustack follows frame pointers on the kernel engine, as ustack does");
}

/* ---- maps ---- */

static u32 frame_bytes(const struct stype *t)
{
	return t->mode == STACK_BUILD_ID ? BUILD_ID_BYTES : 8;
}

/* Bytes of the largest stack of that kind below a node. */
static u32 largest(const struct node *n, enum stype_kind kind)
{
	u32 size = 0;

	if ((n->kind == NODE_CALL || n->kind == NODE_NAME) && n->type && n->type->kind == kind)
		size = n->type->n * frame_bytes(n->type);
	for (const struct node *k = n->kids; k; k = k->next)
		size = MAX(size, largest(k, kind));
	return size;
}

/* mod->maps index of the map of that kind's stacks: one for all, of the largest's size. */
static u32 stack_map(struct emit *e, enum stype_kind kind)
{
	const struct sema *s = e->s;
	u32 *index = kind == ST_KSTACK ? &s->script->kstack_map : &s->script->ustack_map;
	u32 size = BUILD_ID_BYTES;

	if (*index != UINT32_MAX)
		return *index;
	for (u32 i = 0; i < s->probes.n; i++)
		size = MAX(size, largest(s->probes.p[i]->node, kind));
	*index = mod_map(e->m, &(struct ir_map){.name = kind == ST_KSTACK ? "kstacks" : "ustacks",
						.type = BPF_MAP_TYPE_LRU_HASH,
						.key_size = STACK_KEY,
						.value_size = ALIGN_UP(size, (u32)BUILD_ID_BYTES),
						.max_entries = (u32)MIN(s->set.max_map_keys,
									(u64)UINT32_MAX)});
	return *index;
}

/* ---- values ---- */

static void store32(struct emit *e, struct val *v, struct val *p, s64 off)
{
	ir_store(e->b, ir_cast(e->b, OP_TRUNC, IR_I32, v), p, off);
}

/* A hash of n words at p.  The verifier walks the loop: its bound comes from the helper's result.
 */
static struct val *emit_hash(struct emit *e, struct val *p, struct val *n)
{
	struct blk *head = blk_new(e->fn), *body = blk_new(e->fn), *done = blk_new(e->fn);
	struct val *zero = emit_i64(e, 0), *i, *h, *word, *mixed;

	ir_jmp(e->b, head);
	i = ir_phi(head, IR_I64);
	h = ir_phi(head, IR_I64);
	phi_add(i, zero);
	phi_add(h, zero);
	ir_br(head, ir_cmp(head, OP_ULT, i, n), body, done);
	e->b = body;
	word = ir_load(body, IR_I64, ir_ptradd(body, p, ir_bin(body, OP_SHL, i, emit_i64(e, 3))),
		       0);
	mixed = ir_bin(body, OP_MUL, ir_bin(body, OP_XOR, h, word),
		       emit_i64(e, (s64)0x9e3779b97f4a7c15));
	mixed = ir_bin(body, OP_XOR, mixed, ir_bin(body, OP_LSHR, mixed, emit_i64(e, 32)));
	phi_add(i, ir_bin(body, OP_ADD, i, emit_i64(e, 1)));
	phi_add(h, mixed);
	ir_jmp(body, head);
	e->b = done;
	return h;
}

/* Keeps the frames under the value's first 16 bytes, unless they are there. */
static void keep_stack(struct emit *e, u32 map, struct val *key, struct val *frames)
{
	struct val *ref = ir_ref(e->b, OP_MAP, map, 0), *failed;
	struct val *known = emit_helper_ptr(e, HELPER_map_lookup_elem, SPACE_MAP_VALUE, 2,
					    (struct val *[]){ ref, key });
	struct emit_if new = emit_if(e, emit_is_null(e, known)), full;

	failed = emit_call(e, HELPER_map_update_elem, ir_ref(e->b, OP_MAP, map, 0), key, frames,
			   emit_i64(e, BPF_ANY));
	full = emit_if(e, ir_cmp(e->b, OP_NE, failed, emit_i64(e, 0)));
	emit_count(e, COUNT_MAP_FULL);
	emit_endif(e, &full);
	emit_endif(e, &new);
}

/* The helper gets room for the map's largest stack, so that all that is kept was written by it. */
static struct rv emit_stack(struct emit *e, const struct node *n, u64 how)
{
	const struct stype *t = n->type;
	bool user = t->kind == ST_USTACK;
	u32 map = stack_map(e, t->kind), bytes = e->m->maps.p[map].value_size,
	    each = frame_bytes(t);
	u64 flags = (user ? BPF_F_USER_STACK : 0) |
		    (t->mode == STACK_BUILD_ID ? BPF_F_USER_BUILD_ID : 0) | how;
	struct val *value = emit_temp(e, t->size), *frames = emit_temp(e, bytes), *got, *count,
		   *words;
	struct emit_if any;

	ir_zero(e->b, value, t->size);
	if (user) {
		store32(e, emit_tgid(e), value, 12);
		store32(e, emit_i64(e, emit_place(e)), value, 16);
	}
	got = emit_call(e, HELPER_get_stack, e->ctx, frames, emit_i64(e, bytes),
			emit_i64(e, (s64)flags));
	any = emit_if(e, ir_cmp(e->b, OP_SLT, emit_i64(e, 0), got));
	count = ir_bin(e->b, OP_LSHR, got, emit_i64(e, each == 8 ? 3 : 5));
	if (t->n < bytes / each)
		count = ir_select(e->b, ir_cmp(e->b, OP_ULT, count, emit_i64(e, t->n)), count,
				  emit_i64(e, t->n));
	words = each == 8 ? count : ir_bin(e->b, OP_SHL, count, emit_i64(e, 2));
	ir_store(e->b, emit_hash(e, frames, words), value, 0);
	store32(e, count, value, 8);
	keep_stack(e, map, value, frames);
	emit_endif(e, &any);
	return (struct rv){ t, value };
}

struct rv func_emit_kstack(struct emit *e, const struct node *n)
{
	return emit_stack(e, n, 0);
}

struct rv func_emit_ustack(struct emit *e, const struct node *n)
{
	return emit_stack(e, n, 0);
}

struct rv func_emit_dw_ustack(struct emit *e, const struct node *n)
{
	return emit_stack(e, n, e->s->w->is_user ? HOST_F_UNWIND : 0);
}
