/* SPDX-License-Identifier: BSD-2-Clause */
/* tests/osmia/test_sessions.c - the public interface from C: sessions that run at the same time, each
 * with its own command, engine, output and messages.
 */
#include "test.h"
#include "osmia.h"
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct side {
	struct osmia *o;
	char text[1 << 16];
	size_t n;
};

static void take(void *arg, const char *text, size_t n)
{
	struct side *s = arg;

	if (n < sizeof(s->text) - s->n) {
		memcpy(s->text + s->n, text, n);
		s->n += n;
		s->text[s->n] = 0;
	}
}

static char dir[] = "/tmp/osmia-test-XXXXXX";
static char object[64];

/* execsnoop for the tests: every execve by name. */
static bool object_make(void)
{
	char command[512];

	if (*object)
		return true;
	if (!mkdtemp(dir))
		return false;
	snprintf(object, sizeof(object), "%s/execsnoop.o", dir);
	snprintf(command, sizeof(command), "clang -O2 -g -target bpf -D__TARGET_ARCH_x86 -I/usr/include/"
		 "$(gcc -print-multiarch) -c demo/execsnoop.bpf.c -o %s 2>/dev/null", object);
	if (!system(command))
		return true;
	*object = 0;
	rmdir(dir);
	return false;
}

static void side_start(struct side *s, enum osmia_engine engine, char *const *argv)
{
	struct osmia_opts opts = { .size = sizeof(opts), .engine = engine, .format = OSMIA_JSON,
				   .write = take, .arg = s, .tree = engine == OSMIA_ENGINE_KERNEL };
	int err;

	s->n = 0;
	s->text[0] = 0;
	CHECK_EQ(osmia_new(&opts, &s->o), 0);
	err = osmia_open(s->o, object);
	if (!err)
		err = osmia_start(s->o, argv);
	if (err)
		fail_msg("%s", osmia_messages(s->o) ? osmia_message(s->o, 0) : strerror(-err));
}

/* Serves all sides until their commands have ended. */
static void serve(struct side *sides, unsigned n)
{
	for (unsigned ended = 0; ended < n;) {
		struct pollfd p[4];

		for (unsigned i = 0; i < n; i++)
			p[i] = (struct pollfd){ .fd = osmia_fd(sides[i].o), .events = POLLIN };
		CHECK(poll(p, n, 20000) > 0);
		ended = 0;
		for (unsigned i = 0; i < n; i++) {
			if (p[i].revents && !osmia_ended(sides[i].o))
				CHECK(osmia_poll(sides[i].o, 0) >= 0);
			ended += osmia_ended(sides[i].o);
		}
	}
}

static void two_at_once(enum osmia_engine a, enum osmia_engine b)
{
	static char *const first[] = { "/bin/sh", "-c", "sleep 0.2; /bin/true; exit 3", NULL };
	static char *const second[] = { "/bin/sh", "-c", "/bin/echo >/dev/null; sleep 0.1; exit 4",
					NULL };
	static struct side sides[2];

	side_start(&sides[0], a, first);
	side_start(&sides[1], b, second);
	serve(sides, 2);
	CHECK_EQ(WEXITSTATUS(osmia_status(sides[0].o)), 3);
	CHECK_EQ(WEXITSTATUS(osmia_status(sides[1].o)), 4);
	for (unsigned i = 0; i < 2; i++) {
		CHECK_EQ(osmia_stop(sides[i].o), 0);
		CHECK_EQ(osmia_messages(sides[i].o), 0);
		osmia_free(sides[i].o);
	}
	CHECK(strstr(sides[0].text, "\"/bin/true\"") && !strstr(sides[0].text, "/bin/echo"));
	CHECK(strstr(sides[1].text, "\"/bin/echo\"") && !strstr(sides[1].text, "/bin/true"));
}

static int n_open_fds(void)
{
	int n = 0;

	for (int fd = 0; fd < 1024; fd++)
		n += lseek(fd, 0, SEEK_CUR) >= 0 || errno != EBADF;
	return n;
}

TEST(two_sessions_of_the_user_engine)
{
	if (!object_make())
		SKIP("no clang to build an object with");

	int before = n_open_fds();

	two_at_once(OSMIA_ENGINE_USER, OSMIA_ENGINE_USER);
	CHECK_EQ(n_open_fds(), before);
}

TEST(one_of_each_engine)
{
	if (!object_make())
		SKIP("no clang to build an object with");
	if (osmia_can(OSMIA_ENGINE_KERNEL))
		SKIP("bpf(2) does not work here");

	int before = n_open_fds();

	two_at_once(OSMIA_ENGINE_USER, OSMIA_ENGINE_KERNEL);
	two_at_once(OSMIA_ENGINE_KERNEL, OSMIA_ENGINE_KERNEL);
	CHECK_EQ(n_open_fds(), before);
}

/* A session that fails, or ends first, leaves the other alone. */
TEST(a_failing_session_is_alone)
{
	static char *const good[] = { "/bin/sh", "-c", "sleep 0.2; /bin/true", NULL };
	static char *const bad[] = { "/nonexistent/command", NULL };
	static struct side sides[2];
	struct osmia_opts opts = { .size = sizeof(opts), .engine = OSMIA_ENGINE_USER };

	if (!object_make())
		SKIP("no clang to build an object with");
	side_start(&sides[0], OSMIA_ENGINE_USER, good);
	CHECK_EQ(osmia_new(&opts, &sides[1].o), 0);
	CHECK_EQ(osmia_open(sides[1].o, object), 0);
	CHECK_EQ(osmia_start(sides[1].o, bad), -ENOENT);
	CHECK(osmia_messages(sides[1].o) > 0);
	osmia_free(sides[1].o);
	serve(sides, 1);
	CHECK_EQ(osmia_stop(sides[0].o), 0);
	osmia_free(sides[0].o);
	CHECK(strstr(sides[0].text, "\"/bin/true\"") != NULL);
}

/* Calls out of order are errors, not crashes. */
TEST(calls_out_of_order)
{
	struct osmia_opts opts = { .size = sizeof(opts), .engine = OSMIA_ENGINE_USER };
	struct osmia *o;

	CHECK_EQ(osmia_new(NULL, &o), -EINVAL);
	CHECK_EQ(osmia_new(&(struct osmia_opts){ .size = 3 }, &o), -EINVAL);
	CHECK_EQ(osmia_new(&opts, &o), 0);
	CHECK_EQ(osmia_start(o, NULL), -EINVAL);
	CHECK_EQ(osmia_poll(o, 0), -EINVAL);
	CHECK_EQ(osmia_fd(o), -1);
	CHECK_EQ(osmia_status(o), -1);
	CHECK(!osmia_ended(o) && !osmia_engine_name(o));
	CHECK_EQ(osmia_stop(o), 0);
	CHECK_EQ(osmia_set(o, "x", "1"), -EINVAL);
	osmia_free(o);
	osmia_free(NULL);
}

TEST(clean_up)
{
	if (*object) {
		unlink(object);
		rmdir(dir);
	}
}
