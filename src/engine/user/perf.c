/* SPDX-License-Identifier: BSD-2-Clause */
/* engine/user/perf.c - makes the ring of one CPU and enters it into its perf event array.
 *
 * The client's fd is a duplicate of the map's eventfd: one wake-up for all CPUs, so a consumer
 * looks at every ring.  It must be opened before the target starts, which is when the guard is
 * forked.
 */
#include "engine/user/perf.h"
#include "base/vec.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PERF_PAGE = 4096, PERF_PAGES_MAX = 1 << 16 };

static int map_twice(struct session *s, u64 bytes, void **own, void **client)
{
	int fd = file_new(&s->run, "perf-ring", false);
	int err = -ENOMEM;

	if (fd < 0)
		return fd;
	*own = *client = MAP_FAILED;
	if (!ftruncate(fd, (off_t)bytes)) {
		*own = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		*client = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	}
	close(fd);
	if (*own != MAP_FAILED && *client != MAP_FAILED)
		return 0;
	if (*own != MAP_FAILED)
		munmap(*own, bytes);
	if (*client != MAP_FAILED)
		munmap(*client, bytes);
	return err;
}

int user_perf_ring_open(struct engine *e, int map_fd, u32 cpu, u32 n_pages, struct perf_ring *out)
{
	struct session *s = session_of(e);
	u64 bytes = (1 + (u64)n_pages) * PERF_PAGE;
	struct perf_file *f;
	struct object *o;
	void *own, *client;
	int err = session_by_fd(s, map_fd, OBJECT_MAP, &o);
	int fd;

	if (err)
		return err;
	if (!n_pages || (n_pages & (n_pages - 1)) || n_pages > PERF_PAGES_MAX ||
	    map_of(o)->attr.type != BPF_MAP_TYPE_PERF_EVENT_ARRAY)
		return -EINVAL;
	if (!vec_grow((void **)&s->perf_files, &s->cap_perf_files, s->n_perf_files + 1, sizeof(*f)))
		return -ENOMEM;
	err = map_twice(s, bytes, &own, &client);
	if (err)
		return err;
	fd = fcntl(map_of(o)->event_fd, F_DUPFD_CLOEXEC, 0);
	err = fd < 0 ? -errno : map_perf_attach(map_of(o)->map, cpu, own, bytes);
	if (err) {
		if (fd >= 0)
			close(fd);
		munmap(own, bytes);
		munmap(client, bytes);
		return err;
	}
	object_get(o);
	s->perf_files[s->n_perf_files++] = (struct perf_file){o, cpu, own, bytes};
	*out = (struct perf_ring){.fd = fd,
				  .base = client,
				  .page_bytes = PERF_PAGE,
				  .data_bytes = n_pages * PERF_PAGE};
	return 0;
}

void perf_rings_free(struct session *s)
{
	for (u32 i = 0; i < s->n_perf_files; i++) {
		struct perf_file *f = &s->perf_files[i];

		map_perf_attach(map_of(f->map)->map, f->cpu, NULL, 0);
		munmap(f->base, f->bytes);
		object_put(f->map);
	}
	free(s->perf_files);
	s->perf_files = NULL;
	s->n_perf_files = 0;
}
