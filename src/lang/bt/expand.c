/* SPDX-License-Identifier: BSD-2-Clause */
/* lang/bt/expand.c - what comes before everything else, in this order.
 *
 *	settings.c         config blocks, BPFTRACE_ variables
 *	expand_import.c    imports; the C part
 *	expand_macro.c     macros
 *	expand_param.c     $1, $#, #defines
 *
 * The tree is changed in place.  Mistakes are told at once: nothing here is done twice.
 */
#include "lang/bt/check_inner.h"
#include "lang/bt/func.h"
#include <errno.h>

enum { FNS_MAX = 255 }; /* kernel/bpf/verifier.c: BPF_MAX_SUBPROGS, the program itself apart */

static void collect_fns(struct sema *s)
{
	for (struct node *n = s->prog->root->kids; n; n = n->next) {
		if (n->kind != NODE_FN)
			continue;
		if (bt_func_find(n->text))
			sema_error(s, n,
				   "'%s' is a function that is there already: choose another name",
				   n->text);
		for (u32 i = 0; i < s->fns.n; i++)
			if (!strcmp(s->fns.p[i]->text, n->text))
				sema_error(s, n, "function '%s' is defined twice", n->text);
		if (s->fns.n == FNS_MAX) {
			sema_error(s, n, "more than %d functions", FNS_MAX);
			return;
		}
		if (!vec_push(&s->fns, n))
			s->failed = true;
	}
}

int bt_expand(struct sema *s)
{
	s->final = true;
	expand_imports(s);
	bt_settings_load(s);
	s->final = true;
	expand_c(s);
	expand_macros(s);
	expand_params(s);
	collect_fns(s);
	s->final = false;
	return s->failed ? -EINVAL : 0;
}
