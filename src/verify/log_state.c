/* SPDX-License-Identifier: BSD-2-Clause */
/* verify/log_state.c - registers and stack slots as the kernel's log shows them.
 *
 *	 R1=ctx() R2=scalar(smin=smin32=0,smax=umax=255,var_off=(0x0; 0xff)) R10=fp0 fp-8=mmmm????
 *
 * Kernel 6.18: print_verifier_state(), print_reg_state() in kernel/bpf/log.c.
 */
#include "verify/log.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ---- names ---- */

static const char *const base_text[] = {
	[REG_NOT_INIT] = "?",
	[REG_SCALAR] = "scalar",
	[PTR_CTX] = "ctx",
	[PTR_MAP] = "map_ptr",
	[PTR_MAP_VALUE] = "map_value",
	[PTR_MAP_KEY] = "map_key",
	[PTR_STACK] = "fp",
	[PTR_PACKET_META] = "pkt_meta",
	[PTR_PACKET] = "pkt",
	[PTR_PACKET_END] = "pkt_end",
	[PTR_FLOW_KEYS] = "flow_keys",
	[PTR_SOCKET] = "sock",
	[PTR_SOCK_COMMON] = "sock_common",
	[PTR_TCP_SOCK] = "tcp_sock",
	[PTR_TP_BUFFER] = "tp_buffer",
	[PTR_XDP_SOCK] = "xdp_sock",
	[PTR_BTF] = "ptr_",
	[PTR_MEM] = "mem",
	[PTR_ARENA] = "arena",
	[PTR_BUF] = "buf",
	[PTR_FUNC] = "func",
	[PTR_DYNPTR] = "dynptr_ptr",
};

/* Those flags that are shown, in the order in which they are. */
static const struct {
	u32 flag;
	const char *text;
} flag_text[] = {
	{ T_RDONLY, "rdonly_" },
	{ T_RINGBUF, "ringbuf_" },
	{ T_USER, "user_" },
	{ T_PERCPU, "percpu_" },
	{ T_RCU, "rcu_" },
	{ T_UNTRUSTED, "untrusted_" },
	{ T_TRUSTED, "trusted_" },
};

const char *log_type(struct verify *v, u32 type)
{
	char *out = v->type_text[v->type_turn++ % ARRAY_SIZE(v->type_text)];
	size_t size = sizeof(v->type_text[0]), n = 0;
	u32 base = REG_BASE(type);

	for (u32 i = 0; i < ARRAY_SIZE(flag_text); i++)
		if (type & flag_text[i].flag)
			n += (size_t)snprintf(out + n, size - n, "%s", flag_text[i].text);
	snprintf(out + n, size - n, "%s%s", base < ARRAY_SIZE(base_text) ? base_text[base] : "?",
		 !(type & T_MAYBE_NULL) ? "" : base == PTR_BTF ? "or_null_" : "_or_null");
	return out;
}

const char *log_dynptr_type(enum dynptr_type t)
{
	static const char *const text[] = {
		[DYNPTR_INVALID] = "<invalid>", [DYNPTR_LOCAL] = "local",
		[DYNPTR_RINGBUF] = "ringbuf", [DYNPTR_SKB] = "skb", [DYNPTR_XDP] = "xdp",
		[DYNPTR_SKB_META] = "skb_meta",
	};

	return t < ARRAY_SIZE(text) ? text[t] : "<unknown>";
}

const char *log_iter_type(const struct btf *btf, u32 btf_id)
{
	static const char prefix[] = "bpf_iter_";
	const char *name;

	if (!btf || !btf_id)
		return "<invalid>";
	name = btf_name(btf, btf_id);
	return strncmp(name, prefix, sizeof(prefix) - 1) == 0 ? name + sizeof(prefix) - 1 : name;
}

const char *log_iter_state(enum iter_state s)
{
	static const char *const text[] = {
		[ITER_INVALID] = "<invalid>", [ITER_ACTIVE] = "active", [ITER_DRAINED] = "drained",
	};

	return s < ARRAY_SIZE(text) ? text[s] : "<unknown>";
}

/* ---- numbers: small ones in decimal, others in hex ---- */

static bool is_small_signed(s64 n)
{
	return n >= INT16_MIN && n <= INT16_MAX;
}

static void add_unsigned(struct str *out, u64 n)
{
	str_addf(out, n <= UINT16_MAX ? "%" PRIu64 : "%#" PRIx64, n);
}

static void add_signed(struct str *out, s64 n)
{
	if (is_small_signed(n))
		str_addf(out, "%" PRId64, n);
	else
		str_addf(out, "%#" PRIx64, (u64)n);
}

/* A known negative value is shown in hex, unlike everywhere else: tnum_strn() until 6.18. */
void log_tnum(struct str *out, struct tnum t)
{
	if (t.mask)
		str_addf(out, "(0x%" PRIx64 "; 0x%" PRIx64 ")", t.value, t.mask);
	else
		add_unsigned(out, t.value);
}

/* A negative 32-bit bound that will be shown in hex must not be sign-extended. */
static u64 as_shown(s32 n)
{
	return is_small_signed(n) ? (u64)(s64)n : (u32)n;
}

/* Separator of the parts between the parentheses. */
static void add_sep(struct str *out, const char **sep)
{
	str_add(out, *sep);
	*sep = ",";
}

/* Bounds that tell something; those of one value and kind (lower, upper) share it: "smax=umax=255". */
static void add_ranges(struct str *out, const struct scalar *s, const char **sep)
{
	struct {
		const char *name;
		u64 value;
		bool done, is_signed;
	} b[] = {
		{ "smin", (u64)s->smin, s->smin == INT64_MIN, true },
		{ "smax", (u64)s->smax, s->smax == INT64_MAX, true },
		{ "umin", s->umin, s->umin == 0, false },
		{ "umax", s->umax, s->umax == UINT64_MAX, false },
		{ "smin32", as_shown(s->smin32), s->smin32 == INT32_MIN, true },
		{ "smax32", as_shown(s->smax32), s->smax32 == INT32_MAX, true },
		{ "umin32", s->umin32, s->umin32 == 0, false },
		{ "umax32", s->umax32, s->umax32 == UINT32_MAX, false },
	};

	for (u32 i = 0; i < ARRAY_SIZE(b); i++) {
		bool negative = b[i].is_signed && (s64)b[i].value < 0;

		if (b[i].done)
			continue;
		add_sep(out, sep);
		str_addf(out, "%s=", b[i].name);
		for (u32 j = i + 2; j < ARRAY_SIZE(b); j += 2) {
			if (b[j].done || b[j].value != b[i].value ||
			    (b[j].is_signed && (s64)b[j].value < 0) != negative)
				continue;
			b[j].done = true;
			str_addf(out, "%s=", b[j].name);
		}
		if (b[i].is_signed)
			add_signed(out, (s64)b[i].value);
		else
			add_unsigned(out, b[i].value);
	}
}

/* ---- registers ---- */

static bool is_map_type(u32 type)
{
	u32 base = REG_BASE(type);

	return base == PTR_MAP || base == PTR_MAP_KEY || base == PTR_MAP_VALUE;
}

/* What the parts of one pointer or number are, in the kernel's order. */
static void add_parts(const struct reg *r, struct str *out)
{
	const char *sep = "";
	u32 t = r->type;

	if (r->id) {
		add_sep(out, &sep);
		str_addf(out, "id=%u", r->id & ~(u32)ID_ADD_CONST);
	}
	if (r->id & ID_ADD_CONST)
		str_addf(out, "%+d", r->off);
	if (r->ref_obj_id) {
		add_sep(out, &sep);
		str_addf(out, "ref_obj_id=%u", r->ref_obj_id);
	}
	if (type_is_non_owning_ref(t)) {
		add_sep(out, &sep);
		str_add(out, "non_own_ref");
	}
	if (is_map_type(t)) {
		if (r->map->name && *r->map->name) {
			add_sep(out, &sep);
			str_addf(out, "map=%s", r->map->name);
		}
		add_sep(out, &sep);
		str_addf(out, "ks=%u,vs=%u", r->map->key_size, r->map->value_size);
	}
	if (t != REG_SCALAR && r->off) {
		add_sep(out, &sep);
		str_add(out, "off=");
		add_signed(out, r->off);
	}
	if (t == PTR_PACKET || t == PTR_PACKET_META) {
		add_sep(out, &sep);
		str_add(out, "r=");
		add_unsigned(out, (u64)(s64)r->range);
	}
	if (REG_BASE(t) == PTR_MEM) {
		add_sep(out, &sep);
		str_add(out, "sz=");
		add_unsigned(out, r->mem_size);
	}
	if (t == PTR_DYNPTR) {
		add_sep(out, &sep);
		str_addf(out, "type=%s", log_dynptr_type(r->dynptr.type));
	}
	if (!tnum_is_const(r->val.bits)) {
		add_ranges(out, &r->val, &sep);
		if (!tnum_is_unknown(r->val.bits)) {
			add_sep(out, &sep);
			str_add(out, "var_off=");
			log_tnum(out, r->val.bits);
		}
	} else if (r->val.bits.value) {
		add_sep(out, &sep);
		str_add(out, "imm=");
		add_signed(out, (s64)r->val.bits.value);
	}
}

void log_reg(struct verify *v, const struct frame *f, const struct reg *r, struct str *out)
{
	u32 t = r->type;

	if (t == REG_SCALAR && r->precise)
		str_addc(out, 'P');
	if (t == REG_SCALAR && tnum_is_const(r->val.bits)) {
		add_signed(out, (s64)r->val.bits.value);
		return;
	}
	str_add(out, log_type(v, t));
	if (t == PTR_ARENA)
		return;
	if (t == PTR_STACK) {
		if (f->frameno != r->frameno)
			str_addf(out, "[%u]", r->frameno);
		if (tnum_is_const(r->val.bits)) {
			add_signed(out, (s64)(r->val.bits.value + (u64)(s64)r->off));
			return;
		}
	}
	if (REG_BASE(t) == PTR_BTF)
		str_add(out, btf_name(r->btf, r->btf_id));
	str_addc(out, '(');
	add_parts(r, out);
	str_addc(out, ')');
}

/* ---- stack slots ---- */

static void add_dynptr(const struct reg *r, struct str *out)
{
	const char *sep = "";

	str_addf(out, "dynptr_%s(", log_dynptr_type(r->dynptr.type));
	if (r->id) {
		add_sep(out, &sep);
		str_addf(out, "id=%u", r->id);
	}
	if (r->ref_obj_id) {
		add_sep(out, &sep);
		str_addf(out, "ref_id=%u", r->ref_obj_id);
	}
	/* the kernel shows the field of memory slices here, whose bytes are the first_slot of a dynptr */
	if (r->dynptr.first_slot) {
		add_sep(out, &sep);
		str_add(out, "dynptr_id=1");
	}
	str_addc(out, ')');
}

/* Slot i with its blank; returns how many slots that were. */
static u32 add_slot(struct verify *v, const struct frame *f, u32 i, struct str *out)
{
	static const char letters[] = "?rm0dif";
	const struct slot *s = &f->stack[i];
	s32 off = -8 * (s32)(i + 1);
	char text[9] = "????????";
	bool valid = false;
	u32 n_plain = 0; /* bytes before those of the spilled register */

	for (u32 j = 0; j < 8; j++) {
		valid |= s->type[j] != SLOT_INVALID;
		text[j] = s->type[j] < sizeof(letters) - 1 ? letters[s->type[j]] : '?';
	}
	if (!valid)
		return 1;
	switch (s->type[7]) {
	case SLOT_SPILL:
		while (n_plain < 8 && s->type[n_plain] != SLOT_SPILL)
			n_plain++;
		text[n_plain] = '\0';
		str_addf(out, " fp%d=%s", off, text);
		log_reg(v, f, &s->reg, out);
		return 1;
	case SLOT_DYNPTR: /* two slots; the second is the lower one, with what it is */
		if (i + 1 >= f->n_slots)
			return 1;
		str_addf(out, " fp%d=", off - 8);
		add_dynptr(&f->stack[i + 1].reg, out);
		return 2;
	case SLOT_ITER: /* only its first slot has the reference */
		if (s->reg.ref_obj_id)
			str_addf(out, " fp%d=iter_%s(ref_id=%u,state=%s,depth=%u)", off,
				 log_iter_type(s->reg.iter.btf, s->reg.iter.btf_id),
				 s->reg.ref_obj_id, log_iter_state(s->reg.iter.state),
				 s->reg.iter.depth);
		return 1;
	}
	str_addf(out, " fp%d=%s", off, text);
	return 1;
}

/* ---- states ---- */

static void add_refs(const struct state *st, struct str *out)
{
	if (!st->n_refs || !st->refs[0].id)
		return;
	str_addf(out, " refs=%u", st->refs[0].id);
	for (u32 i = 1; i < st->n_refs; i++)
		if (st->refs[i].id)
			str_addf(out, ",%u", st->refs[i].id);
}

void log_state(struct verify *v, const struct state *st, u32 frameno, bool all)
{
	const struct frame *f = st->frame[frameno];
	struct str out = {0};

	if (f->frameno)
		str_addf(&out, " frame%u:", f->frameno);
	for (u32 i = 0; i < REG_MAX; i++) {
		if (f->regs[i].type == REG_NOT_INIT || (!all && !(v->scratched_regs >> i & 1)))
			continue;
		str_addf(&out, " R%u=", i);
		log_reg(v, f, &f->regs[i], &out);
	}
	for (u32 i = 0; i < f->n_slots;)
		i += all || v->scratched_slots >> i & 1 ? add_slot(v, f, i, &out) : 1;
	add_refs(st, &out);
	if (f->in_callback)
		str_add(&out, " cb");
	if (f->in_async_callback)
		str_add(&out, " async_cb");
	str_addc(&out, '\n');
	log_text(v, &out);
	str_free(&out);
	if (!all)
		v->scratched_regs = 0, v->scratched_slots = 0;
}

void log_reg_mask(struct str *out, u32 mask)
{
	const char *sep = "";

	for (u32 i = 0; i < 32; i++)
		if (mask >> i & 1) {
			add_sep(out, &sep);
			str_addf(out, "r%u", i);
		}
}

void log_slot_mask(struct str *out, u64 mask)
{
	const char *sep = "";

	for (u32 i = 0; i < 64; i++)
		if (mask >> i & 1) {
			add_sep(out, &sep);
			str_addf(out, "%d", -8 * (s32)(i + 1));
		}
}

void log_invalid_scalar(struct verify *v, const struct reg *r, struct retval_range range,
			const char *ctx, const char *reg_name)
{
	struct str out = {0};
	bool unknown = true;

	str_addf(&out, "%s the register %s has", ctx, reg_name);
	if (r->val.smin > INT64_MIN) {
		str_addf(&out, " smin=%" PRId64, r->val.smin);
		unknown = false;
	}
	if (r->val.smax < INT64_MAX) {
		str_addf(&out, " smax=%" PRId64, r->val.smax);
		unknown = false;
	}
	v_refuse(v, 0, WHY_RETURN, "%s%s should have been in [%d, %d]", str_text(&out),
		 unknown ? " unknown scalar value" : "", range.min, range.max);
	str_free(&out);
}
