/* SPDX-License-Identifier: BSD-2-Clause */
/* abi/tracepoint.c - tracepoints from the tables, their format text and their records. */
#include "abi/tracepoint.h"
#include "abi/syscall.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

struct event {
	enum tp_kind kind;
	const char *category, *name;
	u16 size;
	const char *print;
};

/* Sorted by category and name; the system calls follow, by number, entry before exit. */
static const struct event events[] = {
#define TRACEPOINT(kind, category, name, size, print) { kind, #category, #name, size, print },
#define TP_FIELD(...)
#include "abi/tracepoint.def"
#undef TRACEPOINT
#undef TP_FIELD
};

static const struct {
	enum tp_kind kind;
	struct tp_field field;
} event_fields[] = {
#define TRACEPOINT(...)
#define TP_FIELD(kind, type, name, array, off, size, is_signed) \
	{ kind, { type, name, array, off, size, is_signed } },
#include "abi/tracepoint.def"
#undef TRACEPOINT
#undef TP_FIELD
};

static const struct tp_field common_fields[] = {
	{ "unsigned short", "common_type", "", 0, 2, false },
	{ "unsigned char", "common_flags", "", 2, 1, false },
	{ "unsigned char", "common_preempt_count", "", 3, 1, false },
	{ "int", "common_pid", "", 4, 4, true },
};

enum { N_COMMON = ARRAY_SIZE(common_fields), CALL_ARGS_OFF = 16 };

static void add_field(struct tracepoint *tp, struct tp_field f)
{
	tp->fields[tp->n_fields++] = f;
}

static void start(struct tracepoint *tp, enum tp_kind kind, const char *category, u32 index)
{
	memset(tp, 0, sizeof(*tp));
	tp->kind = kind;
	tp->id = index + 1;
	tp->nr = -1;
	snprintf(tp->category, sizeof(tp->category), "%s", category);
	for (u32 i = 0; i < N_COMMON; i++)
		add_field(tp, common_fields[i]);
}

static void make_event(struct tracepoint *tp, const struct event *e, u32 index)
{
	start(tp, e->kind, e->category, index);
	snprintf(tp->name, sizeof(tp->name), "%s", e->name);
	for (u32 i = 0; i < ARRAY_SIZE(event_fields); i++)
		if (event_fields[i].kind == e->kind)
			add_field(tp, event_fields[i].field);
	tp->size = e->size;
}

/* Kernel 6.18: kernel/trace/trace_syscalls.c.  Every argument has the size of a register and counts
 * as unsigned there, whatever its type. */
static void make_call(struct tracepoint *tp, const struct syscall_info *call, bool exit, u32 index)
{
	start(tp, exit ? TP_SYSCALL_EXIT : TP_SYSCALL_ENTER, "syscalls", index);
	snprintf(tp->name, sizeof(tp->name), "sys_%s_%s", exit ? "exit" : "enter", call->function);
	tp->nr = (s32)call->nr;
	add_field(tp, (struct tp_field){ "int", "__syscall_nr", "", 8, 4, true });
	tp->size = CALL_ARGS_OFF;
	if (exit) {
		add_field(tp, (struct tp_field){ "long", "ret", "", CALL_ARGS_OFF, 8, true });
		tp->size += 8;
		return;
	}
	for (u32 i = 0; i < call->n_args; i++) {
		add_field(tp, (struct tp_field){call->args[i].type, call->args[i].name, "",
						tp->size, 8, false});
		tp->size += 8;
	}
}

u32 tracepoint_count(void)
{
	u32 n = ARRAY_SIZE(events);

	for (u32 i = 0; i < syscall_count(); i++)
		n += syscall_at(i)->function ? 2 : 0;
	return n;
}

int tracepoint_at(u32 index, struct tracepoint *out)
{
	u32 at = ARRAY_SIZE(events);

	if (index < at) {
		make_event(out, &events[index], index);
		return 0;
	}
	for (u32 i = 0; i < syscall_count(); i++) {
		const struct syscall_info *call = syscall_at(i);

		if (!call->function)
			continue;
		if (index - at < 2) {
			make_call(out, call, index - at, index);
			return 0;
		}
		at += 2;
	}
	return -ENOENT;
}

/* Index of a call's entry tracepoint. */
static u32 call_index(const struct syscall_info *call)
{
	u32 at = ARRAY_SIZE(events);

	for (u32 i = 0; syscall_at(i) != call; i++)
		at += syscall_at(i)->function ? 2 : 0;
	return at;
}

int tracepoint_find(const char *category, const char *name, struct tracepoint *out)
{
	bool exit = str_starts(name, "sys_exit_");

	for (u32 i = 0; i < ARRAY_SIZE(events); i++) {
		if (!strcmp(events[i].category, category) && !strcmp(events[i].name, name)) {
			make_event(out, &events[i], i);
			return 0;
		}
	}
	if (strcmp(category, "syscalls") || (!exit && !str_starts(name, "sys_enter_")))
		return -ENOENT;

	const struct syscall_info *call =
		syscall_by_function(name + strlen(exit ? "sys_exit_" : "sys_enter_"));

	if (!call)
		return -ENOENT;
	make_call(out, call, exit, call_index(call) + exit);
	return 0;
}

/* ---- format text ---- */

static void print_call_enter(const struct tracepoint *tp, struct str *out)
{
	u32 first = N_COMMON + 1;

	str_addc(out, '"');
	for (u32 i = first; i < tp->n_fields; i++)
		str_addf(out, "%s%s: 0x%%08lx", i > first ? ", " : "", tp->fields[i].name);
	str_addc(out, '"');
	for (u32 i = first; i < tp->n_fields; i++)
		str_addf(out, ", ((unsigned long)(REC->%s))", tp->fields[i].name);
}

void tracepoint_format(const struct tracepoint *tp, struct str *out)
{
	str_addf(out, "name: %s\nID: %u\nformat:\n", tp->name, tp->id);
	for (u32 i = 0; i < tp->n_fields; i++) {
		const struct tp_field *f = &tp->fields[i];

		str_addf(out, "%s\tfield:%s %s%s;\toffset:%u;\tsize:%u;\tsigned:%d;\n",
			 i == N_COMMON ? "\n" : "", f->type, f->name, f->array, f->off, f->size,
			 f->is_signed);
	}
	str_add(out, "\nprint fmt: ");
	if (tp->kind == TP_SYSCALL_ENTER)
		print_call_enter(tp, out);
	else if (tp->kind == TP_SYSCALL_EXIT)
		str_add(out, "\"0x%lx\", REC->ret");
	else
		str_add(out, events[tp->id - 1].print);
	str_addc(out, '\n');
}

/* ---- records ---- */

static void put32(void *rec, u32 off, u32 v)
{
	memcpy((u8 *)rec + off, &v, sizeof(v));
}

static void put64(void *rec, u32 off, u64 v)
{
	memcpy((u8 *)rec + off, &v, sizeof(v));
}

static u32 put_common(const struct tracepoint *tp, void *rec, s32 pid)
{
	u16 type = (u16)tp->id;

	memset(rec, 0, tp->size);
	memcpy(rec, &type, sizeof(type));
	put32(rec, 4, (u32)pid);
	return tp->size;
}

/* Appends a string at end, which a __data_loc field at off points to; the new end.  In a full
 * record the string is empty. */
static u32 put_string(void *rec, u32 off, u32 end, const char *text)
{
	end = MIN(end, TP_RECORD_MAX - 1);

	u32 len = (u32)strnlen(text, TP_RECORD_MAX - end - 1);

	memcpy((u8 *)rec + end, text, len);
	((u8 *)rec)[end + len] = '\0';
	put32(rec, off, end | (len + 1) << 16);
	return end + len + 1;
}

static void put_comm(void *rec, u32 off, const char *comm)
{
	memcpy((u8 *)rec + off, comm, strnlen(comm, 15));
}

u32 tp_build_sys_enter(const struct tracepoint *tp, void *rec, s32 pid, s64 nr, const u64 args[6])
{
	u32 size = put_common(tp, rec, pid);

	if (tp->kind == TP_RAW_ENTER)
		put64(rec, 8, (u64)nr);
	else
		put32(rec, 8, (u32)nr);
	memcpy((u8 *)rec + CALL_ARGS_OFF, args, size - CALL_ARGS_OFF);
	return size;
}

u32 tp_build_sys_exit(const struct tracepoint *tp, void *rec, s32 pid, s64 nr, s64 ret)
{
	u32 size = put_common(tp, rec, pid);

	if (tp->kind == TP_RAW_EXIT)
		put64(rec, 8, (u64)nr);
	else
		put32(rec, 8, (u32)nr);
	put64(rec, CALL_ARGS_OFF, (u64)ret);
	return size;
}

u32 tp_build_exec(const struct tracepoint *tp, void *rec, s32 pid, const char *filename,
		  s32 old_pid)
{
	u32 end = put_common(tp, rec, pid);

	put32(rec, 12, (u32)pid);
	put32(rec, 16, (u32)old_pid);
	return put_string(rec, 8, end, filename);
}

u32 tp_build_fork(const struct tracepoint *tp, void *rec, s32 parent_pid, const char *parent_comm,
		  s32 child_pid, const char *child_comm)
{
	u32 end = put_common(tp, rec, parent_pid);

	put32(rec, 12, (u32)parent_pid);
	put32(rec, 20, (u32)child_pid);
	end = put_string(rec, 8, end, parent_comm);
	return put_string(rec, 16, end, child_comm);
}

u32 tp_build_exit(const struct tracepoint *tp, void *rec, s32 pid, const char *comm, s32 prio,
		  bool group_dead)
{
	u32 size = put_common(tp, rec, pid);

	put_comm(rec, 8, comm);
	put32(rec, 24, (u32)pid);
	put32(rec, 28, (u32)prio);
	((u8 *)rec)[32] = group_dead;
	return size;
}

u32 tp_build_signal_generate(const struct tracepoint *tp, void *rec, s32 self, s32 sig, s32 err,
			     s32 code, const char *comm, s32 pid, s32 group, s32 result)
{
	u32 size = put_common(tp, rec, self);

	put32(rec, 8, (u32)sig);
	put32(rec, 12, (u32)err);
	put32(rec, 16, (u32)code);
	put_comm(rec, 20, comm);
	put32(rec, 36, (u32)pid);
	put32(rec, 40, (u32)group);
	put32(rec, 44, (u32)result);
	return size;
}

u32 tp_build_signal_deliver(const struct tracepoint *tp, void *rec, s32 self, s32 sig, s32 err,
			    s32 code, u64 sa_handler, u64 sa_flags)
{
	u32 size = put_common(tp, rec, self);

	put32(rec, 8, (u32)sig);
	put32(rec, 12, (u32)err);
	put32(rec, 16, (u32)code);
	put64(rec, 24, sa_handler);
	put64(rec, 32, sa_flags);
	return size;
}
