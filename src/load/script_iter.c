/* SPDX-License-Identifier: BSD-2-Clause */
/* load/script_iter.c - iterators of a script, each run once from end to end.
 *
 * A program runs while its iterator is read, for all objects in one read(2) or a few; what it
 * prints goes to the ring.  So a thread reads, and the caller empties the ring meanwhile.
 */
#include "load/script_priv.h"
#include <errno.h>
#include <pthread.h>
#include <unistd.h>

enum { DRAIN_US = 500 };

struct reader {
	int *fds;
	u32 n;
	bool stop, done;
	int err;
};

static void *reader_run(void *arg)
{
	struct reader *r = arg;
	char text[4096];

	for (u32 i = 0; i < r->n; i++) {
		ssize_t n = 1;

		/* EAGAIN: so many objects that the kernel wants to be asked again */
		while (n && !__atomic_load_n(&r->stop, __ATOMIC_ACQUIRE)) {
			n = read(r->fds[i], text, sizeof(text));
			if (n < 0 && errno != EAGAIN && errno != EINTR) {
				r->err = -errno;
				break;
			}
		}
	}
	__atomic_store_n(&r->done, true, __ATOMIC_RELEASE);
	return NULL;
}

static int readers_open(struct load *l, struct reader *r, struct diag *dg)
{
	r->fds = calloc(l->n_progs + 1, sizeof(*r->fds));
	if (!r->fds)
		return -ENOMEM;
	for (u32 i = 0; i < l->n_progs; i++) {
		struct load_prog *p = &l->progs[i].pub;
		int fd;

		if (p->spec.kind != ATTACH_ITER || p->link_fd < 0 || l->progs[i].is_pinned)
			continue;
		fd = load_iter_open(l, p, dg);
		if (fd < 0)
			return fd;
		r->fds[r->n++] = fd;
	}
	return 0;
}

int script_iters_run(struct load *l, bool (*drain)(void *arg), void *arg, struct diag *dg)
{
	struct reader r = {0};
	pthread_t thread;
	int err = readers_open(l, &r, dg);

	if (!err && r.n)
		err = -pthread_create(&thread, NULL, reader_run, &r);
	if (!err && r.n) {
		while (!__atomic_load_n(&r.done, __ATOMIC_ACQUIRE)) {
			usleep(DRAIN_US);
			if (!drain(arg))
				__atomic_store_n(&r.stop, true, __ATOMIC_RELEASE);
		}
		pthread_join(thread, NULL);
		drain(arg);
		if (r.err)
			err = diag_error(dg, (struct place){ .file = l->obj->path }, r.err,
					 "an iterator can't be read: %s", strerror(-r.err));
	}
	for (u32 i = 0; i < r.n; i++)
		close(r.fds[i]);
	free(r.fds);
	return err;
}
