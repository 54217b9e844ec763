/* SPDX-License-Identifier: BSD-2-Clause */
/* output/stream.h - everything that a load's programs say while they run: ring buffers, perf buffers
 * and bpf_printk, read and written as text or JSON lines. */
#pragma once
#include "base/diag.h"
#include "base/types.h"
#include "output/event.h"

struct engine;
struct load;
struct stream;

struct stream_opts {
	bool json;
	u32 perf_pages;            /* of each CPU's ring; 0: 64 */
	struct event_types *types; /* borrowed */
	void (*write)(void *arg, const char *text, size_t n);
	void *arg;
};

/* Opens what the loaded maps offer.  Call between load_run() and load_attach(), so that nothing is
 * missed. */
int stream_new(struct load *l, struct engine *e, const struct stream_opts *opts, struct diag *dg,
	       struct stream **out);
/* An epoll fd: readable when stream_read() has something to do. */
int stream_fd(const struct stream *s);
/* Reads and writes out all there is; never waits.  Number of records and lines, or a negative errno
 * with its reason. */
s64 stream_read(struct stream *s, struct diag *dg);
/* Records that were overwritten or did not fit, as far as rings tell. */
u64 stream_lost(const struct stream *s);
void stream_free(struct stream *s);
