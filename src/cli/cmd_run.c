/* SPDX-License-Identifier: BSD-2-Clause */
/* cli/cmd_run.c - `osmia run`: loads an object, attaches it and prints what it says until the command
 * ends or somebody presses Ctrl-C. */
#include "cli/cli.h"
#include "cli/options.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	OPT_SET = OPT_FIRST, OPT_EVENT, OPT_MAPS, OPT_TREE, OPT_BINARY, OPT_IFNAME, OPT_CGROUP,
	OPT_PROG, OPT_LOG, OPT_SAMPLE, OPT_XDP, OPT_PARTIAL,
};

static const struct cli_opt opts[] = {
	{ 'e', "engine", "auto|kernel|user", "which engine runs it (auto: the kernel where bpf(2) works)" },
	{ 'p', "pid", "PID", "join this process and what it starts" },
	{ 'f', "format", "text|json", "how events are printed" },
	{ OPT_SET, "set", "NAME=VALUE", "set a variable of .rodata, .data or .bss before load; repeats" },
	{ OPT_EVENT, "event", "MAP=struct NAME", "the struct of a map's records; repeats" },
	{ OPT_MAPS, "maps", NULL, "print all maps at the end" },
	{ OPT_TREE, "tree", NULL, "programs see only the command's process tree" },
	{ OPT_PROG, "prog", "NAME", "load this program alone" },
	{ OPT_BINARY, "binary", "PATH", "file for uprobes whose section names none" },
	{ OPT_IFNAME, "ifname", "NAME", "network interface for XDP, tc and socket filters" },
	{ OPT_XDP, "xdp-mode", "any|native|generic", "how XDP programs are attached" },
	{ OPT_PARTIAL, "partial", NULL, "go on without the programs that can't be attached" },
	{ OPT_CGROUP, "cgroup", "DIR", "cgroup v2 directory for cgroup programs" },
	{ OPT_SAMPLE, "sample", "HZ", "how often perf_event programs sample the CPU clock (49)" },
	{ OPT_LOG, "log-level", "N", "verifier log shown after a refusal (1, 2)" },
	{ 0 },
};

/* What the command line said; sets and events wait until the object is open. */
struct run {
	struct osmia_opts o;
	const char *path;
	char **argv;
	const char **later; /* owned: values of --set and --event */
	bool *is_set;       /* owned: which of the two */
	int n_later;
	unsigned said;      /* messages printed so far */
};

static void print(void *arg, const char *text, size_t n)
{
	(void)arg;
	fwrite(text, 1, n, stdout);
}

static void say_messages(struct run *r, struct osmia *o)
{
	fflush(stdout);
	for (; r->said < osmia_messages(o); r->said++)
		cli_error("%s%s",
			  osmia_message_level(o, r->said) == OSMIA_WARNING ? "warning: " : "",
			  osmia_message(o, r->said));
}

static int parse_option(struct run *r, int c, const char *value)
{
	char *end;
	long n;

	switch (c) {
	case 'e':
		r->o.engine = strcmp(value, "kernel") == 0 ? OSMIA_ENGINE_KERNEL
			      : strcmp(value, "user") == 0 ? OSMIA_ENGINE_USER
							   : OSMIA_ENGINE_AUTO;
		if (r->o.engine == OSMIA_ENGINE_AUTO && strcmp(value, "auto") != 0)
			return cli_usage("run", "--engine is auto, kernel or user, not '%s'", value);
		return 0;
	case 'f':
		r->o.format = strcmp(value, "json") == 0 ? OSMIA_JSON : OSMIA_TEXT;
		if (r->o.format == OSMIA_TEXT && strcmp(value, "text") != 0)
			return cli_usage("run", "--format is text or json, not '%s'", value);
		return 0;
	case 'p':
	case OPT_LOG:
	case OPT_SAMPLE:
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
	case OPT_SET:
		if (!strchr(value, '='))
			return cli_usage("run", "--set wants NAME=VALUE, not '%s'", value);
		/* fall through */
	case OPT_EVENT:
		r->is_set[r->n_later] = c == OPT_SET;
		r->later[r->n_later++] = value;
		return 0;
	case OPT_MAPS: r->o.print_maps = true; return 0;
	case OPT_XDP:
		r->o.xdp_mode = strcmp(value, "native") == 0    ? OSMIA_XDP_NATIVE
				: strcmp(value, "generic") == 0 ? OSMIA_XDP_GENERIC
								: OSMIA_XDP_ANY;
		if (r->o.xdp_mode == OSMIA_XDP_ANY && strcmp(value, "any") != 0)
			return cli_usage("run", "--xdp-mode is any, native or generic, not '%s'", value);
		return 0;
	case OPT_PARTIAL: r->o.partial = true; return 0;
	case OPT_TREE: r->o.tree = true; return 0;
	case OPT_PROG: r->o.only = value; return 0;
	case OPT_BINARY: r->o.binary = value; return 0;
	case OPT_IFNAME: r->o.ifname = value; return 0;
	case OPT_CGROUP: r->o.cgroup = value; return 0;
	case CLI_WORD:
		if (r->path)
			return cli_usage("run", "one object only; a command stands behind --");
		r->path = value;
		return 0;
	}
	return EXIT_USAGE;
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
	r->argv = a.rest && a.rest[0] ? a.rest : NULL;
	if (!r->path)
		return cli_usage("run", "which object?");
	if (a.rest && !r->argv)
		return cli_usage("run", "no command stands behind --");
	if (r->argv && r->o.pid)
		return cli_usage("run", "either a command or --pid");
	if (r->o.tree && !r->argv)
		return cli_usage("run", "--tree needs a command: -- CMD");
	return 0;
}

static int apply_later(struct run *r, struct osmia *o)
{
	for (int i = 0; i < r->n_later; i++) {
		char *eq = strchr(r->later[i], '='), *name;
		int err;

		if (r->is_set[i]) {
			name = strndup(r->later[i], (size_t)(eq - r->later[i]));
			err = name ? osmia_set(o, name, eq + 1) : -ENOMEM;
			free(name);
		} else {
			err = osmia_event(o, r->later[i]);
		}
		if (err)
			return err;
	}
	return 0;
}

/* Signals that end a run reach it through a pipe, so that none is missed between two waits, and a
 * command starts with the signals as they were.  A handler has no argument to find the pipe by. */
static int signal_pipe[2] = { -1, -1 };

static void on_signal(int sig)
{
	int saved = errno;
	char c = (char)sig;
	ssize_t n = write(signal_pipe[1], &c, 1);

	(void)n;
	errno = saved;
}

static int signals_as_fd(void)
{
	static const int ends[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction sa = { .sa_handler = on_signal, .sa_flags = SA_RESTART }, old;

	if (pipe2(signal_pipe, O_CLOEXEC | O_NONBLOCK))
		return -errno;
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		/* nohup is heeded; a shell that ignores SIGINT for its background jobs is not. */
		if (ends[i] != SIGHUP || (!sigaction(SIGHUP, NULL, &old) && old.sa_handler != SIG_IGN))
			sigaction(ends[i], &sa, NULL);
	return signal_pipe[0];
}

/* Ctrl-C reaches a command, too: it is waited for, a second one stops at once. */
static int64_t loop(struct run *r, struct osmia *o, int sigfd)
{
	int signals = 0;
	int64_t err = 0;

	while (!osmia_ended(o)) {
		struct pollfd p[] = { { .fd = osmia_fd(o), .events = POLLIN },
				      { .fd = sigfd, .events = POLLIN } };
		char sig;

		if (poll(p, 2, -1) < 0 && errno != EINTR)
			return -errno;
		while (read(sigfd, &sig, 1) == 1)
			signals++;
		if (signals && (!r->argv || signals > 1))
			break;
		if (!p[0].revents)
			continue;
		err = osmia_poll(o, 0);
		fflush(stdout);
		if (ferror(stdout))
			return -EPIPE;
		if (err < 0)
			break;
	}
	return err < 0 ? err : 0;
}

static int exit_status(const struct run *r, const struct osmia *o)
{
	int status = osmia_status(o);

	if (!r->argv || status < 0)
		return EXIT_DONE;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static int run_object(struct run *r, int sigfd)
{
	struct osmia *o = NULL;
	int64_t err = osmia_new(&r->o, &o);
	int status = EXIT_FAULT;

	if (err) {
		cli_error("%s", strerror((int)-err));
		return EXIT_FAULT;
	}
	err = osmia_open(o, r->path);
	if (!err)
		err = apply_later(r, o);
	if (!err)
		err = osmia_start(o, r->argv);
	if (err && !osmia_messages(o))
		cli_error("%s: %s", r->path, strerror((int)-err));
	say_messages(r, o);
	if (!err) {
		err = loop(r, o, sigfd);
		status = exit_status(r, o);
		osmia_stop(o);
		say_messages(r, o);
	}
	osmia_free(o);
	if (fflush(stdout) || err)
		return status ? status : EXIT_FAULT;
	return status;
}

int cmd_run(int argc, char **argv)
{
	struct run r = { .o = { .size = sizeof(r.o), .write = print } };
	int status, sigfd;

	r.later = calloc((size_t)argc, sizeof(*r.later));
	r.is_set = calloc((size_t)argc, sizeof(*r.is_set));
	if (!r.later || !r.is_set) {
		cli_error("out of memory");
		return EXIT_FAULT;
	}
	status = parse(&r, argc, argv);
	if (!status) {
		sigfd = signals_as_fd();
		status = run_object(&r, sigfd);
	} else if (status < 0) {
		status = EXIT_DONE;
	}
	free(r.later);
	free(r.is_set);
	return status;
}
