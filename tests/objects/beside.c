/* SPDX-License-Identifier: BSD-2-Clause */
/* Loads every program of objects, each alone, onto the running kernel and onto the engine that only
 * verifies, and lists where the two disagree.
 *
 *	beside [-v] OBJECT...
 *
 * A row is "accepts" (the kernel refuses), "refuses" (the kernel accepts), "message" (both refuse, but
 * our last line is not in the kernel's log) or "insns" (both accept, but processed other numbers).  -v
 * lists all others too.  Programs that the loader itself refuses count as none.  Exit status 1 where a
 * program was accepted that the kernel refuses.
 */
#include "engine/check/check.h"
#include "engine/kernel/kernel.h"
#include "load/load.h"
#include "verify/profile.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PROGRAM_LIMIT_S = 120 };

struct answer {
	int err;
	u32 processed;
	struct str text; /* all that was said */
};

enum count { AGREE, ACCEPTS, REFUSES, MESSAGE, INSNS, UNKNOWN, COUNTS };
static const char *const count_text[COUNTS] = {
	"agree", "accepts", "refuses", "message", "insns", "unknown",
};

static u32 processed_insns(int fd)
{
	struct bpf_prog_info info = { 0 };
	union bpf_attr attr = {
		.info = { .bpf_fd = (u32)fd, .info_len = sizeof(info), .info = (u64)&info },
	};

	syscall(SYS_bpf, BPF_OBJ_GET_INFO_BY_FD, &attr, sizeof(attr));
	return info.verified_insns;
}

static void load_one(struct engine *e, const char *path, const char *prog, struct answer *a)
{
	struct load_opts opts = { .only = prog, .no_pinning = true, .empty_maps_one = true,
				  .prog_type = BPF_PROG_TYPE_SOCKET_FILTER };
	struct diag dg = { 0 };
	struct obj *obj = NULL;
	struct load *l = NULL;
	struct load_prog *p;

	a->err = obj_open_file(path, &dg, &obj);
	a->err = a->err ? a->err : load_open(obj, e, &opts, &dg, &l);
	a->err = a->err ? a->err : load_run(l, &dg);
	p = l ? load_find_prog(l, prog) : NULL;
	if (!a->err && (!p || p->fd < 0))
		a->err = -ENOENT;
	if (!a->err)
		a->processed = processed_insns(p->fd);
	for (u32 i = 0; i < dg.n; i++)
		str_addf(&a->text, "%s\n", dg.msgs[i].text ? dg.msgs[i].text : "");
	load_close(l);
	obj_free(obj);
	diag_free(&dg);
}

static enum count compare(struct engine *kernel, struct engine *check, const char *path,
			  const char *prog, bool verbose)
{
	struct answer k = { 0 }, c = { 0 };
	const struct check_verdict *v;
	enum count what;

	engine_check_forget(check);
	load_one(check, path, prog, &c);
	v = engine_check_verdict(check);
	load_one(kernel, path, prog, &k);
	if (!v->judged)
		what = c.err && k.err ? UNKNOWN : REFUSES;
	else if (!v->err && !k.err)
		what = v->res.processed == k.processed ? AGREE : INSNS;
	else if (!v->err || !k.err)
		what = v->err ? REFUSES : ACCEPTS;
	else
		what = !v->res.message || strstr(str_text(&k.text), v->res.message) ? AGREE : MESSAGE;
	if (what != AGREE || verbose)
		printf("%s\t%s %s\tours: %d %s\tkernel: %d %s", count_text[what], path, prog,
		       v->judged ? v->err : c.err,
		       v->judged ? v->res.message ? v->res.message : "-" : str_text(&c.text), k.err,
		       k.err ? str_text(&k.text) : "-");
	if (what == INSNS)
		printf(" insns %u, kernel %u", v->res.processed, k.processed);
	if (what != AGREE || verbose)
		printf("\n");
	str_free(&k.text);
	str_free(&c.text);
	return what;
}

/* In a process of its own: a crash costs one program. */
static enum count compare_apart(struct engine *kernel, struct engine *check, const char *path,
				const char *prog, bool verbose)
{
	int status = 0;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		enum count what;

		alarm(PROGRAM_LIMIT_S);
		what = compare(kernel, check, path, prog, verbose);
		fflush(stdout);
		_exit((int)what);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return UNKNOWN;
	if (WIFEXITED(status) && WEXITSTATUS(status) < COUNTS)
		return (enum count)WEXITSTATUS(status);
	printf("died\t%s %s\tstatus %x\n", path, prog, status);
	return UNKNOWN;
}

static void object_run(struct engine *kernel, struct engine *check, const char *path, bool verbose,
		       u32 counts[COUNTS])
{
	struct load_opts opts = { .no_pinning = true, .prog_type = BPF_PROG_TYPE_SOCKET_FILTER };
	struct diag dg = { 0 };
	struct obj *obj = NULL;
	struct load *l = NULL;

	if (!obj_open_file(path, &dg, &obj) && !load_open(obj, check, &opts, &dg, &l))
		for (u32 i = 0; i < load_n_progs(l); i++)
			counts[compare_apart(kernel, check, path, load_prog(l, i)->fn->name,
					     verbose)]++;
	else
		printf("unknown\t%s\t%s\n", path, dg.n ? dg.msgs[0].text : "can't be opened");
	load_close(l);
	obj_free(obj);
	diag_free(&dg);
}

int main(int argc, char **argv)
{
	struct engine *kernel, *check;
	struct engine_check_opts opts = { 0 };
	u32 counts[COUNTS] = { 0 };
	struct profile k;
	bool verbose = argc > 1 && !strcmp(argv[1], "-v");

	if (engine_kernel_usable() || engine_kernel_open(NULL, &kernel)) {
		printf("skipped: bpf(2) is not allowed here\n");
		return 0;
	}
	if (profile_running(NULL, &k) || profile_prepare(&k, NULL) ||
	    engine_check_new(&k, &opts, &check)) {
		fprintf(stderr, "the running kernel can't be asked\n");
		return 2;
	}
	for (int i = 1 + verbose; i < argc; i++)
		object_run(kernel, check, argv[i], verbose, counts);
	for (u32 i = 0; i < COUNTS; i++)
		printf("%s %u%s", count_text[i], counts[i], i + 1 < COUNTS ? ", " : "\n");
	check->ops->free(check);
	kernel->ops->free(kernel);
	profile_free(&k);
	return counts[ACCEPTS] != 0;
}
