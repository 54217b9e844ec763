/* SPDX-License-Identifier: BSD-2-Clause */
/* engine/check/priv.h - what the files of this folder share. */
#pragma once
#include "base/arena.h"
#include "base/vec.h"
#include "engine/check/check.h"

enum check_kind { CHECK_MAP, CHECK_BTF, CHECK_PROG };

/* A description; lives as long as the engine, so that pointers to it may be kept. */
struct check_object {
	enum check_kind kind;
	u64 dev, ino;            /* of the file that stands for it */
	char name[BPF_OBJ_NAME_LEN];
	struct verify_map map;   /* CHECK_MAP */
	u8 *first;               /* owned: value of key 0 of an array */
	struct btf *btf;         /* CHECK_BTF: owned */
	u32 prog_type, n_insns, processed; /* CHECK_PROG */
};

struct engine_check {
	struct engine e;
	struct engine_check_opts opts;
	const struct profile *k;
	VEC(struct check_object *) objects;
	struct arena arena;      /* of map records */
	struct check_verdict last;
	const void *last_insns;  /* of the attr that the last verdict is for */
};

/* The object behind fd, NULL where it is none of that kind. */
struct check_object *check_find(struct engine_check *c, int fd, enum check_kind kind);
/* A new one and its file, size bytes long.  The fd, or a negative errno; *out stays the engine's. */
int check_new(struct engine_check *c, enum check_kind kind, const char *name, u64 size,
	      struct check_object **out);

int check_map_create(struct engine_check *c, const union bpf_attr *attr);
int check_map_update(struct engine_check *c, const union bpf_attr *attr);
int check_map_freeze(struct engine_check *c, const union bpf_attr *attr);
int check_prog_load(struct engine_check *c, union bpf_attr *attr);
void check_verdict_clear(struct check_verdict *v);
