/* SPDX-License-Identifier: BSD-2-Clause */
/* engine/user/prog_load.c - BPF_PROG_LOAD: attr checked and copied, the stages of prog.h run, the
 * reasons of a refusal written to the client's log.
 *
 * Kernel 6.18: bpf_prog_load() in kernel/bpf/syscall.c, bpf_check() in kernel/bpf/verifier.c.
 */
#include "base/str.h"
#include "engine/user/command.h"
#include "engine/user/object.h"
#include "engine/user/prog.h"
#include "engine/user/verdict.h"
#include "exec/jit.h"
#include "helper/helper.h"
#include "isa/disasm.h"
#include "verify/load_check.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LICENSE_MAX = 128, FUNC_INFO_BYTES = 8, LINE_INFO_BYTES = 16, REC_SIZE_MAX = 252 };

static const char *helper_name(void *arg, u32 id)
{
	const struct helper_proto *p = helper_proto(id);

	(void)arg;
	return p ? p->name : NULL;
}

/* The insn comes before the reason, as in the verifier's log. */
int prog_refuse(struct prog_load *l, u32 pc, int err, const char *fmt, ...)
{
	const struct disasm_names names = {.helper = helper_name};
	const struct prog_object *p = l->prog;
	struct str text = {0};
	struct prog_line at;
	va_list ap;

	if (prog_line_at(p, pc, &at))
		diag_note(&l->dg, (struct place){0}, "; @ %s:%u", at.file, at.line);
	disasm_insn(&text, &p->insns[pc], p->n_insns - pc, DISASM_KERNEL, &names);
	diag_note(&l->dg, (struct place){0}, "%u: (%02x) %s", pc, p->insns[pc].code,
		  str_text(&text));
	str_free(&text);
	va_start(ap, fmt);
	diag_verror(&l->dg, (struct place){0}, err, fmt, ap);
	va_end(ap);
	return err;
}

static void prog_release(struct session *s, struct object *o)
{
	struct prog_object *p = prog_of(o);

	session_stats_free(s, p->stats);
	for (u32 i = 0; i < p->n_maps; i++)
		object_put(&p->maps[i]->o);
	if (p->btf)
		object_put(&p->btf->o);
	jit_free((struct jit_code *)p->exec.jit);
	free((void *)p->exec.helpers);
	free((void *)p->exec.maps);
	free(p->maps);
	free(p->insns);
	free(p->run);
	free(p->func_info);
	free(p->line_info);
	free(p->attach_name);
	free(p);
}

/* ---- the stages ---- */

/* Records of rec_size bytes, of which the first known ones are taken; a longer record's tail must
 * be 0.  Kernel: check_btf_func(), check_btf_line(). */
static int copy_records(u64 addr, u32 n, u32 rec_size, u32 known, u32 n_max, void **out)
{
	const u8 *from = client_memory(addr, (u64)n * rec_size);

	if (!n)
		return 0;
	if (rec_size < known || rec_size > REC_SIZE_MAX || rec_size % 4 || n > n_max)
		return -EINVAL;
	if (!from)
		return -EFAULT;
	*out = malloc((u64)n * known);
	if (!*out)
		return -ENOMEM;
	for (u32 i = 0; i < n; i++) {
		for (u32 j = known; j < rec_size; j++)
			if (from[(u64)i * rec_size + j])
				return -E2BIG;
		memcpy((u8 *)*out + (u64)i * known, from + (u64)i * rec_size, known);
	}
	return 0;
}

static int stage_btf(struct prog_load *l)
{
	const union bpf_attr *attr = l->attr;
	struct prog_object *p = l->prog;
	struct object *o;
	int err;

	if (!attr->func_info_cnt && !attr->line_info_cnt)
		return 0;
	err = session_by_fd(l->s, (int)attr->prog_btf_fd, OBJECT_BTF, &o);
	if (err)
		return err;
	err = copy_records(attr->func_info, attr->func_info_cnt, attr->func_info_rec_size,
			   FUNC_INFO_BYTES, p->n_insns, &p->func_info);
	if (!err)
		err = copy_records(attr->line_info, attr->line_info_cnt, attr->line_info_rec_size,
				   LINE_INFO_BYTES, p->n_insns, &p->line_info);
	if (err)
		return err == -EFAULT || err == -ENOMEM
			       ? err
			       : diag_error(&l->dg, (struct place){0}, err,
					    "func_info or line_info records of wrong size or number");
	p->n_func_info = attr->func_info_cnt;
	p->n_line_info = attr->line_info_cnt;
	p->btf = btf_of(o);
	object_get(o);
	return 0;
}

/* Native code.  Where there is none for this machine, or the program
 * has no native form, it is interpreted. */
static int compile(const struct session *s, struct prog_object *p)
{
	struct exec_map *maps = calloc(MAX(p->n_maps, 1u), sizeof(*maps));
	struct jit_code *code = NULL;
	int err;

	if (!maps)
		return -ENOMEM;
	for (u32 i = 0; i < p->n_maps; i++) {
		struct map *m = p->maps[i]->map;
		struct map_array_view v = { 0 };

		maps[i] = (struct exec_map){ .map = m, .lookup = map_direct_lookup(m) };
		if (!map_array_view(m, 0, &v) || (v.n_cpus && v.n_cpus < s->n_cpus))
			continue;
		maps[i].values = v.base;
		maps[i].n = v.n;
		maps[i].stride = v.stride;
		maps[i].cpu_stride = v.cpu_stride;
	}
	p->exec.maps = maps;
	p->exec.n_maps = p->n_maps;
	err = jit_compile(&p->exec, &code);
	p->exec.jit = code;
	return err == -ENOMEM ? err : 0;
}

static int stage_exec(struct prog_load *l)
{
	struct prog_object *p = l->prog;
	helper_fn *table = calloc(HELPER_ID_MAX, sizeof(*table));

	if (!table)
		return -ENOMEM;
	helper_table_fill(table, p->type, p->attach_type);
	p->exec = (struct exec_prog){.insns = p->run,
				     .n_insns = p->n_insns,
				     .prog_type = p->type,
				     .helpers = table,
				     .owner = p};
	p->stats = session_stats(l->s);
	return compile(l->s, p);
}

static int (*const stages[])(struct prog_load *l) = {
	stage_btf, prog_verify, prog_resolve, prog_settle, stage_exec,
};

/* ---- attr ---- */

/* Kernel bpf_verifier_log_attr_valid(). */
static int check_log(const union bpf_attr *attr)
{
	if (!!attr->log_buf != !!attr->log_size)
		return -EINVAL;
	if (attr->log_buf && !attr->log_level)
		return -EINVAL;
	if (attr->log_level & ~15u)
		return -EINVAL;
	return attr->log_size > UINT32_MAX >> 2 ? -EINVAL : 0;
}

static int copy_license(u64 addr, char license[LICENSE_MAX])
{
	for (u32 i = 0; i < LICENSE_MAX - 1; i++) {
		if (client_read(&license[i], addr + i, 1))
			return -EFAULT;
		if (!license[i])
			return 0;
	}
	license[LICENSE_MAX - 1] = 0;
	return 0;
}

/* The function or tracepoint that attach_btf_id names in Osmia's own BTF. */
static int find_target(struct session *s, const union bpf_attr *attr, struct prog_object *p)
{
	const struct btf *btf;

	if (attr->attach_prog_fd)
		return -EINVAL;
	if (!attr->attach_btf_id)
		return p->type == BPF_PROG_TYPE_TRACING || p->type == BPF_PROG_TYPE_LSM ? -EINVAL
											: 0;
	btf = s->engine.ops->target_btf(&s->engine, NULL, NULL);
	if (!btf || attr->attach_btf_id >= btf_n_types(btf))
		return -EINVAL;
	p->attach_name = strdup(btf_name(btf, attr->attach_btf_id));
	p->attach_btf_id = attr->attach_btf_id;
	return p->attach_name ? 0 : -ENOMEM;
}

/* Whole attr but the insns: errnos in the kernel's order. */
static int copy_attr(struct session *s, const union bpf_attr *attr, struct prog_object *p)
{
	const struct profile *k = session_profile(s);
	const struct verify_prog vp = {
		.type = attr->prog_type,
		.attach_type = load_attach_type(attr->prog_type, attr->expected_attach_type),
		.flags = attr->prog_flags,
		.n_insns = attr->insn_cnt,
		.attach_btf_id = attr->attach_btf_id,
	};
	char license[LICENSE_MAX];
	int err = k ? load_check_prog(&vp, k, NULL) : -ENOMEM;

	if (err)
		return err;
	p->type = vp.type;
	p->attach_type = vp.attach_type;
	p->flags = vp.flags;
	p->n_insns = vp.n_insns;
	err = copy_license(attr->license, license);
	if (err)
		return err;
	p->gpl = load_license_is_gpl(license);
	if (attr->prog_ifindex)
		return -EINVAL;
	err = name_copy(p->name, attr->prog_name);
	if (err)
		return err;
	err = check_log(attr);
	return err ? err : find_target(s, attr, p);
}

static int copy_insns(const union bpf_attr *attr, struct prog_object *p)
{
	u64 bytes = (u64)p->n_insns * sizeof(struct insn);
	const void *from = client_memory(attr->insns, bytes);

	if (!from)
		return -EFAULT;
	p->insns = malloc(bytes);
	p->run = malloc(bytes);
	if (!p->insns || !p->run)
		return -ENOMEM;
	memcpy(p->insns, from, bytes);
	memcpy(p->run, p->insns, bytes);
	return 0;
}

/* ---- the log ---- */

/* What the verifier wrote, and after it what else was found. */
static void log_text(const struct prog_load *l, struct str *out)
{
	if (l->verdict.log)
		str_addn(out, l->verdict.log, l->verdict.log_len);
	for (u32 i = 0; i < l->dg.n; i++)
		str_addf(out, "%s\n", l->dg.msgs[i].text);
}

/* The end of the text is what counts when the buffer is short, or its beginning where the client says
 * so.  -ENOSPC when it ever was: at level 1 an accepted program's text is taken back.  Kernel
 * bpf_vlog_finalize(). */
static int write_log(const struct prog_load *l, union bpf_attr *attr)
{
	struct str text = {0};
	u32 room = attr->log_size, skip = 0, n;
	u64 longest;
	int err = 0;

	log_text(l, &text);
	n = (u32)MIN(text.len, (size_t)UINT32_MAX - 1);
	longest = MAX(l->verdict.log_peak, (u64)n) + 1;
	attr->log_true_size = (u32)MIN(longest, (u64)UINT32_MAX);
	if (attr->log_buf) {
		if (longest > room)
			err = -ENOSPC;
		if (n + 1 > room) {
			skip = attr->log_level & LOG_FIXED ? 0 : n + 1 - room;
			n = room - 1 + skip;
		}
		if (client_write(attr->log_buf, str_text(&text) + skip, n - skip) ||
		    client_write(attr->log_buf + (n - skip), "", 1))
			err = -EFAULT;
	}
	str_free(&text);
	return err;
}

static int run_stages(struct prog_load *l, union bpf_attr *attr)
{
	int err = 0, log_err;

	for (u32 i = 0; i < ARRAY_SIZE(stages) && !err; i++)
		err = stages[i](l);
	if (attr->log_level) {
		log_err = write_log(l, attr);
		if (log_err)
			err = log_err;
	}
	return err;
}

static struct prog_object *prog_new(void)
{
	struct timespec now;
	struct prog_object *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	clock_gettime(CLOCK_BOOTTIME, &now);
	p->o.kind = OBJECT_PROG;
	p->o.fd = -1;
	p->o.release = prog_release;
	p->load_time_ns = (u64)now.tv_sec * 1000000000 + (u64)now.tv_nsec;
	p->uid = geteuid();
	return p;
}

static int prog_enter(struct session *s, struct prog_object *p)
{
	int err;

	p->o.fd = file_new(&s->run, "bpf-prog", true);
	if (p->o.fd < 0)
		return p->o.fd;
	prog_tag(p, p->tag);
	err = session_add(s, &p->o);
	return err ? err : object_write(s, &p->o, p->insns, p->n_insns * sizeof(struct insn));
}

int cmd_prog_load(struct session *s, union bpf_attr *attr)
{
	struct prog_load l = {.s = s, .attr = attr};
	int err;

	l.prog = prog_new();
	if (!l.prog)
		return -ENOMEM;
	err = copy_attr(s, attr, l.prog);
	if (!err)
		err = copy_insns(attr, l.prog);
	if (!err)
		err = run_stages(&l, attr);
	diag_free(&l.dg);
	verify_result_free(&l.verdict);
	free(l.fds);
	if (err) {
		object_free(s, &l.prog->o);
		return err;
	}
	err = prog_enter(s, l.prog);
	if (err && !l.prog->o.id)
		object_free(s, &l.prog->o);
	return err ? err : session_publish(s, &l.prog->o, FILE_RDWR);
}

/* ---- what is known of a loaded program ---- */

/* line_info ascends; the last record at or before pc is the insn's. */
bool prog_line_at(const struct prog_object *p, u32 pc, struct prog_line *out)
{
	const struct bpf_line_info *info = p->line_info;
	const struct bpf_line_info *best = NULL;

	if (!p->btf)
		return false;
	for (u32 i = 0; i < p->n_line_info && info[i].insn_off <= pc; i++)
		best = &info[i];
	if (!best)
		return false;
	*out = (struct prog_line){.pc = pc,
				  .line = best->line_col >> 10,
				  .col = best->line_col & 0x3ff,
				  .file = btf_str(p->btf->btf, best->file_name_off)};
	return true;
}

int cmd_prog_bind_map(struct session *s, union bpf_attr *attr)
{
	struct object *prog, *map;
	struct map_object **maps;
	struct prog_object *p;
	int err;

	if (attr->prog_bind_map.flags)
		return -EINVAL;
	err = session_by_fd(s, (int)attr->prog_bind_map.prog_fd, OBJECT_PROG, &prog);
	if (!err)
		err = session_by_fd(s, (int)attr->prog_bind_map.map_fd, OBJECT_MAP, &map);
	if (err)
		return err;
	p = prog_of(prog);
	for (u32 i = 0; i < p->n_maps; i++)
		if (p->maps[i] == map_of(map))
			return 0;
	maps = realloc(p->maps,
		       MAX(p->n_maps + 1, (u32)BPF_MAX_USED_MAPS) * sizeof(struct map_object *));
	if (!maps)
		return -ENOMEM;
	p->maps = maps;
	p->maps[p->n_maps++] = map_of(map);
	object_get(map);
	return 0;
}
