/* SPDX-License-Identifier: BSD-2-Clause */
/* osmia_vm.c - bare bytecode: assembled, checked, run; the osmia_vm_ part of include/osmia.h.
 *
 *	bytes, text, ELF  ->  insns  ->  insns_check()  ->  interpreter, every access checked
 *	                                                    or native code, trusted
 *
 * No engine is involved: a program sees the memory it is given, its stack, its object's variables
 * and the few helpers below, which need nobody's permission.
 */
#include "abi/helper.h"
#include "abi/uapi.h"
#include "base/diag.h"
#include "base/str.h"
#include "base/vec.h"
#include "exec/exec.h"
#include "exec/jit.h"
#include "helper/helper.h"
#include "isa/asm.h"
#include "isa/check.h"
#include "isa/disasm.h"
#include "obj/obj.h"
#include "osmia.h"
#include <errno.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

enum { PRINTED_MAX = 1 << 20 }; /* bytes of bpf_trace_printk that a run keeps */

struct osmia_vm {
	VEC(struct insn) insns;
	struct obj *obj;         /* owned; holds the variables of an ELF program; NULL: not ELF */
	helper_fn helpers[HELPER_ID_MAX];
	struct jit_code *jit;    /* owned; NULL: interpret */
	struct diag dg;
	struct str text, message, printed;
};

/* ---- the world of a bare program ---- */

static u64 host_clock(void *arg, int clock_id)
{
	struct timespec t;

	(void)arg;
	return clock_gettime(clock_id, &t) ? 0 : (u64)t.tv_sec * 1000000000 + (u64)t.tv_nsec;
}

static u32 host_random(void *arg)
{
	u32 v = 0;

	(void)arg;
	if (getrandom(&v, sizeof(v), GRND_NONBLOCK) != sizeof(v))
		return (u32)host_clock(NULL, CLOCK_MONOTONIC);
	return v;
}

static void host_printk(void *arg, const char *text, u32 len)
{
	struct osmia_vm *vm = arg;

	if (vm->printed.len < PRINTED_MAX)
		str_addn(&vm->printed, text, len);
}

/* What has a meaning without a task, a map and a hook. */
static const u16 allowed[] = {
	HELPER_ktime_get_ns,         HELPER_ktime_get_boot_ns, HELPER_ktime_get_coarse_ns,
	HELPER_ktime_get_tai_ns,     HELPER_jiffies64,         HELPER_get_prandom_u32,
	HELPER_get_smp_processor_id, HELPER_get_numa_node_id,  HELPER_trace_printk,
	HELPER_trace_vprintk,        HELPER_snprintf,          HELPER_strncmp,
	HELPER_strtol,               HELPER_strtoul,           HELPER_loop,
};

static int call_ok(struct exec_env *env, u32 helper, const u64 args[5])
{
	const struct osmia_vm *vm = env->engine;

	if (helper >= HELPER_ID_MAX || !vm->helpers[helper])
		return -ENOSYS;
	return helper_call_ok(env, helper, args);
}

/* Variables of the object: .data, .bss and .rodata. */
static bool mem_ok(struct exec_env *env, u64 addr, u64 size, bool write)
{
	const struct osmia_vm *vm = env->engine;

	for (u32 i = 0; vm->obj && i < vm->obj->n_maps; i++) {
		const struct obj_map *m = &vm->obj->maps[i];
		u64 off = addr - (u64)m->data;

		if (m->data && off <= m->value_size && m->value_size - off >= size)
			return !write || m->kind != OBJ_MAP_RODATA;
	}
	return false;
}

/* The memory is the packet of legacy packet loads. */
static int packet_load(struct exec_env *env, s32 off, u32 size, u32 *out)
{
	const u8 *p = (const u8 *)env->ctx + off;
	u32 v = 0;

	if (off < 0 || (u32)off > env->ctx_size || env->ctx_size - (u32)off < size)
		return -EFAULT;
	while (size--)
		v = v << 8 | *p++;
	*out = v;
	return 0;
}

static u32 asm_helper(void *arg, const char *name)
{
	(void)arg;
	return helper_id_by_name(name);
}

static const char *disasm_helper(void *arg, u32 id)
{
	const struct helper_proto *proto = helper_proto(id);

	(void)arg;
	return proto ? proto->name : NULL;
}

/* ---- an ELF object's program, with the functions that it calls ---- */

struct linker {
	struct osmia_vm *vm;
	u32 *at;         /* by function: pc + 1 in the program, 0: not in it yet */
	VEC(u32) queue;  /* functions of the program, in order */
};

static int link_add(struct linker *l, u32 func)
{
	const struct obj_func *f = &l->vm->obj->funcs[func];

	if (l->at[func])
		return 0;
	if (!vec_push(&l->queue, func) || !vec_reserve(&l->vm->insns, f->n_insns))
		return -ENOMEM;
	l->at[func] = l->vm->insns.n + 1;
	memcpy(l->vm->insns.p + l->vm->insns.n, f->insns, f->n_insns * sizeof(struct insn));
	l->vm->insns.n += f->n_insns;
	return 0;
}

static int link_reloc(struct linker *l, const struct obj_func *f, u32 base,
		      const struct obj_reloc *r)
{
	const struct obj *o = l->vm->obj;
	struct place at = { .file = o->path, .sect = f->section,
			    .off = f->section_off + (u64)r->pc * sizeof(struct insn) };
	u32 pc = base + r->pc;
	struct insn *i;
	int err;

	switch (r->kind) {
	case RELOC_CALL:
	case RELOC_FUNC:
		err = link_add(l, r->index);
		if (err)
			return err;
		i = &l->vm->insns.p[pc];
		i->src = r->kind == RELOC_CALL ? (u8)CALL_SUBPROG : (u8)PSEUDO_FUNC;
		i->imm = (s32)(l->at[r->index] - 1) - (s32)pc - 1;
		if (r->kind == RELOC_FUNC)
			i[1].imm = 0;
		return 0;
	case RELOC_MAP_VALUE:
		i = &l->vm->insns.p[pc];
		i->src = PSEUDO_IMM64;
		insn_set_imm64(i, (u64)o->maps[r->index].data + (u64)r->addend);
		return 0;
	case RELOC_MAP:
		return diag_error(&l->vm->dg, at, -ENOTSUP, "a bare program has no maps: '%s'",
				  o->maps[r->index].name);
	default:
		return diag_error(&l->vm->dg, at, -ENOTSUP,
				  "a bare program has no kernel symbols and no arena");
	}
}

/* The entry first, then what it calls, each once. */
static int link_program(struct osmia_vm *vm)
{
	const struct obj *o = vm->obj;
	struct linker l = { .vm = vm };
	u32 entry = 0;
	int err;

	while (entry < o->n_funcs && !o->funcs[entry].is_prog)
		entry++;
	if (entry == o->n_funcs)
		entry = 0;
	if (!o->n_funcs)
		return diag_error(&vm->dg, (struct place){ .file = o->path }, -EINVAL,
				  "no program and no function in the object");
	l.at = calloc(o->n_funcs, sizeof(*l.at));
	err = l.at ? link_add(&l, entry) : -ENOMEM;
	for (u32 q = 0; !err && q < l.queue.n; q++) {
		const struct obj_func *f = &o->funcs[l.queue.p[q]];

		for (u32 r = 0; !err && r < f->n_relocs; r++)
			err = link_reloc(&l, f, l.at[l.queue.p[q]] - 1, &f->relocs[r]);
	}
	free(l.at);
	vec_free(&l.queue);
	return err;
}

/* ---- the public functions ---- */

int osmia_vm_new(struct osmia_vm **out)
{
	struct osmia_vm *vm = calloc(1, sizeof(*vm));
	helper_fn all[HELPER_ID_MAX];

	if (!vm)
		return -ENOMEM;
	helper_table_fill(all, BPF_PROG_TYPE_SYSCALL, 0);
	for (u32 i = 0; i < ARRAY_SIZE(allowed); i++)
		vm->helpers[allowed[i]] = all[allowed[i]];
	*out = vm;
	return 0;
}

static void unload(struct osmia_vm *vm)
{
	jit_free(vm->jit);
	vm->jit = NULL;
	vec_free(&vm->insns);
	obj_free(vm->obj);
	vm->obj = NULL;
	str_clear(&vm->text);
	diag_clear(&vm->dg);
}

void osmia_vm_free(struct osmia_vm *vm)
{
	if (!vm)
		return;
	unload(vm);
	diag_free(&vm->dg);
	str_free(&vm->text);
	str_free(&vm->message);
	str_free(&vm->printed);
	free(vm);
}

static int load_bytes(struct osmia_vm *vm, const void *data, size_t size, const char *name)
{
	u64 n = size / sizeof(struct insn);

	if (size % sizeof(struct insn))
		return diag_error(&vm->dg, (struct place){ .file = name }, -EINVAL,
				  "%zu bytes are no whole insns of 8", size);
	if (n > INSNS_MAX)
		return diag_error(&vm->dg, (struct place){ .file = name }, -E2BIG,
				  "more than %u insns", INSNS_MAX);
	if (!vec_reserve(&vm->insns, n))
		return -ENOMEM;
	if (n)
		memcpy(vm->insns.p, data, size);
	vm->insns.n = (u32)n;
	return 0;
}

static int load_text(struct osmia_vm *vm, const void *data, size_t size, const char *name)
{
	const struct asm_names names = { .helper = asm_helper };
	struct insn *insns = NULL;
	u32 n = 0;
	int err = asm_text(data, size, name, &names, &vm->dg, &insns, &n);

	if (err)
		return err;
	vm->insns.p = insns;
	vm->insns.n = vm->insns.cap = n;
	return 0;
}

int osmia_vm_load(struct osmia_vm *vm, enum osmia_vm_format format, const void *data, size_t size,
		  const char *name)
{
	int err = -EINVAL;

	unload(vm);
	switch (format) {
	case OSMIA_VM_BYTES:
		err = load_bytes(vm, data, size, name);
		break;
	case OSMIA_VM_TEXT:
		err = load_text(vm, data, size, name);
		break;
	case OSMIA_VM_ELF:
		err = obj_open(data, size, name, &vm->dg, &vm->obj);
		if (!err)
			err = link_program(vm);
		break;
	}
	if (!err)
		err = insns_check(vm->insns.p, vm->insns.n, (struct place){ .file = name }, &vm->dg);
	if (err)
		vec_free(&vm->insns);
	return err;
}

static int run_failed(struct osmia_vm *vm, const struct exec_env *env, int err)
{
	const struct place none = { 0 };
	u32 pc = env->error_pc;
	const struct insn *i = &vm->insns.p[pc];

	switch (err) {
	case -EFAULT:
		return diag_error(&vm->dg, none, err, "insn %u: the access at 0x%lx is outside of the "
				  "program's memory", pc, env->error_addr);
	case -ETIME:
		return diag_error(&vm->dg, none, err, "insn %u: the limit of insns is reached", pc);
	case -ELOOP:
		return diag_error(&vm->dg, none, err, "insn %u: more than %u frames of calls", pc,
				  EXEC_FRAMES_MAX);
	case -ENOSYS:
	case -EPERM:
		return diag_error(&vm->dg, none, err, "insn %u: a bare program has no %s %d", pc,
				  i->src == CALL_KFUNC ? "kernel function" : "helper", i->imm);
	case -EACCES:
	case -EINVAL:
		return diag_error(&vm->dg, none, err, "insn %u: helper %d refuses argument 0x%lx", pc,
				  i->imm, env->error_addr);
	default:
		return diag_error(&vm->dg, none, err, "insn %u: the program ended with error %d", pc,
				  -err);
	}
}

static struct exec_prog vm_prog(const struct osmia_vm *vm)
{
	return (struct exec_prog){ .insns = vm->insns.p,
				   .n_insns = vm->insns.n,
				   .prog_type = BPF_PROG_TYPE_SYSCALL,
				   .helpers = vm->helpers,
				   .jit = vm->jit };
}

int osmia_vm_compile(struct osmia_vm *vm)
{
	const struct exec_prog prog = vm_prog(vm);
	struct place none = { 0 };
	int err;

	diag_clear(&vm->dg);
	if (vm->jit)
		return 0;
	if (!vm->insns.n)
		return diag_error(&vm->dg, none, -ENOENT, "no program is loaded");
	err = jit_compile(&prog, &vm->jit);
	switch (err) {
	case 0:
		return 0;
	case -ENOTSUP:
		return diag_error(&vm->dg, none, err, "no native code on this machine");
	case -ELOOP:
		return diag_error(&vm->dg, none, err, "calls nest deeper than %u frames, or recurse",
				  EXEC_FRAMES_MAX);
	case -EINVAL:
		return diag_error(&vm->dg, none, err, "the entry is called as a function");
	default:
		return diag_error(&vm->dg, none, err, "no native code: error %d", -err);
	}
}

int osmia_vm_run(struct osmia_vm *vm, void *mem, size_t size, uint64_t max_insns, uint64_t *r0)
{
	const struct exec_prog prog = vm_prog(vm);
	const struct host host = { .arg = vm,
				   .clock_ns = host_clock,
				   .random = host_random,
				   .printk = host_printk };
	const u64 args[5] = { size ? (u64)mem : 0, size };
	struct exec_env env = { .prog = &prog,
				.ctx = mem,
				.ctx_size = (u32)size,
				.ctx_writable = true,
				.host = &host,
				.max_steps = max_insns,
				.mem_ok = vm->jit ? NULL : mem_ok,
				.call_ok = call_ok,
				.packet_load = packet_load,
				.engine = vm };
	int err;

	diag_clear(&vm->dg);
	str_clear(&vm->printed);
	if (!vm->insns.n)
		return diag_error(&vm->dg, (struct place){ 0 }, -ENOENT, "no program is loaded");
	if (size > UINT32_MAX)
		return diag_error(&vm->dg, (struct place){ 0 }, -E2BIG,
				  "memory has %zu bytes, at most 4 GiB can be given", size);
	err = exec_run(&env, args, r0);
	helper_run_end(&env);
	return err ? run_failed(vm, &env, err) : 0;
}

const char *osmia_vm_printed(const struct osmia_vm *vm)
{
	return str_text(&vm->printed);
}

const char *osmia_vm_text(struct osmia_vm *vm)
{
	const struct disasm_names names = { .helper = disasm_helper };
	u32 pc = 0;

	if (vm->text.len || !vm->insns.n)
		return vm->text.len ? str_text(&vm->text) : NULL;
	while (pc < vm->insns.n) {
		str_addf(&vm->text, "%4u: (%02x) ", pc, vm->insns.p[pc].code);
		pc += disasm_insn(&vm->text, &vm->insns.p[pc], vm->insns.n - pc, DISASM_EXACT,
				  &names);
		str_addc(&vm->text, '\n');
	}
	return vm->text.failed ? NULL : str_text(&vm->text);
}

const char *osmia_vm_message(struct osmia_vm *vm, unsigned n)
{
	const struct diag_msg *m = n < vm->dg.n ? &vm->dg.msgs[n] : NULL;
	char *place;

	if (!m)
		return NULL;
	place = place_text(&m->at);
	str_clear(&vm->message);
	str_addf(&vm->message, "%s%s", place ? place : "", m->text ? m->text : "out of memory");
	free(place);
	return str_text(&vm->message);
}
