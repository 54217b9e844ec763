/* SPDX-License-Identifier: BSD-2-Clause */
/* obj/script.h - what user space does for a program that was a script, as data.
 *
 * Part of struct obj, and of an object file as its section ".osmia".  Loader and printer read this; they
 * know no language.
 *
 *	program ── record ──> ring buffer ── actions[record.action] ──> printed, or done
 *
 * A record is what a program puts into the ring (events_map): 8 bytes of header, then the action's
 * arguments, a tuple whose offsets count from the record's start.
 */
#pragma once
#include "base/diag.h"
#include "base/types.h"
#include "base/vec.h"
#include "obj/stype.h"

struct obj;

struct script_record {
	u32 action;      /* index into actions */
	u32 size;        /* of the whole record */
};

enum script_action_kind {
#define ACTION(name, text) ACTION_##name,
#include "obj/action.def"
#undef ACTION
};

struct script_action {
	enum script_action_kind kind;
	const char *text;          /* format of PRINTF and its like, CAT, SYSTEM, TIME; else "" */
	const struct stype *args;  /* TUPLE; offsets from the record's start; n_fields may be 0 */
	u32 map;                   /* maps[] index; of PRINT_MAP, CLEAR, ZERO */
	struct place at;           /* in the script */
	u32 to_col;                /* behind it, on the same line; 0: it goes on, on another */
	const char *line;          /* the source line there, "" */
};

/* A map of the script as it is shown. */
struct script_map {
	const char *name;          /* "@x"; "@" */
	u32 obj_map;               /* obj->maps index */
	const struct stype *key;   /* NULL: scalar; a TUPLE for [a, b] */
	const struct stype *value; /* aggregations: values per CPU */
	bool is_percpu;            /* each CPU has its share */
	bool is_hidden;            /* never printed by itself: a declared helper map, say */
};

enum script_hook {
#define PROVIDER(name, text, alias, ...) HOOK_##name,
#include "obj/hook.def"
#undef PROVIDER
	HOOK_MAX,
};

/* One place where one program is attached. */
struct script_attach {
	u32 func;                  /* obj->funcs index */
	enum script_hook hook;
	const char *name;          /* as the script's `probe` gives it: "kprobe:vfs_read" */
	const char *target;        /* module, category, binary, unit, event; "" */
	const char *fn;            /* function, event, probe; a pattern where is_multi; "" */
	const char *ns;            /* USDT: provider; "" */
	u64 off;                   /* bytes from fn; with fn "": address in the file (uprobe) or memory */
	u64 value;                 /* interval, profile: ns, or Hz when is_freq; software, hardware: period;
				    * watchpoint: length */
	bool is_freq, is_multi, is_session;
	const char *mode;          /* watchpoint: "rwx"; iter: path of a pin; "" */
	u64 ref_ctr_off;           /* USDT */
	u64 cookie;                /* the program's bpf_get_attach_cookie(); 0: none */
	s32 pid;                   /* -1: every process */
	struct place at;
};

struct script {
	struct arena arena;        /* of all that follows */
	u32 compat;                /* 0: newest; 17: as bpftrace 0.17 */
	VEC(struct script_action) actions;
	VEC(struct script_map) maps;
	VEC(struct script_attach) attaches;
	u32 events_map;            /* obj->maps index of the ring buffer; UINT32_MAX: none */
	u32 counts_map;            /* per-CPU array of u64, by enum script_count; UINT32_MAX: none */
	u32 start_map;             /* array of one struct script_start; UINT32_MAX: none */
	u32 kstack_map, ustack_map; /* hash (u64 hash, u32 frames, u32 tgid or 0) -> n u64; UINT32_MAX: none */
	/* settings */
	u32 max_cat_bytes, max_strlen, max_map_keys;
	const char *str_trailer;   /* str_trunc_trailer */
	bool missing_ok;           /* what can't be attached is left out */
	bool print_maps_on_exit, cpp_demangle, lazy_symbols, user_symbols, helper_errors;
	u32 stack_mode;
};

/* What programs count for the account at the end. */
enum script_count {
	COUNT_EVENTS_LOST,   /* records that found no room in the ring */
	COUNT_MAP_FULL,      /* updates that found no room in a map */
	COUNT_STR_TRUNCATED,
	COUNT_PROBE_FAULT,   /* reads of memory that failed */
	COUNT_EXIT_LOST,     /* exit()s among the records that were lost, and the sum of their statuses */
	COUNT_EXIT_STATUS,
	COUNT_HOWMANY,
};

/* The first value of start_map, filled in before anything runs. */
struct script_start {
	u64 boot_ns;         /* CLOCK_BOOTTIME: what `elapsed` counts from */
	u32 cpid;            /* of the command; 0: there is none */
	u32 zero;
};

struct script *script_new(void);         /* NULL: no memory */
void script_free(struct script *s);
const char *script_action_text(enum script_action_kind k);
const char *script_hook_text(enum script_hook h);

/* The section's bytes; caller frees.  -ENOMEM. */
int script_write(const struct script *s, struct diag *dg, void **data, size_t *size);
/* From any bytes: -EINVAL with what is wrong.  n_funcs, n_maps: of the object it belongs to. */
int script_read(const void *data, size_t size, u32 n_funcs, u32 n_maps, struct diag *dg,
		struct script **out);
