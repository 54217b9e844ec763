/* SPDX-License-Identifier: BSD-2-Clause */
/* lang/bt/check_dump.c - the checked programs with their types, for --dump=types. */
#include "lang/bt/check_inner.h"
#include "lang/bt/probe.h"

static void print(struct sema *s, const struct node *n, u32 depth, struct str *out)
{
	for (u32 i = 0; i < depth; i++)
		str_addc(out, ' ');
	str_add(out, node_kind_text(n->kind));
	if (n->op)
		str_addf(out, " %s", bt_op_text(n->op));
	if (*n->text && n->kind != NODE_C)
		str_addf(out, " %s", n->text);
	if (n->type && sema_is_known(n->type))
		str_addf(out, " : %s", stype_name(sema_types(s), n->type));
	if (n->is_const)
		str_addf(out, " = %lld", (long long)n->konst);
	str_addc(out, '\n');
	for (const struct node *k = n->kids; k; k = k->next)
		print(s, k, depth + 1, out);
}

void bt_print_types(struct sema *s, struct str *out)
{
	for (u32 i = 0; i < s->maps.n; i++) {
		const struct bt_map *m = s->maps.p[i];

		str_addf(out, "%s[%s] : %s\n", m->name,
			 m->key && m->key->kind != ST_NONE ? stype_name(sema_types(s), m->key) : "",
			 m->value ? stype_name(sema_types(s), m->value) : "?");
	}
	for (u32 i = 0; i < s->fns.n; i++)
		print(s, s->fns.p[i], 0, out);
	for (u32 i = 0; i < s->probes.n; i++)
		print(s, s->probes.p[i]->node, 0, out);
}
