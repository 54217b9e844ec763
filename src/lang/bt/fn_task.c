/* SPDX-License-Identifier: BSD-2-Clause */
/* lang/bt/fn_task.c - who runs, where and when: ids, names, clocks, signals.
 *
 * Ids are those of Osmia's own PID namespace.  task_struct is read by its BTF, so that what a field
 * is and where it lies comes from the kernel (or the user engine) that the script is compiled for.
 */
#include "abi/helper.h"
#include "abi/uapi.h"
#include "lang/bt/emit_unit.h"
#include "lang/bt/func.h"
#include "lang/bt/probe.h"
#include <signal.h>
#include <string.h>
#include <strings.h>
#include <time.h>

enum { COMM_SIZE = 16, SIGNAL_MAX = 64, KERNEL_WITH_TAI = 6 << 16 | 1 << 8 };

static struct rv rv_of(const struct node *n, struct val *v)
{
	return (struct rv){ n->type, v };
}

/* ---- integers that a helper or the compilation gives ---- */

/* A 64-bit integer of a helper without arguments. */
#define HELPER_INT(name, helper)                                     \
	void func_check_##name(struct sema *s, struct node *n)       \
	{                                                            \
		(void)s;                                             \
		n->type = stype_int(8, false);                       \
	}                                                            \
	struct rv func_emit_##name(struct emit *e, const struct node *n) \
	{                                                            \
		return rv_of(n, emit_helper(e, helper, 0, NULL));    \
	}

HELPER_INT(cgroup, HELPER_get_current_cgroup_id)
HELPER_INT(cpu, HELPER_get_smp_processor_id)
HELPER_INT(numaid, HELPER_get_numa_node_id)
HELPER_INT(rand, HELPER_get_prandom_u32)
HELPER_INT(jiffies, HELPER_jiffies64)

static void set_const(struct node *n, const struct stype *type, s64 v)
{
	n->type = type;
	n->is_const = true;
	n->konst = v;
}

static struct rv emit_const(struct emit *e, const struct node *n)
{
	return rv_of(n, emit_i64(e, n->konst));
}

void func_check_ncpus(struct sema *s, struct node *n)
{
	set_const(n, stype_int(8, false), s->w->n_cpus);
}

struct rv func_emit_ncpus(struct emit *e, const struct node *n)
{
	return emit_const(e, n);
}

/* ---- the start, and the command ---- */

/* What user space puts into the first value of start_map, off bytes from its start. */
static struct val *start_load(struct emit *e, const struct stype *type, u32 off)
{
	static const struct script_start zero;
	struct script *sc = e->s->script;
	struct val *start;

	if (sc->start_map == UINT32_MAX)
		sc->start_map = mod_map(e->m, &(struct ir_map){.name = ".data.start",
							       .type = BPF_MAP_TYPE_ARRAY,
							       .key_size = 4,
							       .max_entries = 1,
							       .value_size = sizeof(zero),
							       .data = &zero});
	start = ir_ref(e->b, OP_GLOBAL, sc->start_map, 0);
	start->space = SPACE_MAP_VALUE;
	return emit_load(e, type, start, off);
}

void func_check_cpid(struct sema *s, struct node *n)
{
	n->type = stype_int(sema_compat17(s) ? 8 : 4, false);
	if (s->opts->has_command)
		return;
	set_const(n, n->type, 0);
	if (sema_compat17(s))
		sema_error(s, n, "cpid can't be used without a command");
	else
		sema_warn(s, n, "there is no command (-c): cpid is 0");
	sema_hint(s, "has_cpid tells whether there is one");
}

struct rv func_emit_cpid(struct emit *e, const struct node *n)
{
	if (n->is_const)
		return emit_const(e, n);
	return rv_of(n, start_load(e, stype_int(4, false), offsetof(struct script_start, cpid)));
}

void func_check_has_cpid(struct sema *s, struct node *n)
{
	n->type = stype_bool();
	if (!s->opts->has_command)
		set_const(n, n->type, 0);
}

/* An object that is written may be run without a command. */
struct rv func_emit_has_cpid(struct emit *e, const struct node *n)
{
	struct val *pid;

	if (n->is_const)
		return emit_const(e, n);
	pid = start_load(e, stype_int(4, false), offsetof(struct script_start, cpid));
	return rv_of(n, ir_cast(e->b, OP_ZEXT, IR_I64, ir_cmp(e->b, OP_NE, pid, emit_i64(e, 0))));
}

/* ---- ids of the current task ---- */

/* tgid in the high half, pid in the low one; of the initial namespace, or of Osmia's. */
static struct val *pid_tgid(struct emit *e, bool initial)
{
	const struct bt_world *w = e->s->w;
	struct val *info;

	if (initial || !w->pid_ns_ino)
		return emit_helper(e, HELPER_get_current_pid_tgid, 0, NULL);
	info = emit_temp(e, 8); /* struct bpf_pidns_info: pid, tgid; zeroed on failure */
	emit_call(e, HELPER_get_ns_current_pid_tgid, emit_i64(e, (s64)w->pid_ns_dev),
		  emit_i64(e, (s64)w->pid_ns_ino), info, emit_i64(e, 8));
	return emit_load(e, stype_int(8, false), info, 0);
}

static const struct node *ns_arg(const struct node *n)
{
	return n->kind == NODE_CALL ? n->kids : NULL;
}

static void check_id(struct sema *s, struct node *n)
{
	const struct node *ns = ns_arg(n);

	n->type = stype_int(sema_compat17(s) ? 8 : 4, false);
	if (ns &&
	    (ns->kind != NODE_NAME || (strcmp(ns->text, "init") && strcmp(ns->text, "curr_ns")))) {
		sema_error(s, ns, "%s() knows the PID namespaces init and curr_ns only", n->text);
		sema_hint(s, "curr_ns, the one of this process, is meant without an argument");
	}
}

static bool is_initial(const struct node *n)
{
	const struct node *ns = ns_arg(n);

	return ns && !strcmp(ns->text, "init");
}

static struct val *low_half(struct emit *e, struct val *v)
{
	return ir_bin(e->b, OP_AND, v, emit_i64(e, UINT32_MAX));
}

static struct val *high_half(struct emit *e, struct val *v)
{
	return ir_bin(e->b, OP_LSHR, v, emit_i64(e, 32));
}

struct val *emit_tgid(struct emit *e)
{
	return high_half(e, pid_tgid(e, false));
}

void func_check_pid(struct sema *s, struct node *n)
{
	check_id(s, n);
}

struct rv func_emit_pid(struct emit *e, const struct node *n)
{
	return rv_of(n, high_half(e, pid_tgid(e, is_initial(n))));
}

void func_check_tid(struct sema *s, struct node *n)
{
	check_id(s, n);
}

struct rv func_emit_tid(struct emit *e, const struct node *n)
{
	return rv_of(n, low_half(e, pid_tgid(e, is_initial(n))));
}

static struct val *uid_gid(struct emit *e)
{
	return emit_helper(e, HELPER_get_current_uid_gid, 0, NULL);
}

void func_check_uid(struct sema *s, struct node *n)
{
	(void)s;
	n->type = stype_int(8, false);
}

struct rv func_emit_uid(struct emit *e, const struct node *n)
{
	return rv_of(n, low_half(e, uid_gid(e)));
}

void func_check_gid(struct sema *s, struct node *n)
{
	(void)s;
	n->type = stype_int(8, false);
}

struct rv func_emit_gid(struct emit *e, const struct node *n)
{
	return rv_of(n, high_half(e, uid_gid(e)));
}

void func_check_username(struct sema *s, struct node *n)
{
	(void)s;
	n->type = stype_simple(ST_USERNAME);
}

struct rv func_emit_username(struct emit *e, const struct node *n)
{
	return rv_of(n, low_half(e, uid_gid(e)));
}

/* ---- tasks ---- */

static const struct stype *task_type(struct sema *s)
{
	const struct stype *t = sema_type_find(s, "struct task_struct");

	return t ? sema_complete(s, t) : NULL;
}

void func_check_curtask(struct sema *s, struct node *n)
{
	const struct stype *task = task_type(s);
	struct stype *t;

	if (task && !sema_compat17(s)) {
		n->type = stype_ptr(sema_types(s), task, SS_KERNEL);
		return;
	}
	/* 0.17: a number, which knows where it points to when it is cast */
	t = arena_alloc(sema_types(s), sizeof(*t));
	*t = *stype_int(8, false);
	t->space = SS_KERNEL;
	n->type = t;
}

struct rv func_emit_curtask(struct emit *e, const struct node *n)
{
	return rv_of(n, emit_helper(e, HELPER_get_current_task, 0, NULL));
}

/* A member that is read from a task, or from one that a task points to. */
static const struct stype_field *task_field(struct sema *s, const struct node *at, const char *name)
{
	const struct stype *task = task_type(s);
	const struct stype_field *f = task ? stype_field(task, name) : NULL;

	if (!f)
		sema_error(s, at,
			   "%s needs the member '%s' of struct task_struct, which the BTF does not "
			   "have",
			   at->text, name);
	return f;
}

/* f([task]): the member `name` of the task's `link`. */
static void check_linked(struct sema *s, struct node *n, const char *link, const char *name,
			 bool is_comm)
{
	struct node *task = n->kind == NODE_CALL ? n->kids : NULL;
	const struct stype_field *f;

	n->type = is_comm ? stype_str(sema_types(s), COMM_SIZE) : stype_int(4, true);
	if (task && !sema_want_int(s, task, true))
		return;
	f = task_field(s, n, name);
	if (!task_field(s, n, link) || !f)
		return;
	if (!is_comm)
		n->type = f->type;
}

/* Address of the member in `link`'s task. */
static struct val *linked(struct emit *e, const struct node *n, const char *link, const char *name,
			  s64 *off)
{
	const struct stype *task = task_type(e->s);
	const struct stype_field *to = stype_field(task, link), *f = stype_field(task, name);
	struct val *p = n->kind == NODE_CALL && n->kids
				? emit_scalar(e, n->kids)
				: emit_helper(e, HELPER_get_current_task, 0, NULL);

	p = emit_load(e, stype_int(8, false), emit_ptr(e, p, SPACE_KERNEL), to->off);
	*off = f->off;
	return emit_ptr(e, p, SPACE_KERNEL);
}

static struct rv emit_linked_id(struct emit *e, const struct node *n, const char *link)
{
	s64 off;
	struct val *p = linked(e, n, link, "pid", &off);

	return rv_of(n, emit_load(e, n->type, p, off));
}

static struct rv emit_linked_comm(struct emit *e, const struct node *n, const char *link)
{
	s64 off;
	struct val *p = linked(e, n, link, "comm", &off);
	struct val *buf = emit_temp(e, COMM_SIZE);

	emit_read(e, buf, COMM_SIZE, ir_ptradd(e->b, p, emit_i64(e, off)));
	return rv_of(n, buf);
}

#define LINKED(name, link, member, is_comm, value)                       \
	void func_check_##name(struct sema *s, struct node *n)           \
	{                                                                \
		check_linked(s, n, link, member, is_comm);               \
	}                                                                \
	struct rv func_emit_##name(struct emit *e, const struct node *n) \
	{                                                                \
		return value(e, n, link);                                \
	}

LINKED(ppid, "real_parent", "pid", false, emit_linked_id)
LINKED(pcomm, "real_parent", "comm", true, emit_linked_comm)
LINKED(leader_tid, "group_leader", "pid", false, emit_linked_id)
LINKED(leader_comm, "group_leader", "comm", true, emit_linked_comm)

/* comm(pid) takes any task's name: bpf_task_from_pid() finds and holds it.  "N/A": there is none.
 */
void func_check_comm(struct sema *s, struct node *n)
{
	struct node *pid = n->kind == NODE_CALL ? n->kids : NULL;

	n->type = stype_str(sema_types(s), COMM_SIZE);
	if (!pid || !sema_want_int(s, pid, false))
		return;
	if (!func_may_call(s, "bpf_task_from_pid")) {
		sema_error(s, n,
			   "comm() of another process needs the kernel function bpf_task_from_pid, "
			   "which this probe can't call");
		sema_hint(s, "comm without an argument is the name of the current thread");
		return;
	}
	task_field(s, n, "comm");
}

/* A kernel function's number in mod->externs, with its type from the kernel's BTF in essence. */
static u32 kfunc_extern(struct emit *e, const char *name, u32 proto)
{
	struct ir_extern *x;

	for (u32 i = 0; i < e->m->externs.n; i++)
		if (!strcmp(e->m->externs.p[i].name, name))
			return i;
	x = vec_add(&e->m->externs);
	if (!x) {
		e->failed = true;
		return 0;
	}
	*x = (struct ir_extern){
		.name = name,
		.is_func = true,
		.btf_id = btf_add(&e->m->btf, name, BTF_FUNC, false, BTF_EXTERN, proto)};
	return e->m->externs.n - 1;
}

static struct rv emit_comm_of(struct emit *e, const struct node *n)
{
	struct btf_builder *b = &e->m->btf;
	const struct stype_field *f = stype_field(task_type(e->s), "comm");
	u32 s32_id = btf_add_int(b, "int", 4, BTF_INT_SIGNED);
	u32 task_id = btf_add(b, "task_struct", BTF_STRUCT, false, 0, 0);
	u32 ptr_id = btf_add(b, "", BTF_PTR, false, 0, task_id), from, release;
	struct val *buf = emit_temp(e, COMM_SIZE), *pid = emit_scalar(e, n->kids), *task;
	struct emit_if found;

	from = btf_add_proto(b, ptr_id);
	btf_add_param(b, "pid", s32_id);
	from = kfunc_extern(e, "bpf_task_from_pid", from);
	release = btf_add_proto(b, 0);
	btf_add_param(b, "p", ptr_id);
	release = kfunc_extern(e, "bpf_task_release", release);
	ir_zero(e->b, buf, COMM_SIZE);
	ir_store(e->b, ir_const(e->b, IR_I32, 'N' | '/' << 8 | 'A' << 16), buf, 0);
	task = ir_call(e->b, OP_KFUNC, from, IR_PTR, 1, &pid);
	task->space = SPACE_BTF;
	found = emit_if(e, ir_cmp(e->b, OP_NE, emit_int(e, task), emit_i64(e, 0)));
	emit_call(e, HELPER_probe_read_kernel, buf, emit_i64(e, COMM_SIZE),
		  ir_ptradd(e->b, task, emit_i64(e, f->off)));
	ir_call(e->b, OP_KFUNC, release, IR_VOID, 1, &task);
	emit_endif(e, &found);
	return rv_of(n, buf);
}

struct rv func_emit_comm(struct emit *e, const struct node *n)
{
	struct val *buf;

	if (n->kind == NODE_CALL && n->kids)
		return emit_comm_of(e, n);
	buf = emit_temp(e, COMM_SIZE);
	emit_call(e, HELPER_get_current_comm, buf, emit_i64(e, COMM_SIZE));
	return rv_of(n, buf);
}

/* ---- cgroups ---- */

void func_check_cgroup_path(struct sema *s, struct node *n)
{
	struct node *id = n->kids, *filter = node_kid(n, 1);
	const char *glob = NULL;
	struct stype *t;

	n->type = stype_none();
	sema_expr(s, id);
	if (!sema_want_int(s, id, false))
		return;
	if (filter) {
		sema_expr(s, filter);
		glob = sema_literal_str(s, filter, "the hierarchy that cgroup_path() looks in");
		if (!glob)
			return;
	}
	t = arena_alloc(sema_types(s), sizeof(*t));
	*t = *stype_simple(ST_CGROUP);
	t->text = glob ? arena_strdup(sema_types(s), glob) : NULL;
	n->type = t;
}

struct rv func_emit_cgroup_path(struct emit *e, const struct node *n)
{
	return rv_of(n, emit_scalar(e, n->kids));
}

void func_check_cgroupid(struct sema *s, struct node *n)
{
	const char *path;
	u64 id = 0;

	sema_expr(s, n->kids);
	path = sema_literal_str(s, n->kids, "the path that cgroupid() looks up");
	if (path && (!s->w->cgroup_id || s->w->cgroup_id(s->w->arg, path, &id)))
		sema_error(s, n, "there is no cgroup at '%s'", path);
	set_const(n, stype_int(8, false), (s64)id);
}

struct rv func_emit_cgroupid(struct emit *e, const struct node *n)
{
	return emit_const(e, n);
}

/* ---- clocks ---- */

void func_check_elapsed(struct sema *s, struct node *n)
{
	(void)s;
	n->type = stype_int(8, false);
}

struct rv func_emit_elapsed(struct emit *e, const struct node *n)
{
	struct val *start = start_load(e, n->type, offsetof(struct script_start, boot_ns));
	struct val *now = emit_helper(e, HELPER_ktime_get_boot_ns, 0, NULL);

	return rv_of(n, ir_bin(e->b, OP_SUB, now, start));
}

enum nsecs_clock { NSECS_BOOT, NSECS_MONOTONIC, NSECS_TAI, NSECS_SW_TAI, NSECS_BAD };

static enum nsecs_clock nsecs_clock(const struct node *n)
{
	static const char *const names[] = { "boot", "monotonic", "tai", "sw_tai" };
	const struct node *arg = n->kind == NODE_CALL ? n->kids : NULL;

	if (!arg)
		return NSECS_BOOT;
	for (u32 i = 0; arg->kind == NODE_NAME && i < ARRAY_SIZE(names); i++)
		if (!strcmp(arg->text, names[i]))
			return (enum nsecs_clock)i;
	return NSECS_BAD;
}

static bool has_tai(const struct bt_world *w)
{
	return w->is_user || w->kernel_version >= KERNEL_WITH_TAI;
}

/* The type tells strftime() which clock it was. */
void func_check_nsecs(struct sema *s, struct node *n)
{
	enum nsecs_clock clock = nsecs_clock(n);
	struct stype *t = arena_alloc(sema_types(s), sizeof(*t));

	*t = *stype_int(8, false);
	t->n = clock == NSECS_MONOTONIC ? CLOCK_OF_MONOTONIC
	       : clock == NSECS_TAI || clock == NSECS_SW_TAI ? CLOCK_OF_TAI : CLOCK_OF_BOOT;
	n->type = t;
	if (clock == NSECS_BAD) {
		sema_error(s, n->kids, "nsecs() knows the clocks boot, monotonic, tai and sw_tai");
	} else if (clock == NSECS_TAI && !has_tai(s->w)) {
		sema_error(s, n, "this kernel's programs can't read the TAI clock");
		sema_hint(s, "nsecs(sw_tai) comes near to it");
	}
}

/* Where programs can't read the TAI clock: the boot clock, and how far they are apart now. */
static struct val *software_tai(struct emit *e)
{
	struct timespec tai = { 0 }, boot = { 0 };
	s64 delta;

	clock_gettime(CLOCK_TAI, &tai);
	clock_gettime(CLOCK_BOOTTIME, &boot);
	delta = (s64)(tai.tv_sec - boot.tv_sec) * 1000000000 + (tai.tv_nsec - boot.tv_nsec);
	return ir_bin(e->b, OP_ADD, emit_helper(e, HELPER_ktime_get_boot_ns, 0, NULL),
		      emit_i64(e, delta));
}

struct rv func_emit_nsecs(struct emit *e, const struct node *n)
{
	switch (nsecs_clock(n)) {
	case NSECS_MONOTONIC:
		return rv_of(n, emit_helper(e, HELPER_ktime_get_ns, 0, NULL));
	case NSECS_SW_TAI:
		if (!has_tai(e->s->w))
			return rv_of(n, software_tai(e));
		/* fall through */
	case NSECS_TAI:
		return rv_of(n, emit_helper(e, HELPER_ktime_get_tai_ns, 0, NULL));
	default:
		return rv_of(n, emit_helper(e, HELPER_ktime_get_boot_ns, 0, NULL));
	}
}

/* ---- what is done to the task ---- */

/* "KILL", "SIGKILL", in any case; 0: none. */
static s32 signal_number(const char *name)
{
	if (!strncasecmp(name, "SIG", 3))
		name += 3;
	for (s32 i = 1; i < NSIG; i++) {
		const char *known = sigabbrev_np(i);

		if (known && !strcasecmp(known, name))
			return i;
	}
	return strcasecmp(name, "POLL") ? 0 : SIGIO;
}

/* Signals go to who runs when the probe is hit: that must be somebody the script means. */
static bool may_signal(enum script_hook h)
{
	switch (h) {
	case HOOK_BEGIN:
	case HOOK_END:
	case HOOK_SELF:
	case HOOK_TEST:
	case HOOK_BENCH:
	case HOOK_INTERVAL:
	case HOOK_ITER:
		return false;
	default:
		return true;
	}
}

static void check_signal(struct sema *s, struct node *n)
{
	struct node *sig = n->kids;

	n->type = stype_none();
	if (s->probe && !may_signal(s->probe->hook)) {
		sema_error(s, n, "%s() can not be used with \"%s\" probes", n->text,
			   script_hook_text(s->probe->hook));
		return;
	}
	if (sig->str) {
		if (!signal_number(sig->str))
			sema_error(s, sig, "'%s' is not the name of a signal", sig->str);
	} else if (sig->is_const) {
		if (sig->konst < 1 || sig->konst > SIGNAL_MAX)
			sema_error(s, sig, "%s() takes a signal's name, or a number from 1 to %d",
				   n->text, SIGNAL_MAX);
	} else {
		sema_want_int(s, sig, false);
	}
}

static struct rv emit_signal(struct emit *e, const struct node *n, u32 helper)
{
	const struct node *sig = n->kids;
	struct val *number = sig->str ? emit_i64(e, signal_number(sig->str)) : emit_scalar(e, sig);
	bool is_known = sig->str || sig->is_const;
	struct emit_if wrong;

	if (!is_known) {
		wrong = emit_if(e, ir_cmp(e->b, OP_ULT, emit_i64(e, SIGNAL_MAX - 1),
					  ir_bin(e->b, OP_SUB, number, emit_i64(e, 1))));
		emit_runtime_error(e, n, "the number of a signal is not from 1 to 64");
		emit_else(e, &wrong);
	}
	emit_check(e, helper, emit_call(e, helper, number));
	if (!is_known)
		emit_endif(e, &wrong);
	return RV_NONE;
}

void func_check_signal(struct sema *s, struct node *n)
{
	check_signal(s, n);
}

struct rv func_emit_signal(struct emit *e, const struct node *n)
{
	return emit_signal(e, n, HELPER_send_signal);
}

void func_check_signal_thread(struct sema *s, struct node *n)
{
	check_signal(s, n);
}

struct rv func_emit_signal_thread(struct emit *e, const struct node *n)
{
	return emit_signal(e, n, HELPER_send_signal_thread);
}

void func_check_override(struct sema *s, struct node *n)
{
	n->type = stype_none();
	if (!s->probe || s->probe->hook != HOOK_KPROBE)
		sema_error(s, n, "override() can only be used with kprobes");
	sema_want_int(s, n->kids, false);
}

struct rv func_emit_override(struct emit *e, const struct node *n)
{
	struct val *rc = emit_scalar(e, n->kids);

	emit_check(e, HELPER_override_return, emit_call(e, HELPER_override_return, e->ctx, rc));
	return RV_NONE;
}

static bool is_sock(const struct stype *t)
{
	return t->kind == ST_PTR && t->of->kind == ST_STRUCT && t->of->name &&
	       !strcmp(t->of->name, "struct sock");
}

void func_check_socket_cookie(struct sema *s, struct node *n)
{
	const struct stype *t = n->kids->type;

	n->type = stype_int(8, false);
	if (t->kind == ST_NONE)
		return;
	if (!is_sock(t))
		sema_error(s, n, "socket_cookie() takes a struct sock *, not %s",
			   stype_name(sema_types(s), t));
	else if (s->probe && s->probe->hook != HOOK_FENTRY && s->probe->hook != HOOK_FEXIT &&
		 s->probe->hook != HOOK_ITER)
		sema_error(s, n, "socket_cookie() can not be used with \"%s\" probes",
			   script_hook_text(s->probe->hook));
}

struct rv func_emit_socket_cookie(struct emit *e, const struct node *n)
{
	return rv_of(n, emit_call(e, HELPER_get_socket_cookie,
				  emit_ptr(e, emit_scalar(e, n->kids), SPACE_BTF)));
}
