/* SPDX-License-Identifier: BSD-2-Clause */
/* cli/cmd_run.c - `osmia run`: its options. */
#include "cli/cli.h"
#include "cli/options.h"
#include "cli/run.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	OPT_ENGINE = OPT_FIRST, OPT_SET, OPT_EVENT, OPT_MAPS, OPT_TREE, OPT_BINARY, OPT_IFNAME, OPT_CGROUP,
	OPT_PROG, OPT_LOG, OPT_SAMPLE, OPT_XDP, OPT_PARTIAL, OPT_COMPAT, OPT_UNSAFE, OPT_INCLUDE, OPT_DRY_RUN,
	OPT_EMIT, OPT_TEST, OPT_BENCH, OPT_FILTER, OPT_NO_WARNINGS, OPT_PASS,
};

static const struct cli_opt opts[] = {
	{ 'e', NULL, "PROGRAM", "the script itself, instead of a file" },
	{ OPT_ENGINE, "engine", "auto|kernel|user",
	  "which engine runs it (auto: the kernel where bpf(2) works)" },
	{ 'c', NULL, "CMD", "run a script with that command, and until it ends" },
	{ 'p', "pid", "PID", "join this process and what it starts; of a script: only its events count" },
	{ 'f', "format", "text|json", "how events are printed" },
	{ 'o', "output", "FILE", "events go there instead of standard output" },
	{ 'B', NULL, "line|full|none", "when output is written: after each round of events, at the end, at once" },
	{ 'q', "quiet", NULL, "print nothing but what the script prints" },
	{ 'v', "verbose", NULL, "tell what happens; of a refused program the whole log" },
	{ OPT_COMPAT, "compat", "0.17|new",
	  "typing and output of bpftrace 0.17, or of the newest (variable OSMIA_COMPAT)" },
	{ OPT_UNSAFE, "unsafe", NULL, "allow system(), signal(), override() and their like in a script" },
	{ 'I', NULL, "DIR", "where #include looks; repeats" },
	{ OPT_INCLUDE, "include", "FILE", "as if the script began with #include FILE; repeats" },
	{ OPT_PARTIAL, "partial", NULL, "go on without what can't be attached" },
	{ OPT_TREE, "tree", NULL, "programs see only the command's process tree" },
	{ 'k', "warnings", NULL, "warn when a helper fails" },
	{ OPT_NO_WARNINGS, "no-warnings", NULL, "no warnings of the compiler" },
	{ OPT_FILTER, "probe-filter", "REGEX", "only probes whose name matches" },
	{ OPT_TEST, "test", NULL, "run the script's test probes" },
	{ OPT_BENCH, "bench", NULL, "run the script's bench probes" },
	{ OPT_DRY_RUN, "dry-run", NULL, "stop when all is attached: nothing of the script runs" },
	{ OPT_EMIT, "emit", "OBJECT", "write the compiled script there; `osmia run OBJECT` starts it later" },
	{ 'd', "dump", "STAGE", "show stages of compilation: ast, types, ir, passes, insns, all" },
	{ OPT_PASS, "pass", "NAME", "of -d passes: only the program after this one" },
	{ OPT_SET, "set", "NAME=VALUE", "set a variable of .rodata, .data or .bss before load; repeats" },
	{ OPT_EVENT, "event", "MAP=struct NAME", "the struct of a map's records; repeats" },
	{ OPT_MAPS, "maps", NULL, "print all maps of an object at the end" },
	{ OPT_PROG, "prog", "NAME", "load this program alone" },
	{ OPT_BINARY, "binary", "PATH", "file for uprobes whose section names none" },
	{ OPT_IFNAME, "ifname", "NAME", "network interface for XDP, tc and socket filters" },
	{ OPT_XDP, "xdp-mode", "any|native|generic", "how XDP programs are attached" },
	{ OPT_CGROUP, "cgroup", "DIR", "cgroup v2 directory for cgroup programs" },
	{ OPT_SAMPLE, "sample", "HZ", "how often perf_event programs sample the CPU clock (49)" },
	{ OPT_LOG, "log-level", "N", "verifier log shown after a refusal (1, 2)" },
	{ 0 },
};

/* The number of value among the words of choices ("a|b|c"); -1 after a complaint. */
static int choice(const char *option, const char *value, const char *choices)
{
	size_t n = strlen(value);
	int i = 0;

	for (const char *c = choices; *c; i++) {
		size_t len = strcspn(c, "|");

		if (len == n && memcmp(c, value, n) == 0)
			return i;
		c += len + (c[len] == '|');
	}
	cli_usage("run", "%s is %s, not '%s'", option, choices, value);
	return -1;
}

static int parse_number(struct run *r, int c, const char *value)
{
	char *end;
	long n;

	errno = 0;
	n = strtol(value, &end, 10);
	if (errno || *end || end == value || n <= 0 || n > INT32_MAX)
		return cli_usage("run", "'%s' is no positive number", value);
	if (c == 'p')
		r->o.pid = (int32_t)n;
	else if (c == OPT_SAMPLE)
		r->o.sample_hz = (uint32_t)n;
	else
		r->o.verifier_log = (uint32_t)n;
	return 0;
}

static int parse_choice(struct run *r, int c, const char *value)
{
	int n;

	switch (c) {
	case OPT_ENGINE:
		n = choice("--engine", value, "auto|kernel|user");
		r->o.engine = (enum osmia_engine)n;
		break;
	case 'f':
		n = choice("--format", value, "text|json");
		r->o.format = (enum osmia_format)n;
		break;
	case 'B':
		n = choice("-B", value, "line|full|none");
		r->buffering = (enum run_buffering)n;
		break;
	default:
		n = choice("--xdp-mode", value, "any|native|generic");
		r->o.xdp_mode = (enum osmia_xdp)n;
	}
	return n < 0 ? EXIT_USAGE : 0;
}

static int parse_script_option(struct run *r, int c, const char *value)
{
	bool verifier = false;
	int err;

	switch (c) {
	case OPT_COMPAT:
		return run_compat(value, &r->s.compat)
			       ? cli_usage("run", "--compat is 0.17 or new, not '%s'", value)
			       : 0;
	case 'c':
		err = r->command ? -EEXIST : run_command(r, value);
		return err ? cli_usage("run", "-c '%s' is no command", value) : 0;
	case 'd':
		if (run_stages(value, &r->s.dump, &verifier))
			return cli_usage("run", "there is no stage '%s'", value);
		r->o.verifier_log = verifier ? 2 : r->o.verifier_log;
		return 0;
	case 'e': r->program = value; return 0;
	case 'I': words_add(&r->include_dirs, value); return 0;
	case OPT_INCLUDE: words_add(&r->includes, value); return 0;
	case 'o': r->output = value; return 0;
	case 'q': r->s.quiet = true; return 0;
	case 'k': r->s.helper_errors = true; return 0;
	case 'v':
		r->verbose = true;
		r->o.verifier_log = 2;
		return 0;
	case OPT_UNSAFE: r->s.unsafe = true; return 0;
	case OPT_NO_WARNINGS: r->s.no_warnings = true; return 0;
	case OPT_FILTER: r->s.probe_filter = value; return 0;
	case OPT_TEST: r->s.test = true; return 0;
	case OPT_BENCH: r->s.bench = true; return 0;
	case OPT_DRY_RUN: r->s.dry_run = true; return 0;
	case OPT_EMIT: r->emit = value; return 0;
	case OPT_PASS: r->s.dump_pass = value; return 0;
	}
	return EXIT_USAGE;
}

static int parse_option(struct run *r, int c, const char *value)
{
	switch (c) {
	case OPT_ENGINE:
	case 'f':
	case 'B':
	case OPT_XDP:
		return parse_choice(r, c, value);
	case 'p':
	case OPT_LOG:
	case OPT_SAMPLE:
		return parse_number(r, c, value);
	case OPT_SET:
		if (!strchr(value, '='))
			return cli_usage("run", "--set wants NAME=VALUE, not '%s'", value);
		words_add(&r->sets, value);
		return 0;
	case OPT_EVENT: words_add(&r->events, value); return 0;
	case OPT_MAPS: r->o.print_maps = true; return 0;
	case OPT_PARTIAL: r->o.partial = true; return 0;
	case OPT_TREE: r->o.tree = true; return 0;
	case OPT_PROG: r->o.only = value; return 0;
	case OPT_BINARY: r->o.binary = value; return 0;
	case OPT_IFNAME: r->o.ifname = value; return 0;
	case OPT_CGROUP: r->o.cgroup = value; return 0;
	case CLI_WORD:
		if (!r->path && !r->program)
			r->path = value;
		else
			words_add(&r->params, value);
		return 0;
	case CLI_BAD:
		return EXIT_USAGE;
	}
	return parse_script_option(r, c, value);
}

/* What stands behind "--": a command, or parameters of the script: when the first is a named one, and
 * when -c gives the command. */
static int take_rest(struct run *r, char **rest)
{
	if (!rest)
		return 0;
	if (!r->command && (!rest[0] || strncmp(rest[0], "--", 2) != 0)) {
		r->argv = rest;
		return rest[0] ? 0 : cli_usage("run", "no command stands behind --");
	}
	for (; *rest; rest++)
		if (strncmp(*rest, "--", 2) == 0)
			words_add(&r->named, *rest + 2);
		else
			words_add(&r->params, *rest);
	return 0;
}

static int parse(struct run *r, int argc, char **argv)
{
	struct cli_args a = cli_args("run", opts, argc, argv);
	int c, status;

	while ((c = cli_next(&a)) != CLI_END) {
		if (c == CLI_HELP)
			return -1;
		status = parse_option(r, c, a.value);
		if (status)
			return status;
	}
	status = take_rest(r, a.rest);
	if (status)
		return status;
	if (r->program && r->path) {
		/* Words before -e are parameters, too. */
		memmove(r->params.p + 1, r->params.p, (size_t)r->params.n++ * sizeof(*r->params.p));
		r->params.p[0] = r->path;
		r->path = NULL;
	}
	if (!r->path && !r->program)
		return cli_usage("run", "which object or script?");
	if ((r->argv || r->command) && r->o.pid)
		return cli_usage("run", "either a command or --pid");
	if (r->o.tree && !r->argv && !r->command)
		return cli_usage("run", "--tree needs a command: -- CMD");
	return 0;
}

int cmd_run(int argc, char **argv)
{
	const char *compat = getenv("OSMIA_COMPAT");
	struct run r = {0};
	int status;

	if (!run_init(&r, argc)) {
		cli_error("out of memory");
		return EXIT_FAULT;
	}
	status = compat && run_compat(compat, &r.s.compat)
			 ? cli_usage("run", "OSMIA_COMPAT is 0.17 or new, not '%s'", compat)
			 : parse(&r, argc, argv);
	if (!status)
		status = run_main(&r);
	else if (status < 0)
		status = EXIT_DONE;
	run_free(&r);
	return status;
}
