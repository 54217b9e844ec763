/* SPDX-License-Identifier: BSD-2-Clause */
/* lang/bt/emit_error.c - what goes wrong while a script runs: counted, and told to user space.
 *
 * One global function of the module does it, so that the many places where a helper may fail stay
 *small, and the verifier walks it once:
 *
 *	osmia_failed(what, ret)      what: enum script_count | (action + 1) << 8
 */
#include "abi/helper.h"
#include "lang/bt/emit_unit.h"

enum { ACTION_SHIFT = 8, COUNT_MASK = 0xff };

static struct fn *reporter(struct emit *e)
{
	struct emit_scratch *s = e->scratch;

	if (s->reporter)
		return s->reporter;
	s->reporter = fn_new(e->m, "osmia_failed", FN_SUBPROG, IR_I64);
	s->reporter->is_global = true;
	fn_param(s->reporter, IR_I64, SPACE_UNKNOWN)->name = "what";
	fn_param(s->reporter, IR_I64, SPACE_UNKNOWN)->name = "ret";
	return s->reporter;
}

/* An action of its own at a place of the script; action 0: none could be made. */
static struct node action_node(struct emit *e, const struct node *at, enum script_action_kind kind,
			       const char *text, const struct stype *const *types, u32 n)
{
	struct node node = *at;
	struct script_action *a;

	node.action = 0;
	a = sema_action(e->s, &node, kind);
	if (a) {
		a->text = text;
		a->args = sema_record(e->s, types, n);
	}
	return node;
}

/* Helpers that leave zeroes where they fail are told of when asked for only (-k). */
static bool is_told(const struct emit *e, u32 helper)
{
	const struct bt_opts *o = e->s->opts;

	switch (helper) {
	case HELPER_probe_read:
	case HELPER_probe_read_str:
	case HELPER_probe_read_user:
	case HELPER_probe_read_user_str:
	case HELPER_probe_read_kernel:
	case HELPER_probe_read_kernel_str:
	case HELPER_map_lookup_elem:
	case HELPER_map_delete_elem:
	case HELPER_get_current_comm:
		return o->helper_errors;
	default:
		return o->helper_errors || (!o->no_warnings && !sema_compat17(e->s));
	}
}

static u32 helper_action(struct emit *e, u32 helper)
{
	const struct stype *type = stype_int(8, true);

	if (!is_told(e, helper) || !e->scratch->at)
		return 0;
	return action_node(e, e->scratch->at, ACTION_HELPER_ERROR, helper_proto(helper)->name,
			   &type, 1)
		.action;
}

static void report(struct emit *e, u64 what, struct val *ret)
{
	struct val *args[] = {emit_i64(e, (s64)what), ret};

	e->scratch->reports |= what >> ACTION_SHIFT != 0;
	ir_call(e->b, OP_CALL, reporter(e)->index, IR_I64, 2, args);
}

void emit_failed(struct emit *e, enum script_count c, u32 helper, struct val *ret)
{
	report(e, c | (u64)helper_action(e, helper) << ACTION_SHIFT, ret);
}

void emit_no_element(struct emit *e, const struct node *n)
{
	const struct stype *type = stype_int(8, true);
	u32 action;

	if (!is_told(e, HELPER_map_lookup_elem))
		return;
	action = action_node(e, n, ACTION_HELPER_ERROR,
			     helper_proto(HELPER_map_lookup_elem)->name, &type, 1)
			 .action;
	if (action)
		report(e, COUNT_HOWMANY | (u64)action << ACTION_SHIFT, emit_i64(e, 0));
}

void emit_check(struct emit *e, u32 helper, struct val *ret)
{
	u32 action = helper_action(e, helper);
	struct emit_if f;

	if (!action)
		return;
	/* helpers return an int: a bpf_loop() that the verifier put in place leaves the upper half
	 * zero */
	ret = emit_narrow(e, ret, stype_int(4, true));
	f = emit_if(e, ir_cmp(e->b, OP_SLT, ret, emit_i64(e, 0)));
	report(e, COUNT_HOWMANY | (u64)action << ACTION_SHIFT, ret);
	emit_endif(e, &f);
}

void emit_runtime_error(struct emit *e, const struct node *n, const char *text)
{
	const struct stype *type = stype_int(8, true);
	u32 action = action_node(e, n, ACTION_RUNTIME_ERROR, text, &type, 1).action;

	if (action)
		report(e, COUNT_HOWMANY | (u64)action << ACTION_SHIFT, emit_i64(e, 0));
}

/* if (count is one) counts[count]++; if (action) send { action, size, ret } */
static void define(struct emit *e, const struct fn *fn)
{
	struct val *what = fn->params.p[0], *ret = fn->params.p[1], *action, *head, *p;
	struct val *count = emit_bin_imm(e, OP_AND, what, COUNT_MASK), *args[3];
	const struct stype *type = stype_int(8, true), *record = sema_record(e->s, &type, 1);
	struct emit_if f;

	f = emit_if(e, emit_cmp_imm(e, OP_ULT, count, COUNT_HOWMANY));
	emit_count_at(e, count);
	emit_endif(e, &f);
	if (!e->scratch->reports)
		return;
	action = emit_bin_imm(e, OP_LSHR, what, ACTION_SHIFT);
	f = emit_if(e, emit_cmp_imm(e, OP_NE, action, 0));
	args[0] = ir_ref(e->b, OP_MAP, emit_events_map(e), 0);
	args[1] = emit_i64(e, record->size);
	args[2] = emit_i64(e, 0);
	p = emit_helper_ptr(e, HELPER_ringbuf_reserve, SPACE_RECORD, 3, args);
	{
		struct emit_if there = emit_if(e, emit_is_null(e, p));

		emit_count_at(e, emit_i64(e, COUNT_EVENTS_LOST));
		emit_else(e, &there);
		head = emit_bin_imm(e, OP_OR, emit_bin_imm(e, OP_SUB, action, 1),
				    (s64)((u64)record->size << 32));
		ir_store(e->b, head, p, 0);
		ir_store(e->b, ret, p, record->fields[0].off);
		emit_call(e, HELPER_ringbuf_submit, p, emit_i64(e, 0));
		emit_endif(e, &there);
	}
	emit_endif(e, &f);
}

void emit_reporter(struct emit *e)
{
	struct fn *fn = e->scratch->reporter;

	if (!fn)
		return;
	e->probe = NULL;
	e->ctx = NULL;
	scratch_begin(e);
	emit_fn_begin(e, fn);
	define(e, fn);
	ir_ret(e->b, emit_i64(e, 0));
	emit_fn_end(e);
	scratch_end(e);
}
