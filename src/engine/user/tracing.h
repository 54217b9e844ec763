/* SPDX-License-Identifier: BSD-2-Clause */
/* engine/user/tracing.h - the target of a session and the events it makes.
 *
 *	target_start  remembers command or pid; attach() makes links
 *	target_go     wants of the transport what the links hook, then starts it
 *	              guard process: events -> ctx -> run_prog() of each link's program
 *
 * events.c and host_task.c run in the guard, tracing.c in the controller.
 */
#pragma once
#include "engine/user/host.h"
#include "engine/user/kmem.h"
#include "engine/user/link.h"
#include "engine/user/unwind.h"
#include "hook/ptrace.h"

/* The task of an event as a program's host: answers are fetched when they are asked for. */
struct task_host {
	struct host host; /* host.arg is this struct */
	struct session *s;
	struct trace_task *task; /* borrowed for the event */
	struct host_task who;
	bool who_known;	  /* all of who; pid and tgid are always there */
	bool ktask_known; /* kmem.tasks[KMEM_CURRENT] and what it refers to */
	int exit_code;	  /* of a task that ends, as wait(2) has it; else 0 */
	struct kmem kmem;
	struct unwind unwind;
};

struct tracing {
	struct session *s;
	struct trace *trace; /* owned */
	bool is_started;     /* by target_go */
	char **argv;	     /* owned copy, NULL: attach to pid */
	s32 pid;
	struct link_object **links; /* owned array; the links there were at target_go */
	u32 n_links;
	int end_fd; /* owned; an epoll set that the transport's fd joins at target_go */
	u8 record[TP_RECORD_MAX]; /* ctx of tracepoints */
	struct task_host th;
	struct timers *timers; /* owned; NULL: no map has any */
};

extern const struct trace_ops tracing_events; /* events.c; arg is a struct tracing */

void task_host_init(struct task_host *h, struct session *s);
/* Turns to the task of the next event. */
void task_host_set(struct task_host *h, struct trace_task *task);
/* Serves the task as kmem.tasks[KMEM_CURRENT]; its address. */
struct ktask *task_host_ktask(struct task_host *h);
/* The same and a child that it has just made, kmem.tasks[KMEM_CHILD]; the address of the child. */
struct ktask *task_host_child(struct task_host *h, s32 tid, s32 tgid, const char *comm);

/* timers.c: bpf_timer of the session's maps.  Made before the start where a map has timers. */
int timers_open(struct session *s, struct tracing *t);
void timers_close(struct timers *ts);		/* accepts NULL */
extern const struct host_timers tracing_timers; /* for hosts of the guard */

/* Has target_go run?  The guard then has its own copy of links and programs. */
bool tracing_started(const struct session *s);
void tracing_free(struct session *s);

int user_target_start(struct engine *e, const struct target *t, struct diag *dg);
int user_target_go(struct engine *e, struct diag *dg);
int user_target_fd(struct engine *e);
int user_target_status(struct engine *e);
void tracing_account(struct session *s, void (*line)(void *arg, const char *text), void *arg);
