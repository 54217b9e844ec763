/* SPDX-License-Identifier: BSD-2-Clause */
/* cli/run.c - opens an object or a script, starts it and prints what it says until it ends, its command
 * ends, or somebody presses Ctrl-C. */
#include "cli/run.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void print(void *arg, const char *text, size_t n)
{
	struct run *r = arg;

	fwrite(text, 1, n, r->out);
	if (r->buffering == BUFFER_NONE)
		fflush(r->out);
}

static void print_error(void *arg, const char *text, size_t n)
{
	struct run *r = arg;

	fflush(r->out);
	fwrite(text, 1, n, stderr);
}

static void flush(void *arg)
{
	struct run *r = arg;

	fflush(r->out);
}

/* ---- open ---- */

static int apply_sets(struct run *r, struct osmia *o)
{
	int err = 0;

	for (int i = 0; i < r->sets.n && !err; i++) {
		const char *eq = strchr(r->sets.p[i], '=');
		char *name = strndup(r->sets.p[i], (size_t)(eq - r->sets.p[i]));

		err = name ? osmia_set(o, name, eq + 1) : -ENOMEM;
		free(name);
	}
	for (int i = 0; i < r->events.n && !err; i++)
		err = osmia_event(o, r->events.p[i]);
	return err;
}

static int open_input(struct run *r, struct osmia *o)
{
	const char *name = r->style == STYLE_BPFTRACE ? "stdin" : "-e";
	int err = r->program ? osmia_open_script(o, r->program, strlen(r->program), r->name ? r->name : name)
			     : osmia_open(o, r->path);

	return err ? err : apply_sets(r, o);
}

/* Writes the compiled script where --emit says. */
/* What `osmia` calls a failure without a message. */
static void say_errno(struct run *r, struct osmia *o, int64_t err)
{
	if (err && !osmia_messages(o))
		run_error(r, "%s: %s", r->path ? r->path : "stdin", strerror((int)-err));
	run_say(r, o);
}

static int write_object(const struct run *r, const void *data, size_t size)
{
	FILE *f = fopen(r->emit, "we");
	int err = !f || fwrite(data, 1, size, f) != size ? -errno : 0;

	if (f && fclose(f) && !err)
		err = -errno;
	if (err)
		run_error(r, "%s: can't write: %s", r->emit, strerror(-err));
	return err;
}

static int emit(struct run *r, struct osmia *o)
{
	void *data = NULL;
	size_t size = 0;
	int err = osmia_compile(o, r->emit ? &data : NULL, r->emit ? &size : NULL);

	say_errno(r, o, err);
	if (!err && r->emit)
		err = write_object(r, data, size);
	free(data);
	return err;
}

/* ---- signals ---- */

/* Signals reach the run through a pipe, so that none is missed between two waits, and a
 * command starts with the signals as they were.  A handler has no argument to find the pipe by. */
static int signal_pipe[2] = { -1, -1 };

enum { SIGNALS_HEARD = 2 };
static volatile sig_atomic_t n_end_signals;

/* Who asks a third time does not want to wait for what goes on now, a long search or the end. */
static void on_signal(int sig)
{
	int saved = errno;
	char c = (char)sig;
	ssize_t n = write(signal_pipe[1], &c, 1);

	if (sig != SIGUSR1 && ++n_end_signals > SIGNALS_HEARD) {
		signal(sig, SIG_DFL);
		raise(sig);
	}
	(void)n;
	errno = saved;
}

static int signals_as_fd(bool is_script)
{
	static const int ends[] = { SIGINT, SIGTERM, SIGHUP, SIGUSR1 };
	struct sigaction sa = { .sa_handler = on_signal, .sa_flags = SA_RESTART }, old;

	if (pipe2(signal_pipe, O_CLOEXEC | O_NONBLOCK))
		return -errno;
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		/* nohup is heeded; a shell that ignores SIGINT for its background jobs is not. */
		if (ends[i] == SIGHUP && (sigaction(SIGHUP, NULL, &old) || old.sa_handler == SIG_IGN))
			continue;
		/* SIGUSR1 means something to scripts only. */
		if (ends[i] == SIGUSR1 && !is_script)
			continue;
		sigaction(ends[i], &sa, NULL);
	}
	return signal_pipe[0];
}

/* ---- the loop ---- */

static int take_signals(struct osmia *o, int sigfd, int *n_ends)
{
	int err = 0;
	char sig;

	while (read(sigfd, &sig, 1) == 1)
		if (sig == SIGUSR1)
			err = osmia_signal(o, "SIGUSR1");
		else
			++*n_ends;
	return err;
}

/* Ctrl-C reaches a command, too: an object's run waits for that, a second one stops at once.  A script
 * ends by itself. */
static int64_t loop(struct run *r, struct osmia *o, int sigfd, bool is_script)
{
	int n_ends = 0;
	int64_t err = 0;

	while (!osmia_ended(o)) {
		struct pollfd p[] = { { .fd = osmia_fd(o), .events = POLLIN },
				      { .fd = sigfd, .events = POLLIN } };

		if (poll(p, 2, -1) < 0 && errno != EINTR)
			return -errno;
		err = take_signals(o, sigfd, &n_ends);
		if (err < 0 || (n_ends && (!r->argv || is_script || n_ends > 1)))
			break;
		if (!p[0].revents)
			continue;
		err = osmia_poll(o, 0);
		if (r->buffering != BUFFER_FULL)
			fflush(r->out);
		run_say(r, o);
		if (ferror(r->out))
			return -EPIPE;
		if (err < 0)
			break;
	}
	return err < 0 ? err : 0;
}

static int exit_status(const struct run *r, const struct osmia *o)
{
	int status;

	if (osmia_exited(o, &status) && (status || r->command || r->style == STYLE_BPFTRACE))
		return status & 0xff;
	status = osmia_status(o);
	if (!r->argv || r->command || status < 0)
		return EXIT_DONE;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* For those who wait until a script sees: a line once all is attached. */
static void notify_attached(void *arg)
{
	struct run *r = arg;

	if (!getenv("__BPFTRACE_NOTIFY_PROBES_ATTACHED"))
		return;
	fputs("__BPFTRACE_NOTIFY_PROBES_ATTACHED\n", r->out);
	fflush(r->out);
}

static int start_and_loop(struct run *r, struct osmia *o)
{
	char **argv = r->command ? r->command : r->argv;
	bool is_script = osmia_is_script(o);
	int sigfd = signals_as_fd(is_script), status;
	int64_t err = osmia_start(o, argv);

	say_errno(r, o, err);
	if (err)
		return EXIT_FAULT;
	if (r->verbose)
		fprintf(stderr, "%s engine\n", osmia_engine_name(o));
	if (r->buffering != BUFFER_FULL)
		fflush(r->out);
	err = loop(r, o, sigfd, is_script);
	osmia_stop(o);
	status = exit_status(r, o);
	fflush(r->out);
	run_say(r, o);
	return err && !status ? EXIT_FAULT : status;
}

static int open_output(struct run *r)
{
	r->out = r->output ? fopen(r->output, "we") : stdout;
	if (!r->out)
		return run_error(r, "Failed to open output file: \"%s\": %s", r->output, strerror(errno));
	return 0;
}

static void connect_opts(struct run *r)
{
	r->o.size = sizeof(r->o);
	r->o.write = print;
	r->o.arg = r;
	r->o.script = &r->s;
	r->s.size = sizeof(r->s);
	r->s.error = print_error;
	r->s.flush = flush;
	r->s.attached = notify_attached;
	r->s.arg = r;
	r->s.params = r->params.p;
	r->s.named = r->named.p;
	r->s.include_dirs = r->include_dirs.p;
	r->s.includes = r->includes.p;
}

int run_main(struct run *r)
{
	struct osmia *o = NULL;
	int status = open_output(r), err;

	if (status)
		return status;
	connect_opts(r);
	err = osmia_new(&r->o, &o);
	if (err)
		return run_error(r, "%s", strerror(-err));
	err = open_input(r, o);
	if (!err && (r->emit || r->compile_only)) {
		err = emit(r, o);
		status = err ? EXIT_FAULT : EXIT_DONE;
	} else if (!err) {
		status = start_and_loop(r, o);
	} else {
		say_errno(r, o, err);
		status = EXIT_FAULT;
	}
	osmia_free(o);
	/* Standard output is main()'s to check. */
	if (r->output) {
		bool failed = ferror(r->out);

		if (fclose(r->out) || failed) {
			run_error(r, "%s: can't write", r->output);
			status = status ? status : EXIT_FAULT;
		}
	}
	return fflush(stdout) && !status ? EXIT_FAULT : status;
}
