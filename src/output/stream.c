/* SPDX-License-Identifier: BSD-2-Clause */
/* output/stream.c - event sources behind one epoll fd, records as lines. */
#include "output/stream.h"
#include "abi/helper.h"
#include "abi/uapi.h"
#include "base/file.h"
#include "engine/ring.h"
#include "load/load.h"
#include "output/table.h"
#include "output/value.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { PERF_PAGES = 64, PRINTK_CHUNK = 65536 };

enum source_kind { SOURCE_RINGBUF, SOURCE_PERF, SOURCE_PRINTK };

struct source {
	enum source_kind kind;
	const struct load_map *map;
	struct ringbuf rb;
	struct perf_ring perf;
	struct stream *stream;
	int fd;              /* polled; borrowed */
	bool broken;         /* said so once; not read again */
};

struct stream {
	struct stream_opts opts;
	struct engine *engine;
	VEC(struct source) sources;
	int epoll;
	void *scratch;       /* one perf ring's data */
	u64 lost;
	struct table table;  /* of the last record's type */
	bool has_table;
	bool hinted;         /* the hint about --event was given */
	struct str line;     /* being written */
	struct str printk;   /* a line not yet complete */
};

static void flush(struct stream *s)
{
	if (s->line.len)
		s->opts.write(s->opts.arg, s->line.p, s->line.len);
	str_clear(&s->line);
}

static void write_hex(struct stream *s, const struct load_map *map, const void *data, u32 size)
{
	if (s->opts.json) {
		str_add(&s->line, "{\"map\": ");
		json_string(&s->line, map->om->name, strlen(map->om->name));
		str_add(&s->line, ", \"hex\": \"");
		for (u32 i = 0; i < size; i++)
			str_addf(&s->line, "%02x", ((const u8 *)data)[i]);
		str_add(&s->line, "\"}\n");
		return;
	}
	str_addf(&s->line, "%s: %u bytes", map->om->name, size);
	if (!s->hinted)
		str_addf(&s->line, " (their struct is not known: --event %s=struct NAME tells it)",
			 map->om->name);
	s->hinted = true;
	str_addc(&s->line, '\n');
	hex_dump(&s->line, data, size, "  ");
}

static int write_json(struct stream *s, const struct load_map *map, const struct event_type *type,
		      const void *data, u32 size)
{
	str_add(&s->line, "{\"map\": ");
	json_string(&s->line, map->om->name, strlen(map->om->name));
	str_add(&s->line, ", \"event\": ");
	value_json(type->btf, type->type, data, size, &s->line);
	str_add(&s->line, "}\n");
	return 0;
}

static int write_row(struct stream *s, const struct event_type *type, const void *data, u32 size)
{
	int err;

	if (!s->has_table || s->table.btf != type->btf || s->table.type != type->type) {
		if (s->has_table)
			table_free(&s->table);
		s->has_table = false;
		err = table_init(&s->table, type->btf, type->type);
		if (err)
			return err;
		s->has_table = true;
		table_header(&s->table, &s->line);
	}
	table_row(&s->table, data, size, &s->line);
	return 0;
}

static int write_record(struct source *src, const void *data, u32 size, bool padded)
{
	struct stream *s = src->stream;
	struct event_type type;
	int err = 0;

	if (event_type_find(s->opts.types, src->map->om, size, padded, &type))
		write_hex(s, src->map, data, size);
	else if (s->opts.json)
		err = write_json(s, src->map, &type, data, MIN(size, type.size));
	else
		err = write_row(s, &type, data, MIN(size, type.size));
	flush(s);
	return err;
}

static int on_ringbuf(void *arg, const void *data, u32 size)
{
	return write_record(arg, data, size, false);
}

static int on_perf(void *arg, const void *data, u32 size)
{
	return write_record(arg, data, size, true);
}

/* The kernel learns a task's name for its trace when the task is switched out; a line that is read
 * sooner says "<...>".  Puts the name there, in the same 16 columns, while /proc still has it. */
static void add_comm(struct str *out, const char **line, size_t *n)
{
	static const char unknown[] = "           <...>-";
	char path[64], comm[17] = "";
	struct bytes text;
	int pid;

	if (*n < sizeof(unknown) || memcmp(*line, unknown, sizeof(unknown) - 1) != 0)
		return;
	pid = atoi(*line + sizeof(unknown) - 1);
	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	if (pid <= 0 || file_read(path, 64, &text))
		return;
	snprintf(comm, sizeof(comm), "%.*s", (int)strcspn((char *)text.p, "\n"), (char *)text.p);
	bytes_free(&text);
	str_addf(out, "%16s", comm);
	*line += sizeof(unknown) - 2;
	*n -= sizeof(unknown) - 2;
}

/* A name that a traced process chose must not command the terminal. */
static void add_visible(struct str *out, const char *line, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		u8 c = (u8)line[i];

		if ((c < 0x20 && c != '\t') || c == 0x7f)
			str_addf(out, "\\x%02x", c);
		else
			str_addc(out, (char)c);
	}
}

static void write_printk(struct stream *s, const char *line, size_t n)
{
	struct str text = {0};

	add_comm(&text, &line, &n);
	str_addn(&text, line, n);
	if (s->opts.json) {
		str_add(&s->line, "{\"printk\": ");
		json_string(&s->line, str_text(&text), text.len);
		str_add(&s->line, "}\n");
	} else {
		add_visible(&s->line, str_text(&text), text.len);
		str_addc(&s->line, '\n');
	}
	str_free(&text);
	flush(s);
}

static s64 read_printk(struct stream *s, int fd)
{
	char *buf = malloc(PRINTK_CHUNK), *end;
	ssize_t got;
	s64 n = 0;

	if (!buf)
		return -ENOMEM;
	while ((got = read(fd, buf, PRINTK_CHUNK)) > 0) {
		char *at;

		str_addn(&s->printk, buf, (size_t)got);
		for (at = s->printk.p; at && (end = strchr(at, '\n')); at = end + 1, n++)
			write_printk(s, at, (size_t)(end - at));
		if (at) {
			s->printk.len -= (size_t)(at - s->printk.p);
			memmove(s->printk.p, at, s->printk.len + 1);
		}
	}
	free(buf);
	return n;
}

static int watch(struct stream *s, struct source src)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.u32 = s->sources.n };

	if (!vec_push(&s->sources, src))
		return -ENOMEM;
	if (epoll_ctl(s->epoll, EPOLL_CTL_ADD, src.fd, &ev))
		return -errno;
	return 0;
}

static int open_ringbuf(struct stream *s, const struct load_map *map)
{
	struct source src = { .kind = SOURCE_RINGBUF, .map = map, .stream = s };
	int err = ringbuf_open(map->fd, map->max_entries, &src.rb);

	if (err)
		return err;
	src.fd = s->engine->ops->map_poll_fd(s->engine, map->fd);
	err = src.fd < 0 ? src.fd : watch(s, src);
	if (err)
		ringbuf_close(&src.rb);
	return err;
}

static int open_perf(struct stream *s, const struct load_map *map)
{
	u32 pages = s->opts.perf_pages ? s->opts.perf_pages : PERF_PAGES;

	for (u32 cpu = 0; cpu < map->max_entries; cpu++) {
		struct source src = { .kind = SOURCE_PERF, .map = map, .stream = s };
		int err = s->engine->ops->perf_ring_open(s->engine, map->fd, cpu, pages, &src.perf);

		if (err == -ENODEV) /* a CPU that is not online */
			continue;
		if (err)
			return err;
		if (!s->scratch)
			s->scratch = malloc(src.perf.data_bytes);
		src.fd = src.perf.fd;
		err = s->scratch ? watch(s, src) : -ENOMEM;
		if (err) {
			perf_ring_close(&src.perf);
			return err;
		}
	}
	return 0;
}

/* Does any program of the load print?  Only then a trace buffer is worth its cost. */
static bool prints(struct load *l)
{
	for (u32 i = 0; i < load_n_progs(l); i++) {
		struct load_prog *p = load_prog(l, i);

		for (u32 pc = 0; p->fd >= 0 && pc < p->n_insns; pc++)
			if (insn_is_call(&p->insns[pc]) && p->insns[pc].src == CALL_HELPER &&
			    (p->insns[pc].imm == HELPER_trace_printk ||
			     p->insns[pc].imm == HELPER_trace_vprintk))
				return true;
	}
	return false;
}

static int open_printk(struct stream *s, struct diag *dg)
{
	struct source src = { .kind = SOURCE_PRINTK, .stream = s };

	src.fd = s->engine->ops->printk_fd(s->engine, dg);
	if (src.fd < 0)
		return src.fd;
	return watch(s, src);
}

int stream_new(struct load *l, struct engine *e, const struct stream_opts *opts, struct diag *dg,
	       struct stream **out)
{
	struct stream *s = calloc(1, sizeof(*s));
	int err = 0;

	if (!s)
		return -ENOMEM;
	s->opts = *opts;
	s->engine = e;
	s->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (s->epoll < 0)
		err = -errno;
	for (u32 i = 0; i < load_n_maps(l) && !err; i++) {
		struct load_map *m = load_map(l, i);

		if (m->fd < 0)
			continue;
		if (m->type == BPF_MAP_TYPE_RINGBUF)
			err = open_ringbuf(s, m);
		else if (m->type == BPF_MAP_TYPE_PERF_EVENT_ARRAY)
			err = open_perf(s, m);
		if (err)
			diag_error(dg, m->om->at, err, "map '%s': its events can't be read: %s",
				   m->om->name, strerror(-err));
	}
	if (!err && prints(l))
		err = open_printk(s, dg);
	if (err) {
		stream_free(s);
		return err;
	}
	*out = s;
	return 0;
}

int stream_fd(const struct stream *s)
{
	return s->epoll;
}

static s64 read_source(struct stream *s, struct source *src)
{
	if (src->kind != SOURCE_PRINTK && s->engine->ops->poll_taken)
		s->engine->ops->poll_taken(s->engine, src->fd);
	switch (src->kind) {
	case SOURCE_RINGBUF:
		return ringbuf_consume(&src->rb, on_ringbuf, src);
	case SOURCE_PERF:
		return perf_ring_consume(&src->perf, s->scratch, on_perf, src, &s->lost);
	case SOURCE_PRINTK:
		return read_printk(s, src->fd);
	}
	return 0;
}

s64 stream_read(struct stream *s, struct diag *dg)
{
	s64 total = 0;

	for (u32 i = 0; i < s->sources.n; i++) {
		struct source *src = &s->sources.p[i];
		s64 n = src->broken ? 0 : read_source(s, src);

		if (n < 0) {
			src->broken = true;
			epoll_ctl(s->epoll, EPOLL_CTL_DEL, src->fd, NULL);
			return diag_error(dg, (struct place){0}, (int)n, "map '%s': its buffer is broken: %s",
					  src->map ? src->map->om->name : "printk", strerror((int)-n));
		}
		total += n;
	}
	return total;
}

u64 stream_lost(const struct stream *s)
{
	return s->lost;
}

void stream_free(struct stream *s)
{
	if (!s)
		return;
	for (u32 i = 0; i < s->sources.n; i++) {
		ringbuf_close(&s->sources.p[i].rb);
		if (s->sources.p[i].kind == SOURCE_PERF)
			perf_ring_close(&s->sources.p[i].perf);
	}
	vec_free(&s->sources);
	if (s->has_table)
		table_free(&s->table);
	if (s->epoll >= 0)
		close(s->epoll);
	free(s->scratch);
	str_free(&s->line);
	str_free(&s->printk);
	free(s);
}
