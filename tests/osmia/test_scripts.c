/* SPDX-License-Identifier: BSD-2-Clause */
/* tests/osmia/test_scripts.c - scripts through the public interface: what they print, their status, their compiled
 * form; and that many runs, good and bad, leave no descriptor, no child and no memory of theirs.
 */
#include "test.h"
#include "osmia.h"
#include <dirent.h>
#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

enum { RUNS = 20, OUT_MAX = 4096 };

struct out {
	char text[OUT_MAX];
	size_t n;
};

static void keep(void *arg, const char *text, size_t n)
{
	struct out *o = arg;

	if (o->n + n >= OUT_MAX)
		n = OUT_MAX - 1 - o->n;
	memcpy(o->text + o->n, text, n);
	o->n += n;
	o->text[o->n] = '\0';
}

static unsigned n_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned n = 0;

	CHECK(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static struct osmia_opts options(enum osmia_engine engine, const struct osmia_script_opts *script, struct out *out)
{
	*out = (struct out){0};
	return (struct osmia_opts){ .size = sizeof(struct osmia_opts), .engine = engine, .write = keep,
				    .arg = out, .script = script };
}

/* Runs what was opened to its end; its exit() status, 0 where it did not call that, or a negative errno. */
static int run(struct osmia *o, char *const *argv)
{
	int err = osmia_start(o, argv), status = 0;

	while (!err && !osmia_ended(o))
		CHECK(osmia_poll(o, 10000) >= 0);
	if (!err) {
		CHECK_EQ(osmia_stop(o), 0);
		osmia_exited(o, &status);
	}
	return err ? err : status;
}

static int run_text(enum osmia_engine engine, const char *script, char *const *argv, struct out *out)
{
	static const char *const params[] = { "7", "word", NULL };
	struct osmia_script_opts so = { .size = sizeof(so), .params = params, .quiet = true };
	struct osmia_opts opts = options(engine, &so, out);
	struct osmia *o;
	int err;

	CHECK_EQ(osmia_new(&opts, &o), 0);
	err = osmia_open_script(o, script, strlen(script), "test");
	if (!err)
		err = run(o, argv);
	if (err < 0)
		CHECK(osmia_messages(o) > 0);
	osmia_free(o);
	return err;
}

TEST(parameters_and_status)
{
	struct out out;

	CHECK_EQ(run_text(OSMIA_ENGINE_USER, "begin { printf(\"%d %s\\n\", $1, str($2)); exit(5); }", NULL, &out), 5);
	CHECK(strncmp(out.text, "7 word\n", 7) == 0);
}

TEST(mistakes_have_their_place)
{
	struct out out;
	struct osmia_opts opts = options(OSMIA_ENGINE_USER, NULL, &out);
	static const char script[] = "begin { $a = 1; }\nbegin { printf(\"%d\", $b); }\n";
	struct osmia_place at;
	struct osmia *o;

	CHECK_EQ(osmia_new(&opts, &o), 0);
	CHECK_EQ(osmia_open_script(o, script, strlen(script), "file.bt"), 0);
	CHECK(osmia_is_script(o));
	CHECK(osmia_start(o, NULL) < 0);
	CHECK(osmia_message_at(o, 0, &at));
	CHECK_STR(at.file, "file.bt");
	CHECK_EQ(at.line, 2);
	CHECK_EQ(at.col, 22);
	CHECK(!osmia_message_at(o, osmia_messages(o), &at));
	osmia_free(o);
}

TEST(compiled_once)
{
	static const char script[] = "begin { @x[\"k\"] = count(); printf(\"%s\\n\", \"first\"); exit(); }";
	struct out out;
	struct osmia_opts opts = options(OSMIA_ENGINE_USER, NULL, &out);
	struct osmia *o;
	size_t size;
	void *data;

	CHECK_EQ(osmia_new(&opts, &o), 0);
	CHECK_EQ(osmia_open_script(o, script, strlen(script), "test"), 0);
	CHECK_EQ(osmia_compile(o, &data, &size), 0);
	osmia_free(o);
	CHECK_EQ(osmia_new(&opts, &o), 0);
	CHECK_EQ(osmia_open_mem(o, data, size, "test.o"), 0);
	CHECK(osmia_is_script(o));
	CHECK_EQ(run(o, NULL), 0);
	CHECK(strncmp(out.text, "first\n", 6) == 0 && strstr(out.text, "@x[k]: 1\n"));
	osmia_free(o);
	free(data);
}

static void many(enum osmia_engine engine)
{
	static const char *const good[] = {
		"begin { @x = 1; exit(); }",
		"tracepoint:syscalls:sys_enter_exit_group { @[comm] = count(); } end { printf(\"e\\n\"); }",
		"interval:ms:1 { exit(); }",
	}, *const bad[] = {
		"begin { exit(", "begin { exit(\"x\"); }", "tracepoint:no:such { }", "uprobe:/bin/sh:no_such_function { }",
		"begin { @a = 1; @a = \"x\"; }",
	};
	char *argv[] = { "/bin/true", NULL };
	unsigned before;
	struct out out;

	run_text(engine, good[1], argv, &out); /* what is opened once stays open */
	before = n_fds();
	for (unsigned i = 0; i < RUNS; i++) {
		for (unsigned j = 0; j < sizeof(good) / sizeof(good[0]); j++)
			CHECK_EQ(run_text(engine, good[j], argv, &out), 0);
		for (unsigned j = 0; j < sizeof(bad) / sizeof(bad[0]); j++)
			CHECK(run_text(engine, bad[j], argv, &out) < 0);
	}
	CHECK_EQ(n_fds(), before);
	errno = 0;
	CHECK(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD);
}

TEST(user_engine_leaves_nothing)
{
	many(OSMIA_ENGINE_USER);
}

TEST(kernel_engine_leaves_nothing)
{
	if (osmia_can(OSMIA_ENGINE_KERNEL))
		SKIP("bpf(2) does not work here");
	many(OSMIA_ENGINE_KERNEL);
}
