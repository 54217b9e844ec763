/* SPDX-License-Identifier: BSD-2-Clause */
/* osmia_check.c - the public calls that tell whether a kernel would take an object's programs.
 *
 *	profile  verify/        the kernel that is asked for
 *	open     obj/           an ELF file becomes a struct obj
 *	check    engine/check   load/ on an engine that makes nothing: one program at a time
 *	explain  explain/       why one was refused
 */
#include "base/file.h"
#include "engine/check/check.h"
#include "explain/explain.h"
#include "load/load.h"
#include "obj/obj.h"
#include "osmia.h"
#include "output/value.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BTF_MAX_BYTES = 256 << 20 };

struct checking {
	struct osmia_check_opts opts;
	struct profile k;
	struct engine *e;
	struct obj *obj;
	struct diag dg;      /* of the whole */
	struct str out;      /* text not yet written */
	u32 n_progs, n_refused;
	struct explanation x; /* of the last refusal */
	bool explained;
	bool has_witness;    /* opts.witness is written */
};

static void flush(struct checking *c)
{
	if (c->opts.write && c->out.len)
		c->opts.write(c->opts.arg, str_text(&c->out), c->out.len);
	str_clear(&c->out);
}

/* ---- the kernel asked for ---- */

static int btf_of_file(struct checking *c)
{
	struct place at = { .file = c->opts.btf };
	struct str name = {0};
	struct bytes file;
	int err = file_read(c->opts.btf, BTF_MAX_BYTES, &file);

	if (err)
		return diag_error(&c->dg, at, err, "can't read: %s", strerror(-err));
	str_addf(&name, "Linux 6.18 with the types of %s", c->opts.btf);
	err = profile_set_name(&c->k, str_text(&name));
	if (!err)
		err = profile_set_btf(&c->k, file.p, file.size, at, &c->dg);
	str_free(&name);
	bytes_free(&file);
	return err;
}

static int profile_choose(struct checking *c)
{
	int err;

	if (c->opts.profile)
		err = profile_read(c->opts.profile, &c->dg, &c->k);
	else
		err = c->opts.btf ? profile_init(&c->k) : profile_running(&c->dg, &c->k);
	if (!err && c->opts.btf)
		err = btf_of_file(c);
	if (err)
		return err;
	/* an ordinary user asks for whoever will load it */
	if (!c->opts.caps && !c->opts.profile)
		c->k.caps = CAPS_ALL;
	if (c->opts.caps && profile_set_caps(&c->k, c->opts.caps))
		return diag_error(&c->dg, (struct place){0}, -EINVAL,
				  "caps are all, noperfmon or unpriv, not '%s'", c->opts.caps);
	return profile_prepare(&c->k, &c->dg);
}

/* ---- one program ---- */

static void forget(struct checking *c)
{
	explain_free(&c->x);
	c->explained = false;
	engine_check_forget(c->e);
}

static void witness_save(struct checking *c)
{
	struct place at = { .file = c->opts.witness };
	int fd = open(at.file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	int err = fd < 0 ? -errno :
			   file_write_all(fd, c->x.witness_file, strlen(c->x.witness_file));

	if (fd >= 0)
		close(fd);
	if (err)
		diag_error(&c->dg, at, err, "can't write: %s", strerror(-err));
	c->has_witness = true;
}

static void on_refused(void *arg, const struct verify_prog *p, const struct profile *k,
		       const struct verify_result *res)
{
	struct checking *c = arg;

	explain_free(&c->x);
	c->explained = !explain_make(p, k, res, &c->x);
	if (c->explained && c->opts.witness && c->x.witness_file && !c->has_witness)
		witness_save(c);
}

struct one {
	const struct obj_func *fn;
	const struct check_verdict *v;
	const struct load_prog *p; /* NULL: not opened */
	const char *message;       /* NULL where there is none */
	int err;
	struct diag dg;
};

/* What the loader adds to a refusal, but for the log's lines, which it sets in. */
static bool is_extra(const struct diag_msg *m)
{
	return m->level == DIAG_NOTE && m->text && m->text[0] != ' ';
}

static const char *first_error(const struct diag *dg)
{
	for (u32 i = 0; i < dg->n; i++)
		if (dg->msgs[i].level == DIAG_ERROR)
			return dg->msgs[i].text;
	return NULL;
}

static void add_text(struct checking *c, const struct one *o)
{
	const char *type = o->p ? prog_type_text(o->p->type) : NULL;

	str_addf(&c->out, "program %s%s%s%s: ", o->fn->name, type ? " (" : "", type ? type : "",
		 type ? ")" : "");
	if (!o->err)
		str_add(&c->out, "accepted\n");
	else if (c->explained)
		str_addf(&c->out, "refused (%s): %s\n", verify_reason_text(c->x.why),
			 c->x.sentence);
	else
		str_addf(&c->out, "refused: %s\n", o->message ? o->message : strerror(-o->err));
	if (o->err && c->explained && !c->x.at.file && o->v->insn)
		str_addf(&c->out, "  insn %u: %s\n", o->v->res.pc, o->v->insn);
	if (o->err && c->explained)
		explain_text(&c->x, &c->out);
	else if (o->err && o->v->file)
		str_addf(&c->out, "  %s:%u: %s\n", o->v->file, o->v->line, o->v->source);
	else if (o->err && o->v->insn)
		str_addf(&c->out, "  insn %u: %s\n", o->v->res.pc, o->v->insn);
	for (u32 i = 0; i < o->dg.n; i++)
		if (is_extra(&o->dg.msgs[i]))
			str_addf(&c->out, "  %s\n", o->dg.msgs[i].text);
	if (c->opts.verifier_log && o->v->res.log)
		str_addn(&c->out, o->v->res.log, o->v->res.log_len);
}

static void json_text(struct str *out, const char *key, const char *value)
{
	str_addf(out, ", \"%s\": ", key);
	json_string(out, value, strlen(value));
}

static void json_place(struct str *out, const struct explain_place *at)
{
	str_addf(out, "\"insn\": %u", at->pc);
	if (!at->file)
		return;
	json_text(out, "file", at->file);
	str_addf(out, ", \"line\": %u, \"column\": %u", at->line, at->col);
	json_text(out, "source", at->text);
}

static void json_explanation(struct str *out, const struct explanation *x)
{
	json_text(out, "sentence", x->sentence);
	if (x->help)
		json_text(out, "help", x->help);
	str_add(out, ", \"notes\": [");
	for (u32 i = 0; i < x->n_notes; i++) {
		str_addf(out, "%s{", i ? ", " : "");
		json_place(out, &x->notes[i].at);
		json_text(out, "kind", explain_kind_text(x->notes[i].kind));
		json_text(out, "note", x->notes[i].text);
		str_add(out, "}");
	}
	str_add(out, "]");
	if (x->witness)
		json_text(out, "fails_with", x->witness);
	if (x->state)
		json_text(out, "registers", x->state);
	str_addf(out, ", \"path_skipped\": %lu, \"path\": [", (unsigned long)x->n_path_before);
	for (u32 i = 0; i < x->n_path; i++)
		str_addf(out, "%s%u", i ? ", " : "", x->path[i]);
	str_add(out, "]");
}

static void add_json(struct checking *c, const struct one *o)
{
	const struct verify_result *r = &o->v->res;
	const char *type = o->p ? prog_type_text(o->p->type) : NULL;
	struct str *out = &c->out;

	str_add(out, "{\"program\": ");
	json_string(out, o->fn->name, strlen(o->fn->name));
	json_text(out, "section", o->fn->section);
	if (type)
		json_text(out, "type", type);
	json_text(out, "verdict", o->err ? "refused" : "accepted");
	if (o->err) {
		str_addf(out, ", \"errno\": %d", -o->err);
		if (r->why)
			json_text(out, "category", verify_reason_text(r->why));
		json_text(out, "message", o->message ? o->message : strerror(-o->err));
	}
	if (o->err && o->v->insn) {
		str_addf(out, ", \"insn\": %u", r->pc);
		json_text(out, "text", o->v->insn);
		if (r->reg >= 0)
			str_addf(out, ", \"register\": %d", r->reg);
	}
	if (o->err && o->v->file) {
		json_text(out, "file", o->v->file);
		str_addf(out, ", \"line\": %u, \"column\": %u", o->v->line, o->v->col);
		json_text(out, "source", o->v->source);
	}
	if (o->err && c->explained)
		json_explanation(out, &c->x);
	if (o->v->judged) {
		str_addf(out, ", \"processed\": %u, \"total_states\": %u, \"peak_states\": %u, "
			      "\"stack\": [", r->processed, r->total_states, r->peak_states);
		for (u32 i = 0; i < r->n_subprogs; i++)
			str_addf(out, "%s%u", i ? ", " : "", r->stack[i]);
		str_add(out, "]");
	}
	if (c->opts.verifier_log && r->log) {
		str_add(out, ", \"log\": ");
		json_string(out, r->log, r->log_len);
	}
	str_add(out, "}\n");
}

static void check_prog(struct checking *c, const struct obj_func *fn)
{
	struct load_opts lo = { .only = fn->name, .no_pinning = true, .empty_maps_one = true };
	struct one o = { .fn = fn, .v = engine_check_verdict(c->e) };
	struct load *l = NULL;

	forget(c);
	o.err = load_open(c->obj, c->e, &lo, &o.dg, &l);
	if (!o.err)
		o.err = load_run(l, &o.dg);
	o.p = l ? load_find_prog(l, fn->name) : NULL;
	if (o.err && o.v->judged && o.v->err)
		o.message = o.v->why ? o.v->why : o.v->res.message;
	else if (o.err)
		o.message = first_error(&o.dg);
	c->n_progs++;
	c->n_refused += o.err != 0;
	if (c->opts.format == OSMIA_JSON)
		add_json(c, &o);
	else
		add_text(c, &o);
	flush(c);
	load_close(l);
	diag_free(&o.dg);
}

/* ---- all of them ---- */

static int check_all(struct checking *c)
{
	for (u32 i = 0; i < c->obj->n_funcs; i++) {
		const struct obj_func *fn = &c->obj->funcs[i];

		if (fn->is_prog && (!c->opts.only || strcmp(fn->name, c->opts.only) == 0))
			check_prog(c, fn);
	}
	if (!c->n_progs)
		return diag_error(&c->dg, (struct place){ .file = c->obj->path }, -ENOENT,
				  c->opts.only ? "there is no program '%s'" : "there is no program%s",
				  c->opts.only ? c->opts.only : "");
	if (c->opts.format == OSMIA_TEXT)
		str_addf(&c->out, "%u of %u programs accepted, for %s\n", c->n_progs - c->n_refused,
			 c->n_progs, c->k.name);
	flush(c);
	return (int)c->n_refused;
}

int osmia_check(const char *path, const struct osmia_check_opts *opts, char **messages)
{
	struct checking c = {0};
	struct engine_check_opts eo = { .refused = on_refused, .arg = &c };
	int err;

	if (messages)
		*messages = NULL;
	if (!opts || opts->size < sizeof(opts->size) || opts->size > 4096)
		return -EINVAL;
	memcpy(&c.opts, opts, MIN(opts->size, sizeof(c.opts)));
	if (c.opts.verifier_log)
		eo.log_level = c.opts.verifier_log == 1 ? VERIFY_LOG1 :
							  VERIFY_LOG1 | VERIFY_LOG2;
	err = profile_choose(&c);
	if (!err)
		err = obj_open_file(path, &c.dg, &c.obj);
	if (!err)
		err = engine_check_new(&c.k, &eo, &c.e);
	if (!err)
		err = check_all(&c);
	if (c.e)
		c.e->ops->free(c.e);
	explain_free(&c.x);
	obj_free(c.obj);
	profile_free(&c.k);
	if (messages && c.dg.n)
		*messages = diag_text(&c.dg);
	str_free(&c.out);
	diag_free(&c.dg);
	return err;
}

int osmia_profile(char **data, size_t *size, char **messages)
{
	struct diag dg = {0};
	struct str out = {0};
	struct profile k;
	int err = profile_running(&dg, &k);

	*data = NULL;
	*size = 0;
	if (!err) {
		/* what the process may is no property of the kernel */
		k.caps = CAPS_ALL;
		err = profile_write(&k, &out);
		profile_free(&k);
	}
	if (!err) {
		*size = out.len;
		*data = str_take(&out);
	}
	if (messages)
		*messages = diag_text(&dg);
	str_free(&out);
	diag_free(&dg);
	return err;
}
