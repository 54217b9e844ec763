/* SPDX-License-Identifier: BSD-2-Clause */
/* parity/vcase.h - programs of a verifier corpus, as its .vc files have them. */
#pragma once
#include "base/hash.h"
#include "base/vec.h"
#include "btf/btf.h"
#include "isa/insn.h"

/* A BTF image; parsed when it is read. */
struct vc_blob {
	const char *name;
	struct btf *btf; /* NULL: refused */
	int err;
	const u8 *raw;
	u32 size;
};

struct vc_map {
	const char *label, *inner; /* inner: label, NULL: none */
	u32 type, key_size, value_size, max_entries, flags;
	const struct vc_blob *blob; /* NULL: no BTF */
	u32 btf_key, btf_value;
	u64 extra;
	u8 *first;                  /* value of key 0, value_size bytes; NULL: zeroes */
	bool frozen;
};

struct vc_fix { /* insn that gets the map's fd */
	u32 pc, map;
};

struct vc_name { /* insn that gets the id of a kernel function or variable */
	u32 pc;
	const char *name;
	bool is_var;
};

enum vc_attach { VC_NO_ATTACH, VC_FUNC, VC_LSM, VC_ITER, VC_RAW_TP, VC_STRUCT };

struct vc_func {
	u32 insn_off, type_id;
};

struct vcase {
	const char *name; /* CORPUS/GROUP/ID */
	const char *error; /* why it could not be read; NULL */
	u32 prog_type, attach_type, flags;
	enum vc_attach attach;
	const char *attach_name;
	const char *license;
	const struct vc_blob *btf;
	VEC(struct vc_map) maps;
	VEC(struct vc_fix) fixes;
	VEC(struct vc_name) names;
	VEC(struct vc_func) funcs;
	struct insn *insns;
	u32 n_insns;
};

struct vcases {
	VEC(struct vcase *) all;
	struct strmap index;         /* of all, by name */
	VEC(char *) texts;           /* files, which the names point into */
	VEC(struct vc_blob *) blobs;
};

/* Reads every file of DIR/cases/CORPUS whose group matches the glob; corpus NULL: all.  0 or an errno. */
int vcases_read(const char *dir, const char *corpus, const char *groups, struct vcases *out);
void vcases_free(struct vcases *c);
struct vcase *vcases_find(const struct vcases *c, const char *name);
