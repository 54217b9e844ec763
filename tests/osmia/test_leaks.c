/* SPDX-License-Identifier: BSD-2-Clause */
/* tests/osmia/test_leaks.c - many runs in one process through the public interface: no descriptor,
 * no child and no file is left by any, whether it worked or failed.
 */
#include "test.h"
#include "osmia.h"
#include <dirent.h>
#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

enum { RUNS = 50 };

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

static void count(void *arg, const char *text, size_t n)
{
	(void)text;
	*(size_t *)arg += n;
}

/* 0, or what start said. */
static int run_once(enum osmia_engine engine, const char *object, char *const *argv, size_t *written)
{
	struct osmia_opts opts = { .size = sizeof(opts), .engine = engine, .write = count,
				   .arg = written, .tree = engine == OSMIA_ENGINE_KERNEL };
	struct osmia *o;
	int err;

	CHECK_EQ(osmia_new(&opts, &o), 0);
	err = osmia_open(o, object);
	if (!err)
		err = osmia_start(o, argv);
	while (!err && !osmia_ended(o))
		CHECK(osmia_poll(o, 10000) >= 0);
	if (!err)
		CHECK_EQ(osmia_stop(o), 0);
	osmia_free(o);
	return err;
}

static void many(enum osmia_engine engine)
{
	char object[] = "/tmp/osmia-test-XXXXXX", command[512];
	char *good[] = { "/bin/true", NULL }, *missing[] = { "/nonexistent/command", NULL };
	int fd = mkstemp(object);
	size_t written = 0;
	unsigned before;

	CHECK(fd >= 0);
	close(fd);
	snprintf(command, sizeof(command),
		 "clang -O2 -g -target bpf -I/usr/include/$(gcc -print-multiarch) -c "
		 "demo/execsnoop.bpf.c -o %s 2>/dev/null", object);
	if (system(command)) {
		unlink(object);
		SKIP("no clang to build an object with");
	}
	run_once(engine, object, good, &written); /* what is opened once stays open */
	before = n_fds();
	for (unsigned i = 0; i < RUNS; i++) {
		written = 0;
		CHECK_EQ(run_once(engine, object, good, &written), 0);
		CHECK(written > 0);
		CHECK(run_once(engine, object, missing, &written) < 0);
		CHECK(run_once(engine, "/dev/null", good, &written) < 0);
	}
	unlink(object);
	CHECK_EQ(n_fds(), before);
	errno = 0;
	CHECK_EQ(waitpid(-1, NULL, WNOHANG), -1);
	CHECK_EQ(errno, ECHILD);
}

TEST(user_engine_leaves_nothing)
{
	many(OSMIA_ENGINE_USER);
}

TEST(kernel_engine_leaves_nothing)
{
	if (osmia_can(OSMIA_ENGINE_KERNEL))
		SKIP("no bpf(2) here");
	many(OSMIA_ENGINE_KERNEL);
}
