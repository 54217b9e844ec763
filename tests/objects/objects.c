/* SPDX-License-Identifier: BSD-2-Clause */
/* Loads every program of a corpus of objects, each alone, and compares with recorded verdicts.
 *
 * 	objects [-v] [-m LIST] CORPUS [PATTERN]
 *
 * CORPUS has objects/SET/NAME.o and verdicts/6.18/SET.tsv, whose rows are SET/NAME/PROGRAM, program
 * type, insns, verdict, errno, processed insns, ...  Programs are loaded as the verdicts were made:
 * the others of the object left out, map sizes of 0 set to 1, nothing pinned.  -v lists rows that
 * differ; PATTERN (with * and ?) chooses rows.  Ends with "N of M": programs that load here, with
 * the recorded number of processed insns, of those that 6.18 accepted.  Exit status 1 below -p
 * PERCENT.
 */
#include "base/str.h"
#include "btf/btf.h"
#include "engine/kernel/kernel.h"
#include "load/load.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const sets[] = { "st61", "st612", "k612", "deb" };

enum verdict { ACCEPT, REJECT, SKIP_ROW };

struct row {
	char name[192], object[128], prog[128];
	u32 prog_type, insns, processed;
	enum verdict verdict;
};

struct counts {
	u32 rows, loaded, same, insns_differ;
	u32 rejects, rejected;
};

struct options {
	const char *corpus, *pattern;
	bool verbose;
	u32 percent;
};

/* One line of a table; false for the header, comments and what is not wanted. */
static bool row_parse(const struct options *o, char *line, struct row *r)
{
	char *col[6], *p = line;

	for (u32 i = 0; i < ARRAY_SIZE(col); i++) {
		col[i] = strsep(&p, "\t\n");
		if (!col[i])
			return false;
	}
	if (*line == '#' || !str_glob(o->pattern, col[0]) ||
	    sscanf(col[0], "%*[^/]/%127[^/]/%127s", r->object, r->prog) != 2)
		return false;
	snprintf(r->name, sizeof(r->name), "%s", col[0]);
	r->prog_type = (u32)strtoul(col[1], NULL, 10);
	r->insns = (u32)strtoul(col[2], NULL, 10);
	r->processed = (u32)strtoul(col[5], NULL, 10);
	r->verdict = !strcmp(col[3], "accept") ? ACCEPT :
		     !strcmp(col[3], "reject") ? REJECT :
						 SKIP_ROW;
	return r->verdict != SKIP_ROW;
}

static u32 processed_insns(int fd)
{
	struct bpf_prog_info info = {0};
	union bpf_attr attr = {
		.info = { .bpf_fd = (u32)fd, .info_len = sizeof(info), .info = (u64)&info },
	};

	syscall(SYS_bpf, BPF_OBJ_GET_INFO_BY_FD, &attr, sizeof(attr));
	return info.verified_insns;
}

struct result {
	int err;
	u32 insns, processed;
	char text[300];
};

static void say(struct result *res, const struct diag *dg)
{
	size_t n = 0;

	res->text[0] = 0;
	for (u32 i = 0; i < dg->n && n < sizeof(res->text) - 1; i++)
		if (dg->msgs[i].level == DIAG_ERROR ||
		    (dg->msgs[i].text && dg->msgs[i].text[0] != ' '))
			n += (size_t)snprintf(res->text + n, sizeof(res->text) - n, "%s%s",
					      n ? "; " : "", dg->msgs[i].text);
}

/* Flags that a selftest asks for in a declaration tag of its function. */
static u32 test_flags(const struct obj *obj, const char *prog)
{
	static const struct { const char *text; u32 flag; } flags[] = {
		{ "comment:test_prog_flags=BPF_F_STRICT_ALIGNMENT", BPF_F_STRICT_ALIGNMENT },
		{ "comment:test_prog_flags=BPF_F_ANY_ALIGNMENT", BPF_F_ANY_ALIGNMENT },
		{ "comment:test_prog_flags=BPF_F_TEST_RND_HI32", BPF_F_TEST_RND_HI32 },
		{ "comment:test_prog_flags=BPF_F_TEST_STATE_FREQ", BPF_F_TEST_STATE_FREQ },
		{ "comment:test_prog_flags=BPF_F_SLEEPABLE", BPF_F_SLEEPABLE },
		{ "comment:test_prog_flags=BPF_F_TEST_REG_INVARIANTS", BPF_F_TEST_REG_INVARIANTS },
	};
	const struct obj_func *fn = obj_find_func(obj, prog);
	u32 got = 0, tag = 0;

	while (fn && fn->btf_func_id &&
	       (tag = btf_next_decl_tag(obj->btf, fn->btf_func_id, -1, tag)))
		for (u32 i = 0; i < ARRAY_SIZE(flags); i++)
			if (!strcmp(btf_name(obj->btf, tag), flags[i].text))
				got |= flags[i].flag;
	return got;
}

static void load_one(struct engine *e, const char *path, const struct row *r, struct result *res)
{
	const char *prog = r->prog;
	struct load_opts opts = {
		.only = prog,
		.no_pinning = true,
		.empty_maps_one = true,
		.prog_type = r->prog_type,
	};
	struct diag dg = {0};
	struct obj *obj = NULL;
	struct load *l = NULL;

	res->err = obj_open_file(path, &dg, &obj);
	if (!res->err)
		opts.prog_flags = test_flags(obj, prog);
	if (!res->err)
		res->err = load_open(obj, e, &opts, &dg, &l);
	if (!res->err)
		res->err = load_run(l, &dg);

	struct load_prog *p = l ? load_find_prog(l, prog) : NULL;

	if (!res->err && (!p || p->fd < 0))
		res->err = -ENOENT;
	if (p)
		res->insns = p->n_insns;
	if (!res->err)
		res->processed = processed_insns(p->fd);
	say(res, &dg);
	load_close(l);
	obj_free(obj);
	diag_free(&dg);
}

/* In a process of its own: a crash or an endless verification is one row's failure. */
static void load_apart(struct engine *e, const char *path, const struct row *r, struct result *res)
{
	int fds[2];

	memset(res, 0, sizeof(*res));
	res->err = -ECHILD;
	snprintf(res->text, sizeof(res->text), "the loader died or took more than 60 s");
	if (pipe2(fds, O_CLOEXEC))
		return;

	pid_t pid = fork();

	if (pid == 0) {
		alarm(60);
		load_one(e, path, r, res);
		_exit(write(fds[1], res, sizeof(*res)) != sizeof(*res));
	}
	close(fds[1]);

	struct result got;

	if (pid > 0 && read(fds[0], &got, sizeof(got)) == sizeof(got))
		*res = got;
	close(fds[0]);
	if (pid > 0)
		waitpid(pid, NULL, 0);
}

static void row_run(const struct options *o, struct engine *e, const char *set, const struct row *r,
		    struct counts *c)
{
	struct result res;
	char path[512];

	snprintf(path, sizeof(path), "%s/objects/%s/%s.o", o->corpus, set, r->object);
	if (access(path, R_OK))
		return;
	load_apart(e, path, r, &res);
	if (r->verdict == REJECT) {
		c->rejects++;
		c->rejected += res.err != 0;
		if (o->verbose && !res.err)
			printf("accepts\t%s\trecorded: reject\n", r->name);
		return;
	}
	c->rows++;
	c->loaded += !res.err;
	c->same += !res.err && res.processed == r->processed;
	c->insns_differ += res.insns != r->insns;
	if (o->verbose && res.err)
		printf("refuses\t%s\t%s: %s\n", r->name, strerror(-res.err), res.text);
	else if (o->verbose && (res.processed != r->processed || res.insns != r->insns))
		printf("differs\t%s\tprocessed %u, recorded %u; insns %u, recorded %u\n", r->name,
		       res.processed, r->processed, res.insns, r->insns);
	fflush(stdout);
}

static void set_run(const struct options *o, struct engine *e, const char *set, struct counts *c)
{
	char path[512], line[8192];
	struct row r;

	snprintf(path, sizeof(path), "%s/verdicts/6.18/%s.tsv", o->corpus, set);

	FILE *f = fopen(path, "re");

	if (!f) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		return;
	}
	while (fgets(line, sizeof(line), f))
		if (row_parse(o, line, &r))
			row_run(o, e, set, &r, c);
	fclose(f);
}

int main(int argc, char **argv)
{
	struct options o = { .pattern = "*" };
	struct counts all = {0};
	struct engine *e;
	int opt;

	while ((opt = getopt(argc, argv, "vp:")) != -1) {
		if (opt == 'v')
			o.verbose = true;
		else if (opt == 'p')
			o.percent = (u32)atoi(optarg);
		else
			return 2;
	}
	o.corpus = argv[optind];
	if (o.corpus && argv[optind + 1])
		o.pattern = argv[optind + 1];
	if (!o.corpus || access(o.corpus, R_OK)) {
		printf("skipped: there is no corpus at %s\n", o.corpus ? o.corpus : "(none named)");
		return 0;
	}
	if (engine_kernel_usable() || engine_kernel_open(NULL, &e)) {
		printf("skipped: bpf(2) is not allowed here\n");
		return 0;
	}
	printf("%-6s %8s %8s %8s %12s %10s\n", "set", "accepted", "load", "same", "other insns",
	       "refused");
	for (u32 i = 0; i < ARRAY_SIZE(sets); i++) {
		struct counts c = {0};

		set_run(&o, e, sets[i], &c);
		printf("%-6s %8u %8u %8u %12u %5u/%u\n", sets[i], c.rows, c.loaded, c.same,
		       c.insns_differ, c.rejected, c.rejects);
		all.rows += c.rows;
		all.loaded += c.loaded;
		all.same += c.same;
	}
	e->ops->free(e);
	printf("%u of %u load with the recorded number of processed insns (%u load)\n", all.same,
	       all.rows, all.loaded);
	return all.same * 100 < all.rows * o.percent;
}
