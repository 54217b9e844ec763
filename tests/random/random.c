/* SPDX-License-Identifier: BSD-2-Clause */
/* osmia-fuzz: programs made at random go to the verifier and to the running kernel.
 *
 *	osmia-fuzz verify [OPTIONS]
 *
 *	--seed=N      program i comes from seed N + i (the time)
 *	--count=N     this many programs         --seconds=N  for this long (10)
 *	--corpus=DIR  half of them are changed cases of a verifier corpus
 *	--out=DIR     where findings are written as .vc files
 *	--one         the program of --seed alone, with both logs
 *	--no-kernel   ours alone: crashes and hangs
 *	--say         what ours says of every program
 *
 * A finding is a verdict, a message of a refusal, or a number of processed insns that differs; a program
 * that ours takes long for is not sent, since the kernel's verifier would, too.  Each is made smaller
 * while it stays one, and written so that `parity --case` reads it.  Exit status 1: findings.
 */
#include "parity/judge.h"
#include "parity/pool.h"
#include "random/gen.h"
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
	CHUNK = 64,              /* programs a job */
	INSNS_MAX = 3000,        /* of a case to change */
	PROCESSED_MAX = 100000,  /* more is not sent to the kernel */
	SHRINK_TRIES = 3000,
	KINDS_MAX = 512,
	PER_KIND = 2,            /* findings of one kind that are written */
};

struct options {
	const char *corpus, *out;
	u64 seed;
	u32 count, seconds;
	bool one, no_kernel, say;
};

enum difference { SAME, OTHER_VERDICT, OTHER_MESSAGE, OTHER_COUNT, DIFFERENCES };
static const char *const difference_text[] = { "same", "verdict", "message", "insns" };

struct shared {
	u32 programs, accepted, sent, found[DIFFERENCES];
	u64 kinds[KINDS_MAX];    /* hashes of what was found */
	u32 kind_count[KINDS_MAX];
	u64 current[0x10000];    /* seed that each job is at */
};

struct fuzz {
	struct options o;
	struct profile k;
	struct vcases cases;
	VEC(const struct vcase *) small; /* those that are changed */
	struct shared *sh;
	double end;
};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- one program ---- */

static struct vcase *program(const struct fuzz *f, u64 seed)
{
	struct rng r = { seed };
	struct vcase *c;
	u32 n;

	rng_next(&r);
	if (!f->small.n || rng_one_in(&r, 2)) {
		c = vcase_random(&r);
		n = rng_one_in(&r, 3) ? 1 + rng_below(&r, 3) : 0;
	} else {
		c = vcase_copy(f->small.p[rng_below(&r, f->small.n)]);
		n = 1 + rng_below(&r, 4);
	}
	for (u32 i = 0; i < n; i++)
		vcase_mutate(c, &r);
	return c;
}

static enum difference compare(const struct judged *ours, const struct judged *kernel)
{
	if (kernel->failed || ours->failed)
		return SAME;
	if (!ours->err != !kernel->err)
		return OTHER_VERDICT;
	if (ours->err)
		return strcmp(ours->message, kernel->message) ? OTHER_MESSAGE : SAME;
	return ours->processed != kernel->processed ? OTHER_COUNT : SAME;
}

static enum difference ask(const struct fuzz *f, const struct vcase *c, struct judged *ours,
			   struct judged *kernel)
{
	*kernel = (struct judged){ .failed = "not asked" };
	judge(c, &f->k, 0, 1, ours);
	free(ours->log);
	if (f->o.no_kernel || ours->failed || ours->processed > PROCESSED_MAX)
		return SAME;
	judge_live(c, &f->k, VERIFY_STATS, kernel);
	free(kernel->log);
	return compare(ours, kernel);
}

/* ---- smaller ---- */

static bool still(const struct fuzz *f, const struct vcase *c, enum difference want)
{
	struct judged ours, kernel;

	return c->n_insns && ask(f, c, &ours, &kernel) == want;
}

/* Leaves out insns, long runs first, then makes what is left plain. */
static struct vcase *shrink(const struct fuzz *f, struct vcase *c, enum difference want)
{
	u32 tries = 0;

	for (u32 n = c->n_insns / 2; n; n = n > 1 && n < 4 ? n - 1 : n / 2) {
		for (u32 pc = 0; pc + n <= c->n_insns && tries < SHRINK_TRIES;) {
			struct vcase *less = vcase_copy(c);

			vcase_delete(less, pc, n);
			tries++;
			if (still(f, less, want)) {
				vcase_copy_free(c);
				c = less;
			} else {
				vcase_copy_free(less);
				pc += n;
			}
		}
	}
	for (u32 pc = 0; pc < c->n_insns && tries < SHRINK_TRIES; pc++) {
		struct insn was = c->insns[pc];

		if (!was.imm || insn_is_call(&was) || insn_is_wide(&was))
			continue;
		c->insns[pc].imm = 0;
		tries++;
		if (!still(f, c, want))
			c->insns[pc] = was;
	}
	return c;
}

/* ---- findings ---- */

static u64 hash_text(u64 h, const char *s)
{
	for (; *s; s++)
		if (*s < '0' || *s > '9')
			h = (h ^ (u8)*s) * 0x100000001b3ull;
	return h;
}

/* Was this kind found often enough already? */
static bool known(struct shared *sh, enum difference d, const struct judged *ours,
		  const struct judged *kernel)
{
	u64 h = hash_text(hash_text(d + 1, ours->message), kernel->message) | 1;

	for (u32 i = 0; i < KINDS_MAX; i++) {
		u64 free_slot = 0;

		if (__atomic_compare_exchange_n(&sh->kinds[i], &free_slot, h, false,
						__ATOMIC_RELAXED, __ATOMIC_RELAXED) ||
		    free_slot == h)
			return __atomic_fetch_add(&sh->kind_count[i], 1, __ATOMIC_RELAXED) >= PER_KIND;
	}
	return true;
}

static void report(const struct fuzz *f, u64 seed, struct vcase *c, enum difference d)
{
	struct judged ours, kernel;
	char path[512], name[64];
	FILE *out;

	snprintf(name, sizeof(name), "random/%lu", seed);
	c->name = name;
	ask(f, c, &ours, &kernel);
	printf("%s\tseed %lu, %u insns\n\tkernel: %s%s, %u insns\n\tours:   %s%s, %u insns\n",
	       difference_text[d], seed, c->n_insns, kernel.err ? "refused: " : "accepted",
	       kernel.message, kernel.processed, ours.err ? "refused: " : "accepted", ours.message,
	       ours.processed);
	if (!f->o.out)
		return;
	snprintf(path, sizeof(path), "%s/cases/random", f->o.out);
	snprintf(path, sizeof(path), "%s/cases/random/%lu.vc", f->o.out, seed);
	out = fopen(path, "we");
	if (!out) {
		fprintf(stderr, "osmia-fuzz: %s: %s\n", path, strerror(errno));
		return;
	}
	vcase_write(c, out);
	fclose(out);
}

static void try_one(struct fuzz *f, u64 seed)
{
	struct vcase *c = program(f, seed);
	struct judged ours, kernel;
	enum difference d = ask(f, c, &ours, &kernel);

	if (f->o.say)
		printf("%lu\t%s\n", seed, ours.failed ? ours.failed : ours.err ? ours.message : "accepted");
	__atomic_fetch_add(&f->sh->programs, 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(&f->sh->accepted, !ours.failed && !ours.err, __ATOMIC_RELAXED);
	__atomic_fetch_add(&f->sh->sent, !kernel.failed, __ATOMIC_RELAXED);
	if (d != SAME) {
		__atomic_fetch_add(&f->sh->found[d], 1, __ATOMIC_RELAXED);
		if (!known(f->sh, d, &ours, &kernel)) {
			c = shrink(f, c, d);
			report(f, seed, c, d);
			fflush(stdout);
		}
	}
	vcase_copy_free(c);
}

static void run_job(void *arg, u32 job)
{
	struct fuzz *f = arg;

	for (u32 i = 0; i < CHUNK && now() < f->end; i++) {
		f->sh->current[job & 0xffff] = f->o.seed + (u64)job * CHUNK + i;
		try_one(f, f->o.seed + (u64)job * CHUNK + i);
	}
}

/* ---- the whole ---- */

static int run_all(struct fuzz *f)
{
	struct pool p = { .n_workers = 1, .limit_s = 120, .run = run_job, .arg = f };
	u32 bad = 0;

	p.n_jobs = f->o.count ? (f->o.count + CHUNK - 1) / CHUNK : 0x10000;
	f->end = now() + (f->o.count ? 1e9 : f->o.seconds);
	if (f->o.out) {
		char path[512];

		snprintf(path, sizeof(path), "%s/cases", f->o.out);
		mkdir(f->o.out, 0777);
		mkdir(path, 0777);
		snprintf(path, sizeof(path), "%s/cases/random", f->o.out);
		mkdir(path, 0777);
	}
	if (pool_run(&p))
		return 2;
	for (u32 i = 0; i < p.n_jobs; i++)
		if (p.state[i] == JOB_CRASHED || p.state[i] == JOB_TIMED_OUT) {
			printf("%s\tseed %lu\n", p.state[i] == JOB_CRASHED ? "crash" : "hang",
			       f->sh->current[i & 0xffff]);
			bad++;
		}
	for (u32 i = OTHER_VERDICT; i < DIFFERENCES; i++)
		bad += f->sh->found[i];
	printf("fuzz: %u programs, %u accepted, %u sent to the kernel; other verdict %u, message %u, "
	       "insns %u (seed %lu)\n",
	       f->sh->programs, f->sh->accepted, f->sh->sent, f->sh->found[OTHER_VERDICT],
	       f->sh->found[OTHER_MESSAGE], f->sh->found[OTHER_COUNT], f->o.seed);
	return bad ? 1 : 0;
}

static int run_one(struct fuzz *f)
{
	struct vcase *c = program(f, f->o.seed);
	u32 level = VERIFY_LOG1 | VERIFY_LOG2;
	struct judged ours, kernel;
	char name[64];

	snprintf(name, sizeof(name), "random/%lu", f->o.seed);
	c->name = name;
	vcase_write(c, stdout);
	judge(c, &f->k, level, 1, &ours);
	printf("== ours: %s %s\n%s", ours.err ? "refused" : "accepted", ours.message,
	       ours.log ? ours.log : "");
	if (!f->o.no_kernel) {
		judge_live(c, &f->k, level, &kernel);
		printf("== kernel: %s %s\n%s", kernel.err ? "refused" : "accepted", kernel.message,
		       kernel.log ? kernel.log : "");
		free(kernel.log);
	}
	free(ours.log);
	vcase_copy_free(c);
	return 0;
}

static int open_all(struct fuzz *f)
{
	struct diag dg = {0};
	int err = profile_running(&dg, &f->k);

	f->k.caps = CAPS_ALL;
	f->k.no_trampoline = true;
	err = err ? err : profile_prepare(&f->k, &dg);
	diag_free(&dg);
	f->sh = pool_shared(sizeof(*f->sh));
	if (err || !f->sh)
		return err ? err : -ENOMEM;
	if (f->o.corpus)
		vcases_read(f->o.corpus, NULL, "*", &f->cases);
	for (u32 i = 0; i < f->cases.all.n; i++) {
		const struct vcase *c = f->cases.all.p[i];

		if (!c->error && c->n_insns <= INSNS_MAX && !str_starts(c->name, "mut/"))
			(void)!vec_push(&f->small, c);
	}
	return 0;
}

int main(int argc, char **argv)
{
	enum { SEED = 256, COUNT, SECONDS, CORPUS, OUT, ONE, NO_KERNEL, SAY };
	static const struct option longs[] = {
		{ "seed", 1, 0, SEED }, { "count", 1, 0, COUNT }, { "seconds", 1, 0, SECONDS },
		{ "corpus", 1, 0, CORPUS }, { "out", 1, 0, OUT }, { "one", 0, 0, ONE },
		{ "no-kernel", 0, 0, NO_KERNEL }, { "say", 0, 0, SAY }, { 0 },
	};
	static struct fuzz f = { .o.seconds = 10 };
	int c;

	f.o.seed = (u64)time(NULL) * 1000000;
	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		switch (c) {
		case SEED: f.o.seed = strtoull(optarg, NULL, 0); break;
		case COUNT: f.o.count = (u32)atoi(optarg); break;
		case SECONDS: f.o.seconds = (u32)atoi(optarg); break;
		case CORPUS: f.o.corpus = optarg; break;
		case OUT: f.o.out = optarg; break;
		case ONE: f.o.one = true; break;
		case SAY: f.o.say = true; break;
		case NO_KERNEL: f.o.no_kernel = true; break;
		default: return 2;
		}
	}
	if (optind + 1 != argc || strcmp(argv[optind], "verify") != 0) {
		fprintf(stderr, "usage: osmia-fuzz verify [OPTIONS]\n");
		return 2;
	}
	if (open_all(&f))
		return 2;
	return f.o.one ? run_one(&f) : run_all(&f);
}
