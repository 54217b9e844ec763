/* SPDX-License-Identifier: BSD-2-Clause */
/* cli/cmd_bpftrace.c - the bpftrace personality: its options, exit statuses and shape of messages.
 *
 * `osmia bpftrace ...`, or osmia by a link named bpftrace.  What only makes sense with LLVM is taken and has no
 * effect; OSMIA_COMPAT=0.17 or --compat 0.17 makes it the old one.
 */
#include "base/command.h"
#include "cli/list.h"
#include "cli/options.h"
#include "cli/run.h"
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* The release whose language and output this is. */
static const char version_new[] = "v0.27.1", version_17[] = "v0.17.0";

enum {
	OPT_AOT = OPT_FIRST, OPT_BENCH, OPT_BTF, OPT_DEBUGINFO, OPT_DRY_RUN, OPT_DWARF_PID, OPT_EMIT_ELF,
	OPT_EMIT_LLVM, OPT_FMT, OPT_INCLUDE, OPT_INFO, OPT_NO_FEATURE, OPT_NO_WARNINGS, OPT_MODE, OPT_FILTER,
	OPT_TEST, OPT_TRACEABLE, OPT_UNSAFE, OPT_USDT, OPT_VERIFY, OPT_COMPAT, OPT_ENGINE, OPT_PARTIAL,
};

static const struct cli_opt opts[] = {
	{ 'e', NULL, "PROGRAM", "run this program" },
	{ 'l', "list", NULL, "list probes that match a pattern, or those of a program" },
	{ 'v', "verbose", NULL, "tell more; with -l: arguments of probes" },
	{ 'h', "help", NULL, "show this help" },
	{ 'V', "version", NULL, "show the version" },
	{ OPT_INFO, "info", NULL, "tell what works here" },
	{ 'p', "pid", "PID", "only events of this process" },
	{ 'c', "cmd", "CMD", "run that command, and stop when it ends" },
	{ OPT_USDT, "usdt-file-activation", NULL, "count USDT semaphores up for all processes of a file" },
	{ 'o', "output", "FILE", "output goes there" },
	{ 'f', NULL, "FORMAT", "format of output: text or json" },
	{ 'B', NULL, "MODE", "buffering of output: line, full or none" },
	{ 'q', "quiet", NULL, "no messages" },
	{ 'k', "warnings", NULL, "warn when a helper returns an error" },
	{ OPT_NO_WARNINGS, "no-warnings", NULL, "no warnings" },
	{ 'I', NULL, "DIR", "where #include looks; repeats" },
	{ OPT_INCLUDE, "include", "FILE", "include that file first; repeats" },
	{ OPT_DEBUGINFO, "debuginfo", "DIR[:DIR]", "where debug files are (taken, no effect)" },
	{ OPT_TRACEABLE, "traceable-functions", "FILE", "functions that may be traced (taken, no effect)" },
	{ OPT_UNSAFE, "unsafe", NULL, "allow what can do harm" },
	{ OPT_NO_FEATURE, "no-feature", "FEATURE,...",
	  "do without kprobe_multi, kprobe_session, uprobe_multi (taken, no effect)" },
	{ OPT_MODE, "mode", "MODE", "codegen, compiler-bench, bench, test or format" },
	{ OPT_TEST, "test", NULL, "run test probes" },
	{ OPT_BENCH, "bench", NULL, "run bench probes" },
	{ OPT_FILTER, "probe-filter", "REGEX", "only probes whose name matches" },
	{ OPT_FMT, "fmt", NULL, "print the program, laid out anew" },
	{ OPT_DRY_RUN, "dry-run", NULL, "stop when all probes are attached" },
	{ 'd', "debug", "STAGE", "show a stage: ast, types, ir, passes, insns, verifier, all" },
	{ OPT_EMIT_ELF, "emit-elf", "FILE", "write the compiled program there" },
	{ OPT_AOT, "aot", "FILE", "the same: `osmia run FILE` starts it" },
	{ OPT_EMIT_LLVM, "emit-llvm", "FILE", "taken, no effect: there is no LLVM here" },
	{ OPT_VERIFY, "verify-llvm-ir", NULL, "taken, no effect" },
	{ OPT_DWARF_PID, "dwarf-pid", "PID", "taken, no effect" },
	{ 'b', "btf", NULL, "taken, no effect" },
	{ OPT_COMPAT, "compat", "0.17|new", "Osmia: behave as that version (variable OSMIA_COMPAT)" },
	{ OPT_ENGINE, "engine", "auto|kernel|user", "Osmia: which engine runs it" },
	{ OPT_PARTIAL, "partial", NULL, "Osmia: go on without probes that can't be attached" },
	{ 0 },
};

enum mode { MODE_RUN, MODE_CODEGEN, MODE_COMPILER_BENCH, MODE_BENCH, MODE_TEST, MODE_FORMAT, MODE_BAD };

struct bpftrace {
	struct run r;
	enum mode mode;
	bool list;
	const char *pid, *cmd;
};

static void usage(FILE *out, uint32_t compat)
{
	if (compat != 17)
		fputs("bpftrace - a high-level tracing language for Linux powered by BPF\n\n", out);
	fputs("USAGE:\n"
	      "    bpftrace [options] filename\n"
	      "    bpftrace [options] - <stdin input>\n"
	      "    bpftrace [options] -e 'program'\n"
	      "    words behind the program are its parameters, behind -- its named ones, too\n\n"
	      "OPTIONS:\n", out);
	cli_print_options(opts, out);
	fprintf(out, "\nThis is osmia %s; `osmia --help` shows what else it does.\n", osmia_version());
}

static int complain_usage(const struct bpftrace *b, const char *text)
{
	return run_error(&b->r, "USAGE: %s", text);
}

static void info(void)
{
	int err = osmia_can(OSMIA_ENGINE_KERNEL);

	printf("osmia %s, the language of bpftrace %s\n", osmia_version(), version_new);
	printf("kernel engine: %s\n", err ? strerror(-err) : "yes");
	puts("user engine: yes, for a command (-c) or process (-p)");
#ifdef OSMIA_STATIC
	puts("static build: no uprobes on the user engine (libZydis), C++ names as the linker has them");
#endif
}

static int set_mode(struct bpftrace *b, enum mode mode, const char *complaint)
{
	if (b->mode != MODE_RUN)
		return complain_usage(b, complaint);
	b->mode = mode;
	return 0;
}

static enum mode mode_by_name(const char *name)
{
	static const char *const names[] = { "", "codegen", "compiler-bench", "bench", "test", "format" };

	for (int i = 1; i < MODE_BAD; i++)
		if (strcmp(names[i], name) == 0)
			return (enum mode)i;
	return MODE_BAD;
}

static bool features_ok(const char *list)
{
	static const char *const names[] = { "kprobe_multi", "kprobe_session", "uprobe_multi" };

	while (*list) {
		size_t n = strcspn(list, ","), i = 0;

		while (i < 3 && (strlen(names[i]) != n || memcmp(names[i], list, n) != 0))
			i++;
		if (i == 3)
			return false;
		list += n + (list[n] == ',');
	}
	return true;
}

static int parse_engine(struct bpftrace *b, const char *value)
{
	b->r.o.engine = strcmp(value, "kernel") == 0 ? OSMIA_ENGINE_KERNEL
			: strcmp(value, "user") == 0 ? OSMIA_ENGINE_USER
						     : OSMIA_ENGINE_AUTO;
	if (b->r.o.engine == OSMIA_ENGINE_AUTO && strcmp(value, "auto") != 0)
		return complain_usage(b, "--engine must be either 'auto', 'kernel', or 'user'.");
	return 0;
}

/* Options of what is to be done. */
static int parse_mode(struct bpftrace *b, int c, const char *value)
{
	struct run *r = &b->r;
	bool verifier = false;

	switch (c) {
	case OPT_MODE:
		b->mode = mode_by_name(value);
		return b->mode != MODE_BAD ? 0
					   : complain_usage(b, "--mode can only be 'codegen', 'compiler-bench', "
							       "'bench', 'test' or 'format'.");
	case OPT_TEST: return set_mode(b, MODE_TEST, "--test conflicts with existing --mode");
	case OPT_BENCH: return set_mode(b, MODE_BENCH, "--bench conflicts with existing --mode");
	case OPT_FMT: return set_mode(b, MODE_FORMAT, "--fmt conflicts with existing --mode");
	case OPT_NO_FEATURE:
		return features_ok(value) ? 0
					  : complain_usage(b, "--no-feature can only have values "
							      "'kprobe_multi,kprobe_session,uprobe_multi'.");
	case 'd':
		if (run_stages(value, &r->s.dump, &verifier))
			return run_error(r, "USAGE: invalid option for -d: %s", value);
		r->o.verifier_log = verifier ? 2 : r->o.verifier_log;
		return 0;
	case 'B':
		r->buffering = strcmp(value, "full") == 0   ? BUFFER_FULL
			       : strcmp(value, "none") == 0 ? BUFFER_NONE
							    : BUFFER_LINE;
		if (r->buffering == BUFFER_LINE && strcmp(value, "line") != 0)
			return complain_usage(b, "-B must be either 'line', 'full', or 'none'.");
		return 0;
	case 'f':
		r->o.format = strcmp(value, "json") == 0 ? OSMIA_JSON : OSMIA_TEXT;
		if (r->o.format == OSMIA_TEXT && strcmp(value, "text") != 0)
			return run_error(r, "Invalid output format \"%s\"\nValid formats: 'text', 'json'", value);
		return 0;
	case 'k':
		if (r->s.helper_errors)
			fputs("WARNING: -kk is -k: a second k has no meaning any more\n", stderr);
		if (r->s.no_warnings)
			return complain_usage(b, "-k, --warnings conflicts with --no-warnings");
		r->s.helper_errors = true;
		return 0;
	case OPT_NO_WARNINGS:
		if (r->s.helper_errors)
			return complain_usage(b, "-k, --warnings conflicts with --no-warnings");
		r->s.no_warnings = true;
		return 0;
	case OPT_COMPAT:
		return run_compat(value, &r->s.compat)
			       ? complain_usage(b, "--compat must be either '0.17' or 'new'.") : 0;
	case OPT_ENGINE: return parse_engine(b, value);
	}
	return 0;
}

/* 0, an exit status, or -1: done. */
static int parse_option(struct bpftrace *b, int c, const char *value)
{
	struct run *r = &b->r;

	switch (c) {
	case 'h':
		usage(stdout, r->s.compat);
		return -1;
	case 'V':
		printf("bpftrace %s\n", r->s.compat == 17 ? version_17 : version_new);
		return -1;
	case OPT_INFO:
		info();
		return -1;
	case 'e': r->program = value; return 0;
	case 'l': b->list = true; return 0;
	case 'p': b->pid = value; return 0;
	case 'c': b->cmd = value; return 0;
	case 'o': r->output = value; return 0;
	case 'q': r->s.quiet = true; return 0;
	case 'v': r->verbose = true; return 0;
	case 'I': words_add(&r->include_dirs, value); return 0;
	case OPT_INCLUDE: words_add(&r->includes, value); return 0;
	case OPT_UNSAFE: r->s.unsafe = true; return 0;
	case OPT_FILTER: r->s.probe_filter = value; return 0;
	case OPT_DRY_RUN: r->s.dry_run = true; return 0;
	case OPT_AOT:
	case OPT_EMIT_ELF: r->emit = value; return 0;
	case OPT_PARTIAL: r->o.partial = true; return 0;
	case CLI_WORD:
		words_add(&r->params, value);
		return 0;
	case CLI_BAD:
		usage(stderr, r->s.compat);
		return EXIT_FAULT;
	}
	return parse_mode(b, c, value);
}

/* Words behind "--" that begin with dashes are named parameters. */
static void take_rest(struct run *r, char **rest)
{
	for (; rest && *rest; rest++)
		if (strncmp(*rest, "--", 2) == 0)
			words_add(&r->named, *rest + 2);
		else
			words_add(&r->params, *rest);
}

static const char *take_first(struct words *w)
{
	const char *word = w->p[0];

	memmove(w->p, w->p + 1, (size_t)w->n * sizeof(*w->p));
	w->n -= word != NULL;
	return word;
}

static bool is_new(int c)
{
	return c == OPT_DRY_RUN || c == OPT_FMT || c == OPT_MODE || c == OPT_BENCH || c == OPT_FILTER;
}

static int parse(struct bpftrace *b, int argc, char **argv)
{
	struct cli_args a = cli_args("bpftrace", opts, argc, argv);
	int c, status;

	if (argc == 1) {
		usage(stderr, b->r.s.compat);
		return EXIT_FAULT;
	}
	a.program = "bpftrace";
	while ((c = cli_next(&a)) != CLI_END) {
		if (b->r.s.compat == 17 && is_new(c)) {
			fprintf(stderr, "bpftrace: unrecognized option '%s'\n", argv[a.at - 1]);
			c = CLI_BAD;
		}
		status = parse_option(b, c, a.value);
		if (status)
			return status;
	}
	take_rest(&b->r, a.rest);
	if (b->cmd && b->pid) {
		complain_usage(b, "Cannot use both -c and -p.");
		usage(stderr, b->r.s.compat);
		return EXIT_FAULT;
	}
	if (!b->r.program && !b->list) {
		b->r.path = take_first(&b->r.params);
		if (!b->r.path)
			return complain_usage(b, "filename or -e 'program' required.");
	}
	return 0;
}

/* 0.17 ends with -1 where a file is missing. */
static int missing(const struct run *r)
{
	return r->s.compat == 17 ? 255 : EXIT_FAULT;
}

static int take_pid(struct bpftrace *b)
{
	char *end;
	long n;

	if (!b->pid)
		return 0;
	errno = 0;
	n = strtol(b->pid, &end, 10);
	if (!errno && *end && end != b->pid)
		return run_error(&b->r, "Failed to parse pid: invalid trailing bytes: %s", b->pid);
	if (errno || end == b->pid || n < 0)
		return run_error(&b->r, "Failed to parse pid: invalid integer: %s", b->pid);
	if (n > 0x400000)
		return run_error(&b->r, "Pid out of range: %ld", n);
	if (!n || (kill((pid_t)n, 0) && errno == ESRCH))
		return run_error(&b->r, "Failed to attach to pid: there is no process %ld", n);
	b->r.o.pid = (int32_t)n;
	return 0;
}

static int take_command(struct bpftrace *b)
{
	char *file = NULL;
	int err;

	if (!b->cmd)
		return 0;
	err = run_command(&b->r, b->cmd);
	if (!err)
		err = command_find(b->r.command[0], &file);
	if (!err && access(file, X_OK))
		err = -errno;
	free(file);
	if (!err)
		return 0;
	run_error(&b->r, "Failed to fork child: Path '%s' does not exist or is not executable (%s)",
		  b->r.command ? b->r.command[0] : b->cmd, strerror(-err));
	return missing(&b->r);
}

static int compiler_bench(struct run *r)
{
	struct timespec from, to;
	int status = 0;

	r->compile_only = true;
	clock_gettime(CLOCK_MONOTONIC, &from);
	status = run_main(r);
	clock_gettime(CLOCK_MONOTONIC, &to);
	if (!status)
		printf("compile: %.3f ms\n", (double)(to.tv_sec - from.tv_sec) * 1e3 +
						     (double)(to.tv_nsec - from.tv_nsec) / 1e6);
	return status;
}

static int run(struct bpftrace *b)
{
	struct run *r = &b->r;
	int status = 0;

	if (r->path && strcmp(r->path, "-") && access(r->path, R_OK)) {
		run_error(r, "failed to open file '%s': %s", r->path, strerror(errno));
		return missing(r);
	}
	if (b->mode == MODE_FORMAT)
		return cli_format(r->program, r->path, r->output);
	status = take_pid(b);
	if (!status)
		status = take_command(b);
	if (status)
		return status;
	/* Who may use the kernel means the kernel. */
	if (r->o.engine == OSMIA_ENGINE_AUTO && !osmia_can(OSMIA_ENGINE_KERNEL))
		r->o.engine = OSMIA_ENGINE_KERNEL;
	r->s.test = b->mode == MODE_TEST;
	r->s.bench = b->mode == MODE_BENCH;
	r->compile_only = b->mode == MODE_CODEGEN;
	return b->mode == MODE_COMPILER_BENCH ? compiler_bench(r) : run_main(r);
}

int cmd_bpftrace(int argc, char **argv)
{
	const char *compat = getenv("OSMIA_COMPAT");
	struct bpftrace b = { .r = { .style = STYLE_BPFTRACE } };
	int status;

	if (argc == 2 && strcmp(argv[1], "--help=man") == 0) {
		cli_print_man(opts);
		return EXIT_DONE;
	}
	status = run_init(&b.r, argc) ? 0 : EXIT_FAULT;
	if (!status && compat && run_compat(compat, &b.r.s.compat))
		status = run_error(&b.r, "OSMIA_COMPAT is 0.17 or new, not '%s'", compat);
	if (!status)
		status = parse(&b, argc, argv);
	if (!status && b.list)
		status = take_pid(&b);
	if (!status)
		status = b.list ? cli_list_probes(&b.r, take_first(&b.r.params)) : run(&b);
	run_free(&b.r);
	return status < 0 ? EXIT_DONE : status;
}
