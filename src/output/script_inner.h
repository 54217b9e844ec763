/* SPDX-License-Identifier: BSD-2-Clause */
/* output/script_inner.h - what the files of the script printer share (output/script.h lists them).
 *
 * Records and maps may be written by others while they are read: sizes and numbers in them are read once, then
 * checked, then used.
 */
#pragma once
#include "base/mem.h"
#include "base/str.h"
#include "base/vec.h"
#include "engine/ring.h"
#include "load/load.h"
#include "obj/format.h"
#include "output/script.h"
#include "output/stack.h"
#include "output/symbol.h"

/* A number that somebody else may change meanwhile: what was read is what is checked and used. */
static inline u32 once32(const void *p)
{
	u32 v = mem_get32(p);

	__asm__ volatile("" : "+r"(v));
	return v;
}

static inline u64 once64(const void *p)
{
	u64 v = mem_get64(p);

	__asm__ volatile("" : "+r"(v));
	return v;
}

/* A piece of a format: text, or a conversion with its arguments. */
struct out_piece {
	const char *text;
	u32 len;
	bool is_spec;
	struct format_spec spec;
	const struct stype_field *value, *width, *precision; /* of the action's tuple; NULL: none */
};

/* An action made ready: its format taken apart once. */
struct out_action {
	const struct script_action *a; /* borrowed */
	struct out_piece *pieces;      /* owned */
	u32 n_pieces;
	u32 least;                     /* bytes a record must have for all arguments to lie in it */
	u64 n_told;                    /* times that a mistake of the running script came */
};

/* A map of the script with what the engine made of it. */
struct out_map {
	const struct script_map *sm;   /* borrowed */
	const struct load_map *lm;     /* borrowed */
	u32 n_shares, share;           /* values of a key: one, or one for each CPU; bytes of one */
};

struct pcap_file {
	char *path;                    /* owned */
	int fd;                        /* -1: it can't be written any more, which was said */
};

struct cgroup_name;

struct script_out {
	const struct script *s;
	struct load *load;
	struct engine *engine;
	struct script_out_opts opts;
	struct ringbuf ring;
	int ring_fd;                   /* -1: no ring.  Borrowed from the engine */
	int epoll, timer;              /* owned; -1: the ring's fd alone is waited on */
	bool broken;                   /* the ring is, which was said */
	struct out_action *actions;    /* owned; one for each of s->actions */
	struct out_map *maps;          /* owned; one for each of s->maps */
	u32 *map_order;                /* owned; indexes of maps by name */
	struct str text;               /* not written yet */
	struct symbols *symbols;       /* owned */
	struct stacks stacks;

	bool exiting;                  /* exit() was handled */
	int status;
	u32 left;                      /* records that this call may still handle */
	bool goes_on;                  /* exit() ends no output: iterators run to their end */
	u64 until_ns;                  /* when this call ends, however much there is; 0: no matter */
	u64 dropped;                   /* records that were left unread at the end */
	u64 handled, lost, lost_told;
	u64 lost_checked_ns;           /* when the counts were last read */
	u64 n_bad;                     /* records that no program of the script could have sent */

	u64 real_minus[3];             /* what CLOCK_REALTIME is ahead of a clock, by enum stype_clock */
	struct str scratch;            /* a formatted text on its way to JSON, a path, a command */
	struct str value_text;         /* of a conversion */
	u32 uid_last;                  /* of name_user() */
	char *uid_name;                /* owned; NULL: none looked up yet */
	VEC(struct cgroup_name) cgroups;
	VEC(struct pcap_file) pcaps;
};

struct cgroup_name {
	u64 id;
	char *root, *path;             /* owned */
};

/* ---- script.c ---- */
/* Hands on what was gathered. */
void out_flush(struct script_out *o);
/* A warning or error with its place: to stderr, as an object in JSON mode. */
void out_complain(struct script_out *o, const struct script_action *a, bool is_error, const char *text);
/* A line for each place whose mistakes were too many to be told one by one. */
void out_untold(struct script_out *o, struct str *out);
/* An error without a place in the script: never JSON. */
void out_error(struct script_out *o, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* ---- script_action.c ---- */
/* Does what a record asks for; rec->size bytes may be read.  False: no program of the script could have sent it. */
bool action_run(struct script_out *o, const u8 *rec, u32 size);

/* ---- script_pcap.c ---- */
/* Makes the capture file of an action of skboutput(), once for each path. */
int pcap_prepare(struct script_out *o, const struct script_action *a, struct diag *dg);
/* A packet's record, of pcap_least() bytes at least.  False: the file can't be written, which is said once. */
bool pcap_write(struct script_out *o, const char *path, const u8 *rec, u32 size);
u32 pcap_least(void);
void pcaps_close(struct script_out *o);

/* ---- script_format.c ---- */
/* Takes the action's format apart. */
int script_format_prepare(struct script_out *o, const struct script_action *a, struct diag *dg,
		   struct out_action *out);
/* The text of a format with the arguments in a record, behind what out has. */
void format_text(struct script_out *o, const struct out_action *a, const u8 *rec, u32 size, struct str *out);

/* ---- script_value.c ---- */
/* Bytes of a value: n may be read. */
struct sv {
	const struct stype *type;
	const u8 *p;
	u32 n;
};

enum sv_style {
	SV_PLAIN,
	SV_KEY,      /* of a map: no parentheses around a tuple */
	SV_JSON_KEY, /* the same without blanks, as the name of a JSON member */
};

/* div: numbers are divided by it first; 0: not. */
void sv_text(struct script_out *o, struct sv v, enum sv_style style, u64 div, struct str *out);
void sv_json(struct script_out *o, struct sv v, u64 div, struct str *out);
/* The integer that a scalar's bytes are, extended by its sign.  0 for what is none. */
u64 sv_integer(struct sv v);
/* The value of a field of a tuple, record or struct. */
struct sv sv_field(struct sv v, const struct stype_field *f);
/* Bytes of a buffer as text. */
enum buf_style { BUF_MIXED, BUF_ESCAPED, BUF_SPACED };
void buf_text(struct sv v, enum buf_style style, struct str *out);
/* What sorts a map's keys: negative, 0 or positive. */
int sv_compare(const struct stype *t, const u8 *a, const u8 *b, u32 n);

/* ---- script_json.c ---- */
void js_string(struct str *out, const char *s, size_t n);
/* Numbers that a double can't hold are strings, but not in 0.17. */
void js_s64(const struct script_out *o, struct str *out, s64 v);
void js_u64(const struct script_out *o, struct str *out, u64 v);
/* {"type": "TYPE", "data": ...}: before and after what data is. */
void js_begin(struct str *out, const char *type);
void js_end(struct str *out);
/* The whole of it, with a string. */
void js_text(struct str *out, const char *type, const char *s, size_t n);

/* ---- script_name.c ---- */
void name_user(struct script_out *o, u32 uid, struct str *out);
/* "unified:/user.slice,cpu:/x", of the hierarchies whose names fit the pattern (NULL: all). */
void name_cgroup(struct script_out *o, u64 id, const char *pattern, struct str *out);
/* ns of a clock as strftime(3) shows them, with %f (microseconds), %l (milliseconds), %k (nanoseconds). */
void name_time(const struct script_out *o, u64 ns, enum stype_clock clock, const char *format, struct str *out);
/* How far the clocks lie apart, once, so that one moment is always shown as the same. */
void clocks_read(struct script_out *o);
/* ns of a clock as ns since 1970. */
u64 clock_to_real(const struct script_out *o, u64 ns, enum stype_clock clock);
/* The time now by a format; "" where strftime(3) gives nothing. */
void name_now(const char *format, struct str *out);
void name_gfp(u64 flags, struct str *out);

/* ---- script_map.c ---- */
/* print(@m, top, div): 0 where they are not given.  explicit: asked for by name, so that an empty scalar is shown. */
void map_print(struct script_out *o, const struct out_map *m, u64 top, u64 div, bool explicit);
/* print(@m[key]); key has lm->key_size bytes. */
void map_print_elem(struct script_out *o, const struct out_map *m, const u8 *key);
int map_clear(struct script_out *o, const struct out_map *m);
int map_zero(struct script_out *o, const struct out_map *m);

/* ---- script_hist.c, script_series.c ---- */
/* Values counted: of all buckets. */
u64 hist_total(struct sv v);
void hist_text(const struct script_out *o, struct sv v, u64 div, struct str *out);
void hist_json(const struct script_out *o, struct sv v, u64 div, struct str *out);
/* Puts a CPU's share to the sum of those before. */
void series_add(const struct stype *t, u8 *sum, const u8 *share);
/* The last interval that has a value; 0: none has. */
u64 series_last(struct sv v);
/* last: of all series of the map. */
void series_text(struct script_out *o, struct sv v, u64 last, struct str *out);
void series_json(struct script_out *o, struct sv v, u64 last, struct str *out);
