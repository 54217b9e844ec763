/* SPDX-License-Identifier: BSD-2-Clause */
/* lang/cdecl/priv.h - what the files of this folder share: tokens, names, macros, sources, the reader.
 *
 *	text ── scan ──> tokens ── pp ──> tokens without macros ── parse ──> names[].type, names[].tag ...
 *
 * Every identifier is one struct cname, so that macro, type and constant of a name are found without a
 * search.
 */
#pragma once
#include "base/arena.h"
#include "base/hash.h"
#include "base/vec.h"
#include "lang/cdecl/cdecl.h"

enum {
	CNAME_MAX = 255,             /* bytes of an identifier */
	CTEXT_MAX = 32 << 20,        /* bytes of text in all */
	CTOKENS_MAX = 4 << 20,       /* tokens read, macros' included */
	CMADE_MAX = 1 << 19,         /* tokens that expansions made */
	CFILE_DEPTH = 64,            /* includes inside includes */
	CFILES_MAX = 4000,
	CEXPAND_DEPTH = 100,         /* arguments inside arguments */
	CNEST_MAX = STYPE_DEPTH_MAX, /* structs, declarators, expressions inside each other */
};

enum ctok_kind { CT_EOF, CT_NAME, CT_NUMBER, CT_STRING, CT_CHAR, CT_PUNCT, CT_OTHER };

struct ctok {
	u8 kind;                 /* enum ctok_kind */
	bool bol;                /* the first of its line */
	bool space;              /* blank before it */
	bool is_painted;         /* a macro's name inside its own expansion: no macro any more */
	u32 op;                  /* PUNCT: its characters, the first lowest */
	u32 len;
	const char *p;           /* its text; of a NAME: NUL-terminated */
	struct cname *name;      /* NAME */
	u32 file, line, col;
};
#define OP2(a, b) ((u32)(a) | (u32)(b) << 8)
#define OP3(a, b, c) (OP2(a, b) | (u32)(c) << 16)

struct cmacro {
	bool is_fn, is_variadic;
	bool is_busy;            /* being expanded */
	u32 n_params;
	struct cname **params;
	struct cname *rest;      /* variadic: its name, NULL: __VA_ARGS__ */
	struct ctok *body;
	u32 n_body;
};

/* Words that the grammar knows. */
enum cword {
	CW_NONE,
	CW_STRUCT, CW_UNION, CW_ENUM, CW_TYPEDEF, CW_VOID, CW_CHAR, CW_SHORT, CW_INT, CW_LONG,
	CW_SIGNED, CW_UNSIGNED, CW_FLOAT, CW_DOUBLE, CW_BOOL, CW_INT128, CW_QUALIFIER, CW_STORAGE,
	CW_ATTRIBUTE, CW_ALIGNAS, CW_ASM, CW_TYPEOF, CW_SIZEOF, CW_ALIGNOF, CW_STATIC_ASSERT,
	CW_OFFSETOF,
};

struct cname {
	const char *text;
	u32 word;                /* enum cword */
	struct cmacro *macro;
	const struct stype *type; /* typedef */
	const struct stype *tag; /* struct, union, enum: complete or is_fwd */
	bool is_constant;        /* an enumerator: value, of type */
	s64 value;
	const struct stype *of;  /* its enum */
};

struct cfile {
	const char *name;        /* as messages say it */
	bool is_system;          /* of <...>: its mistakes are passed over */
	bool is_include;
	u32 first_line;
};

/* Where tokens come from: the last is read first. */
struct csource {
	/* a file */
	const char *p, *end, *line_at;
	u32 file, line;
	bool bol;
	u32 n_ifs;               /* conditionals that were open when it began */
	/* or a list of tokens */
	const struct ctok *toks;
	u32 n, i;
	struct cmacro *macro;    /* whose expansion it is: busy until its end; NULL: none */
};

struct cif {
	bool taken;              /* one of its branches was */
	bool has_else;
};

/* What BTF said of a name, kept: id 0 is nothing, as long as gen is the present one. */
struct cfound {
	const struct btf *btf;
	u32 id;
	u32 gen;
	s64 value;               /* of an enumerator */
};

struct cbtf_slot {
	const struct btf *btf;   /* NULL: free */
	u32 id;
	bool is_whole;
	const struct stype *type;
};

struct ctypes {
	struct ctypes_opts o;
	struct arena arena;      /* texts, tokens, names */
	struct strmap by_text;   /* names */
	VEC(struct cname *) names;
	VEC(struct cfile) files;
	VEC(struct csource) sources;
	VEC(struct cif) ifs;
	VEC(const char *) once;  /* files with #pragma once */
	u32 base;                /* sources below are not read now */
	u32 n_files, expand_depth;
	u64 n_text, n_tokens, n_made;
	u32 pack, packs[16], n_packs; /* #pragma pack */
	const char *text;        /* of ctypes_add(), for marks: files[text_file]; NULL outside of it */
	size_t text_len;
	u32 text_file;
	bool is_full;            /* a limit was hit: everything ends */
	bool failed;
	struct diag *dg;
	/* BTF */
	VEC(const struct btf *) btfs; /* added ones */
	struct cbtf_slot *cache;
	u32 n_cache, cap_cache;
	struct strmap found_by;
	VEC(struct cfound) found;
	u32 gen;                 /* grows when there is more to look in */
};

/* The kernel's BTF; NULL: there is none.  btf.c */
const struct btf *ctypes_kernel(struct ctypes *c);

/* ---- scan.c ---- */
struct cname *cname_get(struct ctypes *c, const char *text, size_t len);  /* made when new */
struct cname *cname_find(struct ctypes *c, const char *text);             /* NULL: none */
/* The next token of a file; CT_EOF at its end. */
void ctok_scan(struct ctypes *c, struct csource *s, struct ctok *t);
/* A string's or character's bytes, escapes resolved; their number, or -1 when it is broken. */
s64 ctok_unescape(const struct ctok *t, char *out, size_t room);
bool ctok_is(const struct ctok *t, u32 op);
/* Reports at a token: an error, in an included file a note, nothing in a system's. */
void cdecl_error(struct ctypes *c, const struct ctok *at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* ---- pp.c ---- */
/* The next token, macros expanded. */
void pp_next(struct ctypes *c, struct ctok *t);
/* A list with its macros expanded: in the arena. */
struct ctok *pp_expand(struct ctypes *c, const struct ctok *toks, u32 n, u32 *n_out);
void pp_push_text(struct ctypes *c, const char *text, size_t len, const struct cfile *file);
void pp_push_list(struct ctypes *c, const struct ctok *toks, u32 n, struct cmacro *m);
/* pp_line.c: the rest of a line that began with '#'. */
void pp_directive(struct ctypes *c, const struct ctok *hash);
/* Its tokens up to the end of the line. */
struct ctok *pp_rest_of_line(struct ctypes *c, u32 *n);
/* Tokens as text, in the arena. */
const char *pp_text(struct ctypes *c, const struct ctok *toks, u32 n);
void pp_define(struct ctypes *c, const char *name, const char *body);

/* ---- parse.h, expr.c ---- */
struct cparser {
	struct ctypes *c;
	const struct ctok *list; /* NULL: pp_next() */
	u32 n, i;
	struct ctok t, ahead;    /* now; the one after, when has_ahead */
	struct ctok before;      /* where mistakes at the very end are shown */
	bool has_ahead;
	bool is_pp;              /* names are 0 */
	bool is_quiet;           /* mistakes are not reported, only noted */
	bool failed;
	u32 depth;
};
void cp_init(struct cparser *p, struct ctypes *c, const struct ctok *list, u32 n);
void cp_advance(struct cparser *p);
const struct ctok *cp_peek(struct cparser *p);
bool cp_accept(struct cparser *p, u32 op);
bool cp_expect(struct cparser *p, u32 op);
void cp_skip_parens(struct cparser *p);     /* from '(' to behind its ')' */
void cp_error(struct cparser *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
bool cp_starts_type(struct cparser *p);
const struct stype *cp_type_name(struct cparser *p);  /* NULL and a mistake */
/* A constant expression: without a value, a mistake and 0. */
s64 cp_constant(struct cparser *p);
void cp_unit(struct cparser *p);            /* declarations to the end */

/* ---- layout.c ---- */
struct cfields {
	struct stype_field *p;   /* as VEC() is */
	u32 n, cap;
};
struct clayout {
	struct ctypes *c;
	bool is_union, is_packed, too_big;
	u32 pack, align;         /* most that members want */
	u64 bits, most;          /* end so far; of a union the widest */
	struct cfields fields;
};
struct cattr {
	bool is_packed;
	u32 align;               /* 0: none */
};
/* One member.  name NULL: anonymous, its members are lifted.  bits -1: no bit-field. */
void clayout_add(struct clayout *l, const char *name, const struct stype *type, s64 bits,
		 const struct cattr *attr);
void clayout_end(struct clayout *l, struct stype *out, const struct cattr *attr);
/* The bytes that a bit-field is read from, and where it begins in them. */
void cfield_bits(struct stype_field *f, u64 bit_off, u32 bits, u64 struct_size);
/* Adds a member's fields as the outer struct's own. */
bool cfields_lift(struct cfields *to, const struct stype *t, u64 off);

/* ---- names.c ---- */
const struct stype *calias_find(const char *name); /* integers by the names that C and kernel give them; NULL */
const struct stype *cchar_type(void);              /* plain char: arrays of it are strings */
bool cis_char(const struct stype *t);
const struct stype *copaque(struct arena *a, const char *name, u32 size); /* float and the like */
bool cconstant_find(const char *name, s64 *v);     /* constant.def */
bool cheader_known(const char *name);              /* BTF serves instead of it */
const char *calias_at(u32 i);                      /* for nearest names; NULL past the end */
const char *cconstant_next(const char *name); /* NULL: the first one */
/* A typedef's type by any source: NULL, none. */
const struct stype *ctypedef_find(struct ctypes *c, struct cname *n);

/* ---- btf.c ---- */
const struct stype *cbtf_find(struct ctypes *c, const char *name);  /* "struct x" or a typedef */
bool cbtf_constant(struct ctypes *c, const char *name, s64 *v, const struct stype **type);
