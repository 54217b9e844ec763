/* SPDX-License-Identifier: BSD-2-Clause */
/* A program compiled by clang, loaded and attached to the running kernel, for tests. */
#pragma once
#include "base/hash.h"
#include "btf/btf.h"
#include "engine/kernel/kernel.h"
#include "load/load.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROGRAM_HEAD                                   \
	"#include <linux/bpf.h>\n"                     \
	"#include <bpf/bpf_helpers.h>\n"               \
	"char LICENSE[] SEC(\"license\") = \"GPL\";\n"

#define NEED_KERNEL()                                                                        \
	do {                                                                                 \
		if (engine_kernel_usable())                                                  \
			SKIP("bpf(2) is not allowed here");                                  \
		if (!getenv("TEST_OBJECTS") && system("command -v clang >/dev/null 2>&1"))   \
			SKIP("there is no clang");                                           \
	} while (0)

struct world {
	char object[256];
	struct engine *e;
	struct obj *obj;
	struct load *l;
	struct diag dg;
};

static inline void world_print(const struct world *w)
{
	for (u32 i = 0; i < w->dg.n; i++)
		fprintf(stderr, "# %s\n", w->dg.msgs[i].text);
}

static inline void world_compile(const char *source, const char *object)
{
	char command[512];
	FILE *cc;

	snprintf(command, sizeof(command),
		 "clang -target bpf -O2 -g -x c -I/usr/include/x86_64-linux-gnu "
		 "-D__TARGET_ARCH_x86 -o %s -c -",
		 object);
	cc = popen(command, "w");
	CHECK(cc);
	fputs(PROGRAM_HEAD, cc);
	fputs(source, cc);
	CHECK_EQ(pclose(cc), 0);
}

/* Compiles source (behind PROGRAM_HEAD) and opens it on the kernel engine.  With TEST_OBJECTS the
 * object is taken from that directory, by a hash of its source; with TEST_OBJECTS_MAKE it is only
 * made there: so the tests run in a guest that has no compiler. */
static inline void world_open(struct world *w, const char *source)
{
	const char *dir = getenv("TEST_OBJECTS");

	memset(w, 0, sizeof(*w));
	if (dir) {
		snprintf(w->object, sizeof(w->object), "%s/%08x.o", dir,
			 hash_bytes(source, strlen(source), 0));
	} else {
		strcpy(w->object, "/tmp/osmia-test-XXXXXX");
		close(mkstemp(w->object));
	}
	if (!dir || getenv("TEST_OBJECTS_MAKE"))
		world_compile(source, w->object);
	if (getenv("TEST_OBJECTS_MAKE"))
		SKIP("only compiled");
	CHECK_EQ(engine_kernel_open(&w->dg, &w->e), 0);
	if (obj_open_file(w->object, &w->dg, &w->obj)) {
		world_print(w);
		fail_msg("the object can't be opened");
	}
	if (!dir)
		unlink(w->object);
}

static inline int world_run(struct world *w, const struct load_opts *opts)
{
	int err = load_open(w->obj, w->e, opts, &w->dg, &w->l);

	if (!err)
		err = load_run(w->l, &w->dg);
	if (!err)
		err = load_attach(w->l, &w->dg);
	if (err < 0)
		world_print(w);
	return err;
}

static inline void world_close(struct world *w)
{
	load_close(w->l);
	obj_free(w->obj);
	w->e->ops->free(w->e);
	diag_free(&w->dg);
}

/* Value of a u64 global variable without an initialiser. */
static inline u64 world_var(struct world *w, const char *name)
{
	struct load_map *m = load_find_map(w->l, ".bss");
	u8 bytes[4096];
	u32 zero = 0;
	u64 value;

	CHECK(m && m->value_size <= sizeof(bytes));

	union bpf_attr attr = { .map_fd = (u32)m->fd, .key = (u64)&zero, .value = (u64)bytes };
	const struct btf_type *sec = btf_type(w->obj->btf, m->om->btf_var_id);

	CHECK_EQ(engine_bpf(w->e, BPF_MAP_LOOKUP_ELEM, &attr, sizeof(attr)), 0);
	for (u32 i = 0; i < btf_vlen(sec); i++) {
		const struct btf_secinfo *v = &btf_secinfos(sec)[i];

		if (!strcmp(btf_name(w->obj->btf, v->type), name)) {
			memcpy(&value, bytes + v->offset, sizeof(value));
			return value;
		}
	}
	fail_msg("there is no variable %s", name);
	return 0;
}

/* First record of a ring buffer, copied; its length, 0 when there is none. */
static inline u32 world_record(struct world *w, const char *map, void *out, u32 max)
{
	struct load_map *m = load_find_map(w->l, map);
	size_t page = (size_t)sysconf(_SC_PAGESIZE), size = page + 2 * (size_t)m->max_entries;
	u64 *consumer = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, m->fd, 0);
	u8 *producer = mmap(NULL, size, PROT_READ, MAP_SHARED, m->fd, (off_t)page);
	u32 len = 0;

	CHECK(consumer != MAP_FAILED && producer != MAP_FAILED);
	u64 at = *consumer;

	if (at < __atomic_load_n((u64 *)producer, __ATOMIC_ACQUIRE)) {
		u8 *record = producer + page + at % m->max_entries;

		len = *(u32 *)record & ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);
		memcpy(out, record + BPF_RINGBUF_HDR_SZ, MIN(len, max));
		__atomic_store_n(consumer, at + ALIGN_UP(len + BPF_RINGBUF_HDR_SZ, 8),
				 __ATOMIC_RELEASE);
	}
	munmap(consumer, page);
	munmap(producer, size);
	return len;
}

/* How many loaded programs have that name, in the whole system. */
static inline u32 programs_named(const char *name)
{
	u32 id = 0, n = 0;

	for (;;) {
		union bpf_attr next = { .start_id = id };

		if (syscall(SYS_bpf, BPF_PROG_GET_NEXT_ID, &next, sizeof(next)))
			return n;
		id = next.next_id;

		union bpf_attr by_id = { .prog_id = id };
		int fd = (int)syscall(SYS_bpf, BPF_PROG_GET_FD_BY_ID, &by_id, sizeof(by_id));
		struct bpf_prog_info info = {0};
		union bpf_attr ask = {
			.info = { .bpf_fd = (u32)fd, .info_len = sizeof(info), .info = (u64)&info },
		};

		if (fd < 0)
			continue;
		if (!syscall(SYS_bpf, BPF_OBJ_GET_INFO_BY_FD, &ask, sizeof(ask)))
			n += !strncmp(info.name, name, sizeof(info.name) - 1);
		close(fd);
	}
}

/* Waits until no more than n programs of that name are left; they are freed after a grace period. */
static inline bool programs_gone(const char *name, u32 n)
{
	for (u32 i = 0; i < 200; i++) {
		if (programs_named(name) <= n)
			return true;
		usleep(10000);
	}
	return false;
}
