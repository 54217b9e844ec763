/* SPDX-License-Identifier: BSD-2-Clause */
/* Compares the verifier with the recorded verdicts of real kernels.
 *
 *	parity [OPTIONS] CORPUS
 *
 *	--mode=MODE        all (default), "" (6.18 with every capability), noperfmon, 6.12 (programs
 *	                   through trampolines), unpriv (6.12, for information)
 *	--corpus=NAME      this corpus only       --groups=GLOB  these files only
 *	--by=corpus|group|type                    what a line of the table is
 *	-v                 list disagreements     -m  and messages and counts that differ
 *	--case=NAME        one case; -l LEVEL prints our log
 *	--diff=NAME        where our level-2 log of a case parts from the recorded one
 *	--logs             count level-2 logs that are the same; with -v the others' names
 *	--kernel-dir=DIR   recorded kernels (CORPUS/kernel)
 *	--witness          look for failing inputs of what is refused; with --case: print it
 *	--live             ask the running kernel instead of the tables
 *	--repeat=N         the least time of N runs counts      --jobs=N  --limit=SECONDS
 *
 *	--must             exit status 1 where a mode misses what it must reach
 */
#include "explain/witness.h"
#include "parity/judge.h"
#include "parity/pool.h"
#include "parity/verdict.h"
#include "verify/load_check.h"
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <unistd.h>

#define MEMORY_MAX (4ull << 30)

struct mode {
	const char *name, *title;
	const char *kernel, *table; /* whose verdicts */
	const char *types;          /* the kernel that the cases are judged for */
	enum profile_caps caps;
	bool trampolines; /* only programs that go through one */
	/* What must be reached, in percent: of the refused programs wrongly accepted, of the accepted
	 * ones wrongly refused, messages that are the same; and time to the kernel's.  0: no limit. */
	double accepted, refused, messages, time;
};

static const struct mode modes[] = {
	{ "", "6.18, every capability", "6.18", "", "6.18", CAPS_ALL, false, 0, 2, 85, 1.5 },
	{ "noperfmon", "6.18, without CAP_PERFMON", "6.18", "noperfmon", "6.18",
	  CAPS_NOPERFMON, false, 1, 3, 0, 0 },
	/* recorded through their objects, but offsets and ids in the cases are those of 6.18's types */
	{ "6.12", "6.12, programs through trampolines", "6.12", "", "6.18", CAPS_ALL, true, 1, 3, 0,
	  0 },
	{ "unpriv", "6.12, without capabilities (for information)", "6.12", "unpriv", "6.12",
	  CAPS_UNPRIV, false, 100, 100, 0, 0 },
};

struct options {
	const char *dir, *kernel_dir, *mode, *corpus, *groups, *by, *one, *diff;
	bool verbose, messages, logs, live, must, witness;
	u32 level, repeat, jobs, limit_s;
};

/* What a worker found of one row. */
struct outcome {
	int err;
	bool failed, has_log, log_same, live_failed, has_witness;
	enum verify_reason reason; /* of a refusal, with --witness */
	u32 processed;
	u64 time_ns, peak_bytes;
	char message[400], why[80];
	/* of the running kernel */
	int live_err;
	u32 live_processed;
	u64 live_ns;
	char live_message[400];
};

struct job {
	const struct verdict *row;
	const struct vcase *c; /* NULL: the corpus has only the row */
};

struct session {
	const struct options *o;
	const struct mode *mode;
	const struct profile *k;
	VEC(struct job) jobs;
	struct outcome *out; /* of each job; shared */
};

struct area {
	char name[128];
	u32 n, agree, accepted, refused, rejects, same_message;
	u64 insns, insns_recorded, ns, ns_recorded;
};
struct table {
	VEC(struct area) areas;
	struct area all;
	u64 peak_bytes;
	const char *peak_name;
	u32 logs, logs_same;
	bool few_witnesses;
	u32 witness_of[32], witnesses[32]; /* by reason: refusals, those with a failing input */
};

enum {
	WITNESS_MS = 200,  /* for one program */
	WITNESS_MUST = 50, /* percent of the refusals that a run can show */
};

/* ---- judging ---- */

static void run_job(void *arg, u32 i)
{
	struct session *s = arg;
	struct outcome *o = &s->out[i];
	const struct job *job = &s->jobs.p[i];
	struct judged got;

	if (!job->c) {
		o->failed = true;
		snprintf(o->why, sizeof(o->why), "there is no case of that name");
		return;
	}
	if (s->o->live) {
		judge_live(job->c, s->k, 1, &got);
		o->live_err = got.err;
		o->live_failed = got.failed != NULL;
		o->live_processed = got.processed;
		o->live_ns = got.time_ns;
		memcpy(o->live_message, got.message, sizeof(o->live_message));
		free(got.log);
	}
	if (s->o->witness)
		judge_witness(job->c, s->k, WITNESS_MS, &got);
	else
		judge(job->c, s->k, 0, s->o->repeat, &got);
	o->reason = got.why;
	o->has_witness = got.has_witness;
	str_free(&got.witness);
	o->err = got.err;
	o->failed = got.failed != NULL;
	snprintf(o->why, sizeof(o->why), "%s", got.failed ? got.failed : "");
	o->processed = got.processed;
	o->time_ns = got.time_ns;
	o->peak_bytes = got.peak_bytes;
	memcpy(o->message, got.message, sizeof(o->message));
	free(got.log);
	if (s->o->logs && !got.failed) {
		char *recorded = log_recorded(s->o->dir, s->mode->kernel, job->c->name);

		if (recorded) {
			judge(job->c, s->k, VERIFY_LOG1 | VERIFY_LOG2, 1, &got);
			o->has_log = true;
			o->log_same = log_compare(got.log, recorded, false);
			free(got.log);
			free(recorded);
		}
	}
}

/* ---- counting ---- */

static void area_name(const struct options *o, const struct job *job, char *out, size_t size)
{
	const char *name = job->row->name, *slash = strchr(name, '/'), *last = strrchr(name, '/');

	if (strcmp(o->by, "type") == 0) {
		const char *text = prog_type_text(job->row->prog_type);

		snprintf(out, size, "%s", text ? text : "?");
		return;
	}
	if (strcmp(o->by, "group") != 0)
		last = slash;
	snprintf(out, size, "%.*s", last ? (int)(last - name) : (int)strlen(name), name);
}

static struct area *area_of(struct table *t, const char *name)
{
	struct area *a;

	for (u32 i = 0; i < t->areas.n; i++)
		if (strcmp(t->areas.p[i].name, name) == 0)
			return &t->areas.p[i];
	a = vec_add(&t->areas);
	snprintf(a->name, sizeof(a->name), "%s", name);
	return a;
}

/* What the kernel said, recorded or live. */
struct truth {
	bool accept;
	const char *message;
	u32 processed;
	u64 ns;
};

static struct truth truth_of(const struct session *s, u32 i)
{
	const struct outcome *o = &s->out[i];
	const struct verdict *row = s->jobs.p[i].row;

	if (s->o->live)
		return (struct truth){ !o->live_err, o->live_message, o->live_processed, o->live_ns };
	return (struct truth){ row->accept, row->message, row->processed, row->time_us * 1000 };
}

static void add(struct area *a, const struct truth *t, const struct outcome *o, bool failed)
{
	bool accept = !failed && !o->err;
	bool wrong = failed || accept != t->accept;
	bool same = !wrong && !t->accept && strcmp(t->message, o->message) == 0;

	a->n++;
	a->agree += !wrong;
	a->refused += wrong && t->accept;
	a->accepted += wrong && !t->accept;
	a->rejects += !t->accept;
	a->same_message += same;
	if (!wrong && t->accept && t->processed) {
		a->insns += o->processed;
		a->insns_recorded += t->processed;
	}
	if (!failed && t->ns && o->time_ns) {
		a->ns += o->time_ns;
		a->ns_recorded += t->ns;
	}
}

static void list(const struct session *s, u32 i, const struct truth *t, bool failed,
		 enum job_state state, int sig)
{
	const struct outcome *o = &s->out[i];
	const char *name = s->jobs.p[i].row->name;

	if (state == JOB_TIMED_OUT)
		printf("timed out\t%s\n", name);
	else if (state == JOB_CRASHED)
		printf("crashed\t%s\t%s\n", name, strsignal(sig));
	else if (failed)
		printf("not judged\t%s\t%s\n", name, o->why);
	else if (!o->err && !t->accept)
		printf("wrongly accepted\t%s\n\tkernel: %s\n", name, t->message);
	else if (o->err && t->accept)
		printf("wrongly refused\t%s\n\tours: %s (%s)\n", name, o->message, strerror(-o->err));
	else if (s->o->messages && o->err && strcmp(o->message, t->message) != 0)
		printf("other message\t%s\n\tkernel: %s\n\tours:   %s\n", name, t->message,
		       o->message);
	else if (s->o->messages && t->processed && o->processed != t->processed)
		printf("other count\t%s\n\tkernel: %u insns\tours: %u\n", name, t->processed,
		       o->processed);
	if (s->o->witness && o->err && !t->accept && !o->has_witness &&
	    witness_is_about_run(o->reason))
		printf("no witness\t%s\t%s\t%s\n", verify_reason_text(o->reason), name, o->message);
	if (s->o->logs && o->has_log && !o->log_same)
		printf("other log\t%s\n", name);
}

static void count(const struct session *s, const struct pool *p, struct table *t)
{
	for (u32 i = 0; i < s->jobs.n; i++) {
		const struct outcome *o = &s->out[i];
		struct truth truth = truth_of(s, i);
		bool failed = p->state[i] != JOB_DONE || o->failed;
		char name[128];

		if (s->o->live && (o->live_failed || p->state[i] == JOB_NOT_RUN))
			continue;
		area_name(s->o, &s->jobs.p[i], name, sizeof(name));
		add(area_of(t, name), &truth, o, failed);
		add(&t->all, &truth, o, failed);
		if (o->peak_bytes > t->peak_bytes) {
			t->peak_bytes = o->peak_bytes;
			t->peak_name = s->jobs.p[i].row->name;
		}
		if (!failed && o->err && !truth.accept && o->reason < ARRAY_SIZE(t->witnesses)) {
			t->witness_of[o->reason]++;
			t->witnesses[o->reason] += o->has_witness;
		}
		t->logs += o->has_log;
		t->logs_same += o->log_same;
		if (s->o->verbose)
			list(s, i, &truth, failed, p->state[i], p->signals[i]);
	}
}

static double ratio(u64 a, u64 b)
{
	return b ? (double)a / (double)b : 0;
}

static double percent(u64 part, u64 of)
{
	return of ? 100.0 * (double)part / (double)of : 100;
}

static double percent_of(u64 part, u64 of)
{
	return of ? 100.0 * (double)part / (double)of : 0;
}

static void print_area(const struct area *a)
{
	printf("%-28s %8u %8u %8u %8u %8.1f%% %8.3f %8.2f\n", a->name, a->n, a->agree, a->accepted,
	       a->refused, percent(a->same_message, a->rejects),
	       ratio(a->insns, a->insns_recorded), ratio(a->ns, a->ns_recorded));
}

static void print_table(const struct mode *m, const struct table *t)
{
	printf("== %s\n%-28s %8s %8s %8s %8s %9s %8s %8s\n", m->title, "area", "programs", "agree",
	       "accepted", "refused", "messages", "insns", "time");
	for (u32 i = 0; i < t->areas.n; i++)
		print_area(&t->areas.p[i]);
	print_area(&t->all);
	printf("time %.3f s, the kernel's %.3f s; most memory for states %.1f MB (%s)\n",
	       (double)t->all.ns / 1e9, (double)t->all.ns_recorded / 1e9,
	       (double)t->peak_bytes / 1e6, t->peak_name ? t->peak_name : "none");
	if (t->logs)
		printf("same level-2 log: %u of %u\n", t->logs_same, t->logs);
}

static bool reached(const struct mode *m, const struct area *a)
{
	bool ok = percent_of(a->accepted, a->rejects) <= m->accepted &&
		  percent_of(a->refused, a->n - a->rejects) <= m->refused &&
		  percent(a->same_message, a->rejects) >= m->messages &&
		  (!m->time || ratio(a->ns, a->ns_recorded) <= m->time);

	if (!ok)
		printf("%s: below what must be reached\n", m->title);
	return ok;
}

/* Refusals that a run can show, and for how many an input was found that shows it. */
static bool print_witnesses(const struct table *t)
{
	u32 n = 0, found = 0;

	for (u32 why = 0; why < ARRAY_SIZE(t->witnesses); why++) {
		if (!t->witness_of[why] || !witness_is_about_run(why))
			continue;
		printf("witness: %-28s %5u of %5u\n", verify_reason_text(why), t->witnesses[why],
		       t->witness_of[why]);
		if (why == WHY_BOUNDS || why == WHY_NULL || why == WHY_UNINIT) {
			n += t->witness_of[why];
			found += t->witnesses[why];
		}
	}
	printf("witness: out of bounds, null, uninitialised: %u of %u, %.1f%%\n", found, n,
	       percent(found, n));
	return percent(found, n) >= WITNESS_MUST;
}

/* ---- one mode ---- */

static bool wanted(const struct options *o, const struct mode *m, const char *name,
		   const struct vcase *c)
{
	const char *slash = strchr(name, '/'), *last = strrchr(name, '/');
	char group[256];

	if (m->trampolines && !(c && load_needs_trampoline(c->prog_type, c->attach_type)))
		return false;
	if (!slash || last == slash)
		return strcmp(o->groups, "*") == 0;
	snprintf(group, sizeof(group), "%.*s", (int)(last - slash - 1), slash + 1);
	return str_glob(o->groups, group);
}

static int run_mode(const struct options *o, const struct mode *m, const struct vcases *cases,
		    const struct profile *base, struct table *t)
{
	struct profile k = *base;
	struct session s = { .o = o, .mode = m, .k = &k };
	struct verdicts rows = {0};
	struct pool pool = { .n_workers = o->jobs, .limit_s = o->limit_s, .run = run_job,
			     .arg = &s, .max_bytes = o->live ? 0 : MEMORY_MAX };
	int err = 0;

	k.caps = m->caps;
	if (o->live) {
		for (u32 i = 0; i < cases->all.n; i++) {
			struct verdict *v = vec_add(&rows.all);

			v->name = strdup(cases->all.p[i]->name);
			v->message = strdup("");
			v->prog_type = cases->all.p[i]->prog_type;
		}
	} else {
		err = verdicts_read(o->dir, m->kernel, m->table, o->corpus, &rows);
	}
	for (u32 i = 0; i < rows.all.n; i++) {
		struct job job = { &rows.all.p[i], vcases_find(cases, rows.all.p[i].name) };

		if (wanted(o, m, job.row->name, job.c))
			(void)!vec_push(&s.jobs, job);
	}
	s.out = pool_shared(s.jobs.n * sizeof(*s.out));
	pool.n_jobs = s.jobs.n;
	if (!err && (!s.out || pool_run(&pool)))
		err = -ENOMEM;
	if (!err) {
		snprintf(t->all.name, sizeof(t->all.name), "all");
		count(&s, &pool, t);
		print_table(m, t);
		t->few_witnesses = o->witness && !print_witnesses(t);
	}
	vec_free(&s.jobs);
	verdicts_free(&rows);
	return err;
}

static int profile_for(const struct options *o, const char *version, struct profile *k)
{
	char dir[512];
	struct diag dg = {0};
	int err;

	snprintf(dir, sizeof(dir), "%s/kernel", o->dir);
	if (o->live) {
		err = profile_running(&dg, k);
		err = err ? err : profile_prepare(k, &dg);
	} else {
		err = profile_from_folder(o->kernel_dir ? o->kernel_dir : dir, version, &dg, k);
	}
	for (u32 i = 0; i < dg.n; i++)
		fprintf(stderr, "parity: %s: %s\n", dg.msgs[i].at.file ? dg.msgs[i].at.file : version,
			dg.msgs[i].text);
	diag_free(&dg);
	return err;
}

static int run_modes(const struct options *o, const struct vcases *cases)
{
	struct area first = {0};
	bool have_first = false, ok = true;
	struct profile k = {0};
	const char *loaded = NULL;

	for (u32 i = 0; i < ARRAY_SIZE(modes); i++) {
		struct table t = {0};

		if (strcmp(o->mode, "all") != 0 && strcmp(o->mode, modes[i].name) != 0)
			continue;
		if (!loaded || strcmp(loaded, modes[i].types) != 0) {
			profile_free(&k);
			if (profile_for(o, modes[i].types, &k))
				return 1;
			loaded = modes[i].types;
		}
		if (run_mode(o, &modes[i], cases, &k, &t)) {
			printf("== %s: no verdicts\n", modes[i].title);
			continue;
		}
		ok &= !o->must || (o->witness ? !t.few_witnesses : reached(&modes[i], &t.all));
		if (!have_first)
			first = t.all;
		have_first = true;
		vec_free(&t.areas);
		if (o->live)
			break;
	}
	profile_free(&k);
	printf("parity: %u programs, %u agree, %u wrongly accepted, %u wrongly refused, %.1f%% same "
	       "message, time %.2f of the kernel's\n",
	       first.n, first.agree, first.accepted, first.refused,
	       percent(first.same_message, first.rejects), ratio(first.ns, first.ns_recorded));
	return !ok;
}

/* ---- one case ---- */

static int one_case(const struct options *o, const struct vcases *cases)
{
	const char *name = o->diff ? o->diff : o->one;
	const struct vcase *c = vcases_find(cases, name);
	u32 level = o->diff ? VERIFY_LOG1 | VERIFY_LOG2 :
		    o->level == 2 ? VERIFY_LOG1 | VERIFY_LOG2 : o->level;
	const struct mode *m = &modes[0];
	struct profile k = {0};
	struct judged got;
	char *recorded;

	for (u32 i = 0; i < ARRAY_SIZE(modes); i++)
		if (strcmp(o->mode, modes[i].name) == 0)
			m = &modes[i];
	if (!c) {
		fprintf(stderr, "parity: there is no case %s\n", name);
		return 2;
	}
	if (profile_for(o, m->types, &k))
		return 1;
	k.caps = m->caps;
	if (o->live)
		judge_live(c, &k, level, &got);
	else if (o->witness)
		judge_witness(c, &k, WITNESS_MS, &got);
	else
		judge(c, &k, level, o->repeat, &got);
	if (o->witness) {
		fputs(str_text(&got.witness), stdout);
		str_free(&got.witness);
	}
	if (o->diff) {
		recorded = log_recorded(o->dir, m->kernel, name);
		if (!recorded)
			printf("no log of %s was recorded\n", name);
		else if (log_compare(got.log, recorded, true))
			printf("the logs are the same\n");
		free(recorded);
	} else if (got.log) {
		fputs(got.log, stdout);
	}
	printf("%s: %s%s%s%s%s, %u insns, %.0f us, %.1f KB\n", name,
	       got.failed ? "not judged: " : got.err ? "refused: " : "accepted",
	       got.failed ? got.failed : got.message, got.err ? " (" : "",
	       got.err ? strerror(-got.err) : "", got.err ? ")" : "", got.processed,
	       (double)got.time_ns / 1e3, (double)got.peak_bytes / 1e3);
	free(got.log);
	profile_free(&k);
	return 0;
}

int main(int argc, char **argv)
{
	enum { MODE = 256, CORPUS, GROUPS, BY, CASE, DIFF, LOGS, KERNEL_DIR, LIVE, REPEAT, JOBS, LIMIT,
	       MUST, WITNESS };
	static const struct option longs[] = {
		{ "mode", 1, 0, MODE }, { "corpus", 1, 0, CORPUS }, { "groups", 1, 0, GROUPS },
		{ "by", 1, 0, BY }, { "case", 1, 0, CASE }, { "diff", 1, 0, DIFF },
		{ "logs", 0, 0, LOGS }, { "kernel-dir", 1, 0, KERNEL_DIR }, { "live", 0, 0, LIVE },
		{ "repeat", 1, 0, REPEAT }, { "jobs", 1, 0, JOBS }, { "limit", 1, 0, LIMIT },
		{ "must", 0, 0, MUST }, { "witness", 0, 0, WITNESS }, { 0 },
	};
	struct options o = { .mode = "all", .groups = "*", .by = "corpus", .repeat = 1, .jobs = 2,
			     .limit_s = 60 };
	struct vcases cases = {0};
	int err;
	const char *one, *slash;
	char corpus[64];
	int c;

	while ((c = getopt_long(argc, argv, "vml:", longs, NULL)) != -1) {
		switch (c) {
		case 'v': o.verbose = true; break;
		case 'm': o.verbose = o.messages = true; break;
		case 'l': o.level = (u32)atoi(optarg); break;
		case MODE: o.mode = optarg; break;
		case CORPUS: o.corpus = optarg; break;
		case GROUPS: o.groups = optarg; break;
		case BY: o.by = optarg; break;
		case CASE: o.one = optarg; break;
		case DIFF: o.diff = optarg; break;
		case LOGS: o.logs = true; break;
		case KERNEL_DIR: o.kernel_dir = optarg; break;
		case MUST: o.must = true; break;
		case LIVE: o.live = true; break;
		case WITNESS: o.witness = true; break;
		case REPEAT: o.repeat = (u32)atoi(optarg); break;
		case JOBS: o.jobs = (u32)atoi(optarg); break;
		case LIMIT: o.limit_s = (u32)atoi(optarg); break;
		default: return 2;
		}
	}
	o.dir = argv[optind];
	if (!o.dir || access(o.dir, R_OK)) {
		printf("skipped: there is no corpus at %s\n", o.dir ? o.dir : "(none named)");
		return 0;
	}
	one = o.diff ? o.diff : o.one;
	slash = one ? strchr(one, '/') : NULL;
	if (slash) {
		snprintf(corpus, sizeof(corpus), "%.*s", (int)(slash - one), one);
		o.corpus = corpus;
	}
	if (vcases_read(o.dir, o.corpus, o.groups, &cases))
		fprintf(stderr, "parity: not all case files could be read\n");
	err = one ? one_case(&o, &cases) : run_modes(&o, &cases);
	vcases_free(&cases);
	return err;
}
