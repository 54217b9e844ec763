/* SPDX-License-Identifier: BSD-2-Clause */
/* output/script_action.c - what a record asks for, done: printing, files, commands, maps. */
#include "load/script.h"
#include "output/script_inner.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	HEADER = sizeof(struct script_record),
	TOLD_MOST = 20, /* mistakes of a running script that are told of one place */
};

extern char **environ;

/* ---- arguments ---- */

/* Argument i; its type is NULL where there is none. */
static struct sv arg(const struct out_action *a, const u8 *rec, u32 size, u32 i)
{
	const struct stype *args = a->a->args;

	if (!args || i >= args->n_fields)
		return (struct sv){0};
	return sv_field((struct sv){ args, rec, size }, &args->fields[i]);
}

static u64 arg_integer(const struct out_action *a, const u8 *rec, u32 size, u32 i)
{
	struct sv v = arg(a, rec, size, i);

	return v.type ? sv_integer(v) : 0;
}

/* A text of the script: to stdout, in JSON mode as an object of that type. */
static void say(struct script_out *o, const char *json_type, const char *text, size_t n)
{
	if (o->opts.json)
		js_text(&o->text, json_type, text, n);
	else
		str_addn(&o->text, text, n);
}

/* The action's format with its arguments, in o->scratch. */
static const char *formatted(struct script_out *o, const struct out_action *a, const u8 *rec,
			     u32 size)
{
	str_clear(&o->scratch);
	format_text(o, a, rec, size, &o->scratch);
	return str_text(&o->scratch);
}

/* ---- printing ---- */

static void do_printf(struct script_out *o, const struct out_action *a, const u8 *rec, u32 size)
{
	if (!o->opts.json) {
		format_text(o, a, rec, size, &o->text);
		return;
	}
	formatted(o, a, rec, size);
	js_text(&o->text, "printf", str_text(&o->scratch), o->scratch.len);
}

static bool print_value(struct script_out *o, const struct out_action *a, const u8 *rec, u32 size)
{
	struct sv v = arg(a, rec, size, 0);

	if (!v.type)
		return false;
	if (o->opts.json) {
		js_begin(&o->text, "value");
		sv_json(o, v, 0, &o->text);
		js_end(&o->text);
	} else {
		sv_text(o, v, SV_PLAIN, 0, &o->text);
		str_addc(&o->text, '\n');
	}
	return true;
}

/* The key is copied: in the ring it may lack the bytes that round a map's key up. */
static bool print_elem(struct script_out *o, const struct out_action *a, const u8 *rec, u32 size)
{
	const struct out_map *m = &o->maps[a->a->map];
	struct sv v = arg(a, rec, size, 0);
	u8 *key = calloc(1, m->lm->key_size + 1ul);

	if (key && v.type)
		mem_copy(key, v.p, MIN(v.n, m->lm->key_size));
	if (key)
		map_print_elem(o, m, key);
	free(key);
	return true;
}

/* Strings up to the first empty one, of max_strlen bytes each. */
static bool do_join(struct script_out *o, const struct out_action *a, const u8 *rec, u32 size)
{
	struct sv list = arg(a, rec, size, 1);
	u32 each = o->s->max_strlen, n = (u32)arg_integer(a, rec, size, 0);

	if (!list.type || !each)
		return false;
	if (list.type->kind == ST_ARRAY && list.type->of->size)
		each = list.type->of->size;
	n = MIN(n, list.n / each);
	str_clear(&o->scratch);
	for (u32 i = 0; i < n; i++) {
		const char *s = (const char *)list.p + (u64)i * each;
		size_t len = strnlen(s, each);

		if (!len)
			break;
		if (i)
			str_add(&o->scratch, a->a->text);
		str_addn(&o->scratch, s, len);
	}
	if (!o->opts.json)
		str_addc(&o->scratch, '\n');
	say(o, "join", str_text(&o->scratch), o->scratch.len);
	return true;
}

static void do_time(struct script_out *o, const struct out_action *a)
{
	str_clear(&o->scratch);
	name_now(a->a->text, &o->scratch);
	say(o, "time", str_text(&o->scratch), o->scratch.len);
}

/* ---- files and commands ---- */

/* What an fd gives, at most max bytes, until its end.  0 or a negative errno. */
static int read_text(int fd, size_t max, struct str *out)
{
	char buf[4096];
	ssize_t n;

	while (max && (n = read(fd, buf, MIN(max, sizeof(buf)))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		str_addn(out, buf, (size_t)n);
		max -= (size_t)n;
	}
	return 0;
}

static void complain_of(struct script_out *o, const struct out_action *a, const char *what,
			const char *why)
{
	struct str s = {0};

	str_addf(&s, "%s() of '%s': %s", script_action_text(a->a->kind), what, why);
	out_complain(o, a->a, true, str_text(&s));
	str_free(&s);
}

/* In bpftrace's words, behind the place. */
static void cat_failed(struct script_out *o, const struct out_action *a, const char *path, int err)
{
	bool is_old = o->s->compat == 17;
	struct str s = {0};

	str_addf(&s, "failed to open file '%s'%s%s%s", path, is_old ? ": " : " (", strerror(err), is_old ? "" : ")");
	out_complain(o, a->a, true, str_text(&s));
	str_free(&s);
}

/* O_NONBLOCK: a pipe that nobody writes must not hold the trace up. */
static void do_cat(struct script_out *o, const struct out_action *a, const u8 *rec, u32 size)
{
	const char *path = formatted(o, a, rec, size);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK), err;
	struct str text = {0};

	if (fd < 0) {
		cat_failed(o, a, path, errno);
		return;
	}
	err = read_text(fd, o->s->max_cat_bytes, &text);
	close(fd);
	if (err)
		complain_of(o, a, path, strerror(-err));
	say(o, "cat", str_text(&text), text.len);
	str_free(&text);
}

/* Runs sh -c COMMAND; fd reads what it writes.  Its pid, or a negative errno. */
static pid_t spawn_shell(const char *command, bool with_stderr, int *fd)
{
	char *argv[] = { (char *)"sh", (char *)"-c", (char *)command, NULL };
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t none, all;
	int pipes[2], err;
	pid_t pid;

	if (pipe2(pipes, O_CLOEXEC))
		return -errno;
	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_init(&files);
	posix_spawnattr_init(&attr);
	posix_spawn_file_actions_adddup2(&files, pipes[1], STDOUT_FILENO);
	if (with_stderr)
		posix_spawn_file_actions_adddup2(&files, pipes[1], STDERR_FILENO);
	/* The command must not inherit the signals that this program blocks or ignores. */
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &all);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	err = posix_spawn(&pid, "/bin/sh", &files, &attr, argv, environ);
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&attr);
	close(pipes[1]);
	if (err) {
		close(pipes[0]);
		return -err;
	}
	*fd = pipes[0];
	return pid;
}

static void do_system(struct script_out *o, const struct out_action *a, const u8 *rec, u32 size)
{
	const char *command = formatted(o, a, rec, size);
	struct str text = {0};
	int fd;
	pid_t pid;

	if (!o->opts.unsafe) {
		complain_of(o, a, command, "commands run with --unsafe only");
		return;
	}
	out_flush(o);
	if (o->opts.flush)
		o->opts.flush(o->opts.arg);
	pid = spawn_shell(command, o->s->compat != 17, &fd);
	if (pid < 0) {
		complain_of(o, a, command, strerror(-pid));
		return;
	}
	read_text(fd, SIZE_MAX, &text);
	close(fd);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	if (!o->opts.json && o->s->compat != 17)
		str_addc(&text, '\n');
	say(o, "syscall", str_text(&text), text.len);
	str_free(&text);
}

/* ---- errors that programs met ---- */

static const char *helper_reason(const char *helper, s64 ret)
{
	if (strcmp(helper, "map_update_elem") == 0 && ret == -E2BIG)
		return "the map is full: no room for another key (max_map_keys, or a size of its "
		       "own: let @a = hash(5000))";
	if (strcmp(helper, "map_delete_elem") == 0 && ret == -ENOENT)
		return "the map has no such key to delete";
	if (strcmp(helper, "map_lookup_elem") == 0)
		return "the map has no such key";
	return ret < 0 && ret > -4096 ? strerror((int)-ret) : "failed";
}

/* FILE, LINE and COL of an object. */
static void json_place(struct script_out *o, const struct script_action *a)
{
	const char *file = a->at.file ? a->at.file : "";

	str_add(&o->text, ", \"filename\": ");
	js_string(&o->text, file, strlen(file));
	str_addf(&o->text, ", \"line\": %u, \"col\": %u}\n", a->at.line, a->at.col);
}

/* The first ones of a place in full; the others are counted and told at the end. */
static bool is_told(struct script_out *o, struct out_action *a)
{
	return o->opts.json || a->n_told++ < TOLD_MOST;
}

static void do_helper_error(struct script_out *o, const struct out_action *a, const u8 *rec,
			    u32 size)
{
	s64 ret = (s64)arg_integer(a, rec, size, 0);
	const char *helper = a->a->text;
	struct str s = {0};

	if (o->opts.json) {
		const char *why = ret < 0 && ret > -4096 ? strerror((int)-ret) : "";

		str_add(&o->text, "{\"type\": \"helper_error\", \"msg\": ");
		js_string(&o->text, why, strlen(why));
		str_add(&o->text, ", \"helper\": ");
		js_string(&o->text, helper, strlen(helper));
		str_addf(&o->text, ", \"retcode\": %ld", ret);
		json_place(o, a->a);
		return;
	}
	str_addf(&s, "%s\nAdditional Info - helper: %s, retcode: %ld", helper_reason(helper, ret),
		 helper, ret);
	out_complain(o, a->a, false, str_text(&s));
	str_free(&s);
}

void out_untold(struct script_out *o, struct str *out)
{
	for (u32 i = 0; i < o->s->actions.n; i++) {
		const struct out_action *a = &o->actions[i];

		if (a->n_told > TOLD_MOST)
			str_addf(out, "%s:%u:%u: WARNING: and %lu times more the same\n",
				 a->a->at.file ? a->a->at.file : "", a->a->at.line, a->a->at.col,
				 a->n_told - TOLD_MOST);
	}
}

void out_complain(struct script_out *o, const struct script_action *a, bool is_error,
		  const char *text)
{
	bool has_context = a->kind == ACTION_HELPER_ERROR || a->kind == ACTION_RUNTIME_ERROR;
	struct str s = {0};

	if (o->opts.json) {
		const char *type = a->kind == ACTION_RUNTIME_ERROR ? "runtime_error"
				   : a->kind == ACTION_WARNF       ? "warnf"
								   : "errorf";

		str_addf(&o->text, "{\"type\": \"%s\", \"msg\": ", type);
		js_string(&o->text, text, strlen(text));
		json_place(o, a);
		return;
	}
	if (a->at.file)
		str_addf(&s, "%s:", a->at.file);
	if (a->at.line)
		str_addf(&s, "%u:%u", a->at.line, a->at.col);
	if (a->at.line && a->to_col)
		str_addf(&s, "-%u", a->to_col);
	if (a->at.line)
		str_addc(&s, ':');
	str_addf(&s, "%s%s: %s\n", s.len ? " " : "", is_error ? "ERROR" : "WARNING", text);
	if (has_context && a->line && *a->line) {
		str_addf(&s, "%s\n", a->line);
		for (u32 i = 1; i < a->at.col && i <= strlen(a->line); i++)
			str_addc(&s, a->line[i - 1] == '\t' ? '\t' : ' ');
		str_addc(&s, '^');
		for (u32 i = a->at.col + 1; i < a->to_col && i <= strlen(a->line); i++)
			str_addc(&s, '~');
		str_addc(&s, '\n');
	}
	/* What was printed before it comes before it, where both go to one terminal. */
	out_flush(o);
	o->opts.error(o->opts.arg, str_text(&s), s.len);
	str_free(&s);
}

static void do_watch(struct script_out *o, const struct out_action *a, const u8 *rec, u32 size)
{
	struct diag dg = {0};

	if (script_watch(o->load, (u32)arg_integer(a, rec, size, 1), arg_integer(a, rec, size, 0),
			 (s32)arg_integer(a, rec, size, 2), arg_integer(a, rec, size, 3) != 0, &dg) < 0 && dg.n)
		complain_of(o, a, "watchpoint", dg.msgs[0].text);
	diag_free(&dg);
}

static void do_exit(struct script_out *o, const struct out_action *a, const u8 *rec, u32 size)
{
	o->exiting = true;
	o->status = (int)arg_integer(a, rec, size, 0);
}

static void map_done(struct script_out *o, const struct out_action *a, int err)
{
	if (err)
		complain_of(o, a, o->maps[a->a->map].sm->name, strerror(-err));
}

bool action_run(struct script_out *o, const u8 *rec, u32 size)
{
	u32 n = size < HEADER ? UINT32_MAX : once32(rec);
	struct out_action *a = n < o->s->actions.n ? &o->actions[n] : NULL;

	if (!a || size < a->least)
		return false;
	switch (a->a->kind) {
	case ACTION_PRINTF:
		do_printf(o, a, rec, size);
		return true;
	case ACTION_ERRORF:
	case ACTION_WARNF:
		out_complain(o, a->a, a->a->kind == ACTION_ERRORF, formatted(o, a, rec, size));
		return true;
	case ACTION_CAT:
		do_cat(o, a, rec, size);
		return true;
	case ACTION_SYSTEM:
		do_system(o, a, rec, size);
		return true;
	case ACTION_JOIN:
		return do_join(o, a, rec, size);
	case ACTION_TIME:
		do_time(o, a);
		return true;
	case ACTION_PRINT_VALUE:
		return print_value(o, a, rec, size);
	case ACTION_PRINT_ELEM:
		return print_elem(o, a, rec, size);
	case ACTION_PRINT_MAP:
		map_print(o, &o->maps[a->a->map], arg_integer(a, rec, size, 0),
			  arg_integer(a, rec, size, 1), true);
		return true;
	case ACTION_CLEAR:
		map_done(o, a, map_clear(o, &o->maps[a->a->map]));
		return true;
	case ACTION_ZERO:
		map_done(o, a, map_zero(o, &o->maps[a->a->map]));
		return true;
	case ACTION_EXIT:
		do_exit(o, a, rec, size);
		return true;
	case ACTION_SKBOUTPUT:
		if (!pcap_write(o, a->a->text, rec, size))
			complain_of(o, a, a->a->text, "it can't be written any more");
		return true;
	case ACTION_WATCH:
		do_watch(o, a, rec, size);
		return true;
	case ACTION_UNWATCH:
		script_unwatch(o->load, arg_integer(a, rec, size, 0));
		return true;
	case ACTION_HELPER_ERROR:
		if (is_told(o, a))
			do_helper_error(o, a, rec, size);
		return true;
	case ACTION_RUNTIME_ERROR:
		if (is_told(o, a))
			out_complain(o, a->a, false, a->a->text);
		return true;
	}
	return false;
}
