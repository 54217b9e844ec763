/* SPDX-License-Identifier: BSD-2-Clause */
/* parity/judge.c - a case as a struct verify_prog, and what verify() says of it. */
#include "parity/judge.h"
#include "explain/witness.h"
#include "verify/load_check.h"
#include "verify/record.h"
#include <errno.h>
#include <stdio.h>
#include <time.h>

enum {
	FIRST_FD = 4, /* as in the process that recorded the verdicts: some messages name it */
	/* where an arena without an address of its own is mapped by whoever loads it */
	ARENA_ADDR = 0x40000000,
};

struct host {
	const struct vcase *c;
	const struct profile *k;
	struct verify_map *maps; /* of each c->maps */
	s32 *fds;
	struct arena arena;
};

static const struct verify_map *host_map(void *arg, s32 fd)
{
	struct host *h = arg;

	if (fd < FIRST_FD || (u32)(fd - FIRST_FD) >= h->c->maps.n)
		return NULL;
	return &h->maps[fd - FIRST_FD];
}

static const struct btf *host_btf(void *arg, s32 fd, bool *module)
{
	struct host *h = arg;

	*module = false;
	return fd == 0 ? h->k->btf : NULL;
}

/* ---- names of the kernel ---- */

s64 judge_attach_id(const struct vcase *c, const struct profile *k)
{
	static const struct {
		const char *prefix;
		enum btf_kind kind;
	} how[] = {
		[VC_FUNC] = { "", BTF_FUNC },
		[VC_LSM] = { "bpf_lsm_", BTF_FUNC },
		[VC_ITER] = { "bpf_iter_", BTF_FUNC },
		[VC_RAW_TP] = { "btf_trace_", BTF_TYPEDEF },
		[VC_STRUCT] = { "", BTF_STRUCT },
	};
	char name[256];
	u32 id;

	if (c->attach == VC_NO_ATTACH)
		return 0;
	snprintf(name, sizeof(name), "%s%s", how[c->attach].prefix, c->attach_name);
	id = profile_find(k, name, how[c->attach].kind);
	return id ? (s64)id : -1;
}

struct insn *judge_insns(const struct vcase *c, const struct profile *k, const s32 *map_fds)
{
	struct insn *insns = malloc((size_t)(c->n_insns + 1) * sizeof(*insns));

	if (!insns)
		return NULL;
	memcpy(insns, c->insns, c->n_insns * sizeof(*insns));
	for (u32 i = 0; i < c->fixes.n; i++)
		if (c->fixes.p[i].pc < c->n_insns)
			insns[c->fixes.p[i].pc].imm = map_fds[c->fixes.p[i].map];
	for (u32 i = 0; i < c->names.n; i++) {
		const struct vc_name *n = &c->names.p[i];
		u32 id = n->is_var ? profile_find(k, n->name, BTF_VAR) : 0;

		if (!id) /* a wide load may take the address of a function, too */
			id = profile_find(k, n->name, BTF_FUNC);
		if (!id || n->pc >= c->n_insns) {
			free(insns);
			return NULL;
		}
		insns[n->pc].imm = (s32)id;
	}
	return insns;
}

/* ---- maps ---- */

static s32 map_index(const struct vcase *c, const char *label)
{
	for (u32 i = 0; i < c->maps.n; i++)
		if (strcmp(c->maps.p[i].label, label) == 0)
			return (s32)i;
	return -1;
}

/* What BPF_BTF_LOAD says of it. */
static int blob_check(struct host *h, const struct vc_blob *b)
{
	struct struct_metas metas;

	return b->err ? b->err : struct_metas_make(b->btf, h->k, &h->arena, &metas);
}

static int map_make(struct host *h, u32 i)
{
	const struct vc_map *from = &h->c->maps.p[i];
	s32 inner = from->inner ? map_index(h->c, from->inner) : -1;
	struct verify_map *m = &h->maps[i];
	struct profile maker = *h->k;
	int err;

	*m = (struct verify_map){
		.name = "", .type = from->type, .key_size = from->key_size,
		.value_size = from->value_size, .max_entries = from->max_entries,
		.flags = from->flags, .extra = from->extra,
		.btf = from->blob ? from->blob->btf : NULL,
		.btf_key_id = from->btf_key, .btf_value_id = from->btf_value,
		.inner = inner >= 0 && inner < (s32)i ? &h->maps[inner] : NULL,
		.frozen = from->frozen,
		.value = from->first ? from->first :
			 from->frozen ? arena_alloc(&h->arena, from->value_size + 8) : NULL,
	};
	if (from->type == BPF_MAP_TYPE_ARENA)
		m->user_addr = from->extra ? from->extra : ARENA_ADDR;
	maker.caps = CAPS_ALL; /* the recorded maps were made by a process with every capability */
	err = from->blob ? blob_check(h, from->blob) : 0;
	if (!err)
		err = load_check_map(m, &maker);
	m->flags = load_map_flags(m->type, m->flags);
	if (!err && m->btf_value_id)
		err = m->btf ? map_record_make(m, &maker, &h->arena) : -EBADF;
	return err;
}

static int maps_make(struct host *h)
{
	int err = 0;

	h->maps = calloc(h->c->maps.n + 1, sizeof(*h->maps));
	h->fds = calloc(h->c->maps.n + 1, sizeof(*h->fds));
	for (u32 i = 0; i < h->c->maps.n && !err; i++) {
		h->fds[i] = FIRST_FD + (s32)i;
		err = map_make(h, i);
	}
	return err;
}

/* ---- the verdict ---- */

static u64 cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (u64)t.tv_sec * 1000000000ull + (u64)t.tv_nsec;
}

static void find_witness(const struct verify_prog *p, const struct profile *k,
			 const struct verify_result *res, u32 budget_ms, struct judged *out)
{
	struct witness *w = NULL;
	char message[128];

	out->why = res->why;
	if (witness_find(p, k, res, budget_ms, &w))
		return;
	witness_write(w, &out->witness);
	witness_free(w);
	/* what counts is that the file fails again */
	if (witness_read(str_text(&out->witness), out->witness.len, &w, message, sizeof(message)))
		return;
	out->has_witness = !witness_replay(w);
	witness_free(w);
}

/* witness_ms: how long an input that fails is looked for; 0: not at all. */
static void run(const struct verify_prog *p, const struct profile *k, u32 log, u32 witness_ms,
		struct judged *out)
{
	struct verify_opts o = { .log_level = log, .log_max = 256 << 20 };
	struct verify_result res;
	u64 start = cpu_ns(), took;

	out->err = load_check_prog(p, k, NULL);
	if (out->err)
		return;
	out->err = verify(p, k, &o, &res);
	took = cpu_ns() - start;
	if (!out->time_ns || took < out->time_ns)
		out->time_ns = took;
	out->processed = res.processed;
	out->peak_bytes = res.peak_bytes;
	snprintf(out->message, sizeof(out->message), "%s", res.message ? res.message : "");
	free(out->log);
	out->log = res.log;
	res.log = NULL;
	if (witness_ms && out->err)
		find_witness(p, k, &res, witness_ms, out);
	verify_result_free(&res);
}

static void judge_with(const struct vcase *c, const struct profile *k, u32 log, u32 repeat,
		       u32 witness_ms, struct judged *out)
{
	struct host h = { .c = c, .k = k };
	struct insn *insns = NULL;
	s64 attach = judge_attach_id(c, k);
	int err;

	*out = (struct judged){ .err = -EINVAL, .failed = c->error };
	if (c->error)
		return;
	err = maps_make(&h);
	if (!err && c->btf)
		err = blob_check(&h, c->btf);
	if (err) {
		out->err = err;
		snprintf(out->message, sizeof(out->message), "(maps or BTF: %s)", strerror(-err));
		goto out;
	}
	insns = judge_insns(c, k, h.fds);
	if (!insns || attach < 0) {
		out->failed = "names a function or type that this kernel has not";
		goto out;
	}

	struct verify_prog p = {
		.insns = insns, .n_insns = c->n_insns, .type = c->prog_type,
		.attach_type = load_attach_type(c->prog_type, c->attach_type), .flags = c->flags,
		.name = "", .gpl = load_license_is_gpl(c->license), .attach_btf_id = (u32)attach,
		.btf = c->btf ? c->btf->btf : NULL,
		.func_info = (const struct bpf_func_info *)c->funcs.p, .n_func_info = c->funcs.n,
		.host = { .arg = &h, .map = host_map, .btf = host_btf },
	};

	for (u32 i = 0; i < MAX(repeat, 1u); i++)
		run(&p, k, log, witness_ms, out);
out:
	free(insns);
	free(h.maps);
	free(h.fds);
	arena_free(&h.arena);
}

void judge(const struct vcase *c, const struct profile *k, u32 log, u32 repeat, struct judged *out)
{
	judge_with(c, k, log, repeat, 0, out);
}

void judge_witness(const struct vcase *c, const struct profile *k, u32 budget_ms,
		   struct judged *out)
{
	judge_with(c, k, 0, 1, budget_ms, out);
}

/* ---- recorded kernels ---- */

static char *read_xz(const char *path, size_t *size)
{
	struct str cmd = {0};
	char *text = NULL;
	size_t n = 0, cap = 0, got;
	FILE *f;

	str_addf(&cmd, "xz -dc '%s' 2>/dev/null", path);
	f = popen(str_text(&cmd), "r");
	str_free(&cmd);
	if (!f)
		return NULL;
	do {
		if (cap - n < 1 << 16) {
			cap = cap ? cap * 2 : 1 << 20;
			text = realloc(text, cap);
		}
		got = fread(text + n, 1, cap - n - 1, f);
		n += got;
	} while (got);
	if (pclose(f) || !n) {
		free(text);
		return NULL;
	}
	text[n] = '\0';
	*size = n;
	return text;
}

int profile_from_folder(const char *dir, const char *version, struct diag *dg, struct profile *out)
{
	/* whatever kernel judged them, cases were relocated against the types of this one */
	static const char types[] = "6.18";
	static const struct {
		const char *stem, *end;
	} files[] = { { "vmlinux", ".btf" }, { "config", "" }, { "kallsyms", "" } };
	char path[512], name[64];
	int err = profile_init(out);

	snprintf(name, sizeof(name), "Linux %s (recorded)", version);
	err = err ? err : profile_set_name(out, name);
	err = err ? err : profile_set_version(out, version);
	for (u32 i = 0; i < ARRAY_SIZE(files) && !err; i++) {
		struct place at = { .file = path };
		size_t size;
		char *text;

		snprintf(path, sizeof(path), "%s/%s-%s%s.xz", dir, files[i].stem,
			 i == 0 ? types : version, files[i].end);
		text = read_xz(path, &size);
		if (!text)
			return diag_error(dg, at, -ENOENT, "can't read");
		err = i == 0 ? profile_set_btf(out, text, size, at, dg) :
		      i == 1 ? profile_set_config(out, text, size) :
			       profile_set_symbols(out, text, size);
		free(text);
	}
	/* 6.18 is the machine's own kernel, booted with lockdown=integrity, with two CPUs; the others
	 * ran in a guest */
	if (!err && profile_since(out, 6, 18)) {
		out->lockdown_integrity = true;
		out->nr_cpus = 2;
	}
	return err ? err : profile_prepare(out, dg);
}
