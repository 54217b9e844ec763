/* SPDX-License-Identifier: BSD-2-Clause */
/* btf/print_raw.c - one line a type, its members on lines of their own, as bpftool prints them. */
#include "btf/print.h"
#include <ctype.h>
#include <string.h>

static const char *linkage_text(u32 linkage)
{
	static const char *const texts[] = { "static", "global", "extern" };

	return linkage < ARRAY_SIZE(texts) ? texts[linkage] : "unknown";
}

static const char *encoding_text(u32 encoding)
{
	switch (encoding) {
	case 0:
		return "(none)";
	case BTF_INT_SIGNED:
		return "SIGNED";
	case BTF_INT_CHAR:
		return "CHAR";
	case BTF_INT_BOOL:
		return "BOOL";
	}
	return "UNKN";
}

static void add_kind(struct str *out, u32 kind)
{
	for (const char *p = btf_kind_text(kind); *p; p++)
		str_addc(out, toupper((unsigned char)*p));
}

static void add_members(const struct btf *btf, const struct btf_type *t, struct str *out)
{
	for (u32 i = 0; i < btf_vlen(t); i++) {
		const char *name = btf_str(btf, btf_members(t)[i].name_off);

		str_addf(out, "\n\t'%s' type_id=%u bits_offset=%u", *name ? name : "(anon)",
			 btf_members(t)[i].type, btf_member_bit_off(t, i));
		if (btf_member_bits(t, i))
			str_addf(out, " bitfield_size=%u", btf_member_bits(t, i));
	}
}

static void add_enumerators(const struct btf *btf, const struct btf_type *t, struct str *out)
{
	str_addf(out, " encoding=%s size=%u vlen=%u", btf_kflag(t) ? "SIGNED" : "UNSIGNED", t->size,
		 btf_vlen(t));
	for (u32 i = 0; i < btf_vlen(t); i++) {
		u64 v = btf_enum_value(t, i);

		str_addf(out, btf_kflag(t) ? "\n\t'%s' val=%ld" : "\n\t'%s' val=%lu",
			 btf_str(btf, btf_enum_name_off(t, i)), v);
		if (btf_kind(t) == BTF_ENUM64)
			str_add(out, btf_kflag(t) ? "LL" : "ULL");
	}
}

static void add_params(const struct btf *btf, const struct btf_type *t, struct str *out)
{
	str_addf(out, " ret_type_id=%u vlen=%u", t->type, btf_vlen(t));
	for (u32 i = 0; i < btf_vlen(t); i++) {
		const char *name = btf_str(btf, btf_params(t)[i].name_off);

		str_addf(out, "\n\t'%s' type_id=%u", *name ? name : "(anon)", btf_params(t)[i].type);
	}
}

static void add_section(const struct btf *btf, const struct btf_type *t, struct str *out)
{
	str_addf(out, " size=%u vlen=%u", t->size, btf_vlen(t));
	for (u32 i = 0; i < btf_vlen(t); i++) {
		const struct btf_secinfo *vs = &btf_secinfos(t)[i];

		str_addf(out, "\n\ttype_id=%u offset=%u size=%u (%s '%s')", vs->type, vs->offset,
			 vs->size, btf_kind(btf_type(btf, vs->type)) == BTF_FUNC ? "FUNC" : "VAR",
			 btf_name(btf, vs->type));
	}
}

void btf_print_raw(const struct btf *btf, u32 id, struct str *out)
{
	const struct btf_type *t = btf_type(btf, id);
	const char *name = btf_str(btf, t->name_off);

	str_addf(out, "[%u] ", id);
	add_kind(out, btf_kind(t));
	str_addf(out, " '%s'", *name ? name : "(anon)");
	switch (btf_kind(t)) {
	case BTF_INT:
		str_addf(out, " size=%u bits_offset=%u nr_bits=%u encoding=%s", t->size,
			 btf_int_bit_off(t), btf_int_bits(t), encoding_text(btf_int_encoding(t)));
		break;
	case BTF_ARRAY:
		str_addf(out, " type_id=%u index_type_id=%u nr_elems=%u", btf_array(t)->type,
			 btf_array(t)->index_type, btf_array(t)->n);
		break;
	case BTF_STRUCT:
	case BTF_UNION:
		str_addf(out, " size=%u vlen=%u", t->size, btf_vlen(t));
		add_members(btf, t, out);
		break;
	case BTF_ENUM:
	case BTF_ENUM64:
		add_enumerators(btf, t, out);
		break;
	case BTF_FWD:
		str_addf(out, " fwd_kind=%s", btf_kflag(t) ? "union" : "struct");
		break;
	case BTF_FUNC:
		str_addf(out, " type_id=%u linkage=%s", t->type, linkage_text(btf_func_linkage(t)));
		break;
	case BTF_FUNC_PROTO:
		add_params(btf, t, out);
		break;
	case BTF_VAR:
		str_addf(out, " type_id=%u, linkage=%s", t->type, linkage_text(btf_var_linkage(t)));
		break;
	case BTF_DATASEC:
		add_section(btf, t, out);
		break;
	case BTF_FLOAT:
		str_addf(out, " size=%u", t->size);
		break;
	case BTF_DECL_TAG:
		str_addf(out, " type_id=%u component_idx=%d", t->type, btf_decl_tag_index(t));
		break;
	default:
		str_addf(out, " type_id=%u", t->type);
	}
	str_addc(out, '\n');
}
