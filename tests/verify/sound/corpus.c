/* SPDX-License-Identifier: BSD-2-Clause */
/* Cases of ../shared/corpus/verifier that a world can run: no kernel types, plain maps. */
#include "sound.h"
#include "parity/vcase.h"
#include "verify/load_check.h"

struct corpus {
	struct vcases cases;
};

struct corpus *corpus_read(const char *dir, u32 *n)
{
	struct corpus *c = calloc(1, sizeof(*c));

	if (!c || vcases_read(dir, NULL, "*", &c->cases)) {
		corpus_free(c);
		return NULL;
	}
	*n = c->cases.all.n;
	return c;
}

void corpus_free(struct corpus *c)
{
	if (c)
		vcases_free(&c->cases);
	free(c);
}

static bool map_of(const struct vc_map *from, struct verify_map *m)
{
	*m = (struct verify_map){ .name = "", .type = from->type, .key_size = from->key_size,
				  .value_size = from->value_size,
				  .max_entries = from->max_entries, .flags = from->flags };
	return !from->blob && !from->inner && !from->frozen && from->max_entries <= 1024;
}

bool corpus_subject(struct corpus *corpus, u32 i, struct subject *out)
{
	const struct vcase *c = corpus->cases.all.p[i];

	if (c->error || c->attach != VC_NO_ATTACH || c->names.n || c->maps.n > MAPS_MAX ||
	    (c->btf && !c->btf->btf))
		return false;
	*out = (struct subject){
		.name = c->name, .n_insns = c->n_insns, .prog_type = c->prog_type,
		.attach_type = load_attach_type(c->prog_type, c->attach_type), .flags = c->flags,
		.gpl = load_license_is_gpl(c->license), .n_maps = c->maps.n,
		.btf = c->btf ? c->btf->btf : NULL, .funcs = (const void *)c->funcs.p,
		.n_funcs = c->funcs.n,
	};
	for (u32 k = 0; k < c->maps.n; k++)
		if (!map_of(&c->maps.p[k], &out->maps[k]))
			return false;
	out->insns = malloc((c->n_insns + 1) * sizeof(struct insn));
	memcpy(out->insns, c->insns, c->n_insns * sizeof(struct insn));
	for (u32 k = 0; k < c->fixes.n; k++)
		if (c->fixes.p[k].pc < c->n_insns)
			out->insns[c->fixes.p[k].pc].imm = FD_FIRST + (s32)c->fixes.p[k].map;
	return true;
}
