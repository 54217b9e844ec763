/* SPDX-License-Identifier: BSD-2-Clause */
/* engine/user/engine.c - struct engine_ops of the user engine: makes a session, and the calls
 * around bpf(2).
 */
#include "engine/user/btf.h"
#include "engine/user/command.h"
#include "engine/user/host.h"
#include "engine/user/link.h"
#include "engine/user/perf.h"
#include "engine/user/run.h"
#include "engine/user/tracing.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int user_bpf(struct engine *e, enum bpf_cmd cmd, union bpf_attr *attr, u32 size)
{
	return command_run(session_of(e), cmd, attr, size);
}

static int user_map_poll_fd(struct engine *e, int map_fd)
{
	struct object *o;
	int err = session_by_fd(session_of(e), map_fd, OBJECT_MAP, &o);

	if (err)
		return err;
	return map_of(o)->event_fd >= 0 ? map_of(o)->event_fd : -EOPNOTSUPP;
}

/* An eventfd is read empty; anything else is left alone. */
static void user_poll_taken(struct engine *e, int poll_fd)
{
	u64 count;

	(void)e;
	if (read(poll_fd, &count, sizeof(count)) < 0)
		return; /* nothing there: another reader took it */
}

static void user_poll_again(struct engine *e, int poll_fd)
{
	u64 one = 1;

	(void)e;
	if (write(poll_fd, &one, sizeof(one)) < 0)
		return; /* its count is full: it is readable */
}

static void user_on_ring_full(struct engine *e, bool (*read)(void *arg), void *arg)
{
	session_of(e)->ring_full = read;
	session_of(e)->ring_full_arg = arg;
}

static int user_printk_fd(struct engine *e, struct diag *dg)
{
	int fd = printk_open(session_of(e));

	if (fd < 0)
		return diag_error(dg, (struct place){0}, fd, "no pipe for bpf_printk lines");
	return fd;
}

static const struct btf *user_target_btf(struct engine *e, const char *module, struct diag *dg)
{
	struct session *s = session_of(e);

	if (module) {
		diag_error(dg, (struct place){0}, -ENOENT,
			   "the user engine has no kernel module '%s'", module);
		return NULL;
	}
	if (!s->target_btf && host_btf_build(dg, &s->target_btf))
		return NULL;
	return s->target_btf;
}

static int user_target_tree(struct engine *e, u64 *cgroup_id, u32 *level)
{
	(void)e;
	(void)cgroup_id;
	(void)level;
	return -ENOTSUP; /* the transport sees the target's tree only */
}

static void user_account(struct engine *e, void (*line)(void *arg, const char *text), void *arg)
{
	struct session *s = session_of(e);
	char text[400];

	for (u32 i = 0; i < s->n_objects; i++) {
		if (s->objects[i]->kind != OBJECT_PROG)
			continue;
		run_failure_text(prog_of(s->objects[i]), text, sizeof(text));
		if (text[0])
			line(arg, text);
	}
	if (s->shared->printk_lost) {
		snprintf(text, sizeof(text), "%lu bpf_printk lines lost: nobody read them in time",
			 s->shared->printk_lost);
		line(arg, text);
	}
	tracing_account(s, line, arg);
}

/* Objects that clients still hold go too: their files stay readable, but nobody serves them. */
static void user_free(struct engine *e)
{
	struct session *s = session_of(e);

	tracing_free(s);
	perf_rings_free(s);
	session_close(s);
	free(s);
}

static const struct engine_ops user_ops = {
	.name = "user",
	.samples_threads = true,
	.bpf = user_bpf,
	.can_attach = user_can_attach,
	.attach = user_attach,
	.map_poll_fd = user_map_poll_fd,
	.poll_taken = user_poll_taken,
	.poll_again = user_poll_again,
	.on_ring_full = user_on_ring_full,
	.perf_ring_open = user_perf_ring_open,
	.printk_fd = user_printk_fd,
	.target_btf = user_target_btf,
	.target_start = user_target_start,
	.target_go = user_target_go,
	.target_fd = user_target_fd,
	.target_status = user_target_status,
	.target_tree = user_target_tree,
	.account = user_account,
	.free = user_free,
};

int engine_user_new(const struct engine_user_opts *opts, struct diag *dg, struct engine **out)
{
	struct session *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return -ENOMEM;
	if (opts)
		s->opts = *opts;
	s->engine.ops = &user_ops;
	s->n_cpus = map_system_cpus();
	err = session_open(s);
	if (err) {
		free(s);
		return diag_error(dg, (struct place){0}, err,
				  "no shared memory for the user engine");
	}
	*out = &s->engine;
	return 0;
}
