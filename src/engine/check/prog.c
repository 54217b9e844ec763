/* SPDX-License-Identifier: BSD-2-Clause */
/* engine/check/prog.c - BPF_PROG_LOAD: the verifier's verdict, its log, and where in the source. */
#include "engine/check/priv.h"
#include "isa/disasm.h"
#include "verify/load_check.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

void check_verdict_clear(struct check_verdict *v)
{
	verify_result_free(&v->res);
	free(v->insn);
	free(v->file);
	free(v->source);
	*v = (struct check_verdict){0};
}

static const struct verify_map *host_map(void *arg, s32 fd)
{
	struct check_object *o = check_find(arg, fd, CHECK_MAP);

	return o ? &o->map : NULL;
}

static const struct btf *host_btf(void *arg, s32 fd, bool *module)
{
	struct engine_check *c = arg;
	struct check_object *o;

	*module = false;
	if (!fd)
		return c->k->btf;
	o = check_find(c, fd, CHECK_BTF);
	return o ? o->btf : NULL;
}

/* ---- where in the source ---- */


static void find_source(struct check_verdict *v, const struct verify_prog *p)
{
	const struct bpf_line_info *best = NULL;
	const char *file, *text;

	for (u32 i = 0; i < p->n_line_info && p->btf; i++)
		if (p->line_info[i].insn_off <= v->res.pc)
			best = &p->line_info[i];
	if (!best)
		return;
	file = btf_str(p->btf, best->file_name_off);
	text = btf_str(p->btf, best->line_off);
	text += strspn(text, " \t");
	v->file = strdup(file);
	v->source = strdup(text);
	v->line = best->line_col >> 10;
	v->col = best->line_col & 0x3ff;
}

static const char *helper_name(void *arg, u32 id)
{
	const struct helper_proto *p = helper_proto(id);

	(void)arg;
	return p ? p->name : NULL;
}

static const char *kfunc_name(void *arg, const struct insn *call)
{
	const struct engine_check *c = arg;
	const char *name = c->k->btf && !call->off ? btf_name(c->k->btf, (u32)call->imm) : "";

	return *name ? name : NULL;
}

static void find_insn(struct engine_check *c, struct check_verdict *v, const struct verify_prog *p)
{
	const struct disasm_names names = { .arg = c, .helper = helper_name, .kfunc = kfunc_name };
	struct str text = {0};

	if (v->res.pc >= p->n_insns)
		return;
	disasm_insn(&text, &p->insns[v->res.pc], p->n_insns - v->res.pc, DISASM_KERNEL, &names);
	v->insn = str_take(&text);
}

/* ---- the log ---- */

/* Where nobody asked for one beforehand, the insn and the reason are what a reader of the log's end
 * looks for. */
static void short_log(const struct check_verdict *v, const struct verify_prog *p, struct str *out)
{
	if (v->insn)
		str_addf(out, "%u: (%02x) %s\n", v->res.pc, p->insns[v->res.pc].code, v->insn);
	if (v->res.message && *v->res.message)
		str_addf(out, "%s\n", v->res.message);
	str_addf(out, "processed %u insns (limit %d) max_states_per_insn %u total_states %u "
		      "peak_states %u mark_read 0\n",
		 v->res.processed, BPF_COMPLEXITY_INSNS, v->res.max_states_per_insn,
		 v->res.total_states, v->res.peak_states);
}

/* The end of the text counts when the buffer is short: -ENOSPC then, as bpf_vlog_finalize(). */
static int log_out(const struct check_verdict *v, const struct verify_prog *p, union bpf_attr *attr)
{
	struct str text = {0};
	const char *from = v->res.log;
	size_t n = v->res.log_len, skip = 0;

	if (!from) {
		short_log(v, p, &text);
		from = str_text(&text);
		n = text.len;
	}
	attr->log_true_size = (u32)MIN(n + 1, (size_t)UINT32_MAX);
	if (attr->log_buf && attr->log_size) {
		skip = n + 1 > attr->log_size ? n + 1 - attr->log_size : 0;
		memcpy((void *)attr->log_buf, from + skip, n - skip);
		((char *)attr->log_buf)[n - skip] = '\0';
	}
	str_free(&text);
	return skip ? -ENOSPC : 0;
}

/* Kernel bpf_verifier_log_attr_valid(). */
static int log_attr_ok(const union bpf_attr *attr)
{
	if (!!attr->log_buf != !!attr->log_size || (attr->log_buf && !attr->log_level) ||
	    attr->log_level & ~15u || attr->log_size > UINT32_MAX >> 2)
		return -EINVAL;
	return 0;
}

/* ---- the load ---- */

static int describe(struct engine_check *c, const union bpf_attr *attr, struct verify_prog *p)
{
	struct check_object *btf = attr->prog_btf_fd ?
					   check_find(c, (int)attr->prog_btf_fd, CHECK_BTF) : NULL;

	*p = (struct verify_prog){
		.insns = (const struct insn *)attr->insns, .n_insns = attr->insn_cnt,
		.type = attr->prog_type,
		.attach_type = load_attach_type(attr->prog_type, attr->expected_attach_type),
		.flags = attr->prog_flags, .name = attr->prog_name,
		.gpl = load_license_is_gpl((const char *)attr->license),
		.attach_btf_id = attr->attach_btf_id,
		.fd_array = (const s32 *)attr->fd_array,
		.n_fd_array = attr->fd_array_cnt ? attr->fd_array_cnt :
			      attr->fd_array	 ? UINT32_MAX : 0,
		.host = { .arg = c, .map = host_map, .btf = host_btf },
	};
	if (attr->attach_prog_fd) /* programs to extend or to trace, and modules, can't be here */
		return -EOPNOTSUPP;
	if (!load_name_ok(attr->prog_name, sizeof(attr->prog_name)))
		return -EINVAL;
	if (attr->prog_btf_fd && !btf)
		return -EBADF;
	if (btf && ((attr->func_info_cnt && attr->func_info_rec_size != sizeof(struct bpf_func_info)) ||
		    (attr->line_info_cnt && attr->line_info_rec_size != sizeof(struct bpf_line_info))))
		return -E2BIG;
	if (btf) {
		p->btf = btf->btf;
		p->func_info = (const struct bpf_func_info *)attr->func_info;
		p->n_func_info = attr->func_info_cnt;
		p->line_info = (const struct bpf_line_info *)attr->line_info;
		p->n_line_info = attr->line_info_cnt;
	}
	return 0;
}

static void judge(struct engine_check *c, const struct verify_prog *p)
{
	struct verify_opts o = { .log_level = c->opts.log_level };
	struct check_verdict *v = &c->last;

	check_verdict_clear(v);
	v->judged = true;
	v->prog_type = p->type;
	v->res.reg = -1;
	v->err = load_check_prog(p, c->k, &v->why);
	if (v->err)
		return;
	v->err = verify(p, c->k, &o, &v->res);
	if (v->err) {
		find_insn(c, v, p);
		find_source(v, p);
		if (c->opts.refused)
			c->opts.refused(c->opts.arg, p, c->k, &v->res);
	}
}

int check_prog_load(struct engine_check *c, union bpf_attr *attr)
{
	struct check_object *o;
	struct verify_prog p;
	int err = describe(c, attr, &p), fd;

	if (!err)
		err = log_attr_ok(attr);
	if (err)
		return err;
	/* a second call with a log, after a refusal without one: the verdict is the same */
	if (!(attr->log_level && c->last.judged && c->last.err && c->last_insns == p.insns))
		judge(c, &p);
	c->last_insns = p.insns;
	if (attr->log_level) {
		err = log_out(&c->last, &p, attr);
		if (err)
			return err;
	}
	if (c->last.err)
		return c->last.err;
	fd = check_new(c, CHECK_PROG, attr->prog_name, 0, &o);
	if (fd < 0)
		return fd;
	o->prog_type = p.type;
	o->n_insns = p.n_insns;
	o->processed = c->last.res.processed;
	return fd;
}
