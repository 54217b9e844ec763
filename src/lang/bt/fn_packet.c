/* SPDX-License-Identifier: BSD-2-Clause */
/* lang/bt/fn_packet.c - skboutput: packets for a capture file.
 *
 * What lies behind skb->data in one piece is copied into scratch memory, behind the record's
 * header, and given to the ring: so the record is as long as the packet.  Pages that hang on the
 * packet are left out.
 */
#include "abi/helper.h"
#include "lang/bt/check_inner.h"
#include "lang/bt/emit_unit.h"
#include "lang/bt/func.h"
#include "lang/bt/text.h"
#include <string.h>

enum { PACKET_MAX = 16384 };
enum { PACKET_NS, PACKET_LENGTH, PACKET_PAD, PACKET_FIELDS }; /* then the bytes */

static const struct stype *skb_of(struct sema *s, const struct node *n)
{
	const struct stype *t = n->type;

	return t->kind == ST_PTR && t->of->name && !strcmp(t->of->name, "struct sk_buff")
		       ? sema_complete(s, t->of)
		       : NULL;
}

void func_check_skboutput(struct sema *s, struct node *n)
{
	struct node *path = n->kids, *skb = path->next, *len = skb->next, *off = len->next;
	const struct stype *t = skb_of(s, skb), *types[PACKET_FIELDS];
	struct script_action *a;

	n->type = stype_int(4, false);
	if (!sema_literal_str(s, path, "skboutput()'s path") || !sema_want_int(s, len, false) ||
	    !sema_want_int(s, off, false) || !sema_is_known(skb->type))
		return;
	if (!t || !stype_field(t, "data") || !stype_field(t, "len") ||
	    !stype_field(t, "data_len")) {
		sema_error(s, skb, "skboutput() expects a struct sk_buff *, not %s",
			   stype_name(sema_types(s), skb->type));
		return;
	}
	types[PACKET_NS] = stype_int(8, false);
	types[PACKET_LENGTH] = types[PACKET_PAD] = stype_int(4, false);
	a = sema_action(s, n, ACTION_SKBOUTPUT);
	if (!a)
		return;
	a->text = arena_strdup(sema_types(s), path->str);
	a->args = sema_record(s, types, PACKET_FIELDS);
}

static struct val *member(struct emit *e, const struct stype *t, struct val *skb, const char *name)
{
	const struct stype_field *f = stype_field(t, name);

	return emit_load(e, f->type, skb, f->off);
}

struct rv func_emit_skboutput(struct emit *e, const struct node *n)
{
	const struct node *skb = n->kids->next, *len = skb->next, *off = len->next;
	const struct stype *args = emit_record_type(e, n);
	const struct stype_field *f = args->fields;
	const struct stype *t = skb_of(e->s, skb);
	struct val *at = text_address(e, skb), *most = emit_scalar(e, len),
		   *skip = emit_scalar(e, off);
	struct val *record = emit_temp(e, args->size + PACKET_MAX), *linear, *bytes, *size, *ret;
	struct emit_if lost;

	linear = emit_bin(e, OP_SUB, member(e, t, at, "len"), member(e, t, at, "data_len"));
	linear = emit_bin(e, OP_SUB, linear, skip);
	linear = ir_select(e->b, emit_cmp_imm(e, OP_SLT, linear, 0), emit_i64(e, 0), linear);
	bytes = ir_select(e->b, ir_cmp(e->b, OP_ULT, most, linear), most, linear);
	bytes = text_min(e, bytes, PACKET_MAX);
	size = emit_bin_imm(e, OP_ADD, bytes, args->size);
	ir_store(e->b, ir_const(e->b, IR_I32, n->action - 1), record, 0);
	ir_store(e->b, ir_cast(e->b, OP_TRUNC, IR_I32, size), record, 4);
	ir_store(e->b, emit_helper(e, HELPER_ktime_get_boot_ns, 0, NULL), record, f[PACKET_NS].off);
	ir_store(e->b, ir_cast(e->b, OP_TRUNC, IR_I32, bytes), record, f[PACKET_LENGTH].off);
	ir_store(e->b, ir_const(e->b, IR_I32, 0), record, f[PACKET_PAD].off);
	emit_call(e, HELPER_probe_read_kernel, emit_add(e, record, args->size), bytes,
		  emit_ptr(e, emit_bin(e, OP_ADD, member(e, t, at, "data"), skip), SPACE_KERNEL));
	ret = emit_ring_output(e, record, size);
	lost = emit_if(e, emit_cmp_imm(e, OP_SLT, ret, 0));
	emit_count(e, COUNT_EVENTS_LOST);
	emit_endif(e, &lost);
	return (struct rv){n->type, ret};
}
