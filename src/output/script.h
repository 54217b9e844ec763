/* SPDX-License-Identifier: BSD-2-Clause */
/* output/script.h - what a script's programs say and ask for, done and printed.
 *
 *	script.c         the ring: records in order, each to its action; the account at the end
 *	script_action.c  actions: print, cat, system, time, join, clear, zero, exit ...
 *	script_format.c  printf's conversions
 *	script_value.c   values by their stype as text and as JSON
 *	script_json.c    JSON's strings and numbers, the objects around them
 *	script_name.c    what numbers stand for: users, cgroups, times
 *	script_pcap.c    capture files of skboutput()
 *	script_map.c     whole maps: read, summed over CPUs, sorted as bpftrace sorts, printed
 *	script_hist.c    hist and lhist
 *	script_series.c  tseries
 *	script_inner.h   what these share
 *	symbol.c         addresses to names: kallsyms, ELF symbols of processes, perf map files
 *	stack.c          kstack and ustack
 *
 * Knows no language: it reads struct script (obj/script.h) and the load's maps.
 */
#pragma once
#include "base/diag.h"
#include "base/types.h"
#include "obj/script.h"

struct engine;
struct load;
struct script_out;

struct script_out_opts {
	bool json;
	bool quiet;              /* -q: nothing but what the script prints itself */
	bool unsafe;             /* system() may run */
	bool keep_maps;          /* do not print maps at the end */
	void (*write)(void *arg, const char *text, size_t n);   /* stdout or -o FILE */
	void (*error)(void *arg, const char *text, size_t n);   /* stderr: errorf, warnf, lost events */
	void (*flush)(void *arg); /* before a command of system() or cat() writes by itself; NULL: none */
	void *arg;
	s32 cpid;                /* the command's pid, 0: none: its symbols are kept when it has ended */
};

/* obj->script must be there; l is loaded, not attached yet. */
int script_out_new(const struct script *s, struct load *l, struct engine *e,
		   const struct script_out_opts *o, struct diag *dg, struct script_out **out);
void script_out_free(struct script_out *o);
/* Readable when script_out_read() has something to do. */
int script_out_fd(const struct script_out *o);
/* Handles the records there are (max: at most so many, 0: all) for a tenth of a second at most; never
 * waits.  Where it leaves some the fd stays readable.  Their number. */
s64 script_out_read(struct script_out *o, u32 max, struct diag *dg);
/* All that were there when it was called, however long it takes: what programs have said that user
 * space ran. */
s64 script_out_read_all(struct script_out *o, struct diag *dg);
/* While iterators run exit() ends nothing: they go to their end, and what they say is printed. */
void script_out_goes_on(struct script_out *o, bool goes_on);
/* Has exit() been asked for?  *status is its argument. */
bool script_out_exit(const struct script_out *o, int *status);
/* "Attached N probes": text mode to stderr (0.17: "Attaching N probes...\n" to stdout), JSON as its object. */
void script_out_attached(struct script_out *o, u32 n);
/* Prints every map that is to be shown: SIGUSR1. */
void script_out_maps(struct script_out *o, struct diag *dg);
/*	the end: load_detach, script_out_detached, end probes, script_out_read_all, script_out_end,
 *	script_out_account
 *
 * Nothing is attached any more: what programs have said is handled, but no longer than a second; then,
 * or after exit(), the rest is dropped (and counted as lost). */
void script_out_detached(struct script_out *o, struct diag *dg);
/* The last thing on stdout: two blank lines, then (but for keep_maps) the maps that are to be shown. */
void script_out_end(struct script_out *o, struct diag *dg);
/* What was lost: records (lost_events), full maps, cut strings.  At the end, after script_out_end(). */
void script_out_account(struct script_out *o);
/* Records handled and lost since the start. */
void script_out_totals(const struct script_out *o, u64 *handled, u64 *lost);
