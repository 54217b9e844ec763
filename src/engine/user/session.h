/* SPDX-License-Identifier: BSD-2-Clause */
/* engine/user/session.h - what one user engine holds: objects by id and inode, and its workings.
 *
 *	session ── objects ── map ──> struct map, eventfd, BTF
 *	                   ── prog ─> insns as given and as run, maps it uses
 *	                   ── link ─> prog, where it is attached
 *	                   ── btf
 *	        ── printk pipe, program counts (shared memory): written in the guard too
 *
 * An object lives as long as a client has it open (file_in_use()), another object refers to it, or
 *it is pinned by this session; session_sweep() frees the rest.  The guard process has a copy of all
 *of it as it was when the target started.
 */
#pragma once
#include "abi/env.h"
#include "base/vec.h"
#include "btf/btf.h"
#include "engine/engine.h"
#include "engine/user/file.h"
#include "engine/user/user.h"
#include "base/arena.h"
#include "map/map.h"
#include "verify/verify.h"
#include <stddef.h>

struct session;
struct tracing;

enum object_kind { OBJECT_MAP, OBJECT_PROG, OBJECT_LINK, OBJECT_BTF, OBJECT_KINDS };

struct object {
	enum object_kind kind;
	u32 id;	     /* counts from 1 for each kind, as the kernel's do */
	u32 refs;    /* of other objects and of running commands */
	bool pinned; /* by a marker: lives as long as the session */
	int fd;	     /* owned: the session's own description */
	struct file_ino ino;
	void (*release)(struct session *s, struct object *o); /* puts what it refers to, frees it */
};

struct btf_object {
	struct object o;
	struct btf *btf; /* owned */
};

struct map_object {
	struct object o;
	struct map *map;      /* owned */
	struct map_attr attr; /* inner points to inner_attr or is NULL */
	struct map_attr inner_attr;
	u32 user_flags;		/* map_flags as the client gave them, without the fd's access */
	int event_fd;		/* owned; wakes a consumer of a ring buffer, -1: none */
	struct btf_object *btf; /* a reference; NULL: none */
	u32 btf_key_id, btf_value_id;
	bool foreign;	/* made by another session */
	VEC(u64) held;	/* owned: references that slots hold; what the slots say is anybody's */
	u32 owner_type; /* PROG_ARRAY: type of the programs in it */
	bool has_owner;
	/* As the verifier sees it: one struct as long as the map is there. */
	struct verify_map vm, inner_vm; /* inner_vm: the template of a map of maps */
	struct btf_object *inner_btf;   /* a reference: inner_vm's; NULL: none */
	struct arena arena;             /* of their records */
};

/* Place in the source of an insn, for messages. */
struct prog_line {
	u32 pc, line, col;
	const char *file; /* borrowed from the BTF */
};

struct prog_object {
	struct object o;
	u32 type, attach_type, flags;
	char name[16];
	bool gpl;
	u8 tag[8];
	u64 load_time_ns; /* since boot */
	u32 uid;
	struct insn *insns; /* owned: as the client gave them, map fds replaced by ids */
	struct insn *run;   /* owned: as exec/ runs them */
	u32 n_insns;
	struct exec_prog exec;
	struct map_object **maps; /* owned array of references */
	u32 n_maps;
	struct btf_object *btf;	     /* a reference; NULL: none */
	void *func_info, *line_info; /* owned, records of 8 and 16 bytes */
	u32 n_func_info, n_line_info;
	char *attach_name; /* owned: what attach_btf_id names in Osmia's own BTF, NULL: none */
	u32 attach_btf_id;
	u32 n_verified;     /* insns that the verifier went through */
	u32 max_ctx_offset; /* bytes of the ctx that it may touch */
	u32 max_tp_access;  /* and of a raw tracepoint's buffer */
	struct prog_stats *stats; /* shared memory, written where it runs */
};

/* Counts of one program; shared between controller and guard. */
struct prog_stats {
	u64 runs, run_ns;
	u64 faults; /* runs that an error ended; the first one is told below */
	s32 error;
	u32 error_pc;
	u64 error_addr;
	u32 error_prog;	  /* id of the program it was in, after tail calls */
	u32 line;	  /* of the source, 0: unknown */
	bool taken;
};
enum { STATS_SLOTS = 4096 };

/* State of one link: the guard reads what the controller changes, and counts its events. */
struct link_shared {
	u32 prog_id;
	bool taken, detached;
	u64 produced, delivered, missed; /* events; produced = delivered + missed */
};
enum { LINK_SLOTS = 4096 };

/* Memory that controller and guard share. */
struct shared {
	u64 printk_lost; /* lines that found the pipe full */
	struct link_shared links[LINK_SLOTS];
	struct prog_stats
		stats[STATS_SLOTS]; /* one a program; the last for all that find none free */
};

struct session {
	struct engine engine; /* first: clients hold its address */
	struct engine_user_opts opts;
	u32 n_cpus; /* slots of per-CPU maps */
	u64 nonce;
	struct rundir run;
	struct object **objects; /* owned */
	u32 n_objects, cap_objects;
	u32 sweep_at; /* number of objects that makes creation sweep */
	u32 last_id[OBJECT_KINDS];
	struct shared *shared;	/* owned; mapped shared */
	struct btf *target_btf; /* owned; Osmia's own, built at first use */
	struct profile *profile; /* owned; whom the verifier speaks for, made at first use */
	int printk_fd[2];	/* owned; a pipe of lines, -1 before it is asked for */
	u8 *packet;		/* owned; the buffer of packet programs, NULL before its use */
	u32 packet_bytes;
	struct perf_file *perf_files; /* owned; rings of perf event arrays */
	u32 n_perf_files, cap_perf_files;
	struct tracing *tracing; /* owned; NULL before target_start */
	bool (*ring_full)(void *arg); /* engine_ops.on_ring_full; NULL: none */
	void *ring_full_arg;
};

static inline struct session *session_of(struct engine *e)
{
	return container_of(e, struct session, engine);
}
static inline struct map_object *map_of(struct object *o)
{
	return container_of(o, struct map_object, o);
}
static inline struct prog_object *prog_of(struct object *o)
{
	return container_of(o, struct prog_object, o);
}
static inline struct btf_object *btf_of(struct object *o)
{
	return container_of(o, struct btf_object, o);
}

/* Sets up what an empty session needs / frees it with all its objects, links first. */
int session_open(struct session *s);
void session_close(struct session *s);

/* Enters an object whose kind and fd are set: gives it its id and identity.  0 or -ENOMEM; on
 * failure the object stays the caller's. */
int session_add(struct session *s, struct object *o);
/* A client's fd for the object, or a negative errno. */
int session_hand_out(struct object *o, enum file_access access);
/* Adds the object and hands it out; frees it when that fails. */
int session_publish(struct session *s, struct object *o, enum file_access access);

/* The object that fd stands for: 0, -EBADF when fd is not open, -EINVAL when it is no object of
 * that kind.  Nobody is told of it: the pointer is good until the next call that may sweep. */
int session_by_fd(struct session *s, int fd, enum object_kind kind, struct object **out);
/* The same for any kind. */
int session_any_fd(struct session *s, int fd, struct object **out);
struct object *session_by_id(struct session *s, enum object_kind kind, u32 id); /* NULL: none */
/* Smallest id above after, 0 when there is none. */
u32 session_next_id(struct session *s, enum object_kind kind, u32 after);

/* Frees objects that nobody holds any more. */
void session_sweep(struct session *s);
void object_get(struct object *o);
void object_put(struct object *o); /* accepts NULL */
/* Frees an object that is in no table: closes its fd and calls release. */
void object_free(struct session *s, struct object *o);

/* Counts of a program, in memory that the guard shares; the last slot is shared by all when the
 * others are taken. */
struct prog_stats *session_stats(struct session *s);
void session_stats_free(struct session *s, struct prog_stats *st); /* accepts NULL */

/* Writes the header and the bytes behind it into the object's file. */
int object_write(struct session *s, struct object *o, const void *data, u32 size);

/* What maps of programs and maps store for an object: its id under the session's nonce, so that
 * another session's numbers mean nothing here. */
u64 session_ref(const struct session *s, const struct object *o);
struct object *session_by_ref(struct session *s, enum object_kind kind, u64 ref);
