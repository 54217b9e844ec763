/* SPDX-License-Identifier: BSD-2-Clause */
/* verify/profile.h - the kernel that a verdict is for.
 *
 * A verdict depends on more than the program: on the kernel's types, configuration, symbols,
 * lockdown and the caller's capabilities.  All of that is here, so that one verifier answers for many
 * kernels.  Made from the running kernel (profile_kernel.c), read from a file (profile_file.c), or
 * put together from recorded parts with the setters below.
 *
 * The file, which `osmia profile` writes, is one line a fact and then counted blocks:
 *
 *	osmia-profile 1
 *	name Linux 6.18.44
 *	version 6.18.44
 *	caps all                  or noperfmon, unpriv
 *	lockdown none             or integrity
 *	trampoline yes            or no: fentry, fexit, fmod_ret and LSM are refused before the verifier
 *	mitigations on            or off
 *	jit yes                   or no
 *	hz 250
 *	cpus 8                    possible ones
 *	config SIZE               then SIZE bytes of lines CONFIG_X=y, and a newline
 *	symbols SIZE              the same, one name a line
 *	inject SIZE               the same: functions whose errors may be injected
 *	btf SIZE                  the same: raw BTF
 *
 * Every line but the first may be absent; what is not known is left out.  Lines that begin with '#', and
 * facts of unknown name, are passed over.
 */
#pragma once
#include "abi/helper.h"
#include "base/diag.h"
#include "base/str.h"
#include "btf/btf.h"

struct arena;

enum profile_caps {
	CAPS_ALL,       /* all but CAP_SYS_RESOURCE: what root has */
	CAPS_NOPERFMON, /* CAP_BPF and CAP_NET_ADMIN only */
	CAPS_UNPRIV,    /* none of them */
};

/* A set of words. */
struct strset {
	char *text;   /* owned: the words, each with a NUL */
	size_t size;
	u32 *slots;   /* owned: offset + 1 of a word in text, 0 where free; open addressing */
	u32 n_slots, n;
};

struct profile_ids {
	/* Struct of each enum helper_btf; 0: not in this kernel. */
	u32 helper_struct[HELPER_BTF_MAX];
	/* Every named type by name and kind: ids, 0 where free; open addressing. */
	u32 *slots;
	u32 n_slots;
};

struct profile {
	char *name;             /* owned; for messages: "Linux 6.18.44 (running)" */
	u32 version;            /* major << 16 | minor << 8 | patch (at most 255) */
	const struct btf *btf;  /* NULL: none */
	bool owns_btf;
	enum profile_caps caps;
	bool lockdown_integrity;
	bool no_trampoline;     /* this kernel refuses fentry, fexit, fmod_ret and LSM before it looks */
	bool mitigations_off;   /* no speculation checks even without CAP_PERFMON */
	bool jit;               /* has a JIT and uses it */
	/* Not quite that kernel: where its rules let a program do harm, ours are stricter.  For hosts
	 * that run what was accepted without further checks.  Search for k->sound. */
	bool sound;
	u32 hz;
	u32 nr_cpus;            /* nr_cpu_ids: bounds get_smp_processor_id(); 0: not known */

	/* "CONFIG_X=y" lines and kernel symbols, each NULL where not known: then every question is
	 * answered with yes. */
	struct strset *config;
	struct strset *symbols;
	/* Functions that ALLOW_ERROR_INJECTION() names; NULL: none. */
	struct strset *inject;

	/* Ids in btf, looked up once: profile_prepare(). */
	struct profile_ids *ids;
};

/* Fills ids.  Must be called once after the fields above are set, before verify(). */
int profile_prepare(struct profile *k, struct diag *dg);
void profile_free(struct profile *k);

bool profile_has_config(const struct profile *k, const char *option); /* =y or =m */
bool profile_has_symbol(const struct profile *k, const char *symbol);
bool profile_injects(const struct profile *k, const char *func);
/* First type of that name and kind (not 0) in btf, without a scan; 0: none. */
u32 profile_find(const struct profile *k, const char *name, enum btf_kind kind);

static inline bool profile_since(const struct profile *k, u32 major, u32 minor)
{
	return k->version >= (major << 16 | minor << 8);
}

/* ---- parts ---- */
/* A kernel of which nothing is known but that it is like Linux 6.18 on x86-64: no BTF. */
int profile_init(struct profile *k);
int profile_set_name(struct profile *k, const char *name);
/* "6.18.44-generic": what leads of it is a version.  -EINVAL. */
int profile_set_version(struct profile *k, const char *text);
int profile_set_caps(struct profile *k, const char *text); /* "all", "noperfmon", "unpriv"; -EINVAL */
/* Raw BTF, copied. */
int profile_set_btf(struct profile *k, const void *data, size_t size, struct place at,
		    struct diag *dg);
/* Lines of a kernel's .config; also sets jit, mitigations, hz. */
int profile_set_config(struct profile *k, const char *text, size_t size);
/* Names one a line, or lines of /proc/kallsyms with or without the address; modules' are left out. */
int profile_set_symbols(struct profile *k, const char *text, size_t size);
int profile_set_inject(struct profile *k, const char *text, size_t size); /* "NAME[\tKIND]" lines */

/* A set of the words that fn picks of each line; NULL: out of memory.  fn gets a line without its
 * newline and returns the word's length, having set *word; 0: nothing. */
struct strset *strset_lines(const char *text, size_t size,
			    size_t (*fn)(const char *line, size_t n, const char **word));
bool strset_has(const struct strset *s, const char *word);
void strset_free(struct strset *s);

/* ---- profile_file.c ---- */
/* Reads the file format above.  -EINVAL with its place. */
int profile_parse(const void *data, size_t size, struct place at, struct diag *dg,
		  struct profile *out);
int profile_read(const char *path, struct diag *dg, struct profile *out);
/* Appends the file of k; -ENOMEM. */
int profile_write(const struct profile *k, struct str *out);

/* ---- profile_kernel.c ---- */
/* The running kernel, and what this process may: never fails for what can't be read (dg has a note). */
int profile_running(struct diag *dg, struct profile *out);
