/* SPDX-License-Identifier: BSD-2-Clause */
/* load/attach.c - loaded programs attached where their sections and the options say, and detached. */
#include "load/priv.h"
#include "load/script.h"
#include "base/cpu.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SAMPLE_HZ = 49 };

/* Puts into the spec what the section left open and the options say. */
static void spec_complete(const struct load *l, struct attach_spec *s)
{
	const struct load_opts *o = &l->opts;

	switch (s->kind) {
	case ATTACH_UPROBE:
	case ATTACH_UPROBE_MULTI:
	case ATTACH_USDT:
		s->pid = o->pid ? o->pid : -1;
		break;
	case ATTACH_PERF_EVENT:
		s->pid = o->pid ? o->pid : -1;
		if (!s->period) {
			/* The CPU clock, as often as profilers look when told nothing. */
			s->perf_type = 1;   /* PERF_TYPE_SOFTWARE */
			s->perf_config = 0; /* PERF_COUNT_SW_CPU_CLOCK */
			s->period = o->sample_hz ? o->sample_hz : SAMPLE_HZ;
			s->is_freq = true;
		}
		break;
	case ATTACH_XDP:
	case ATTACH_TCX:
	case ATTACH_SOCKET:
		if (!s->ifname)
			s->ifname = o->ifname;
		if (!s->xdp_mode)
			s->xdp_mode = o->xdp_mode;
		break;
	case ATTACH_CGROUP:
		if (!s->path)
			s->path = o->cgroup;
		break;
	default:
		break;
	}
}

/* Why a program can't be attached by itself; NULL: it can. */
static const char *missing(const struct prog *p)
{
	const struct attach_spec *s = &p->pub.spec;

	switch (s->kind) {
	case ATTACH_NONE:
		return "its section names nothing to attach to";
	case ATTACH_XDP:
	case ATTACH_TCX:
		return s->ifname ? NULL : "a network interface must be named (--ifname)";
	case ATTACH_CGROUP:
		return s->path ? NULL : "a cgroup must be named (--cgroup)";
	case ATTACH_STRUCT_OPS:
		return "its map attaches it";
	default:
		return NULL;
	}
}

/* An engine that sees threads samples every process at once; the kernel's needs an event on each
 * CPU for that. */
static int attach_on_cpus(struct load *l, struct prog *p, struct diag *dg)
{
	struct attach_spec spec = p->pub.spec;
	u32 n = cpus_possible();
	int first = -ENODEV;

	if (spec.pid >= 0 || l->e->ops->samples_threads)
		return l->e->ops->attach(l->e, p->pub.fd, &spec, dg);
	for (u32 cpu = 0; cpu < n; cpu++) {
		spec.cpu = (s32)cpu;

		int fd = l->e->ops->attach(l->e, p->pub.fd, &spec, cpu && first >= 0 ? NULL : dg);

		if (fd >= 0 && first < 0) {
			first = fd;
		} else if (fd >= 0 && !vec_push(&l->links, fd)) {
			close(fd);
			return -ENOMEM;
		} else if (fd < 0 && fd != -ENODEV) {
			return first >= 0 ? first : fd;
		}
	}
	return first;
}

int load_attach_prog(struct load *l, struct load_prog *pub, struct diag *dg)
{
	struct prog *p = container_of(pub, struct prog, pub);

	if (pub->fd < 0)
		return diag_error(dg, func_place(l, p->func), -EINVAL, "program '%s' is not loaded",
				  pub->fn->name);
	if (pub->link_fd >= 0)
		return 0;
	spec_complete(l, &pub->spec);

	const char *why = missing(p);

	if (why)
		return diag_error(dg, func_place(l, p->func), -EINVAL,
				  "program '%s' can't be attached: %s", pub->fn->name, why);

	int fd = pub->spec.kind == ATTACH_PERF_EVENT ? attach_on_cpus(l, p, dg) :
		 pub->spec.kind == ATTACH_USDT ? usdt_attach(l, p, dg) :
						 l->e->ops->attach(l->e, pub->fd, &pub->spec, dg);

	if (fd < 0)
		return fd;
	pub->link_fd = fd;
	return 0;
}

/* Programs that attach without being told more than their section and the options say. */
static bool attaches_itself(const struct prog *p)
{
	return p->pub.fd >= 0 && p->pub.spec.kind != ATTACH_NONE &&
	       p->pub.spec.kind != ATTACH_STRUCT_OPS;
}

int attach_check(struct load *l, struct prog *p, struct diag *dg)
{
	struct attach_spec spec = p->pub.spec;

	if (!p->pub.autoload || spec.kind == ATTACH_NONE || spec.kind == ATTACH_STRUCT_OPS)
		return 0;
	spec_complete(l, &spec);
	if (spec.kind == ATTACH_USDT || (spec.kind == ATTACH_UPROBE && !spec.path))
		return 0; /* found, or named, when it is attached */
	return l->e->ops->can_attach(l->e, &spec, dg);
}

static int attach_struct_ops(struct load *l, u32 i, struct diag *dg)
{
	const struct obj_map *m = &l->obj->maps[i];
	struct attach_spec spec = { .kind = ATTACH_STRUCT_OPS, .name = m->name, .at = m->at };
	int err = struct_ops_fill(l, i, dg);

	if (err || !m->is_link)
		return err;

	int fd = l->e->ops->attach(l->e, l->maps[i].fd, &spec, dg);

	if (fd < 0)
		return fd;
	if (!vec_push(&l->links, fd)) {
		close(fd);
		return -ENOMEM;
	}
	return 0;
}

int load_attach(struct load *l, struct diag *dg)
{
	int n = 0, first_err = 0;

	if (l->obj->script)
		return script_attach_all(l, dg);
	for (u32 i = 0; i < l->n_progs + l->obj->n_maps; i++) {
		u32 map = i - l->n_progs;
		int err;

		if (i < l->n_progs) {
			if (!attaches_itself(&l->progs[i]))
				continue;
			err = load_attach_prog(l, &l->progs[i].pub, dg);
		} else {
			if (l->obj->maps[map].kind != OBJ_MAP_STRUCT_OPS || l->maps[map].fd < 0)
				continue;
			err = attach_struct_ops(l, map, dg);
		}
		n += !err;
		if (err && !first_err)
			first_err = err;
	}
	return first_err && (!n || !l->opts.partial) ? first_err : n;
}

u32 load_n_iters(const struct load *l)
{
	u32 n = 0;

	for (u32 i = 0; i < l->n_progs; i++)
		n += l->progs[i].pub.spec.kind == ATTACH_ITER && l->progs[i].pub.link_fd >= 0;
	return n;
}

int load_iter_open(struct load *l, struct load_prog *pub, struct diag *dg)
{
	struct prog *p = container_of(pub, struct prog, pub);
	union bpf_attr attr = { .iter_create.link_fd = (u32)pub->link_fd };
	int fd = -EINVAL;

	if (pub->spec.kind == ATTACH_ITER && pub->link_fd >= 0)
		fd = engine_bpf(l->e, BPF_ITER_CREATE, &attr, BPF_ATTR_UPTO(iter_create));
	if (fd < 0)
		diag_error(dg, func_place(l, p->func), fd, "iterator '%s' can't be run: %s",
			   pub->fn->name, strerror(-fd));
	return fd;
}

/* Closing a link waits until no CPU runs its program any more, some 80 ms each for tracepoints.
 * The waits of several threads go by together. */
enum { CLOSERS_MAX = 16, LINKS_TO_WAIT_FOR = 24 };

struct closing {
	const int *fds;
	u32 n, next;
};

static void *closer(void *arg)
{
	struct closing *c = arg;

	for (;;) {
		u32 i = __atomic_fetch_add(&c->next, 1, __ATOMIC_RELAXED);

		if (i >= c->n)
			return NULL;
		close(c->fds[i]);
	}
}

static void close_together(const int *fds, u32 n)
{
	struct closing c = { .fds = fds, .n = n };
	pthread_t threads[CLOSERS_MAX];
	u32 started = 0;

	while (started < CLOSERS_MAX && started + 1 < n &&
	       !pthread_create(&threads[started], NULL, closer, &c))
		started++;
	closer(&c);
	for (u32 i = 0; i < started; i++)
		pthread_join(threads[i], NULL);
}

static int by_number(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/* Keeps these descriptors and no others until the writing end of the pipe is closed. */
static void keep_until(int *fds, u32 n, int pipe_fd)
{
	unsigned from = 0;
	char byte;

	fds[n++] = pipe_fd;
	qsort(fds, n, sizeof(*fds), by_number);
	for (u32 i = 0; i < n; i++) {
		if ((unsigned)fds[i] > from)
			close_range(from, (unsigned)fds[i] - 1, 0);
		from = (unsigned)fds[i] + 1;
	}
	close_range(from, ~0u, 0);
	while (read(pipe_fd, &byte, 1) < 0 && errno == EINTR)
		;
	_exit(0);
}

/* Tracepoints' links close one after the other whatever the threads, some 40 ms each: of hundreds a process of its
 * own, without our other descriptors, drops the last reference, so that nobody has to wait.  There must be room for one more in
 * fds.  False: it could not be made. */
static bool close_apart(int *fds, u32 n)
{
	int ends[2], status = 1;
	pid_t child;

	if (pipe2(ends, O_CLOEXEC))
		return false;
	child = fork();
	if (child == 0) {
		/* a grandchild, whom init reaps */
		if (fork())
			_exit(0);
		keep_until(fds, n, ends[0]);
	}
	close(ends[0]);
	if (child > 0 && waitpid(child, &status, 0) == child && !status)
		for (u32 i = 0; i < n; i++)
			close(fds[i]);
	close(ends[1]);
	return !status;
}

/* Every link moves to l->links, then all are closed. */
void load_detach(struct load *l)
{
	for (u32 i = 0; l->progs && i < l->n_progs; i++) {
		int *fd = &l->progs[i].pub.link_fd;

		if (*fd >= 0 && !vec_push(&l->links, *fd))
			close(*fd);
		*fd = -1;
	}
	if (l->links.n <= LINKS_TO_WAIT_FOR || !l->obj->script || l->e->ops->samples_threads ||
	    !vec_reserve(&l->links, 1) || !close_apart(l->links.p, l->links.n))
		close_together(l->links.p, l->links.n);
	l->links.n = l->watches.n = 0;
}
