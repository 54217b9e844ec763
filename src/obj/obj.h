/* SPDX-License-Identifier: BSD-2-Clause */
/* obj/obj.h - programs, maps, BTF and relocations as one object: the waist of the hourglass.
 *
 * Every front end makes one, every ELF file becomes one (obj/open.c), every one can be written as
 * ELF.  Downstream (load/) knows no language and no file format.  Nothing here is relocated yet: insns
 * are as the compiler left them, and each place that waits for an address has an obj_reloc.
 *
 *	obj ── funcs[]  one per function symbol; entry functions are the programs
 *	    ── maps[]   .maps, legacy maps, .data/.rodata/.bss/.kconfig, .struct_ops
 *	    ── externs[] .kconfig and .ksyms
 *	    ── btf, and per function func_info, line_info and CO-RE relocations
 */
#pragma once
#include "base/diag.h"
#include "base/types.h"
#include "isa/insn.h"

struct btf;
struct script;

enum obj_reloc_kind {
	RELOC_MAP,         /* wide load: maps[index] */
	RELOC_MAP_VALUE,   /* wide load: addend bytes into the first value of maps[index] */
	RELOC_CALL,        /* call: funcs[index] */
	RELOC_FUNC,        /* wide load: address of funcs[index], for callbacks */
	RELOC_EXTERN,      /* wide load: externs[index], a variable */
	RELOC_EXTERN_CALL, /* call: externs[index], a kernel function */
	RELOC_ARENA,       /* wide load: addend bytes into arena variable space of maps[index] */
};

struct obj_reloc {
	u32 pc;     /* insn in its function */
	enum obj_reloc_kind kind;
	u32 index;
	s64 addend;
};

/* A CO-RE relocation; spec is an index path such as "0:1:2".  LLVM's BPF CO-RE documentation. */
struct obj_core_reloc {
	u32 pc;
	u32 type_id;      /* root type in obj->btf */
	const char *spec; /* borrowed from the BTF's strings */
	u32 kind;         /* enum core_kind, btf/core.h */
};

struct obj_line {
	u32 pc;
	u32 file_off, text_off; /* strings of obj->btf */
	u32 line, col;
};

#define OBJ_BAD_CB UINT32_MAX

struct obj_func {
	char *name;
	char *section;       /* with a leading '?' kept */
	u32 section_index;   /* ELF section number */
	u64 section_off;     /* byte offset of its first insn there */
	bool is_prog;        /* an entry function: stands in a section of its own kind, not .text */
	bool is_global;      /* global and visible: verified alone */
	bool is_weak;
	bool autoload;       /* false after SEC("?...") */
	struct insn *insns;  /* owned */
	u32 n_insns;
	u32 btf_func_id;     /* FUNC in obj->btf; 0: none */
	struct obj_reloc *relocs;     /* owned; ascending pc */
	u32 n_relocs;
	struct obj_core_reloc *cores; /* owned; ascending pc */
	u32 n_cores;
	struct obj_line *lines;       /* owned; ascending pc */
	u32 n_lines;
	u32 exception_cb;    /* funcs index + 1 of its exception callback (decl_tag), 0: none,
			      * OBJ_BAD_CB: its tags name none or several, load/ refuses it */
};

enum obj_map_section {
	OBJ_MAP_PLAIN,       /* declared in .maps or maps */
	OBJ_MAP_DATA, OBJ_MAP_RODATA, OBJ_MAP_BSS, /* .data*, .rodata*, .bss* */
	OBJ_MAP_KCONFIG,
	OBJ_MAP_STRUCT_OPS,
};

/* What a map's slot holds from the start: a program (PROG_ARRAY), an inner map, or for struct_ops a
 * program in the member at byte offset slot. */
struct obj_map_init {
	u32 slot;            /* index; byte offset for struct_ops */
	bool is_func;
	u32 index;           /* funcs[] or maps[] */
};

/* Values of a map's pinning attribute, by libbpf's names. */
enum { LIBBPF_PIN_NONE, LIBBPF_PIN_BY_NAME };

struct obj_map {
	char *name;          /* the variable's, or the section's (".rodata", ".data.my") */
	char *real_name;     /* at most 15 characters, as the kernel gets it: "execsnoo.rodata" */
	enum obj_map_section kind;
	char *section;       /* name of the ELF section it lies in */
	u32 section_index;
	u64 section_off;
	/* As declared: a max_entries of 0 stays 0, ring buffers are not rounded up to pages. */
	u32 type, key_size, value_size, max_entries, flags, numa_node;
	u64 extra;           /* map_extra */
	u32 btf_key_id, btf_value_id; /* in obj->btf; 0: none */
	u32 btf_var_id;      /* VAR of a .maps variable; DATASEC of a data section */
	u32 pinning;         /* load/ refuses what is neither of the two */
	struct obj_map *inner; /* owned; template of a map of maps */
	struct obj_map_init *inits; /* owned */
	u32 n_inits;
	u8 *data;            /* owned; first contents of a data section, arena or struct_ops; or NULL */
	u64 data_size;       /* value_size; for an arena the bytes of its variables */
	bool is_link;        /* .struct_ops.link */
	bool autocreate;     /* false for .struct_ops with '?' */
	struct place at;     /* strings live as long as the obj */
};

enum obj_extern_kind {
	EXTERN_KCONFIG,
	EXTERN_KSYM,
	EXTERN_OTHER, /* of another object, to be linked in: load/ refuses what uses it */
};

struct obj_extern {
	char *name;          /* without a ___flavour for kfuncs: essential_len says how much counts */
	u32 essential_len;
	enum obj_extern_kind kind;
	bool is_weak, is_func;
	u32 btf_id;          /* VAR or FUNC in obj->btf; 0: none */
	u32 type_id;         /* its type, modifiers skipped; 0: typeless ksym; of a function: its proto */
	u32 kconfig_off;     /* byte offset in the .kconfig map's value */
	u32 size, align;
};

struct obj {
	char *name;          /* base name of the file to its first dot, at most 15 characters */
	char *path;          /* for messages */
	char *license;       /* "" when there is no section */
	u32 kern_version;    /* legacy "version" section; 0: none */
	bool big_endian;
	struct btf *btf;     /* owned; NULL when the object has none.  Sizes and offsets of data
			      * sections are filled in; for the kernel: obj_kernel_btf() */
	struct obj_func *funcs;   /* owned; ELF order: by section, by offset */
	u32 n_funcs;
	struct obj_map *maps;     /* owned; libbpf's order: data sections after declared maps */
	u32 n_maps;
	struct obj_extern *externs; /* owned */
	u32 n_externs;
	void *dwarf;         /* owned copy of the file where it has DWARF, for output/; NULL: none */
	size_t dwarf_size;
	struct script *script;    /* owned; what user space does for it; NULL: no script it was */
};

/* Opens an ELF object.  data is borrowed for the call.  Errors: -EINVAL (not a BPF object, a broken
 * part: the diag says file, section and offset), -ENOMEM, -ENOTSUP. */
int obj_open(const void *data, size_t size, const char *path, struct diag *dg, struct obj **out);
int obj_open_file(const char *path, struct diag *dg, struct obj **out);
void obj_free(struct obj *o);

/* Writes it as an ELF object that readelf, llvm-objdump, bpftool and libbpf read.  Caller frees
 * *data with free(). */
int obj_write(const struct obj *o, struct diag *dg, void **data, size_t *size);

/* The object's BTF in the form BPF_BTF_LOAD takes: externs are made plain variables, hidden functions
 * static.  Ids are those of o->btf.  Caller frees; -ENOENT without a message when there is none. */
int obj_kernel_btf(const struct obj *o, struct diag *dg, struct btf **out);

struct obj_map *obj_find_map(const struct obj *o, const char *name);   /* NULL: none */
struct obj_func *obj_find_func(const struct obj *o, const char *name); /* NULL: none */

/* Sets a variable of .rodata, .data or .bss by its BTF type before load: integers, enums, bools,
 * char arrays, elements as name[i] and members as name.field.  -ENOENT with the nearest names,
 * -ERANGE when the text does not fit the type. */
int obj_set_var(struct obj *o, const char *name, const char *text, struct diag *dg);
