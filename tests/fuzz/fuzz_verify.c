/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz_verify.c - any bytes as a program with its maps, BTF, func_info and line_info, verified.
 *
 *	head | maps | func_info | line_info | BTF | insns
 *
 * What must hold: no crash, memory within what was asked for, a reason and a message for each refusal
 * by the verifier itself, and the same verdict again.  With the running kernel's BTF where there is one.
 */
#include "base/arena.h"
#include "verify/load_check.h"
#include "verify/record.h"
#include "verify/verify.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

enum {
	FIRST_FD = 100,
	MAPS_MAX = 4,
	INSNS_MAX = 4000,           /* walked, so that no input takes long under sanitizers */
	STATE_BYTES = 16 << 20,
};

struct head {
	u8 prog_type, attach_type, flags, how; /* how: HOW_* */
	u8 n_maps, n_funcs, n_lines, gpl;
	u16 btf_bytes, attach_btf_id;
};
enum { HOW_CAPS = 3, HOW_KERNEL_BTF = 4, HOW_LOG = 8 };

struct map_bytes {
	u8 type, key_size, flags, frozen;
	u16 value_size, btf_value_id;
	u32 max_entries;
};

struct host {
	struct verify_map maps[MAPS_MAX];
	u32 n_maps;
	struct arena arena;
};

struct input {
	const u8 *p;
	size_t left;
};

/* The next n bytes, aligned; NULL: there are not as many. */
static void *take(struct input *in, struct arena *a, size_t n)
{
	void *copy;

	if (n > in->left)
		return NULL;
	copy = arena_alloc(a, n + 1);
	memcpy(copy, in->p, n);
	in->p += n;
	in->left -= n;
	return copy;
}

static const struct verify_map *host_map(void *arg, s32 fd)
{
	struct host *h = arg;

	return fd >= FIRST_FD && (u32)(fd - FIRST_FD) < h->n_maps ? &h->maps[fd - FIRST_FD] : NULL;
}

static const struct btf *host_btf(void *arg, s32 fd, bool *module)
{
	(void)arg, (void)fd;
	*module = false;
	return NULL;
}

static struct profile *profile_with(bool kernel_btf)
{
	static struct profile profiles[2];
	struct profile *k = &profiles[kernel_btf];
	struct diag dg = { 0 };

	if (k->name)
		return k;
	if (kernel_btf && profile_running(&dg, k)) {
		diag_free(&dg);
		return profile_with(false);
	}
	if (!kernel_btf && (profile_init(k) || profile_set_name(k, "no kernel") ||
			    profile_set_version(k, "6.18")))
		abort();
	if (profile_prepare(k, &dg) && kernel_btf)
		return profile_with(false);
	diag_free(&dg);
	return k;
}

static void maps_make(struct host *h, struct input *in, u32 n, const struct btf *btf,
		      const struct profile *k)
{
	for (u32 i = 0; i < n && i < MAPS_MAX; i++) {
		const struct map_bytes *b = take(in, &h->arena, sizeof(*b));
		struct verify_map *m = &h->maps[h->n_maps];

		if (!b)
			return;
		*m = (struct verify_map){
			.name = "", .type = b->type, .key_size = b->key_size, .flags = b->flags,
			.value_size = b->value_size, .max_entries = b->max_entries,
			.frozen = b->frozen & 1, .btf = b->btf_value_id ? btf : NULL,
			.btf_value_id = btf ? b->btf_value_id : 0,
			.inner = i ? &h->maps[0] : NULL,
		};
		if (m->frozen)
			m->value = arena_alloc(&h->arena, m->value_size + 8);
		if (m->btf_value_id && map_record_make(m, k, &h->arena))
			m->record = NULL;
		h->n_maps++;
	}
}

static void judge(const struct verify_prog *p, const struct profile *k, u32 level)
{
	struct verify_opts o = {
		.log_level = level, .log_max = 1 << 16, .max_bytes = STATE_BYTES,
		.max_insns = INSNS_MAX,
	};
	struct verify_result first, again;

	verify(p, k, &o, &first);
	verify(p, k, &o, &again);
	if (first.err != again.err || first.processed != again.processed ||
	    first.peak_bytes > STATE_BYTES)
		abort();
	if (first.why == WHY_BUG && first.message && strstr(first.message, "verifier bug"))
		abort();
	verify_result_free(&first);
	verify_result_free(&again);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static const enum profile_caps caps[4] = { CAPS_ALL, CAPS_NOPERFMON, CAPS_UNPRIV, CAPS_ALL };
	struct input in = { data, size };
	struct host h = { 0 };
	const struct head *head = take(&in, &h.arena, sizeof(*head));
	struct verify_prog p = { .name = "", .host = { &h, host_map, host_btf } };
	struct btf *btf = NULL;
	struct diag dg = { 0 };
	struct profile k;
	const void *raw;

	if (!head)
		goto out;
	k = *profile_with(head->how & HOW_KERNEL_BTF);
	k.caps = caps[head->how & HOW_CAPS];
	k.jit = true;
	raw = take(&in, &h.arena, head->btf_bytes);
	if (raw && btf_parse(raw, head->btf_bytes, NULL, 0, &dg, (struct place){ 0 }, &btf))
		btf = NULL;
	maps_make(&h, &in, head->n_maps % (MAPS_MAX + 1), btf, &k);
	p.func_info = take(&in, &h.arena, head->n_funcs * sizeof(*p.func_info));
	p.n_func_info = p.func_info ? head->n_funcs : 0;
	p.line_info = take(&in, &h.arena, head->n_lines * sizeof(*p.line_info));
	p.n_line_info = p.line_info ? head->n_lines : 0;
	p.btf = btf;
	p.n_insns = (u32)(in.left / sizeof(struct insn));
	p.insns = take(&in, &h.arena, p.n_insns * sizeof(struct insn));
	p.type = head->prog_type;
	p.attach_type = load_attach_type(p.type, head->attach_type);
	p.flags = head->flags;
	p.gpl = head->gpl & 1;
	p.attach_btf_id = head->attach_btf_id;
	if (!load_check_prog(&p, &k, NULL))
		judge(&p, &k, head->how & HOW_LOG ? VERIFY_LOG1 | VERIFY_LOG2 : 0);
out:
	btf_free(btf);
	diag_free(&dg);
	arena_free(&h.arena);
	return 0;
}
