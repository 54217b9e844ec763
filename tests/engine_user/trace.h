/* SPDX-License-Identifier: BSD-2-Clause */
/* tests/engine_user/trace.h - loads an object onto the user engine, runs a command under it,
 * collects what comes out.
 */
#pragma once
#include "test.h"
#include "engine/ring.h"
#include "engine/user/user.h"
#include "load/load.h"
#include <errno.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

struct traced {
	struct engine *e;
	struct obj *o;
	struct load *l;
	struct diag dg;
	struct ringbuf rb;
	bool has_rb;
	char printk[65536];
	size_t printk_len;
	char account[8192];
	int status;
};

static inline void traced_dump(struct traced *t, const char *what)
{
	for (u32 i = 0; i < t->dg.n; i++)
		fprintf(stderr, "# %s: %s\n", what, t->dg.msgs[i].text);
}

static inline void account_line(void *arg, const char *text)
{
	struct traced *t = arg;

	strncat(t->account, text, sizeof(t->account) - strlen(t->account) - 2);
	strcat(t->account, "\n");
}

/* $BUILD/tests/engine_user/prog/NAME.bpf.o, built by the test script or skipped. */
static inline void traced_load(struct traced *t, const char *path, const struct load_opts *opts)
{
	struct load_opts none = {0};
	int err;

	CHECK_EQ(engine_user_new(NULL, &t->dg, &t->e), 0);
	err = obj_open_file(path, &t->dg, &t->o);
	traced_dump(t, "open");
	CHECK_EQ(err, 0);
	err = load_open(t->o, t->e, opts ? opts : &none, &t->dg, &t->l);
	traced_dump(t, "load_open");
	CHECK_EQ(err, 0);
	err = load_run(t->l, &t->dg);
	traced_dump(t, "load_run");
	CHECK_EQ(err, 0);
}

static inline void traced_read(struct traced *t, int printk_fd, ring_fn fn, void *arg)
{
	ssize_t n =
		read(printk_fd, t->printk + t->printk_len, sizeof(t->printk) - 1 - t->printk_len);

	if (n > 0)
		t->printk_len += (size_t)n;
	if (t->has_rb && fn)
		ringbuf_consume(&t->rb, fn, arg);
}

/* Runs argv (or joins pid) to its end.  Records of the ring buffer map go to fn. */
static inline void traced_run(struct traced *t, char *const *argv, s32 pid, const char *ring,
			      ring_fn fn, void *arg)
{
	struct target target = {.argv = argv, .pid = pid};
	int printk, err;

	CHECK(t->e->ops->target_start(t->e, &target, &t->dg) >= 0);
	err = load_attach(t->l, &t->dg);
	traced_dump(t, "attach");
	CHECK(err > 0);
	printk = t->e->ops->printk_fd(t->e, &t->dg);
	CHECK(printk >= 0);
	if (ring) {
		struct load_map *m = load_find_map(t->l, ring);

		CHECK(m != NULL);
		CHECK_EQ(ringbuf_open(m->fd, m->max_entries, &t->rb), 0);
		t->has_rb = true;
	}
	err = t->e->ops->target_go(t->e, &t->dg);
	traced_dump(t, "go");
	CHECK(err > 0);
	do {
		struct pollfd p[2] = {{t->e->ops->target_fd(t->e), POLLIN, 0}, {printk, POLLIN, 0}};

		poll(p, 2, 100);
		traced_read(t, printk, fn, arg);
		t->status = t->e->ops->target_status(t->e);
	} while (t->status == -EAGAIN);
	traced_read(t, printk, fn, arg);
	t->e->ops->account(t->e, account_line, t);
}

static inline void traced_end(struct traced *t)
{
	if (t->has_rb)
		ringbuf_close(&t->rb);
	load_close(t->l);
	obj_free(t->o);
	t->e->ops->free(t->e);
	diag_free(&t->dg);
}

/* The verifier refuses it, and why says so. */
static inline void traced_refused(const char *path, const char *why)
{
	struct load_opts none = {0};
	struct traced t = {0};
	bool said = false;

	CHECK_EQ(engine_user_new(NULL, &t.dg, &t.e), 0);
	CHECK_EQ(obj_open_file(path, &t.dg, &t.o), 0);
	CHECK_EQ(load_open(t.o, t.e, &none, &t.dg, &t.l), 0);
	CHECK(load_run(t.l, &t.dg) < 0);
	for (u32 i = 0; i < t.dg.n; i++)
		said |= strstr(t.dg.msgs[i].text, why) != NULL;
	CHECK(said);
	traced_end(&t);
}

static inline u64 traced_lookup(struct traced *t, const char *map, const void *key)
{
	union bpf_attr attr = {0};
	u64 value = 0;

	attr.map_fd = (u32)load_find_map(t->l, map)->fd;
	attr.key = (u64)key;
	attr.value = (u64)&value;
	CHECK_EQ(engine_bpf(t->e, BPF_MAP_LOOKUP_ELEM, &attr, sizeof(attr)), 0);
	return value;
}
