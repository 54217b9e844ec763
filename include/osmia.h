/* SPDX-License-Identifier: BSD-2-Clause */
/* osmia.h - the public interface of libosmia: eBPF in one library.
 *
 *	struct osmia *o;
 *	osmia_new(&(struct osmia_opts){ .size = sizeof(struct osmia_opts), .write = print }, &o);
 *	if (osmia_open(o, "execsnoop.bpf.o") || osmia_start(o, argv))
 *		puts(osmia_message(o, 0));
 *	while (osmia_poll(o, -1) >= 0 && !osmia_ended(o))
 *		;
 *	osmia_stop(o);
 *	osmia_free(o);
 *
 * Results are 0 or more on success and a negative errno on failure; the sentences for a person come
 * from osmia_message().  A handle is used by one thread at a time.
 */
#ifndef OSMIA_H
#define OSMIA_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define OSMIA_API __attribute__((visibility("default")))

/* "MAJOR.MINOR.PATCH" of the library in use. */
OSMIA_API const char *osmia_version(void);

/* ---- running a BPF object or a script ---- */

enum osmia_engine {
	OSMIA_ENGINE_AUTO,   /* the kernel where bpf(2) works for this user, else user space */
	OSMIA_ENGINE_KERNEL, /* bpf(2) of the running kernel */
	OSMIA_ENGINE_USER,   /* Osmia's own, as an ordinary user */
};

enum osmia_format { OSMIA_TEXT, OSMIA_JSON };

enum osmia_xdp { OSMIA_XDP_ANY, OSMIA_XDP_NATIVE, OSMIA_XDP_GENERIC };

/* size is sizeof(struct osmia_opts) as the caller knows it, so that the struct can grow: what a caller
 * leaves out reads as 0.  Strings are borrowed until osmia_free(). */
struct osmia_opts {
	size_t size;
	enum osmia_engine engine;
	enum osmia_format format;
	/* Events, bpf_printk lines and maps, whole lines at a time.  NULL drops them. */
	void (*write)(void *arg, const char *text, size_t n);
	void *arg;
	const char *only;        /* load this program alone; NULL: all */
	const char *binary;      /* uprobes without a path in their section attach to this file */
	const char *ifname;      /* XDP, tc, socket filters */
	const char *cgroup;      /* cgroup programs: a cgroup v2 directory */
	int32_t pid;             /* join this process; 0: none */
	bool tree;               /* programs see only the command's process tree */
	bool print_maps;         /* osmia_stop() prints all maps */
	uint32_t verifier_log;   /* log level of a refusal's log: 0 means 1 */
	enum osmia_xdp xdp_mode; /* how XDP programs are attached */
	bool partial;            /* go on without the programs that can't be attached */
	uint32_t sample_hz;      /* how often perf_event programs sample the CPU clock; 0: 49 */
	const struct osmia_script_opts *script; /* of a script; NULL: all as by default */
};

/* Stages of a script's compilation that can be shown. */
enum osmia_stage {
	OSMIA_STAGE_AST = 1, OSMIA_STAGE_TYPES = 2, OSMIA_STAGE_IR = 4, OSMIA_STAGE_PASSES = 8,
	OSMIA_STAGE_INSNS = 16,
};

/* How a script is compiled and run.  Arrays end with NULL, may be NULL, and are borrowed until osmia_free() like
 * the strings in them; what a caller leaves out reads as 0. */
struct osmia_script_opts {
	size_t size;             /* sizeof(struct osmia_script_opts) */
	uint32_t compat;         /* 17: typing and output of bpftrace 0.17; 0: of the newest */
	bool unsafe;             /* system(), signal(), override() and the like are allowed */
	bool quiet;              /* nothing is written but what the script itself prints */
	bool helper_errors;      /* warn when a helper fails */
	bool no_warnings;
	bool test, bench;        /* run test or bench probes and nothing else */
	bool dry_run;            /* attach, then stop: no program runs, not even begin's */
	const char *const *params;       /* $1, $2 ... */
	const char *const *named;        /* of getopt(): "name=value" or "name" */
	const char *const *include_dirs; /* where #include looks */
	const char *const *includes;     /* files put before the script */
	const char *probe_filter;        /* extended regular expression: only probes that it matches; NULL: all */
	unsigned dump;                   /* enum osmia_stage: shown by write() while compiling */
	const char *dump_pass;           /* only this pass of OSMIA_STAGE_PASSES; NULL: all */
	/* What scripts say on stderr: errorf(), what was lost.  NULL drops it. */
	void (*error)(void *arg, const char *text, size_t n);
	/* A command of system() or cat() is about to write by itself: what write() got must be out.  May be NULL. */
	void (*flush)(void *arg);
	void *arg;               /* of all of them; write() gets the one of osmia_opts */
	/* All is attached; what begin printed is not written yet.  May be NULL. */
	void (*attached)(void *arg);
};

struct osmia;

/* -EINVAL for a size that can't be, -ENOMEM. */
OSMIA_API int osmia_new(const struct osmia_opts *opts, struct osmia **out);
/* Detaches and frees all.  Accepts NULL. */
OSMIA_API void osmia_free(struct osmia *o);

/* Opens an ELF object or a script ("-" is standard input): what is text is a script.  -EINVAL for what is
 * neither, and for a script that does not parse, with its place. */
OSMIA_API int osmia_open(struct osmia *o, const char *path);
OSMIA_API int osmia_open_mem(struct osmia *o, const void *data, size_t size, const char *name);
/* Opens a script in the bpftrace language from memory.  name is for messages; script includes are looked for beside it. */
OSMIA_API int osmia_open_script(struct osmia *o, const char *text, size_t size, const char *name);
/* Is what was opened a script, as text or compiled? */
OSMIA_API bool osmia_is_script(const struct osmia *o);
/* Compiles the script for the engine that it would run on, and stops there: *data (caller frees) is an object
 * that osmia_open() takes in its place, *size its bytes.  Both may be NULL: only the mistakes are wanted. */
OSMIA_API int osmia_compile(struct osmia *o, void **data, size_t *size);

/* Between open and start: a variable of .rodata, .data or .bss ("targ_pid", "42"), and the struct of
 * a map's records ("MAP=struct NAME"). */
OSMIA_API int osmia_set(struct osmia *o, const char *name, const char *value);
OSMIA_API int osmia_event(struct osmia *o, const char *choice);

/* Loads and attaches, then starts argv (NULL-terminated; NULL: no command) or joins opts.pid. */
OSMIA_API int osmia_start(struct osmia *o, char *const *argv);

/* An fd that is readable when osmia_poll() has something to do. */
OSMIA_API int osmia_fd(const struct osmia *o);
/* Waits up to timeout_ms (-1: for ever) and writes what came: number of records, 0 on a time-out or a
 * signal, negative errno. */
OSMIA_API int64_t osmia_poll(struct osmia *o, int timeout_ms);
/* Has the command (and all it started), or the joined process, ended? */
OSMIA_API bool osmia_ended(const struct osmia *o);
/* Its exit status as wait(2) has it; -1: still running, or there is none. */
OSMIA_API int osmia_status(const struct osmia *o);
/* Detaches, writes what is left, the maps where asked for, and what was lost.  0, or a negative errno
 * where programs failed at run time. */
OSMIA_API int osmia_stop(struct osmia *o);

/* Of a script: how many probes are attached, those that need no hook counted, too. */
OSMIA_API unsigned osmia_attached(const struct osmia *o);
/* Has it called exit(), and with which status? */
OSMIA_API bool osmia_exited(const struct osmia *o, int *status);
/* The caller got that signal ("SIGUSR1"): runs the script's self:signal probes of it; bpftrace 0.17's scripts
 * print their maps. */
OSMIA_API int osmia_signal(struct osmia *o, const char *name);

/* Name of the engine in use, "kernel" or "user"; NULL before osmia_start(). */
OSMIA_API const char *osmia_engine_name(const struct osmia *o);
/* Does an engine work here for this user?  0, or the negative errno of the first thing that fails. */
OSMIA_API int osmia_can(enum osmia_engine engine);

/* ---- what can be hooked ---- */

enum { OSMIA_ON_KERNEL = 1, OSMIA_ON_USER = 2 };

/* Calls fn for each hook ("tracepoint:sched:sched_switch") that pattern ('*', '?'; NULL: all) matches,
 * with the engines that have it; a non-zero result of fn ends the list and is returned.  Messages
 * tell what could not be listed. */
OSMIA_API int osmia_list(struct osmia *o, const char *pattern, unsigned engines,
			 int (*fn)(void *arg, const char *name, unsigned engines), void *arg);
/* Probes as scripts name them, a line each, sorted by kind and name: of a search ("tracepoint:sched:*", "kprobe", "*sleep*",
 * "struct task_struct"; NULL: of the script that o has opened, or all of the kernel).  verbose: each line is followed by
 * lines of its arguments, which begin with four blanks and come with engines 0; types come with their members. */
OSMIA_API int osmia_list_probes(struct osmia *o, const char *search, unsigned engines, bool verbose,
				int (*fn)(void *arg, const char *line, unsigned engines), void *arg);
/* Events as `perf list` has them: name and kind ("Software event"). */
OSMIA_API int osmia_list_perf(int (*fn)(void *arg, const char *name, const char *kind), void *arg);
/* Format text of the event "CATEGORY:NAME"; the caller frees it.  -ENOENT with near names. */
OSMIA_API int osmia_format_text(struct osmia *o, const char *event, char **text);

/* ---- bare bytecode, without maps or hooks ---- */

struct osmia_vm;

enum osmia_vm_format {
	OSMIA_VM_BYTES, /* insns, 8 bytes each, in this machine's byte order */
	OSMIA_VM_TEXT,  /* assembler text: the kernel's notation or the conformance suite's */
	OSMIA_VM_ELF,   /* an ELF object: its first program, else the first function of .text */
};

OSMIA_API int osmia_vm_new(struct osmia_vm **out);
OSMIA_API void osmia_vm_free(struct osmia_vm *vm);
/* Takes a program in place of an older one, and checks its structure.  name is for messages. */
OSMIA_API int osmia_vm_load(struct osmia_vm *vm, enum osmia_vm_format format, const void *data,
			    size_t size, const char *name);
/* Runs it with r1 = mem and r2 = size (r1 = 0 without memory), every access checked: memory, its own
 * stack, its object's variables.  The memory is the packet of legacy packet loads, too.  max_insns 0
 * means no limit.  -EFAULT, -ETIME, -ELOOP (calls too deep), -ENOSYS (no such helper). */
OSMIA_API int osmia_vm_run(struct osmia_vm *vm, void *mem, size_t size, uint64_t max_insns,
			   uint64_t *r0);
/* Makes native code, which every later run takes.  It checks no access and has no limit of insns: for
 * trusted programs only.  -ENOTSUP where there is none for this machine. */
OSMIA_API int osmia_vm_compile(struct osmia_vm *vm);
/* What bpf_trace_printk() printed in the last run; "" for nothing. */
OSMIA_API const char *osmia_vm_printed(const struct osmia_vm *vm);
/* The program as text, one line an insn; NULL when there is none or memory is out.  Valid until the
 * next load. */
OSMIA_API const char *osmia_vm_text(struct osmia_vm *vm);
/* The nth message as "PLACE: TEXT"; NULL past the end.  A load or run that fails begins anew. */
OSMIA_API const char *osmia_vm_message(struct osmia_vm *vm, unsigned n);

/* Runs a witness: a file that holds a program that Linux refuses, and inputs with which it fails.
 * *report (caller frees; NULL when memory is out): the inputs and what happens, a line each.  0: it
 * fails; -ENOENT: it does not; -EINVAL: the text is no witness, *report says where. */
OSMIA_API int osmia_witness_run(const void *text, size_t size, char **report);

/* ---- what an object holds ---- */

enum osmia_dump_part {
	OSMIA_DUMP_SECTIONS = 1,
	OSMIA_DUMP_MAPS = 2,  /* with their variables; externs */
	OSMIA_DUMP_PROGS = 4, /* insns and the source lines they come from */
	OSMIA_DUMP_BTF_C = 8, /* types as C that compiles */
	OSMIA_DUMP_BTF_RAW = 16,
};

/* The parts of an object (or a file of BTF) as text; parts 0: all but the last.  *text and *messages
 * (lines of "PLACE: TEXT") are freed by the caller, either may be NULL. */
OSMIA_API int osmia_dump(const char *path, unsigned parts, char **text, char **messages);

/* ---- scripts ---- */

/* A script in the bpftrace language, laid out anew (tree: its syntax tree instead).  name is for messages.
 * *text and *messages (lines of "PLACE: TEXT", then the source line and what is meant in it) are freed by
 * the caller, either may be NULL.  -EINVAL: the script has mistakes, all of which the messages name;
 * *text is then NULL. */
OSMIA_API int osmia_format(const char *script, size_t size, const char *name, bool tree, char **text,
			   char **messages);

/* ---- would Linux take it? ---- */

/* Strings are borrowed for the call; what a caller leaves out reads as 0. */
struct osmia_check_opts {
	size_t size;             /* sizeof(struct osmia_check_opts) */
	const char *profile;     /* file of osmia_profile(); NULL: the running kernel */
	const char *btf;         /* file of a kernel's BTF: its types, nothing else of it */
	const char *caps;        /* "all" (NULL), "noperfmon", "unpriv": what the loader may */
	const char *only;        /* this program alone; NULL: all */
	uint32_t verifier_log;   /* 1: with the kernel's log, 2: with the state after each insn */
	enum osmia_format format;
	void (*write)(void *arg, const char *text, size_t n);
	void *arg;
	/* file for the first refused program that was seen to fail: osmia_witness_run(); NULL: none */
	const char *witness;
};

/* Verifies every program of an object, each alone, and writes what a kernel would say of it.  Number of
 * programs that it would refuse, or a negative errno; *messages (lines of "PLACE: TEXT", freed by the
 * caller, NULL: none) tells what kept it from judging. */
OSMIA_API int osmia_check(const char *path, const struct osmia_check_opts *opts, char **messages);
/* What verdicts of the running kernel depend on, as a file that opts.profile takes.  Caller frees. */
OSMIA_API int osmia_profile(char **data, size_t *size, char **messages);

/* ---- what there is to say ---- */

enum osmia_level { OSMIA_ERROR, OSMIA_WARNING, OSMIA_NOTE };

/* Number of messages so far, and the nth as "PLACE: TEXT"; NULL past the end.  Valid until the next
 * call that changes o. */
OSMIA_API unsigned osmia_messages(const struct osmia *o);
OSMIA_API const char *osmia_message(struct osmia *o, unsigned n);
OSMIA_API enum osmia_level osmia_message_level(const struct osmia *o, unsigned n);

/* Where a message is about; file is NULL and numbers are 0 where there is none. */
struct osmia_place {
	const char *file;
	unsigned line, col;
};
/* The nth message without its place, which goes to *at (NULL: not wanted). */
OSMIA_API const char *osmia_message_at(const struct osmia *o, unsigned n, struct osmia_place *at);

#ifdef __cplusplus
}
#endif
#endif
