/* SPDX-License-Identifier: BSD-2-Clause */
/* output/iter.c - reads iterators to their ends. */
#include "output/iter.h"
#include "load/load.h"
#include <errno.h>
#include <string.h>
#include <unistd.h>

static s64 iter_print(struct load *l, struct load_prog *p,
		      void (*write)(void *arg, const char *text, size_t n), void *arg,
		      struct diag *dg)
{
	int fd = load_iter_open(l, p, dg);
	char text[8192];
	s64 total = 0;
	ssize_t n;

	if (fd < 0)
		return fd;
	/* -EAGAIN: the kernel has walked a long way without a line; it goes on from there. */
	while ((n = read(fd, text, sizeof(text))) > 0 ||
	       (n < 0 && (errno == EAGAIN || errno == EINTR))) {
		if (n > 0) {
			write(arg, text, (size_t)n);
			total += n;
		}
	}
	if (n < 0)
		total = diag_error(dg, p->spec.at, -errno, "iterator '%s': %s", p->fn->name,
				   strerror(errno));
	close(fd);
	return total;
}

s64 iters_print(struct load *l, void (*write)(void *arg, const char *text, size_t n), void *arg,
		struct diag *dg)
{
	s64 total = 0;

	for (u32 i = 0; i < load_n_progs(l); i++) {
		struct load_prog *p = load_prog(l, i);

		if (p->spec.kind != ATTACH_ITER || p->link_fd < 0)
			continue;

		s64 n = iter_print(l, p, write, arg, dg);

		if (n < 0)
			return n;
		total += n;
	}
	return total;
}
