/* SPDX-License-Identifier: BSD-2-Clause */
/* Soundness of the verifier: what it accepts runs without a fault, and whatever a register or a slot
 * holds while it runs is what the verifier said it may.
 *
 *	sound [--seconds=N] [--seed=N] [--one=SEED] [--corpus=DIR [--case=NAME]] [--linux] [-v]
 *
 * A program is verified as the kernel does.  If that accepts it, it runs a few times in the checked
 * interpreter with random contexts, map values, packets and helper results.  Then it is verified
 * again with no path cut short, and each point of the runs must lie inside a state that the verifier
 * has at that insn.  (Now and then that verification refuses a program that the first did not: on a
 * path that can't be, where bits and ranges contradict each other, more knowledge makes nonsense.)
 *
 * --linux leaves out what profile.sound mends: finds what Linux accepts and should not.
 *
 * Exit status 1 with findings; each is made small and printed.
 */
#include "sound.h"
#include "base/str.h"
#include "isa/check.h"
#include "isa/disasm.h"
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <time.h>

enum { RUNS = 6, UNPRUNED_MAX = 20000, FINDINGS_MAX = 5 };

enum outcome { FINE, REFUSED, NOT_RUN, TOO_LONG, NONSENSE, FAULT, OUTSIDE, OUTCOMES };

struct session {
	struct profile k;
	u64 n[OUTCOMES], points, steps;
	u32 findings;
	bool verbose;
	char why[600]; /* of the last finding */
};

/* ---- verification ---- */

static const struct verify_map *map_at(void *arg, s32 fd)
{
	struct subject *s = arg;
	u32 i = (u32)fd - FD_FIRST;

	return i < s->n_maps ? &s->maps[i] : NULL;
}

static int verify_subject(struct session *o, struct subject *s, const struct verify_opts *opts,
			  struct verify_result *res)
{
	struct verify_prog p = {
		.insns = s->insns, .n_insns = s->n_insns, .type = s->prog_type,
		.attach_type = s->attach_type, .flags = s->flags, .name = "", .gpl = s->gpl,
		.btf = s->btf, .func_info = s->funcs, .n_func_info = s->n_funcs,
		.host = { .arg = s, .map = map_at },
	};

	return verify(&p, &o->k, opts, res);
}

/* ---- points against states ---- */

struct watch {
	struct world *w;
	s32 tell;   /* point whose faults are to be told, -1: points are ticked off */
	char *why;
	size_t why_size;
};

static u64 watch_insn(void *arg, const struct verify *v, u32 pc, u64 token)
{
	struct watch *x = arg;
	struct point *points = x->w->points.p;
	s32 *link = &x->w->first[pc];
	const char *fault;

	if (x->tell >= 0) {
		if (points[x->tell].pc != pc)
			return token;
		fault = claims_fault(x->w, v, &points[x->tell]);
		snprintf(x->why, x->why_size, "insn %u: %s", pc, fault ? fault : "?");
		return token;
	}
	while (*link >= 0) {
		if (claims_fault(x->w, v, &points[*link]))
			link = &points[*link].next;
		else
			*link = points[*link].next;
	}
	return token;
}

static s32 point_left(const struct world *w)
{
	for (u32 pc = 0; pc < w->s->n_insns; pc++)
		if (w->first[pc] >= 0)
			return w->first[pc];
	return -1;
}

static enum outcome check_points(struct session *o, struct subject *s, struct world *w)
{
	struct watch x = { .w = w, .tell = -1, .why = o->why, .why_size = sizeof(o->why) };
	struct verify_opts opts = { .unpruned = UNPRUNED_MAX,
				    .log_level = o->verbose ? VERIFY_LOG2 : 0,
				    .observer = { .arg = &x, .insn = watch_insn } };
	struct verify_result res;
	enum outcome out = FINE;
	int err = verify_subject(o, s, &opts, &res);

	if (err == -E2BIG || err == -ENOMEM || (err && res.why == WHY_LIMIT)) {
		out = TOO_LONG;
	} else if (err) {
		if (o->verbose && res.log_len)
			printf("%s\n", res.log + (res.log_len > 4000 ? res.log_len - 4000 : 0));
		snprintf(o->why, sizeof(o->why), "insn %u: %s", res.pc,
			 res.message ? res.message : "");
		out = NONSENSE;
	} else if ((x.tell = point_left(w)) >= 0) {
		out = OUTSIDE;
	}
	verify_result_free(&res);
	if (out == OUTSIDE) {
		w->tell = true;
		snprintf(o->why, sizeof(o->why), "insn %u: the verifier never comes here",
			 w->points.p[x.tell].pc);
		verify_subject(o, s, &opts, &res);
		verify_result_free(&res);
	}
	return out;
}

/* ---- one program ---- */

static enum outcome run_all(struct session *o, struct world *w)
{
	u32 pc;

	for (u32 k = 0; k < RUNS; k++) {
		int err = world_run(w, &pc);

		switch (err) {
		case 0:
		case -ETIME:
			break;
		case -EFAULT:
		case -EACCES:
		case -ELOOP:
			snprintf(o->why, sizeof(o->why), "insn %u: %s", pc, strerror(-err));
			return FAULT;
		default:
			return NOT_RUN;
		}
		o->steps += w->steps;
	}
	return FINE;
}

/* Insns that no path comes to are replaced as dead by whoever runs the program. */
static enum outcome check_reached(struct session *o, const struct world *w, const u8 *insns)
{
	for (u32 k = 0; insns && k < w->points.n; k++) {
		u32 pc = w->points.p[k].pc;

		if (insns[pc] & INSN_REACHED)
			continue;
		snprintf(o->why, sizeof(o->why), "insn %u runs, which is dead to the verifier", pc);
		return FAULT;
	}
	return FINE;
}

static enum outcome check(struct session *o, struct subject *s, u64 seed)
{
	struct verify_opts opts = { 0 };
	struct verify_result res;
	struct world w;
	enum outcome out = NOT_RUN;
	int err = verify_subject(o, s, &opts, &res);

	if (err && o->verbose)
		printf("# refused: insn %u: %s\n", res.pc, res.message ? res.message : "");
	if (!err && !world_open(&w, s, seed))
		out = run_all(o, &w);
	if (out == FINE)
		out = check_reached(o, &w, res.insns);
	verify_result_free(&res);
	if (err)
		return REFUSED;
	o->points += w.points.n;
	if (out == FINE)
		out = check_points(o, s, &w);
	world_close(&w);
	return out;
}

/* ---- findings ---- */

static const char *const outcome_text[] = { "fine", "refused", "not run", "too long",
					    "refused when no path is cut short",
					    "a fault in an accepted program",
					    "a value outside of what the verifier says" };

/* Insns that the finding does not need become jumps to the next one. */
static void shrink(struct session *o, struct subject *s, u64 seed, enum outcome kind)
{
	bool smaller = true;

	while (smaller) {
		smaller = false;
		for (u32 i = 0; i < s->n_insns; i++) {
			const struct insn nop = { .code = CLS_JMP | JMP_JA };
			struct insn saved[2] = { s->insns[i], s->insns[MIN(i + 1, s->n_insns - 1)] };
			bool wide = insn_is_wide(&saved[0]) && i + 1 < s->n_insns;

			if (memcmp(&saved[0], &nop, sizeof(nop)) == 0)
				continue;
			s->insns[i] = nop;
			if (wide)
				s->insns[i + 1] = nop;
			if (check(o, s, seed) == kind) {
				smaller = true;
				continue;
			}
			s->insns[i] = saved[0];
			if (wide)
				s->insns[++i] = saved[1];
		}
	}
	check(o, s, seed); /* for why */
}

static void print_program(const struct subject *s)
{
	for (u32 pc = 0; pc < s->n_insns;) {
		struct str line = { 0 };
		u32 n = disasm_insn(&line, &s->insns[pc], s->n_insns - pc, DISASM_EXACT, NULL);

		if (s->insns[pc].code != (CLS_JMP | JMP_JA) || s->insns[pc].off)
			printf("%4u: %s\n", pc, str_text(&line));
		pc += n;
		str_free(&line);
	}
}

static void check_and_report(struct session *o, struct subject *s, u64 seed)
{
	enum outcome out = check(o, s, seed);

	o->n[out]++;
	if (o->verbose)
		printf("# %s seed %llu: %s\n", s->name, (unsigned long long)seed, outcome_text[out]);
	if (out < FAULT)
		return;
	o->findings++;
	shrink(o, s, seed, out);
	printf("%s: %s (%s, seed %llu)\n", outcome_text[out], o->why, s->name,
	       (unsigned long long)seed);
	print_program(s);
	fflush(stdout);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int run_corpus(struct session *o, const char *dir, const char *only, u64 seed)
{
	struct subject s;
	u32 n = 0;
	struct corpus *c = corpus_read(dir, &n);

	if (!c) {
		fprintf(stderr, "sound: %s: cannot read the corpus\n", dir);
		return 2;
	}
	for (u32 i = 0; i < n && o->findings < FINDINGS_MAX; i++) {
		if (!corpus_subject(c, i, &s))
			continue;
		if (!only || strcmp(only, s.name) == 0)
			check_and_report(o, &s, seed);
		subject_free(&s);
	}
	corpus_free(c);
	return 0;
}

static void run_random(struct session *o, u64 seed, double seconds)
{
	double end = now() + seconds;
	struct subject s;

	do {
		gen_subject(seed, &s);
		check_and_report(o, &s, seed++);
		subject_free(&s);
	} while (now() < end && o->findings < FINDINGS_MAX);
}

static int usage(void)
{
	fprintf(stderr, "usage: sound [--seconds=N] [--seed=N] [--one=SEED] "
			"[--corpus=DIR [--case=NAME]] [--linux] [-v]\n");
	return 2;
}

int main(int argc, char **argv)
{
	static const struct option long_options[] = {
		{ "seconds", required_argument, NULL, 's' }, { "seed", required_argument, NULL, 'r' },
		{ "one", required_argument, NULL, 'o' },     { "corpus", required_argument, NULL, 'c' },
		{ "case", required_argument, NULL, 'n' },    { "linux", no_argument, NULL, 'l' },
		{ 0 },
	};
	struct session o = { 0 };
	const char *corpus = NULL, *only = NULL;
	double seconds = 10;
	bool sound = true;
	u64 seed = 1;
	int c, err = 0;

	while ((c = getopt_long(argc, argv, "v", long_options, NULL)) != -1) {
		switch (c) {
		case 's': seconds = atof(optarg); break;
		case 'r': seed = strtoull(optarg, NULL, 0); break;
		case 'o': seed = strtoull(optarg, NULL, 0); seconds = 0; break;
		case 'c': corpus = optarg; break;
		case 'n': only = optarg; break;
		case 'l': sound = false; break;
		case 'v': o.verbose = true; break;
		default: return usage();
		}
	}
	if (profile_init(&o.k) || profile_set_version(&o.k, "6.18") || profile_prepare(&o.k, NULL))
		return 2;
	o.k.jit = true;
	o.k.sound = sound;
	if (corpus)
		err = run_corpus(&o, corpus, only, seed);
	else
		run_random(&o, seed, seconds);
	profile_free(&o.k);
	printf("sound: %llu programs run, %llu refused, %llu not run here, %llu not followed; "
	       "%llu points, %u findings\n",
	       (unsigned long long)(o.n[FINE] + o.n[TOO_LONG] + o.n[NONSENSE] + o.findings),
	       (unsigned long long)o.n[REFUSED], (unsigned long long)o.n[NOT_RUN],
	       (unsigned long long)(o.n[TOO_LONG] + o.n[NONSENSE]),
	       (unsigned long long)o.points, o.findings);
	return err ? err : o.findings > 0;
}
