/* SPDX-License-Identifier: BSD-2-Clause */
/* engine/user/session.c - the table of objects: ids, identities, lifetimes. */
#include "engine/user/session.h"
#include "base/file.h"
#include "base/vec.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

enum { SWEEP_MIN = 64 };

static struct object *table_take(struct session *s, u32 i)
{
	struct object *o = s->objects[i];

	memmove(&s->objects[i], &s->objects[i + 1], (--s->n_objects - i) * sizeof(*s->objects));
	return o;
}

int session_open(struct session *s)
{
	s->printk_fd[0] = s->printk_fd[1] = -1;
	s->sweep_at = SWEEP_MIN;
	s->shared = mmap(NULL, sizeof(*s->shared), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (s->shared == MAP_FAILED)
		return -ENOMEM;
	if (getrandom(&s->nonce, sizeof(s->nonce), GRND_NONBLOCK) != sizeof(s->nonce))
		s->nonce = (u64)getpid() * 0x9e3779b97f4a7c15 ^ (u64)s;
	s->nonce |= 1; /* a reference is never 0 */
	rundir_open(&s->run);
	return 0;
}

/* Each kind refers only to kinds that are freed after it. */
void session_close(struct session *s)
{
	static const enum object_kind order[] = {OBJECT_LINK, OBJECT_PROG, OBJECT_MAP, OBJECT_BTF};

	for (u32 k = 0; k < ARRAY_SIZE(order); k++)
		for (u32 i = s->n_objects; i-- > 0;)
			if (s->objects[i]->kind == order[k])
				object_free(s, table_take(s, i));
	free(s->objects);
	if (s->profile)
		profile_free(s->profile);
	free(s->profile);
	btf_free(s->target_btf);
	if (s->printk_fd[0] >= 0) {
		close(s->printk_fd[0]);
		close(s->printk_fd[1]);
	}
	if (s->packet)
		munmap(s->packet, s->packet_bytes);
	munmap(s->shared, sizeof(*s->shared));
	rundir_close(&s->run);
}

void object_get(struct object *o)
{
	o->refs++;
}

void object_put(struct object *o)
{
	if (o)
		o->refs--;
}

void object_free(struct session *s, struct object *o)
{
	if (o->fd >= 0)
		close(o->fd);
	o->release(s, o);
}

/* A pass may set the references of others free, so passes go on until one frees nothing. */
void session_sweep(struct session *s)
{
	for (bool freed = true; freed;) {
		freed = false;
		for (u32 i = s->n_objects; i-- > 0;) {
			struct object *o = s->objects[i];

			if (o->refs || o->pinned || file_in_use(o->fd))
				continue;
			object_free(s, table_take(s, i));
			freed = true;
		}
	}
	s->sweep_at = MAX(2 * s->n_objects, (u32)SWEEP_MIN);
}

int session_add(struct session *s, struct object *o)
{
	int err = file_ino(o->fd, &o->ino);

	if (err)
		return err;
	if (s->n_objects >= s->sweep_at)
		session_sweep(s);
	if (!vec_grow((void **)&s->objects, &s->cap_objects, s->n_objects + 1, sizeof(*s->objects)))
		return -ENOMEM;
	o->id = ++s->last_id[o->kind];
	s->objects[s->n_objects++] = o;
	return 0;
}

/* Without /proc a plain dup will do: the object then lives as long as the session. */
int session_hand_out(struct object *o, enum file_access access)
{
	int fd = file_hand_out(o->fd, access);

	if (fd == -ENOENT) {
		fd = fcntl(o->fd, F_DUPFD_CLOEXEC, 0);
		if (fd < 0)
			return -errno;
		o->pinned = true;
	}
	return fd;
}

int session_publish(struct session *s, struct object *o, enum file_access access)
{
	int fd = session_hand_out(o, access);

	if (fd < 0)
		session_sweep(s);
	return fd;
}

int session_any_fd(struct session *s, int fd, struct object **out)
{
	struct file_ino ino;
	int err = file_ino(fd, &ino);

	if (err)
		return err;
	for (u32 i = s->n_objects; i-- > 0;) {
		struct object *o = s->objects[i];

		if (o->ino.ino == ino.ino && o->ino.dev == ino.dev) {
			*out = o;
			return 0;
		}
	}
	return -EINVAL;
}

int session_by_fd(struct session *s, int fd, enum object_kind kind, struct object **out)
{
	struct object *o;
	int err = session_any_fd(s, fd, &o);

	if (err)
		return err;
	if (o->kind != kind)
		return -EINVAL;
	*out = o;
	return 0;
}

struct object *session_by_id(struct session *s, enum object_kind kind, u32 id)
{
	for (u32 i = 0; i < s->n_objects; i++)
		if (s->objects[i]->kind == kind && s->objects[i]->id == id)
			return s->objects[i];
	return NULL;
}

u32 session_next_id(struct session *s, enum object_kind kind, u32 after)
{
	u32 best = 0;

	for (u32 i = 0; i < s->n_objects; i++) {
		struct object *o = s->objects[i];

		if (o->kind == kind && o->id > after && (!best || o->id < best))
			best = o->id;
	}
	return best;
}

struct prog_stats *session_stats(struct session *s)
{
	struct prog_stats *st = s->shared->stats;

	for (u32 i = 0; i < STATS_SLOTS - 1; i++, st++)
		if (!st->taken)
			break;
	st->taken = true;
	return st;
}

void session_stats_free(struct session *s, struct prog_stats *st)
{
	if (st && st != &s->shared->stats[STATS_SLOTS - 1])
		*st = (struct prog_stats){0};
}

/* What stands in the file is for other processes; a full run-time directory keeps no object from
 * being. */
int object_write(struct session *s, struct object *o, const void *data, u32 size)
{
	struct file_header h = {.magic = FILE_MAGIC,
				.kind = o->kind,
				.id = o->id,
				.session = s->nonce,
				.size = size};
	int err = file_write_all(o->fd, &h, sizeof(h));

	if (!err)
		err = file_write_all(o->fd, data, size);
	return err == -ENOSPC ? 0 : err;
}

u64 session_ref(const struct session *s, const struct object *o)
{
	return s->nonce << 32 | o->id;
}

struct object *session_by_ref(struct session *s, enum object_kind kind, u64 ref)
{
	return ref >> 32 == (s->nonce & 0xffffffff) ? session_by_id(s, kind, (u32)ref) : NULL;
}
