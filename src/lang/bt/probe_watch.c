/* SPDX-License-Identifier: BSD-2-Clause */
/* lang/bt/probe_watch.c - "watchpoint:FUNCTION+argN:LENGTH:MODE": an address that comes when the
 *function is called.
 *
 * The program that the script wrote is attached by user space then.  Here another one is made,
 *which tells it:
 *
 *	uprobe:BINARY:FUNCTION { __watch(argN, number of the watchpoint, is the process to wait); }
 *
 * The process waits (SIGSTOP) until it is watched, with asyncwatchpoint it does not.
 */
#include "lang/bt/probe_priv.h"
#include <errno.h>
#include <stdlib.h>

static struct node *make(struct sema *s, enum node_kind kind, const struct node *at,
			 const char *text)
{
	struct node *n = arena_alloc(&s->prog->arena, sizeof(*n));

	n->kind = kind;
	n->at = at->at;
	n->text = text;
	n->raw = "";
	return n;
}

static struct node *add(struct node *of, struct node *kid)
{
	if (of->last)
		of->last->next = kid;
	else
		of->kids = kid;
	of->last = kid;
	return kid;
}

static struct node *body(struct sema *s, const struct node *at, u32 arg, u32 attach, bool waits)
{
	struct node *probe = make(s, NODE_PROBE, at, "");
	struct node *attached = make(s, NODE_ATTACH, at, at->text),
		    *block = make(s, NODE_BLOCK, at, "");
	struct node *call = make(s, NODE_CALL, at, "__watch"), *number;

	call->raw = PROBE_WATCH_MADE;
	add(probe, attached);
	add(probe, block);
	add(add(block, make(s, NODE_EXPR_STMT, at, "")), call);
	add(call, make(s, NODE_NAME, at, arena_printf(&s->prog->arena, "arg%u", arg)));
	number = add(call, make(s, NODE_INT, at, arena_printf(&s->prog->arena, "%u", attach)));
	number->value = attach;
	number = add(call, make(s, NODE_INT, at, waits ? "1" : "0"));
	number->value = waits;
	return probe;
}

/* The program that is watched: of -p, or the command. */
static int find_binary(struct sema *s, const struct node *at, struct script_attach *a)
{
	struct diag dg = {0};
	char *path = NULL;
	int err;

	if (s->opts->pid <= 0 && !s->opts->command) {
		sema_error(s, at,
			   "a watchpoint on an argument needs a process: a command (-c) or -p");
		return -EINVAL;
	}
	err = s->w->binary(s->w->arg, s->opts->pid > 0 ? "" : s->opts->command, a->pid, &dg, &path);
	if (err)
		sema_error(s, at, "%s",
			   dg.n && dg.msgs[0].text ? dg.msgs[0].text : "the binary is not found");
	else
		a->target = arena_strdup(&s->script->arena, path);
	free(path);
	diag_free(&dg);
	return err;
}

int probe_watch(struct sema *s, const struct probe_place *p, u32 attach, struct node **node,
		probe_places *out)
{
	struct script_attach a = {.hook = HOOK_UPROBE,
				  .fn = p->a.fn,
				  .target = "",
				  .ns = "",
				  .mode = "",
				  .name = "",
				  .pid = p->a.pid,
				  .at = p->a.at,
				  .func = UINT32_MAX};
	int err = find_binary(s, p->node, &a);

	if (!err)
		err = probe_find(s, p->node, &a, true, out);
	if (err) {
		s->failed = true;
		return err;
	}
	*node = body(s, p->node, (u32)p->a.off, attach, p->a.hook == HOOK_WATCHPOINT);
	return 0;
}
