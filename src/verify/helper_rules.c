/* SPDX-License-Identifier: BSD-2-Clause */
/* verify/helper_rules.c - what single helpers want beside their prototypes.
 *
 * Kernel 6.18: the switch in check_helper_call(), check_bpf_snprintf_call(),
 * update_loop_inline_state().
 */
#include "abi/uapi.h"
#include "verify/call.h"
#include "verify/log.h"
#include "verify/prune.h"
#include <ctype.h>
#include <errno.h>
#include <string.h>

/* ---- snprintf ---- */

static bool ends_spec(char c)
{
	return !c || isspace((u8)c) || ispunct((u8)c);
}

/* The conversion behind a '%' at *p: a pointer form, a string, a character or an integer; *p is
 * then its last character.  False: none that is allowed.  Kernel 6.18: bpf_bprintf_prepare(). */
static bool format_spec(const char **p)
{
	const char *s = *p;

	while (*s && strchr("0+- ", *s))
		s++;
	if (*s >= '1' && *s <= '9')
		while (isdigit((u8)*s))
			s++;
	if (*s == 'p') {
		if (ends_spec(s[1])) {
			*p = s;
			return true;
		}
		if ((s[1] == 'k' || s[1] == 'u') && s[2] == 's') {
			*p = s + 2;
			return ends_spec(s[3]);
		}
		if (strchr("KxsSB", s[1])) {
			*p = s + 1;
			return true;
		}
		*p = s + 2;
		return (s[1] == 'i' || s[1] == 'I') && (s[2] == '4' || s[2] == '6');
	}
	if (*s == 's') {
		*p = s;
		return ends_spec(s[1]);
	}
	if (*s == 'c') {
		*p = s;
		return true;
	}
	for (u32 i = 0; i < 2 && *s == 'l'; i++)
		s++;
	*p = s;
	return *s && strchr("iduxX", *s);
}

/* fmt ends with a NUL. */
static bool format_ok(const char *fmt, u32 n_args)
{
	u32 used = 0;

	for (const char *p = fmt; *p; p++) {
		u8 c = (u8)*p;

		if (c >= 0x80 || (!isprint(c) && !isspace(c)))
			return false;
		if (c != '%')
			continue;
		if (p[1] == '%') {
			p++;
			continue;
		}
		if (used >= n_args)
			return false;
		p++;
		if (!format_spec(&p))
			return false;
		used++;
	}
	return true;
}

static int snprintf_check(struct verify *v)
{
	const struct reg *fmt = v_reg(v, 3), *len = v_reg(v, 5);
	const struct verify_map *m = fmt->map;
	u64 size = len->val.bits.value;

	/* arguments are u64; the kernel has no word for others */
	if (size % 8)
		return -EINVAL;
	if (!m || !m->value)
		return 0;
	if (!format_ok((const char *)m->value + fmt->off + (s64)fmt->val.bits.value,
		       (u32)(size / 8)))
		return v_refuse(v, -EINVAL, WHY_ARG, "Invalid format string");
	return 0;
}

/* ---- loop ---- */

static bool loop_flags_zero(struct verify *v)
{
	bool zero = reg_is_null(v_reg(v, 4));

	if (zero)
		precise_reg(v, 4);
	return zero;
}

/* The kernel can make a plain loop of it when every path calls the same function, without flags. */
static void loop_inline_update(struct verify *v, u32 pc, u32 subprog)
{
	struct insn_aux *aux = &v->aux[pc];

	if (!aux->loop_inline_init) {
		aux->loop_inline_init = true;
		aux->loop_inline_fit = loop_flags_zero(v);
		aux->loop_callback = subprog;
		return;
	}
	if (aux->loop_inline_fit)
		aux->loop_inline_fit = loop_flags_zero(v) && aux->loop_callback == subprog;
}

static int loop_call(struct verify *v, struct insn *i, u32 pc, u32 subprog)
{
	struct frame *f = state_cur(v->cur);
	int err;

	loop_inline_update(v, pc, subprog);
	err = precise_reg(v, 1);
	if (err)
		return err;
	if (f->callback_depth < f->regs[1].val.umax)
		return callback_push(v, i, pc, subprog, helper_callback_setup(HELPER_loop));
	f->callback_depth = 0;
	if (log_states_on(v))
		v_log(v, "frame%d bpf_loop iteration limit reached\n", (s32)v->cur->curframe);
	return 0;
}

/* ---- dynptrs ---- */

static struct reg *dynptr_arg(struct verify *v, const struct helper_proto *p)
{
	for (u32 n = 0; n < 5; n++)
		if (ARG_KIND(p->arg[n]) == ARG_DYNPTR)
			return v_reg(v, n + 1);
	return NULL;
}

static int dynptr_data_call(struct verify *v, const struct helper_proto *p, struct call_meta *meta)
{
	const struct reg *r = dynptr_arg(v, p);

	if (!r)
		return -EFAULT;
	if (meta->dynptr_id)
		return v_bug(v, "meta.dynptr_id already set");
	if (meta->ref_obj_id)
		return v_bug(v, "meta.ref_obj_id already set");
	meta->dynptr_id = dynptr_id_of(v, r);
	meta->ref_obj_id = dynptr_ref_of(v, r);
	return 0;
}

/* A write through a dynptr of a packet may move the packet. */
static int dynptr_write_call(struct verify *v, const struct helper_proto *p, bool *changes)
{
	const struct reg *r = dynptr_arg(v, p);
	enum dynptr_type t = r ? dynptr_type_of(v, r) : DYNPTR_INVALID;

	if (t == DYNPTR_INVALID)
		return -EFAULT;
	if (t == DYNPTR_SKB || t == DYNPTR_SKB_META)
		*changes = true;
	return 0;
}

/* ---- all ---- */

static int percpu_call(struct verify *v, struct call_meta *meta, u32 pc)
{
	const struct reg *r = v_reg(v, 1);

	if (!(r->type & T_RCU))
		return 0;
	if (!btf_is_composite(btf_type(r->btf, r->btf_id)))
		return v_refuse(v, -EFAULT, WHY_BTF, "Helper has invalid btf/btf_id in R1");
	meta->percpu_alloc = true;
	v->aux[pc].percpu_alloc_call = true;
	return 0;
}

int helper_rules(struct verify *v, struct insn *i, const struct helper_proto *p,
		 struct call_meta *meta, u32 pc, bool *changes)
{
	switch (p->id) {
	case HELPER_tail_call:
		return call_leak_check(v, false, true, "tail_call");
	case HELPER_get_local_storage:
		/* it cannot fail, so nothing may be wrong */
		if (!reg_is_null(v_reg(v, 2)))
			return v_refuse(v, -EINVAL, WHY_ARG,
					"get_local_storage() doesn't support non-zero flags");
		return 0;
	case HELPER_for_each_map_elem:
	case HELPER_timer_set_callback:
	case HELPER_find_vma:
	case HELPER_user_ringbuf_drain:
		return callback_push(v, i, pc, meta->subprog, helper_callback_setup(p->id));
	case HELPER_loop:
		return loop_call(v, i, pc, meta->subprog);
	case HELPER_snprintf:
		return snprintf_check(v);
	case HELPER_dynptr_from_mem:
		if (v_reg(v, 1)->type != PTR_MAP_VALUE)
			return v_refuse_reg(v, -EACCES, WHY_TYPE, 1, "Unsupported reg type %s for "
					    "bpf_dynptr_from_mem data",
					    log_type(v, v_reg(v, 1)->type));
		return 0;
	case HELPER_set_retval:
		if (v_type(v) == BPF_PROG_TYPE_LSM && v->attach_type == BPF_LSM_CGROUP &&
		    v->attach_proto && !v->attach_proto->type)
			return v_refuse(v, -EINVAL, WHY_RETURN, "BPF_LSM_CGROUP that attach to void "
					"LSM hooks can't modify return value!");
		return 0;
	case HELPER_dynptr_data:
		return dynptr_data_call(v, p, meta);
	case HELPER_dynptr_write:
		return dynptr_write_call(v, p, changes);
	case HELPER_per_cpu_ptr:
	case HELPER_this_cpu_ptr:
		return percpu_call(v, meta, pc);
	}
	return 0;
}
