/* SPDX-License-Identifier: BSD-2-Clause */
/* explain/rules_mem.c - refused loads, stores and memory of calls. */
#include "abi/helper.h"
#include "explain/trace.h"
#include "verify/reg.h"
#include <stdlib.h>
#include <string.h>

/* Bytes that the refused insn touches. */
struct touch {
	const struct reg *base;
	u32 regno;
	s64 off;              /* what of the place is constant */
	struct scalar var;    /* and what is not */
	u64 size;             /* at most */
	bool writes, in_call;
};

static u64 call_size(const struct ex *e, const struct insn *i, u32 regno)
{
	const struct helper_proto *p = i->src == CALL_HELPER ? helper_proto((u32)i->imm) : NULL;
	const struct reg *map = ex_reg(e, 1);
	u32 arg;

	if (!p || regno < 1 || regno > 5)
		return regno < 5 ? ex_reg(e, regno + 1)->val.umax : 0;
	arg = p->arg[regno - 1];
	if (ARG_KIND(arg) == ARG_KEY || ARG_KIND(arg) == ARG_VALUE) {
		if (map->type != PTR_MAP)
			return 0;
		return ARG_KIND(arg) == ARG_KEY ? map->map->key_size : map->map->value_size;
	}
	if (arg & ARG_FIXED_SIZE)
		return ARG_BYTES(arg);
	return regno < 5 ? ex_reg(e, regno + 1)->val.umax : 0;
}

static bool touch_of(const struct ex *e, struct touch *t)
{
	const struct insn *i = ex_insn(e);

	*t = (struct touch){0};
	if (!i)
		return false;
	switch (INSN_CLASS(i->code)) {
	case CLS_LDX:
		t->regno = i->src;
		break;
	case CLS_ST:
	case CLS_STX:
		t->regno = i->dst;
		t->writes = true;
		break;
	case CLS_JMP:
		if (!insn_is_call(i) || e->res->reg < 0)
			return false;
		t->regno = (u32)e->res->reg;
		t->in_call = true;
		break;
	default:
		return false;
	}
	t->base = ex_reg(e, t->regno);
	if (!t->base)
		return false;
	t->size = t->in_call ? call_size(e, i, t->regno) : insn_size_bytes(i->code);
	t->off = t->base->off + (t->in_call ? 0 : i->off);
	t->var = t->base->val;
	return true;
}

/* What is there to touch: its name and size; 0: not known. */
static u64 room_of(struct ex *e, const struct reg *base, const char **what)
{
	switch (REG_BASE(base->type)) {
	case PTR_MAP_VALUE:
		*what = *base->map->name ? ex_printf(e, "the value of map '%s'", base->map->name) :
					   "the map's value";
		return base->map->value_size;
	case PTR_MAP_KEY:
		*what = "the key";
		return base->map->key_size;
	case PTR_MEM:
		*what = base->type & T_RINGBUF ? "the record" : "the memory";
		return base->mem_size;
	case PTR_STACK:
		*what = "the stack there";
		if (scalar_is_const(&base->val) && base->off + (s64)base->val.bits.value < 0)
			return (u64)-(base->off + (s64)base->val.bits.value);
		return 512;
	default:
		*what = "the memory";
		return 0;
	}
}

/* ---- null ---- */

/* When a call gives NULL. */
static const struct {
	const char *call, *when;
} nulls[] = {
	{ "bpf_map_lookup_elem()", "when the key is not there" },
	{ "bpf_map_lookup_percpu_elem()", "when the key is not there" },
	{ "bpf_dynptr_data()", "when the dynptr is not that long, or was not made" },
	{ "bpf_dynptr_slice()", "when the dynptr is not that long" },
	{ "bpf_dynptr_slice_rdwr()", "when the dynptr is not that long" },
	{ "bpf_ringbuf_reserve()", "when the ring buffer is full" },
	{ "bpf_sk_lookup_tcp()", "when there is no such socket" },
	{ "bpf_sk_lookup_udp()", "when there is no such socket" },
	{ "bpf_skc_lookup_tcp()", "when there is no such socket" },
	{ "bpf_sk_fullsock()", "when it is no full socket" },
	{ "bpf_tcp_sock()", "when it is no TCP socket" },
	{ "bpf_sk_storage_get()", "when there is none, or no memory" },
	{ "bpf_task_storage_get()", "when there is none, or no memory" },
	{ "bpf_inode_storage_get()", "when there is none, or no memory" },
	{ "bpf_cgrp_storage_get()", "when there is none, or no memory" },
	{ "bpf_kptr_xchg()", "when there was none" },
	{ "bpf_obj_new_impl()", "when there is no memory" },
	{ "bpf_task_from_pid()", "when there is no such task" },
	{ "bpf_per_cpu_ptr()", "when there is no such CPU" },
};

static const char *null_when(const char *call)
{
	for (u32 i = 0; i < ARRAY_SIZE(nulls); i++)
		if (!strcmp(nulls[i].call, call))
			return nulls[i].when;
	return "when it fails";
}

static u32 first_nullable(const struct ex *e)
{
	const struct insn *i = ex_insn(e);
	struct touch t;

	if (e->res->reg >= 0)
		return (u32)e->res->reg;
	if (touch_of(e, &t))
		return t.regno;
	return i ? i->dst : 0;
}

bool rule_null(struct ex *e, const char *message)
{
	u32 r = first_nullable(e);
	const struct reg *reg = ex_reg(e, r);
	const struct insn *call;
	u32 origin;

	(void)message;
	if (!reg || !type_may_be_null(reg->type))
		return false;
	origin = trace_value(e, e->path.n - 1, r);
	call = origin < e->path.n ? &e->p->insns[e->path.steps[origin].pc] : NULL;
	if (!e->name)
		name_of_pointer(e);
	if (ex_insn(e) && insn_is_call(ex_insn(e)))
		ex_say(e, "%s may be null here, and %s does not take that",
		       name_or(e, "the pointer"), callee_words(e, ex_insn(e)));
	else if (call && insn_is_call(call) && call->src != CALL_SUBPROG)
		ex_say(e, "%s may be null here: %s gives NULL %s", name_or(e, "the pointer"),
		       callee_words(e, call), null_when(callee_words(e, call)));
	else
		ex_say(e, "%s may be null here: it is %s, or NULL", name_or(e, "the pointer"),
		       type_words(reg->type));
	ex_help(e, "test it before it is used: if (!%s) return ...;", e->name ? e->name : "p");
	return true;
}

/* ---- bounds ---- */

static void help_bound(struct ex *e, s64 room, u64 factor)
{
	const char *name = e->name ? e->name : "i";

	if (room >= 0 && factor)
		ex_help(e, "bound it just before: if (%s > %lu) return ...; with %s unsigned", name,
			(unsigned long)((u64)room / factor), name);
	else
		ex_help(e, "bound %s just before the access, as an unsigned number", name);
}

/* The place is known, and outside. */
static void say_fixed(struct ex *e, const struct touch *t, s64 at, const char *what, u64 room)
{
	if (t->base->type == PTR_STACK) {
		ex_say(e, "%s %s %lu bytes at fp%+ld; the stack goes from fp-512 to fp-1",
		       t->in_call ? callee_words(e, ex_insn(e)) : "this",
		       t->writes ? "writes" : "reads", (unsigned long)t->size, (long)at);
		return;
	}
	ex_say(e, "this %s %s of %s, which has %lu", t->writes ? "writes" : "reads",
	       bytes_words(e, at, t->size), what, (unsigned long)room);
	trace_value(e, e->path.n - 1, t->regno);
}

bool rule_bounds(struct ex *e, const char *message)
{
	struct added added;
	const char *what;
	struct touch t;
	u64 room;

	(void)message;
	if (!touch_of(e, &t))
		return false;
	room = room_of(e, t.base, &what);
	if (!room)
		return false;
	if (t.in_call && t.regno < 5 && scalar_is_const(&t.var) &&
	    ex_reg(e, t.regno + 1)->type == REG_SCALAR &&
	    !scalar_is_const(&ex_reg(e, t.regno + 1)->val))
		return rule_size(e, message);
	if (scalar_is_const(&t.var)) {
		say_fixed(e, &t, t.off + (s64)t.var.bits.value, what, room);
		return true;
	}
	if (!trace_offset(e, e->path.n - 1, t.regno, &added))
		added = (struct added){ t.var, t.var, 1 };
	name_of_index(e);
	if (t.base->type == PTR_STACK) {
		ex_say(e, "%s is %s here: the place may be outside of the stack, from fp-512 to fp-1",
		       name_or(e, "the offset"), number_words(e, &added.index));
		return true;
	}
	if (t.var.smin < 0)
		ex_say(e, "%s may be negative here (%s), which is before %s", name_or(e, "the offset"),
		       number_words(e, &added.index), what);
	else if (t.var.umax > INT32_MAX)
		ex_say(e, "%s has no bound here (%s); %s has %lu bytes", name_or(e, "the offset"),
		       number_words(e, &added.index), what, (unsigned long)room);
	else
		ex_say(e, "%s is %s here, so that this may %s byte %ld of %s, which has %lu",
		       name_or(e, "the offset"), number_words(e, &added.index),
		       t.writes ? "write" : "read",
		       (long)(t.off + (s64)t.var.umax + (s64)t.size - 1), what, (unsigned long)room);
	help_bound(e, (s64)room - (s64)t.size - t.off, added.factor);
	return true;
}

/* A number that is added to a pointer. */
bool rule_math(struct ex *e, const char *message)
{
	const struct insn *i = ex_insn(e);
	enum insn_class c = i ? INSN_CLASS(i->code) : CLS_LD;
	const struct reg *number, *pointer;
	struct added added;
	const char *what;
	u64 room;
	u32 r;

	(void)message;
	if ((c != CLS_ALU && c != CLS_ALU64) || INSN_SRC(i->code) != SRC_X)
		return false;
	r = ex_reg(e, i->src)->type == REG_SCALAR ? i->src : i->dst;
	number = ex_reg(e, r);
	pointer = ex_reg(e, r == i->src ? i->dst : i->src);
	if (number->type != REG_SCALAR || pointer->type == REG_SCALAR)
		return false;
	trace_value(e, e->path.n - 1, r);
	trace_index(e, e->path.n - 1, r, &added);
	name_of_index(e);
	room = room_of(e, pointer, &what);
	if (room)
		ex_say(e, "%s is %s where it is added to %s; %s has %lu bytes",
		       name_or(e, "the number"), number_words(e, &added.index),
		       type_words(pointer->type), what, (unsigned long)room);
	else
		ex_say(e, "%s is %s where it is added to %s", name_or(e, "the number"),
		       number_words(e, &added.index), type_words(pointer->type));
	if (room)
		help_bound(e, -1, 1);
	return true;
}

/* A size that a helper gets. */
bool rule_size(struct ex *e, const char *message)
{
	const struct insn *i = ex_insn(e);
	struct touch t;
	const struct reg *size;
	const char *what;
	u32 r;
	u64 room;

	(void)message;
	if (!i || !insn_is_call(i) || !touch_of(e, &t))
		return false;
	r = t.base->type == REG_SCALAR ? t.regno : t.regno + 1;
	size = ex_reg(e, r);
	if (!size || size->type != REG_SCALAR || r < 2)
		return false;
	trace_value(e, e->path.n - 1, r);
	room = room_of(e, ex_reg(e, r - 1), &what);
	if (!size->val.umin && size->val.smin >= 0 && size->val.umax <= room)
		ex_say(e, "%s may be 0 here (%s), and %s does not take that", name_or(e, "the size"),
		       number_words(e, &size->val), callee_words(e, i));
	else if (size->val.smin < 0)
		ex_say(e, "%s may be negative here (%s): %s needs a size that is known to be small",
		       name_or(e, "the size"), number_words(e, &size->val), callee_words(e, i));
	else if (room)
		ex_say(e, "%s is %s here; %s that %s gets has %lu bytes", name_or(e, "the size"),
		       number_words(e, &size->val), what, callee_words(e, i), (unsigned long)room);
	else
		ex_say(e, "%s is %s here, more than %s takes", name_or(e, "the size"),
		       number_words(e, &size->val), callee_words(e, i));
	if (room)
		ex_help(e, "bound it just before: if (%s > %lu) return ...;",
			e->name ? e->name : "size", (unsigned long)room);
	return true;
}

bool rule_packet(struct ex *e, const char *message)
{
	struct touch t;

	(void)message;
	if (!touch_of(e, &t) || !type_is_pkt(t.base->type))
		return false;
	trace_value(e, e->path.n - 1, t.regno);
	if (t.var.umax > UINT16_MAX)
		ex_say(e, "%s has no bound here (%s): a packet has at most 65535 bytes",
		       "the offset into the packet", number_words(e, &t.var));
	else if (t.off < 0) {
		ex_say(e, "this %s %s, which is before the packet's first byte",
		       t.writes ? "writes" : "reads", bytes_words(e, t.off, t.size));
		return true;
	} else if (t.base->range <= 0)
		ex_say(e, "%s of the packet %s here without a look at how long it is",
		       bytes_words(e, t.off, t.size),
		       t.size == 1 ? t.writes ? "is written" : "is read" :
		       t.writes	   ? "are written" : "are read");
	else
		ex_say(e, "%d bytes were checked to be in the packet; this %s %s of it",
		       t.base->range, t.writes ? "writes" : "reads",
		       bytes_words(e, t.off, t.size));
	e->name = NULL;
	name_of_pointer(e);
	if (e->name)
		ex_help(e, "compare with the packet's end first: if ((void *)(%s + 1) > data_end) "
			"return ...;", e->name);
	else
		ex_help(e, "compare with the packet's end first: if (p + %lu > data_end) return ...;",
			(unsigned long)(t.off + (s64)t.size));
	return true;
}

/* ---- pointers that are none any more ---- */

/* The last step at which the register still held a pointer. */
static u32 last_pointer(const struct ex *e, u32 r)
{
	const struct path *p = &e->path;
	u32 frame = p->steps[p->n - 1].frame;

	for (u32 k = p->n - 1; k-- > 0;) {
		bool entered;

		if (p->steps[k].frame != frame)
			continue;
		if (p->steps[k].regs[r].type == REG_SCALAR)
			continue;
		/* a write in between makes it another value */
		if (path_def(p, e->p->insns, p->n - 1, r, &entered) < p->n &&
		    path_def(p, e->p->insns, p->n - 1, r, &entered) >= k)
			return p->n;
		return p->steps[k].regs[r].type == REG_NOT_INIT ? p->n : k;
	}
	return p->n;
}

bool rule_stale(struct ex *e, const char *message)
{
	struct touch t;
	const struct insn *i;
	u32 k, type;

	(void)message;
	if (!touch_of(e, &t) || t.base->type != REG_SCALAR)
		return false;
	k = last_pointer(e, t.regno);
	if (k == e->path.n) {
		trace_value(e, e->path.n - 1, t.regno);
		ex_say(e, "%s is a number, not a pointer: the verifier knows of no memory there",
		       name_or(e, "the address"));
		if (ex_is_tracing(e))
			ex_help(e, "kernel memory is read with bpf_probe_read_kernel(), or BPF_CORE_READ()");
		return true;
	}
	i = &e->p->insns[e->path.steps[k].pc];
	type = e->path.steps[k].regs[t.regno].type;
	name_of_pointer(e);
	ex_note(e, EXPLAIN_LOST, e->path.steps[k].pc, type_is_pkt(type) ?
		"lost here: %s may move the packet" : "lost here: %s ends what it points to",
		insn_is_call(i) ? callee_words(e, i) : "this");
	ex_say(e, "%s was %s, and is none any more", name_or(e, "this"), type_words(type));
	ex_help(e, type_is_pkt(type) ? "get data and data_end again after the call, and compare again" :
				       "use it before it is released");
	return true;
}

/* Something that is no memory to a program. */
bool rule_memory(struct ex *e, const char *message)
{
	struct touch t;

	(void)message;
	if (!touch_of(e, &t))
		return false;
	trace_value(e, e->path.n - 1, t.regno);
	ex_say(e, "%s is %s: nothing can be %s through it", name_or(e, "this"),
	       type_words(t.base->type), t.writes ? "written" : "read");
	return true;
}

/* ---- uninitialised ---- */

bool rule_stack(struct ex *e, const char *message)
{
	const char *who;
	struct touch t;

	if (!touch_of(e, &t) || t.base->type != PTR_STACK || !strstr(message, "read from stack"))
		return false;
	who = t.in_call ? callee_words(e, ex_insn(e)) : "this";
	if (t.in_call)
		name_from_argument(e, t.regno);
	if (!scalar_is_const(&t.var)) {
		ex_say(e, "%s reads the stack at a place that is not constant, and may not be written",
		       who);
	} else if (e->k->caps == CAPS_ALL) {
		/* with every capability bytes that were not written may be read */
		ex_say(e, "%s reads %lu bytes of the stack here that belong to a dynptr, an iterator or "
		       "saved flags", who, (unsigned long)t.size);
		return true;
	} else {
		ex_say(e, "%s reads %lu bytes of the stack here, not all of which were written", who,
		       (unsigned long)t.size);
	}
	if (e->name)
		ex_help(e, "set all of it first, padding too: __builtin_memset(&%s, 0, sizeof(%s));",
			e->name, e->name);
	else
		ex_help(e, "set all of it first, padding too, with __builtin_memset()");
	return true;
}

bool rule_unset(struct ex *e, const char *message)
{
	const struct insn *i = ex_insn(e);
	u32 r = e->res->reg >= 0 ? (u32)e->res->reg : 0, def;
	bool entered;

	(void)message;
	if (!i || e->res->reg < 0)
		return false;
	def = path_def(&e->path, e->p->insns, e->path.n - 1, r, &entered);
	if (def < e->path.n && insn_is_call(&e->p->insns[e->path.steps[def].pc]) && r) {
		ex_note(e, EXPLAIN_LOST, e->path.steps[def].pc,
			"lost here: a call leaves nothing in r1 to r5");
		ex_say(e, "r%u holds no value here: the call before used it up", r);
		return true;
	}
	note_fork(e);
	if (insn_is_exit(i) && !r)
		ex_say(e, "the function ends without a result on this path: r0 was never set");
	else
		ex_say(e, "r%u holds no value here: a variable that is not set on this path", r);
	ex_help(e, "give every variable a value where it is declared, and every path a return value");
	return true;
}

/* ---- the context ---- */

bool rule_ctx(struct ex *e, const char *message)
{
	struct touch t;

	(void)message;
	if (!touch_of(e, &t) || t.base->type != PTR_CTX)
		return false;
	ex_say(e, "%s programs may not %s %s of their context", prog_words(e),
	       t.writes ? "write" : "read", bytes_words(e, t.off, t.size));
	return true;
}
