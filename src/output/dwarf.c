/* SPDX-License-Identifier: BSD-2-Clause */
/* output/dwarf.c - walks DIEs with libdw and writes BTF.
 *
 * The debug sections of a relocatable BPF object need no relocation for this: LLVM leaves each
 * reference's section offset in place.
 */
#include "output/dwarf.h"
#include "btf/build.h"
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <errno.h>
#include <string.h>

enum { NEST_MAX = 16, STRUCTS_MAX = 20000, MEMBERS_MAX = 4096 };

struct walk {
	struct btf_builder b;
	u32 n_structs;
	u32 index_type; /* of arrays: int */
};

static u32 add_type(struct walk *w, Dwarf_Die *die, u32 nest);

static bool number(Dwarf_Die *die, unsigned name, u64 *out)
{
	Dwarf_Attribute attr;
	Dwarf_Word v;

	if (!dwarf_attr_integrate(die, name, &attr) || dwarf_formudata(&attr, &v))
		return false;
	*out = v;
	return true;
}

static u32 add_base(struct walk *w, Dwarf_Die *die, u32 size)
{
	const char *name = dwarf_diename(die);
	u64 encoding = DW_ATE_unsigned;
	u32 enc = 0;

	number(die, DW_AT_encoding, &encoding);
	if (encoding == DW_ATE_float)
		return btf_add(&w->b, name ? name : "float", BTF_FLOAT, false, 0, size);
	if (encoding == DW_ATE_signed || encoding == DW_ATE_signed_char)
		enc = BTF_INT_SIGNED;
	else if (encoding == DW_ATE_boolean)
		enc = BTF_INT_BOOL;
	/* "char" keeps its name, by which printers tell a string from bytes. */
	return btf_add_int(&w->b, name ? name : "int", size, enc);
}

/* One ARRAY for each subrange, the last innermost. */
static u32 add_array(struct walk *w, Dwarf_Die *die, u32 elem)
{
	u32 counts[8], n = 0;
	Dwarf_Die sub;

	if (dwarf_child(die, &sub))
		return 0;
	do {
		u64 count = 0;

		if (dwarf_tag(&sub) != DW_TAG_subrange_type)
			continue;
		if (n == sizeof(counts) / sizeof(counts[0]))
			return 0;
		if (!number(&sub, DW_AT_count, &count) && number(&sub, DW_AT_upper_bound, &count))
			count++;
		if (count > UINT32_MAX)
			return 0;
		counts[n++] = (u32)count;
	} while (!dwarf_siblingof(&sub, &sub));
	while (n)
		elem = btf_add_array(&w->b, elem, w->index_type, counts[--n]);
	return elem;
}

struct member {
	const char *name;
	u32 type, bit_off, bits;
};

static u32 add_struct(struct walk *w, Dwarf_Die *die, u32 size, u32 nest)
{
	enum btf_kind kind = dwarf_tag(die) == DW_TAG_union_type ? BTF_UNION : BTF_STRUCT;
	const char *name = dwarf_diename(die);
	VEC(struct member) members = {0};
	Dwarf_Die child;
	u32 id = 0;

	/* Members' types first: a member belongs to the type that was added last. */
	if (!dwarf_child(die, &child))
		do {
			Dwarf_Die type;
			Dwarf_Attribute attr;
			u64 off = 0, bit_off, bits = 0;
			const char *mname = dwarf_diename(&child);

			if (dwarf_tag(&child) != DW_TAG_member || members.n >= MEMBERS_MAX)
				continue;
			if (!dwarf_attr_integrate(&child, DW_AT_type, &attr) ||
			    !dwarf_formref_die(&attr, &type))
				continue;
			number(&child, DW_AT_data_member_location, &off);
			number(&child, DW_AT_bit_size, &bits);
			if (!number(&child, DW_AT_data_bit_offset, &bit_off))
				bit_off = off * 8;
			if (bit_off > UINT32_MAX || bits > 64 || !vec_reserve(&members, 1))
				continue;
			u32 tid = add_type(w, &type, nest + 1);
			if (tid)
				members.p[members.n++] = (struct member){ mname ? mname : "", tid,
									  (u32)bit_off, (u32)bits };
		} while (!dwarf_siblingof(&child, &child));
	id = btf_add_struct(&w->b, kind, name, size);
	for (u32 i = 0; i < members.n; i++)
		btf_add_member(&w->b, members.p[i].name, members.p[i].type, members.p[i].bit_off,
			       members.p[i].bits);
	vec_free(&members);
	return id;
}

static u32 add_enum(struct walk *w, Dwarf_Die *die, u32 size)
{
	u32 id = btf_add_enum(&w->b, dwarf_diename(die), size, false);
	Dwarf_Die child;

	if (!dwarf_child(die, &child))
		do {
			const char *name = dwarf_diename(&child);
			u64 value;

			if (dwarf_tag(&child) == DW_TAG_enumerator && name &&
			    number(&child, DW_AT_const_value, &value))
				btf_add_enumerator(&w->b, name, value);
		} while (!dwarf_siblingof(&child, &child));
	return id;
}

/* 0 where the type can't be told. */
static u32 add_type(struct walk *w, Dwarf_Die *die, u32 nest)
{
	Dwarf_Attribute attr;
	Dwarf_Die target;
	int size = dwarf_bytesize(die);

	if (nest > NEST_MAX || ++w->n_structs > STRUCTS_MAX)
		return 0;
	switch (dwarf_tag(die)) {
	case DW_TAG_base_type:
		return size > 0 && size <= 16 ? add_base(w, die, (u32)size) : 0;
	case DW_TAG_pointer_type:
		return btf_add(&w->b, NULL, BTF_PTR, false, 0, 0);
	case DW_TAG_enumeration_type:
		return size > 0 && size <= 8 ? add_enum(w, die, (u32)size) : 0;
	case DW_TAG_structure_type:
	case DW_TAG_union_type:
		return size >= 0 ? add_struct(w, die, (u32)size, nest) : 0;
	case DW_TAG_array_type:
	case DW_TAG_typedef:
	case DW_TAG_const_type:
	case DW_TAG_volatile_type:
		if (!dwarf_attr_integrate(die, DW_AT_type, &attr) ||
		    !dwarf_formref_die(&attr, &target))
			return 0;
		u32 id = add_type(w, &target, nest + 1);
		return id && dwarf_tag(die) == DW_TAG_array_type ? add_array(w, die, id) : id;
	default:
		return 0;
	}
}

static void add_units(struct walk *w, Dwarf *dw)
{
	Dwarf_Off off = 0, next;
	size_t header;

	while (!dwarf_nextcu(dw, off, &next, &header, NULL, NULL, NULL)) {
		Dwarf_Die unit, child;

		if (dwarf_offdie(dw, off + header, &unit) && !dwarf_child(&unit, &child))
			do {
				if (dwarf_tag(&child) == DW_TAG_structure_type && dwarf_diename(&child))
					add_type(w, &child, 0);
			} while (!dwarf_siblingof(&child, &child));
		if (next <= off)
			break;
		off = next;
	}
}

int dwarf_structs(const void *elf, size_t size, struct btf **out)
{
	struct walk w = {0};
	int err = -ENOENT;
	Dwarf *dw = NULL;
	Elf *e;

	elf_version(EV_CURRENT);
	e = elf_memory((char *)elf, size);
	if (e)
		dw = dwarf_begin_elf(e, DWARF_C_READ, NULL);
	if (!dw)
		goto out;
	w.index_type = btf_add_int(&w.b, "int", 4, BTF_INT_SIGNED);
	add_units(&w, dw);
	if (w.n_structs)
		err = btf_build(&w.b, NULL, (struct place){0}, out);
out:
	btf_builder_free(&w.b);
	if (dw)
		dwarf_end(dw);
	elf_end(e);
	return err;
}
