/* SPDX-License-Identifier: BSD-2-Clause */
/* lang/bt/fn_symbol.c - addresses and their names, address spaces, network addresses.  Stacks:
 * fn_stack.c.
 *
 * Names of addresses are looked up when they are printed; a program only notes what that needs.
 */
#include "abi/helper.h"
#include "abi/kfunc.h"
#include "lang/bt/func.h"
#include "lang/bt/probe.h"
#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>

enum { MAC_BYTES = 6, INET_ADDR = 4, INET4_BYTES = 4, INET6_BYTES = 16 };

static struct rv rv_of(const struct node *n, struct val *v)
{
	return (struct rv){ n->type, v };
}

static void set_const(struct node *n, const struct stype *type, s64 v)
{
	n->type = type;
	n->is_const = true;
	n->konst = v;
}

static void store32(struct emit *e, struct val *v, struct val *p, s64 off)
{
	ir_store(e->b, ir_cast(e->b, OP_TRUNC, IR_I32, v), p, off);
}

/* ---- names of addresses ---- */

void func_check_ksym(struct sema *s, struct node *n)
{
	n->type = stype_simple(ST_KSYM);
	sema_want_int(s, n->kids, true);
}

struct rv func_emit_ksym(struct emit *e, const struct node *n)
{
	return rv_of(n, emit_scalar(e, n->kids));
}

u32 emit_place(const struct emit *e)
{
	return e->probe && e->probe->attaches.n == 1 ? e->probe->attaches.p[0] + 1 : 0;
}

struct rv emit_usym(struct emit *e, const struct stype *usym, struct val *addr)
{
	struct val *p = emit_temp(e, usym->size);

	ir_store(e->b, addr, p, 0);
	store32(e, emit_tgid(e), p, 8);
	store32(e, emit_i64(e, emit_place(e)), p, 12);
	return (struct rv){ usym, p };
}

void func_check_usym(struct sema *s, struct node *n)
{
	n->type = stype_simple(ST_USYM);
	sema_want_int(s, n->kids, true);
}

struct rv func_emit_usym(struct emit *e, const struct node *n)
{
	return emit_usym(e, n->type, emit_scalar(e, n->kids));
}

/* ---- addresses of names ---- */

/* An integer that is an address, should it become a pointer. */
static const struct stype *address_type(struct sema *s, enum stype_space space)
{
	struct stype *t = arena_alloc(sema_types(s), sizeof(*t));

	*t = *stype_int(8, false);
	t->space = space;
	return t;
}

void func_check_kaddr(struct sema *s, struct node *n)
{
	const char *name;
	u64 addr = 0;

	sema_expr(s, n->kids);
	name = sema_literal_str(s, n->kids, "the name of a kernel symbol");
	if (name && (!s->w->kaddr || s->w->kaddr(s->w->arg, name, &addr))) {
		sema_error(s, n, "there is no kernel symbol '%s'", name);
		if (s->w->is_user)
			sema_hint(s, "the user engine has no kernel of its own to look into");
	}
	set_const(n, address_type(s, SS_KERNEL), (s64)addr);
}

struct rv func_emit_kaddr(struct emit *e, const struct node *n)
{
	return rv_of(n, emit_i64(e, n->konst));
}

/* ---- variables of the traced binary ---- */

static bool in_binary(enum script_hook h)
{
	return h == HOOK_UPROBE || h == HOOK_URETPROBE || h == HOOK_USDT;
}

/* A variable's type is not known, but by its size. */
void func_check_uaddr(struct sema *s, struct node *n)
{
	u64 addr = 0, size = 8;
	const char *name;

	sema_expr(s, n->kids);
	name = sema_literal_str(s, n->kids, "the name of a symbol");
	if (!s->probe || !in_binary(s->probe->hook)) {
		sema_error(s, n, "uaddr() can only be used with uprobe, uretprobe and usdt probes");
	} else if (!s->probe->binary) {
		sema_error(s, n, "uaddr() needs probes of one binary: these have several");
	} else if (name &&
		   (!s->w->uaddr || s->w->uaddr(s->w->arg, s->probe->binary, name, &addr, &size))) {
		sema_error(s, n, "%s has no symbol '%s'", s->probe->binary, name);
	}
	if (size != 1 && size != 2 && size != 4)
		size = 8;
	n->type = stype_ptr(sema_types(s), stype_int((u32)size, true), SS_USER);
}

/* Where the file's first place would be, were it loaded as it says: what is there less this is how
 * far the binary was moved. */
static bool place_vaddr(const struct emit *e, const struct script_attach *a, u64 *addr)
{
	const struct bt_world *w = e->s->w;
	u64 size;

	if (a->hook == HOOK_USDT || !*a->fn)
		return w->vaddr && !w->vaddr(w->arg, e->probe->binary, a->off, addr);
	if (!w->uaddr || w->uaddr(w->arg, e->probe->binary, a->fn, addr, &size))
		return false;
	*addr += a->off;
	return true;
}

/* The address in the file of the place that was hit: by cookie where the program has several. */
static struct val *hit_vaddr(struct emit *e)
{
	const struct bt_probe *p = e->probe;
	const struct script *sc = e->s->script;
	struct val *cookie, *addr = NULL;

	for (u32 i = 0; i < p->attaches.n; i++) {
		const struct script_attach *a = &sc->attaches.p[p->attaches.p[i]];
		u64 vaddr;

		if (!place_vaddr(e, a, &vaddr))
			return NULL;
		if (!addr) {
			addr = emit_i64(e, (s64)vaddr);
			if (p->attaches.n > 1)
				cookie = emit_call(e, HELPER_get_attach_cookie, e->ctx);
			continue;
		}
		addr = ir_select(e->b, ir_cmp(e->b, OP_EQ, cookie, emit_i64(e, (s64)a->cookie)),
				 emit_i64(e, (s64)vaddr), addr);
	}
	return addr;
}

struct rv func_emit_uaddr(struct emit *e, const struct node *n)
{
	const struct bt_world *w = e->s->w;
	struct val *vaddr = hit_vaddr(e), *ip;
	u64 addr = 0, size;

	w->uaddr(w->arg, e->probe->binary, n->kids->str, &addr, &size);
	if (!vaddr)
		return rv_of(n, emit_i64(e, (s64)addr));
	ip = e->probe->hook == HOOK_URETPROBE
		     ? emit_call(e, HELPER_get_func_ip, e->ctx)
		     : emit_load(e, stype_int(8, false), e->ctx, bt_reg_find("ip"));
	return rv_of(n,
		     ir_bin(e->b, OP_ADD, ir_bin(e->b, OP_SUB, ip, vaddr), emit_i64(e, (s64)addr)));
}

/* ---- per-CPU variables of the kernel ---- */

static u32 kernel_var(const struct sema *s, const char *name)
{
	return world_btf(s->w) ? btf_find(world_btf(s->w), name, BTF_VAR) : 0;
}

void func_check_percpu_kaddr(struct sema *s, struct node *n)
{
	struct node *cpu = node_kid(n, 1);
	const char *name;

	sema_expr(s, n->kids);
	name = sema_literal_str(s, n->kids, "the name of a per-CPU variable of the kernel");
	if (name && !kernel_var(s, name)) {
		sema_error(s, n, "there is no per-CPU variable '%s' in the kernel's BTF", name);
		if (s->w->is_user)
			sema_hint(s, "the user engine has no kernel of its own to look into");
	}
	if (cpu) {
		sema_expr(s, cpu);
		sema_want_int(s, cpu, false);
	}
	n->type = address_type(s, SS_KERNEL);
}

/* A type that the loader takes for the kernel's: kinds and names count, members don't. */
static u32 essential_type(struct btf_builder *b, const struct btf *from, u32 id, u32 depth)
{
	const struct btf_type *t = btf_resolve(from, id);
	const char *name = btf_name(from, btf_skip(from, id));
	u32 elem;

	if (!depth)
		return 0;
	switch (btf_kind(t)) {
	case BTF_INT:
		return btf_add_int(b, name, t->size, btf_int_encoding(t));
	case BTF_PTR:
		elem = essential_type(b, from, t->type, depth - 1);
		return btf_add(b, "", BTF_PTR, false, 0, elem);
	case BTF_ARRAY:
		elem = essential_type(b, from, btf_array(t)->type, depth - 1);
		return btf_add_array(b, elem, btf_add_int(b, "unsigned int", 4, 0),
				     btf_array(t)->n);
	case BTF_STRUCT: case BTF_UNION:
		return btf_add_struct(b, (enum btf_kind)btf_kind(t), name, t->size);
	case BTF_ENUM: case BTF_ENUM64:
		return btf_add_enum(b, name, t->size, false);
	case BTF_FWD:
		return btf_add(b, name, BTF_FWD, btf_kflag(t), 0, 0);
	default:
		return 0;
	}
}

static u32 var_extern(struct emit *e, const char *name)
{
	struct btf_builder *b = &e->m->btf;
	const struct btf *kernel = world_btf(e->s->w);
	struct ir_extern *x;
	u32 type;

	for (u32 i = 0; i < e->m->externs.n; i++)
		if (!strcmp(e->m->externs.p[i].name, name))
			return i;
	x = vec_add(&e->m->externs);
	if (!x) {
		e->failed = true;
		return 0;
	}
	type = essential_type(b, kernel, btf_type(kernel, kernel_var(e->s, name))->type, 8);
	*x = (struct ir_extern){ .name = name, .btf_id = btf_add_var(b, name, type, BTF_EXTERN) };
	return e->m->externs.n - 1;
}

struct rv func_emit_percpu_kaddr(struct emit *e, const struct node *n)
{
	struct val *var = ir_ref(e->b, OP_EXTERN, var_extern(e, n->kids->str), 0), *p;
	const struct node *cpu = node_kid(n, 1);

	struct val *result;
	struct emit_if there;

	var->space = SPACE_BTF;
	if (!cpu)
		return rv_of(n, emit_int(e, emit_helper_ptr(e, HELPER_this_cpu_ptr, SPACE_BTF, 1,
							    &var)));
	/* The verifier lets nothing be added to a pointer that may be null. */
	result = ir_alloca(e->fn, 8, 8);
	ir_store(e->b, emit_i64(e, 0), result, 0);
	p = emit_helper_ptr(e, HELPER_per_cpu_ptr, SPACE_BTF, 2,
			    (struct val *[]){var, emit_scalar(e, cpu)});
	there = emit_if(e, ir_cmp(e->b, OP_NE, emit_int(e, p), emit_i64(e, 0)));
	ir_store(e->b, emit_int(e, p), result, 0);
	emit_endif(e, &there);
	return rv_of(n, ir_load(e->b, IR_I64, result, 0));
}

/* ---- address spaces ---- */

static void check_space(struct sema *s, struct node *n, enum stype_space space)
{
	const struct stype *t = n->kids->type;

	n->type = t;
	if (!sema_want_int(s, n->kids, true))
		return;
	if (t->kind == ST_PTR)
		n->type = stype_in_space(sema_types(s), t, space);
	else if (t->kind == ST_INT && t->size == 8)
		n->type = address_type(s, space);
}

void func_check_kptr(struct sema *s, struct node *n)
{
	check_space(s, n, SS_KERNEL);
}

struct rv func_emit_kptr(struct emit *e, const struct node *n)
{
	return rv_of(n, emit_scalar(e, n->kids));
}

void func_check_uptr(struct sema *s, struct node *n)
{
	check_space(s, n, SS_USER);
}

struct rv func_emit_uptr(struct emit *e, const struct node *n)
{
	return rv_of(n, emit_scalar(e, n->kids));
}

/* ---- network addresses ---- */

static bool is_bytes(const struct stype *t)
{
	return t->kind == ST_ARRAY || t->kind == ST_STR || t->kind == ST_BUF;
}

static u32 bytes_of(const struct stype *t)
{
	return t->kind == ST_BUF ? t->n : t->size;
}

static struct val *bytes_at(struct emit *e, const struct node *n)
{
	struct val *p = emit_expr(e, n).v;

	return n->type->kind == ST_BUF ? ir_ptradd(e->b, p, emit_i64(e, 4)) : p;
}

void func_check_ntop(struct sema *s, struct node *n)
{
	struct node *addr = node_kid(n, 1) ? node_kid(n, 1) : n->kids;
	const struct stype *t = addr->type;

	n->type = stype_simple(ST_INET);
	if (addr != n->kids && !sema_want_int(s, n->kids, false))
		return;
	if (is_bytes(t)) {
		if (t->kind == ST_BUF || (bytes_of(t) != INET4_BYTES && bytes_of(t) != INET6_BYTES))
			sema_error(
				s, n,
				"ntop() takes an integer, or an address of 4 or 16 bytes, not %s",
				stype_name(sema_types(s), t));
		return;
	}
	sema_want_int(s, addr, false);
}

struct rv func_emit_ntop(struct emit *e, const struct node *n)
{
	const struct node *addr = node_kid(n, 1) ? node_kid(n, 1) : n->kids;
	bool is_six = is_bytes(addr->type) && bytes_of(addr->type) == INET6_BYTES;
	struct val *p = emit_temp(e, n->type->size);
	struct val *family = addr != n->kids ? emit_scalar(e, n->kids)
					     : emit_i64(e, is_six ? AF_INET6 : AF_INET);

	ir_zero(e->b, p, n->type->size);
	store32(e, family, p, 0);
	if (is_bytes(addr->type))
		emit_read(e, ir_ptradd(e->b, p, emit_i64(e, INET_ADDR)), bytes_of(addr->type),
			  bytes_at(e, addr)); /* all of them: a string would end at the first 0 */
	else
		store32(e, emit_scalar(e, addr), p, INET_ADDR);
	return rv_of(n, p);
}

static u32 pton_bytes(const char *text, u8 addr[INET6_BYTES])
{
	if (inet_pton(AF_INET, text, addr) == 1)
		return INET4_BYTES;
	return inet_pton(AF_INET6, text, addr) == 1 ? INET6_BYTES : 0;
}

void func_check_pton(struct sema *s, struct node *n)
{
	u8 addr[INET6_BYTES];
	const char *text;
	u32 bytes = 0;

	n->type = stype_none();
	sema_expr(s, n->kids);
	text = sema_literal_str(s, n->kids, "the address that pton() takes");
	if (!text)
		return;
	bytes = pton_bytes(text, addr);
	if (!bytes)
		sema_error(s, n, "'%s' is not an IPv4 or IPv6 address", text);
	else
		n->type = stype_array(sema_types(s), stype_int(1, false), bytes);
}

struct rv func_emit_pton(struct emit *e, const struct node *n)
{
	u8 addr[INET6_BYTES];

	return rv_of(n, emit_bytes(e, addr, pton_bytes(n->kids->str, addr)));
}

void func_check_macaddr(struct sema *s, struct node *n)
{
	const struct stype *t = n->kids->type;

	n->type = stype_simple(ST_MAC);
	if (n->kids->str || (is_bytes(t) && bytes_of(t) < MAC_BYTES))
		sema_error(s, n,
			   "macaddr() takes a pointer to 6 bytes, or an array of them, not %s",
			   stype_name(sema_types(s), t));
	else if (!is_bytes(t))
		sema_want_int(s, n->kids, true);
}

struct rv func_emit_macaddr(struct emit *e, const struct node *n)
{
	const struct stype *t = n->kids->type;
	struct val *p = emit_temp(e, n->type->size), *from;

	ir_zero(e->b, p, n->type->size);
	if (t->kind == ST_PTR)
		from = emit_ptr(e, emit_scalar(e, n->kids), emit_space(e, t));
	else if (is_bytes(t))
		from = emit_expr(e, n->kids).v;
	else
		from = emit_ptr(e, emit_scalar(e, n->kids),
				e->probe && e->probe->is_user ? SPACE_USER : SPACE_KERNEL);
	if (t->kind == ST_BUF)
		from = ir_ptradd(e->b, from, emit_i64(e, 4));
	emit_read(e, p, MAC_BYTES, from);
	return rv_of(n, p);
}

/* ---- kernel functions ---- */

static const char *kfunc_name(struct sema *s, struct node *n)
{
	sema_expr(s, n->kids);
	return sema_literal_str(s, n->kids, "the name of a kernel function");
}

void func_check_kfunc_exist(struct sema *s, struct node *n)
{
	const char *name = kfunc_name(s, n);

	set_const(n, stype_bool(),
		  name && world_btf(s->w) && btf_find(world_btf(s->w), name, BTF_FUNC));
}

struct rv func_emit_kfunc_exist(struct emit *e, const struct node *n)
{
	return rv_of(n, emit_i64(e, n->konst));
}

bool func_may_call(struct sema *s, const char *name)
{
	const struct bt_probe *p = s->probe;

	return s->w->kfunc && s->w->kfunc(s->w->arg, name) && p &&
	       kfunc_for(name, p->prog_type, p->attach_type);
}

void func_check_kfunc_allowed(struct sema *s, struct node *n)
{
	const char *name = kfunc_name(s, n);

	set_const(n, stype_bool(), name && func_may_call(s, name));
}

struct rv func_emit_kfunc_allowed(struct emit *e, const struct node *n)
{
	return rv_of(n, emit_i64(e, n->konst));
}
