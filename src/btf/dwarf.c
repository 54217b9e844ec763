/* SPDX-License-Identifier: BSD-2-Clause */
/* btf/dwarf.c - walks DIEs with libdw and writes BTF.
 *
 * Types may refer to each other in cycles, so it goes in two rounds: first every DIE that is
 *reached gets its id, in the order of a queue; then each is written, when all ids are known.
 *
 *	functions of all units ──> queue ── references of each ──> queue ... ──> btf_builder
 */
#include "btf/dwarf.h"
#include "base/str.h"
#include "base/vec.h"
#include "btf/build.h"
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	TYPES_MAX = 1 << 20,
	PARAMS_MAX = 64,
	MEMBERS_MAX = 16384,
	DIMS_MAX = 8,
	INT_ID = 1,       /* index type of arrays: the first type */
};

struct item {
	Dwarf_Die die;
	u32 id;           /* of its first type */
};

struct slot {
	u64 off;          /* of the DIE + 1; 0: free */
	u32 id;
};

struct walk {
	Dwarf *dw;
	struct btf_builder b;
	VEC(struct item) queue;
	struct slot *slots;
	u32 n_slots, n_used;
	u32 next_id;
	bool failed, too_big;
};

/* ---- ids of DIEs ---- */

static struct slot *slot_of(const struct walk *w, u64 off)
{
	u32 i = (u32)(off * 0x9e3779b97f4a7c15ull >> 33) & (w->n_slots - 1);

	while (w->slots[i].off && w->slots[i].off != off + 1)
		i = (i + 1) & (w->n_slots - 1);
	return &w->slots[i];
}

static bool slots_grow(struct walk *w)
{
	struct slot *old = w->slots;
	u32 n_old = w->n_slots;

	w->n_slots = n_old ? n_old * 2 : 1 << 12;
	w->slots = calloc(w->n_slots, sizeof(*w->slots));
	if (!w->slots) {
		w->slots = old;
		w->n_slots = n_old;
		w->failed = true;
		return false;
	}
	for (u32 i = 0; i < n_old; i++)
		if (old[i].off)
			*slot_of(w, old[i].off - 1) = old[i];
	free(old);
	return true;
}

static bool type_of(Dwarf_Die *die, Dwarf_Die *out)
{
	Dwarf_Attribute attr;

	return dwarf_attr_integrate(die, DW_AT_type, &attr) && dwarf_formref_die(&attr, out);
}

/* Array's dimensions, the outermost first; 0 counts for one of unknown length. */
static u32 dims_of(Dwarf_Die *die, u32 counts[DIMS_MAX])
{
	Dwarf_Die sub;
	u32 n = 0;

	if (dwarf_child(die, &sub))
		return 0;
	do {
		Dwarf_Attribute attr;
		Dwarf_Word v = 0;

		if (dwarf_tag(&sub) != DW_TAG_subrange_type)
			continue;
		if (n == DIMS_MAX)
			return 0;
		if (dwarf_attr(&sub, DW_AT_count, &attr) && !dwarf_formudata(&attr, &v))
			counts[n++] = (u32)MIN(v, UINT32_MAX);
		else if (dwarf_attr(&sub, DW_AT_upper_bound, &attr) && !dwarf_formudata(&attr, &v))
			counts[n++] = (u32)MIN(v + 1, UINT32_MAX);
		else
			counts[n++] = 0;
	} while (!dwarf_siblingof(&sub, &sub));
	return n;
}

/* How many types a DIE becomes; 0: it is void, or what BTF can't say. */
static u32 n_types_of(Dwarf_Die *die)
{
	u32 counts[DIMS_MAX];

	switch (dwarf_tag(die)) {
	case DW_TAG_subprogram:
		return 2;
	case DW_TAG_array_type:
		return dims_of(die, counts);
	case DW_TAG_base_type: case DW_TAG_pointer_type: case DW_TAG_reference_type:
	case DW_TAG_rvalue_reference_type: case DW_TAG_ptr_to_member_type: case DW_TAG_const_type:
	case DW_TAG_volatile_type:
	case DW_TAG_restrict_type:
	case DW_TAG_atomic_type:
	case DW_TAG_typedef:
	case DW_TAG_structure_type: case DW_TAG_class_type: case DW_TAG_union_type:
	case DW_TAG_enumeration_type: case DW_TAG_subroutine_type:
		return 1;
	default:
		return 0;
	}
}

/* The id of a DIE's type, given now if it has none. */
static u32 want(struct walk *w, Dwarf_Die *die)
{
	u64 off = dwarf_dieoffset(die);
	struct slot *s;
	u32 n;

	if (w->failed || (w->n_used * 2 >= w->n_slots && !slots_grow(w)))
		return 0;
	s = slot_of(w, off);
	if (s->off)
		return s->id;
	n = n_types_of(die);
	if (n && w->next_id + n > TYPES_MAX) {
		w->too_big = true;
		n = 0;
	}
	*s = (struct slot){ off + 1, n ? w->next_id : 0 };
	w->n_used++;
	if (n && !vec_push(&w->queue, ((struct item){ *die, w->next_id })))
		w->failed = true;
	w->next_id += n;
	return s->id;
}

static u32 want_type(struct walk *w, Dwarf_Die *die)
{
	Dwarf_Die type;

	return type_of(die, &type) ? want(w, &type) : 0;
}

/* ---- writing ---- */

static bool number(Dwarf_Die *die, unsigned name, u64 *out)
{
	Dwarf_Attribute attr;
	Dwarf_Word v;

	if (!dwarf_attr_integrate(die, name, &attr) || dwarf_formudata(&attr, &v))
		return false;
	*out = v;
	return true;
}

static u32 size_of(Dwarf_Die *die)
{
	int size = dwarf_bytesize(die);

	return size < 0 ? 0 : (u32)size;
}

static void put_base(struct walk *w, Dwarf_Die *die)
{
	const char *name = dwarf_diename(die);
	u64 encoding = DW_ATE_unsigned;
	u32 size = size_of(die), enc = 0;

	number(die, DW_AT_encoding, &encoding);
	if (!size || size > 16 || (size & (size - 1))) {
		btf_add_struct(&w->b, BTF_STRUCT, name ? name : "", size);
		return;
	}
	if (encoding == DW_ATE_float) {
		btf_add(&w->b, name ? name : "float", BTF_FLOAT, false, 0, size == 1 ? 2 : size);
		return;
	}
	if (encoding == DW_ATE_signed || encoding == DW_ATE_signed_char)
		enc = BTF_INT_SIGNED;
	else if (encoding == DW_ATE_boolean)
		enc = BTF_INT_BOOL;
	btf_add_int(&w->b, name ? name : "int", size, enc);
}

static void put_array(struct walk *w, Dwarf_Die *die, u32 id)
{
	u32 counts[DIMS_MAX], n = dims_of(die, counts);
	u32 elem = want_type(w, die);

	/* The outermost has the first id, each the next one as its element. */
	for (u32 i = 0; i < n; i++)
		btf_add_array(&w->b,
			      i + 1 < n ? id + i + 1
			      : elem	? elem
					: INT_ID,
			      INT_ID, counts[i]);
}

struct member {
	const char *name;
	u32 type, bit_off, bits;
};

/* Bit offset of a member; bit-fields of older DWARF count from the other end of their unit. */
static bool member_place(Dwarf_Die *die, struct member *m)
{
	u64 off = 0, bit_off, bits = 0, unit = 0;
	Dwarf_Attribute attr;
	Dwarf_Die type;

	if (dwarf_attr(die, DW_AT_data_member_location, &attr) && dwarf_formudata(&attr, &off))
		return false; /* an expression: of a virtual base */
	number(die, DW_AT_bit_size, &bits);
	if (number(die, DW_AT_data_bit_offset, &bit_off)) {
		/* from the struct's start */
	} else if (bits && number(die, DW_AT_bit_offset, &bit_off)) {
		if (!number(die, DW_AT_byte_size, &unit))
			unit = type_of(die, &type) ? size_of(&type) : 0;
		if (unit * 8 < bit_off + bits)
			return false;
		bit_off = off * 8 + unit * 8 - bit_off - bits;
	} else {
		bit_off = off * 8;
	}
	if (bit_off > (1u << 24) * 8ull || bits > 64)
		return false;
	m->bit_off = (u32)bit_off;
	m->bits = (u32)bits;
	return true;
}

/* BTF keeps bit offsets in 24 bits where a struct has bit-fields. */
static bool offsets_fit(const struct member *m, u32 n)
{
	bool fields = false, far = false;

	for (u32 i = 0; i < n; i++) {
		fields |= m[i].bits != 0;
		far |= m[i].bit_off >= 1u << 24;
	}
	return !(fields && far);
}

static void put_struct(struct walk *w, Dwarf_Die *die)
{
	bool is_union = dwarf_tag(die) == DW_TAG_union_type;
	const char *name = dwarf_diename(die);
	VEC(struct member) members = {0};
	Dwarf_Attribute attr;
	Dwarf_Die child;

	if (dwarf_attr(die, DW_AT_declaration, &attr)) {
		btf_add(&w->b, name ? name : "", name ? BTF_FWD : BTF_STRUCT, name && is_union, 0,
			0);
		return;
	}
	if (!dwarf_child(die, &child))
		do {
			int tag = dwarf_tag(&child);
			struct member m = { .name = dwarf_diename(&child) };

			if ((tag != DW_TAG_member && tag != DW_TAG_inheritance) ||
			    members.n == MEMBERS_MAX || dwarf_attr(&child, DW_AT_external, &attr) ||
			    dwarf_attr(&child, DW_AT_declaration, &attr))
				continue;
			m.type = want_type(w, &child);
			if (!m.name || tag == DW_TAG_inheritance)
				m.name = "";
			if (m.type && member_place(&child, &m) && !vec_push(&members, m))
				w->failed = true;
		} while (!dwarf_siblingof(&child, &child));
	btf_add_struct(&w->b, is_union ? BTF_UNION : BTF_STRUCT, name, size_of(die));
	for (u32 i = 0; offsets_fit(members.p, members.n) && i < members.n; i++)
		btf_add_member(&w->b, members.p[i].name, members.p[i].type, members.p[i].bit_off,
			       members.p[i].bits);
	vec_free(&members);
}

static void put_enum(struct walk *w, Dwarf_Die *die)
{
	const char *name = dwarf_diename(die);
	u32 size = size_of(die);
	Dwarf_Attribute attr;
	Dwarf_Die child, base;
	u64 encoding = 0;
	bool is_signed = true;

	if (type_of(die, &base) && number(&base, DW_AT_encoding, &encoding))
		is_signed = encoding == DW_ATE_signed || encoding == DW_ATE_signed_char;
	if (size == 8)
		btf_add_enum64(&w->b, name, is_signed);
	else
		btf_add_enum(&w->b, name, size == 1 || size == 2 ? size : 4, is_signed);
	if (dwarf_child(die, &child))
		return;
	do {
		const char *value_name = dwarf_diename(&child);
		Dwarf_Sword v;

		if (dwarf_tag(&child) == DW_TAG_enumerator && value_name &&
		    dwarf_attr(&child, DW_AT_const_value, &attr) && !dwarf_formsdata(&attr, &v))
			btf_add_enumerator(&w->b, value_name, (u64)v);
	} while (!dwarf_siblingof(&child, &child));
}

static void put_proto(struct walk *w, Dwarf_Die *die)
{
	struct { const char *name; u32 type; } params[PARAMS_MAX];
	u32 n = 0, ret = want_type(w, die);
	Dwarf_Die child;

	if (!dwarf_child(die, &child))
		do {
			const char *name = dwarf_diename(&child);

			if (dwarf_tag(&child) != DW_TAG_formal_parameter || n == PARAMS_MAX)
				continue;
			params[n].name = name ? name : "";
			params[n].type = want_type(w, &child);
			/* what can't be told still takes its place */
			if (!params[n].type)
				params[n].type = INT_ID;
			n++;
		} while (!dwarf_siblingof(&child, &child));
	btf_add_proto(&w->b, ret);
	for (u32 i = 0; i < n; i++)
		btf_add_param(&w->b, params[i].name, params[i].type);
}

/* The name of its symbol. */
static const char *function_name(Dwarf_Die *die)
{
	Dwarf_Attribute attr;
	const char *name = NULL;

	if (dwarf_attr_integrate(die, DW_AT_linkage_name, &attr) ||
	    dwarf_attr_integrate(die, DW_AT_MIPS_linkage_name, &attr))
		name = dwarf_formstring(&attr);
	return name ? name : dwarf_diename(die);
}

static void put(struct walk *w, Dwarf_Die *die, u32 id)
{
	const char *name = dwarf_diename(die);

	switch (dwarf_tag(die)) {
	case DW_TAG_subprogram:
		btf_add(&w->b, function_name(die), BTF_FUNC, false, BTF_GLOBAL, id + 1);
		put_proto(w, die);
		break;
	case DW_TAG_base_type:
		put_base(w, die);
		break;
	case DW_TAG_pointer_type: case DW_TAG_reference_type: case DW_TAG_rvalue_reference_type:
		btf_add(&w->b, NULL, BTF_PTR, false, 0, want_type(w, die));
		break;
	case DW_TAG_ptr_to_member_type:
		btf_add_int(&w->b, "long", 8, BTF_INT_SIGNED);
		break;
	case DW_TAG_const_type:
		btf_add(&w->b, NULL, BTF_CONST, false, 0, want_type(w, die));
		break;
	case DW_TAG_volatile_type: case DW_TAG_atomic_type:
		btf_add(&w->b, NULL, BTF_VOLATILE, false, 0, want_type(w, die));
		break;
	case DW_TAG_restrict_type:
		btf_add(&w->b, NULL, BTF_RESTRICT, false, 0, want_type(w, die));
		break;
	case DW_TAG_typedef:
		btf_add(&w->b, name ? name : "", BTF_TYPEDEF, false, 0, want_type(w, die));
		break;
	case DW_TAG_structure_type: case DW_TAG_class_type: case DW_TAG_union_type:
		put_struct(w, die);
		break;
	case DW_TAG_enumeration_type:
		put_enum(w, die);
		break;
	case DW_TAG_array_type:
		put_array(w, die, id);
		break;
	case DW_TAG_subroutine_type:
		put_proto(w, die);
		break;
	}
}

/* ---- units ---- */

/* A function that stands somewhere in the program, or a type of a name: enters the queue. */
static void reach(struct walk *w, Dwarf_Die *die)
{
	Dwarf_Attribute attr;

	switch (dwarf_tag(die)) {
	case DW_TAG_subprogram:
		if ((dwarf_attr(die, DW_AT_low_pc, &attr) ||
		     dwarf_attr(die, DW_AT_ranges, &attr)) &&
		    function_name(die))
			want(w, die);
		break;
	case DW_TAG_structure_type:
	case DW_TAG_union_type:
	case DW_TAG_class_type:
	case DW_TAG_enumeration_type:
	case DW_TAG_typedef:
		if (dwarf_diename(die) && !dwarf_attr(die, DW_AT_declaration, &attr))
			want(w, die);
		break;
	}
}

static void reach_all(struct walk *w, Dwarf_Die *first, u32 depth)
{
	Dwarf_Die die = *first, child;

	do {
		int tag = dwarf_tag(&die);

		reach(w, &die);
		if ((tag == DW_TAG_namespace || tag == DW_TAG_structure_type ||
		     tag == DW_TAG_class_type) &&
		    depth < 16 && !dwarf_child(&die, &child))
			reach_all(w, &child, depth + 1);
	} while (!w->failed && !w->too_big && !dwarf_siblingof(&die, &die));
}

static void units_walk(struct walk *w)
{
	Dwarf_Off off = 0, next;
	size_t header;

	while (!dwarf_nextcu(w->dw, off, &next, &header, NULL, NULL, NULL)) {
		Dwarf_Die unit, child;

		if (dwarf_offdie(w->dw, off + header, &unit) && !dwarf_child(&unit, &child))
			reach_all(w, &child, 0);
		if (next <= off || w->failed || w->too_big)
			break;
		off = next;
	}
}

/* ---- files ---- */

/* DWARF of the file, or of the one that holds it apart; the caller ends both. */
static Dwarf *dwarf_open(const char *path, const char *debug, int *fd)
{
	const char *files[] = { path, debug };

	elf_version(EV_CURRENT);
	for (u32 i = 0; i < 2; i++) {
		Dwarf *dw;
		Dwarf_Off next;
		size_t header;

		*fd = files[i] ? open(files[i], O_RDONLY | O_CLOEXEC) : -1;
		if (*fd < 0)
			continue;
		dw = dwarf_begin(*fd, DWARF_C_READ);
		if (dw && !dwarf_nextcu(dw, 0, &next, &header, NULL, NULL, NULL))
			return dw;
		dwarf_end(dw);
		close(*fd);
	}
	return NULL;
}

static void dwarf_shut(Dwarf *dw, int fd)
{
	dwarf_end(dw);
	close(fd);
}

int dwarf_functions(const char *path, const char *debug, struct diag *dg, struct btf **out)
{
	struct walk w = { .next_id = INT_ID + 1 };
	struct place at = { .file = path };
	int fd, err;

	w.dw = dwarf_open(path, debug, &fd);
	if (!w.dw)
		return diag_error(dg, at, -ENOENT, "it has no debug information (DWARF)");
	btf_add_int(&w.b, "int", 4, BTF_INT_SIGNED);
	units_walk(&w);
	/* the queue grows while it is written */
	for (u32 i = 0; i < w.queue.n && !w.failed; i++) {
		struct item item = w.queue.p[i];

		put(&w, &item.die, item.id);
	}
	if (w.failed)
		err = -ENOMEM;
	else
		err = btf_build(&w.b, dg, at, out);
	btf_builder_free(&w.b);
	vec_free(&w.queue);
	free(w.slots);
	dwarf_shut(w.dw, fd);
	return err;
}

/* ---- lines ---- */

struct line_query {
	const char *file;
	u32 line, col;
	u64 addr;
	bool found;
	u32 next;          /* the first line behind it that has code; 0: none */
};

/* Is `name` the file, said by its last parts? */
static bool file_fits(const char *name, const char *wanted)
{
	size_t n = name ? strlen(name) : 0, k;

	while (!strncmp(wanted, "./", 2))
		wanted += 2;
	k = strlen(wanted);
	return n >= k && !strcmp(name + n - k, wanted) &&
	       (n == k || name[n - k - 1] == '/' || *wanted == '/');
}

static void line_try(struct line_query *q, Dwarf_Line *line)
{
	int nr, col = 0;
	bool is_stmt;
	Dwarf_Addr addr;

	if (dwarf_lineno(line, &nr) || nr <= 0 || dwarf_linebeginstatement(line, &is_stmt) ||
	    !is_stmt || dwarf_lineaddr(line, &addr) ||
	    !file_fits(dwarf_linesrc(line, NULL, NULL), q->file))
		return;
	if ((u32)nr > q->line && (!q->next || (u32)nr < q->next))
		q->next = (u32)nr;
	if ((u32)nr != q->line || (q->col && (dwarf_linecol(line, &col) || (u32)col != q->col)))
		return;
	if (!q->found || addr < q->addr) {
		q->found = true;
		q->addr = addr;
	}
}

int dwarf_line(const char *path, const char *debug, const char *file, u32 line, u32 col,
	       struct diag *dg, u64 *addr)
{
	struct line_query q = { .file = file, .line = line, .col = col };
	Dwarf_Off off = 0, next;
	size_t header;
	int fd;
	Dwarf *dw = dwarf_open(path, debug, &fd);

	if (!dw)
		return diag_error(dg, (struct place){0}, -ENOENT,
				  "%s has no debug information (DWARF)", path);
	while (!dwarf_nextcu(dw, off, &next, &header, NULL, NULL, NULL)) {
		Dwarf_Die unit;
		Dwarf_Lines *lines;
		size_t n;

		if (dwarf_offdie(dw, off + header, &unit) && !dwarf_getsrclines(&unit, &lines, &n))
			for (size_t i = 0; i < n; i++)
				line_try(&q, dwarf_onesrcline(lines, i));
		if (next <= off)
			break;
		off = next;
	}
	dwarf_shut(dw, fd);
	if (q.found) {
		*addr = q.addr;
		return 0;
	}
	if (q.next)
		return diag_error(dg, (struct place){0}, -ENOENT,
				  "%s: no statement begins at %s:%u; the next is at line %u", path,
				  file, line, q.next);
	return diag_error(dg, (struct place){0}, -ENOENT,
			  "%s: no source file '%s' with a line %u is known", path, file, line);
}
