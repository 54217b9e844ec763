/* SPDX-License-Identifier: BSD-2-Clause */
/* parity/live.c - asks the running kernel for its verdict, through bpf(2). */
#include "parity/judge.h"
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* room for a log; without states and insns (VERIFY_STATS alone) it is short */
enum { LOG_MAX = 64 << 20, SHORT_LOG_MAX = 256 << 10, PAGE = 4096, LOAD_MAX_S = 20 };

struct loaded {
	const struct vc_blob *blob;
	s32 fd;
};

struct live {
	const struct vcase *c;
	s32 *maps;
	/* each image once: the kernel tells types of two loads apart */
	VEC(struct loaded) btfs;
};

static int bpf(enum bpf_cmd cmd, union bpf_attr *attr)
{
	int fd = (int)syscall(SYS_bpf, cmd, attr, sizeof(*attr));

	return fd < 0 ? -errno : fd;
}

static bool is_figure(const char *line)
{
	return str_starts(line, "processed ") || str_starts(line, "verification time ") ||
	       str_starts(line, "stack depth ");
}

/* The last line before the figures. */
static void last_line(const char *log, struct judged *out)
{
	const char *end = log + strlen(log), *start;

	do {
		while (end > log && end[-1] == '\n')
			end--;
		start = end;
		while (start > log && start[-1] != '\n')
			start--;
		if (!is_figure(start))
			break;
		end = start;
	} while (end > log);
	if (is_figure(start))
		return;
	snprintf(out->message, sizeof(out->message), "%.*s", (int)(end - start), start);
	/* a sentence or two of the kernel's have no newline */
	if (strstr(out->message, "verification time "))
		*strstr(out->message, "verification time ") = '\0';
	if (strstr(out->message, "processed ") && strstr(out->message, " insns (limit "))
		*strstr(out->message, "processed ") = '\0';
}

static s32 load_btf(struct live *l, const struct vc_blob *b)
{
	union bpf_attr attr = { .btf = (u64)b->raw, .btf_size = b->size };
	s32 fd;

	for (u32 i = 0; i < l->btfs.n; i++)
		if (l->btfs.p[i].blob == b)
			return l->btfs.p[i].fd;
	fd = bpf(BPF_BTF_LOAD, &attr);
	if (fd < 0)
		return fd;
	return vec_push(&l->btfs, ((struct loaded){ b, fd })) ? fd : -ENOMEM;
}

static int fill_first(s32 fd, const struct vc_map *m)
{
	u8 key[512] = {0};
	union bpf_attr attr = { .map_fd = (u32)fd, .key = (u64)key, .value = (u64)m->first };

	return m->first && m->key_size <= sizeof(key) ? bpf(BPF_MAP_UPDATE_ELEM, &attr) : 0;
}

static int make_map(struct live *l, u32 i)
{
	const struct vc_map *m = &l->c->maps.p[i];
	union bpf_attr attr = {
		.map_type = m->type, .key_size = m->key_size, .value_size = m->value_size,
		.max_entries = m->max_entries, .map_flags = m->flags, .map_extra = m->extra,
		.btf_key_type_id = m->btf_key, .btf_value_type_id = m->btf_value,
	};
	union bpf_attr freeze = {0};

	if (m->blob) {
		s32 fd = load_btf(l, m->blob);

		if (fd < 0)
			return fd;
		attr.btf_fd = (u32)fd;
	}
	for (u32 j = 0; m->inner && j < i; j++)
		if (strcmp(l->c->maps.p[j].label, m->inner) == 0)
			attr.inner_map_fd = (u32)l->maps[j];
	l->maps[i] = bpf(BPF_MAP_CREATE, &attr);
	if (l->maps[i] < 0)
		return l->maps[i];
	if (m->type == BPF_MAP_TYPE_ARENA)
		mmap((void *)m->extra, (size_t)m->max_entries * PAGE, PROT_READ | PROT_WRITE,
		     MAP_SHARED, l->maps[i], 0);
	fill_first(l->maps[i], m);
	freeze.map_fd = (u32)l->maps[i];
	return m->frozen ? bpf(BPF_MAP_FREEZE, &freeze) : 0;
}

static void on_alarm(int sig)
{
	(void)sig; /* the kernel's verifier ends with -EAGAIN */
}

static void load(struct live *l, struct insn *insns, s64 attach, u32 log, struct judged *out)
{
	const struct vcase *c = l->c;
	u32 room = log == VERIFY_STATS ? SHORT_LOG_MAX : LOG_MAX;
	char *text = calloc(1, room);
	union bpf_attr attr = {
		.prog_type = c->prog_type, .insns = (u64)insns, .insn_cnt = c->n_insns,
		.license = (u64)c->license, .prog_flags = c->flags,
		.expected_attach_type = c->attach_type, .attach_btf_id = (u32)attach,
		.log_level = log ? log : 1, .log_buf = (u64)text, .log_size = room,
	};
	struct timespec a, b;
	u32 left;
	int fd;

	if (c->btf) {
		attr.prog_btf_fd = (u32)load_btf(l, c->btf);
		attr.func_info = (u64)c->funcs.p;
		attr.func_info_cnt = c->funcs.n;
		attr.func_info_rec_size = c->funcs.n ? sizeof(struct bpf_func_info) : 0;
	}
	sigaction(SIGALRM, &(struct sigaction){ .sa_handler = on_alarm }, NULL);
	left = alarm(LOAD_MAX_S);
	clock_gettime(CLOCK_MONOTONIC, &a);
	fd = bpf(BPF_PROG_LOAD, &attr);
	clock_gettime(CLOCK_MONOTONIC, &b);
	signal(SIGALRM, SIG_DFL);
	alarm(left);
	out->time_ns = (u64)((b.tv_sec - a.tv_sec) * 1000000000 + (b.tv_nsec - a.tv_nsec));
	out->err = fd < 0 ? fd : 0;
	if (fd == -EAGAIN)
		out->failed = "took the kernel too long";
	if (fd >= 0)
		close(fd);
	last_line(text, out);
	if (strstr(text, "processed "))
		out->processed = (u32)strtoul(strstr(text, "processed ") + 10, NULL, 10);
	out->log = text;
}

void judge_live(const struct vcase *c, const struct profile *k, u32 log, struct judged *out)
{
	struct live l = { .c = c };
	s64 attach = judge_attach_id(c, k);
	struct insn *insns = NULL;
	u32 n = c->maps.n;
	int err = 0;

	*out = (struct judged){ .err = -EINVAL, .failed = c->error };
	if (c->error)
		return;
	l.maps = malloc((n + 1) * sizeof(*l.maps));
	for (u32 i = 0; i <= n; i++)
		l.maps[i] = -1;
	for (u32 i = 0; i < n && err >= 0; i++)
		err = make_map(&l, i);
	if (err >= 0 && c->btf)
		err = load_btf(&l, c->btf);
	insns = judge_insns(c, k, l.maps);
	if (err < 0) {
		out->err = err;
		snprintf(out->message, sizeof(out->message), "(maps or BTF: %s)",
				 strerror(-err));
	} else if (!insns || attach < 0) {
		out->failed = "names a function or type that this kernel has not";
	} else {
		load(&l, insns, attach, log, out);
	}
	for (u32 i = 0; i < n; i++)
		if (l.maps[i] >= 0)
			close(l.maps[i]);
	for (u32 i = 0; i < l.btfs.n; i++)
		close(l.btfs.p[i].fd);
	vec_free(&l.btfs);
	free(insns);
	free(l.maps);
}
