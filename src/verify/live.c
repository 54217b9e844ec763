/* SPDX-License-Identifier: BSD-2-Clause */
/* verify/live.c - stack slots that may still be read, by call chain and insn.
 *
 * While paths are walked, each insn's reads and writes of stack slots are noted, apart for each way in
 * which its function was reached (the chain of call insns), since an insn of a callee may touch the
 * frames of its callers.  When a path ends they are joined into
 *
 *	live[i]    = (union of live[s], s after i) - must_write[i] + may_read[i]
 *	written[i] = (intersection of written[s]) + must_write[i]
 *
 * until nothing changes; then a function's first insn says what its call reads and surely writes of
 * the frames above.  may_read only grows and must_write only shrinks, so asking again later only gives
 * more live slots, and a state all of whose paths have ended has all its reads in.
 *
 *	instance (chain of calls) ── frame[0..depth] ── one struct slots an insn of the function
 *
 * Kernel 6.18: kernel/bpf/liveness.c.
 */
#include "verify/live.h"
#include "verify/cfg.h"
#include "verify/log.h"
#include "verify/subprog.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { N_BUCKETS = 256 };

/* Call insns that lead to a function; the last entry is the function's own first insn. */
struct chain {
	u32 site[FRAMES_MAX];
	u32 start[FRAMES_MAX]; /* first insn of each frame's function */
	u32 depth;             /* frames above: entries 0..depth are set */
};

/* Sets of slots, a bit each, for one insn and one frame. */
struct slots {
	u64 may_read, must_write;
	u64 written;           /* surely written here or later in the function */
	u64 live;              /* may be read here or later */
};

struct instance {
	struct instance *next;
	struct chain chain;
	u32 n_insns;
	bool updated;          /* since it was last solved */
	bool write_dropped;    /* a must_write got smaller since then */
	struct slots *frame[FRAMES_MAX]; /* owned; n_insns each; NULL: nothing noted yet */
	u8 *walked;            /* owned; n_insns: were the insn's writes ever noted? */
};

struct live {
	struct instance *buckets[N_BUCKETS];
	struct instance *cur;  /* of v->cur's current function; NULL: to be looked up */
	u64 writes[FRAMES_MAX]; /* of the insn at write_pc, so far */
	u32 write_pc;
	struct {               /* the state that is asked about */
		struct instance *instance[FRAMES_MAX];
		u32 curframe, pc;
	} query;
};

int live_init(struct verify *v)
{
	v->live = calloc(1, sizeof(*v->live));
	return v->live ? 0 : v_nomem(v);
}

static void instance_free(struct verify *v, struct instance *in)
{
	for (u32 i = 0; i < FRAMES_MAX; i++)
		if (in->frame[i])
			v_free(v, in->frame[i], in->n_insns * sizeof(struct slots));
	v_free(v, in->walked, in->n_insns);
	v_free(v, in, sizeof(*in));
}

void live_free(struct verify *v)
{
	if (!v->live)
		return;
	for (u32 i = 0; i < N_BUCKETS; i++) {
		for (struct instance *in = v->live->buckets[i], *next; in; in = next) {
			next = in->next;
			instance_free(v, in);
		}
	}
	free(v->live);
	v->live = NULL;
}

/* ---- call chains and their instances ---- */

static void chain_of(const struct verify *v, const struct state *st, u32 frameno, struct chain *c)
{
	memset(c, 0, sizeof(*c));
	c->depth = frameno;
	for (u32 i = 0; i <= frameno; i++) {
		c->start[i] = v->subprogs[st->frame[i]->subprog].start;
		if (i < frameno)
			c->site[i] = (u32)st->frame[i + 1]->callsite;
	}
	c->site[frameno] = c->start[frameno];
}

static bool chain_same(const struct chain *a, const struct chain *b)
{
	return a->depth == b->depth &&
	       !memcmp(a->site, b->site, (a->depth + 1) * sizeof(a->site[0]));
}

static u32 chain_bucket(const struct chain *c)
{
	u32 h = 2166136261u;

	for (u32 i = 0; i <= c->depth; i++)
		h = (h ^ c->site[i]) * 16777619u;
	return (h ^ h >> 16) % N_BUCKETS;
}

static u32 chain_start(const struct chain *c)
{
	return c->start[c->depth];
}

/* Finds or makes the instance of a chain.  NULL: out of memory. */
static struct instance *instance_get(struct verify *v, const struct chain *c)
{
	struct instance **head = &v->live->buckets[chain_bucket(c)], *in;
	u32 f = subprog_containing(v, chain_start(c));

	for (in = *head; in; in = in->next)
		if (chain_same(&in->chain, c))
			return in;
	in = v_alloc(v, sizeof(*in));
	if (!in)
		return NULL;
	memset(in, 0, sizeof(*in));
	in->chain = *c;
	in->n_insns = v->subprogs[f + 1].start - v->subprogs[f].start;
	in->walked = v_alloc(v, in->n_insns);
	if (!in->walked) {
		v_free(v, in, sizeof(*in));
		return NULL;
	}
	memset(in->walked, 0, in->n_insns);
	in->next = *head;
	*head = in;
	return in;
}

static struct instance *instance_of(struct verify *v, const struct state *st, u32 frameno)
{
	struct chain c;

	chain_of(v, st, frameno, &c);
	return instance_get(v, &c);
}

/* Slots of a frame as the insn at pc touches them; NULL: nothing was noted for that frame. */
static struct slots *slots_at(const struct instance *in, u32 frame, u32 pc)
{
	u32 i = pc - chain_start(&in->chain);

	return in->frame[frame] && i < in->n_insns ? &in->frame[frame][i] : NULL;
}

static struct slots *slots_make(struct verify *v, struct instance *in, u32 frame, u32 pc)
{
	size_t size = in->n_insns * sizeof(struct slots);

	if (!in->frame[frame]) {
		in->frame[frame] = v_alloc(v, size);
		if (!in->frame[frame])
			return NULL;
		memset(in->frame[frame], 0, size);
	}
	return slots_at(in, frame, pc);
}

/* ---- notes of the walk ---- */

void live_callchain_reset(struct verify *v)
{
	v->live->cur = NULL;
}

static struct instance *instance_current(struct verify *v)
{
	if (!v->live->cur)
		v->live->cur = instance_of(v, v->cur, v->cur->curframe);
	return v->live->cur;
}

static int read_note(struct verify *v, struct instance *in, u32 frame, u32 pc, u64 mask)
{
	struct slots *s = slots_make(v, in, frame, pc);

	if (!s)
		return v_nomem(v);
	if (mask & ~s->may_read && (s->may_read | mask) & ~s->live)
		in->updated = true;
	s->may_read |= mask;
	return 0;
}

int live_read(struct verify *v, u32 frame, u32 pc, u64 mask)
{
	struct instance *in = instance_current(v);

	return in ? read_note(v, in, frame, pc, mask) : v_nomem(v);
}

static void writes_begin(struct live *l, u32 pc)
{
	memset(l->writes, 0, sizeof(l->writes));
	l->write_pc = pc;
}

int live_writes_reset(struct verify *v, u32 pc)
{
	if (!instance_current(v))
		return v_nomem(v);
	writes_begin(v->live, pc);
	return 0;
}

void live_write(struct verify *v, u32 frame, u64 mask)
{
	v->live->writes[frame] |= mask;
}

/* Joins the writes of this visit with those of the visits before: a slot counts that all of them
 * write. */
static int writes_commit(struct verify *v, struct instance *in)
{
	struct live *l = v->live;
	u32 i = l->write_pc - chain_start(&in->chain);

	if (i >= in->n_insns)
		return 0;
	for (u32 frame = 0; frame <= in->chain.depth; frame++) {
		u64 mask = l->writes[frame], old;
		struct slots *s;

		if (!mask && !in->walked[i])
			continue;
		s = slots_make(v, in, frame, l->write_pc);
		if (!s)
			return v_nomem(v);
		old = s->must_write;
		if (in->walked[i])
			mask &= old;
		if (mask == old)
			continue;
		s->must_write = mask;
		in->updated = true;
		if (old & ~mask)
			in->write_dropped = true;
	}
	in->walked[i] = 1;
	l->write_pc = 0;
	return 0;
}

int live_writes_commit(struct verify *v)
{
	return v->live->cur ? writes_commit(v, v->live->cur) : 0;
}

/* ---- solving ---- */

static void chain_log(const struct chain *c, struct str *out)
{
	for (u32 i = 0; i <= c->depth; i++)
		str_addf(out, "%s%u", i ? "," : "(", c->site[i]);
	str_addc(out, ')');
}

static void change_log(struct verify *v, const struct chain *c, const char *what, u32 frame, u32 pc,
		       u64 old, u64 now)
{
	struct str line = {0};

	if (old == now)
		return;
	chain_log(c, &line);
	str_addf(&line, " frame %u insn %u ", frame, pc);
	if (now & ~old) {
		str_addf(&line, "+%s ", what);
		log_slot_mask(&line, now & ~old);
		str_addc(&line, ' ');
	}
	if (old & ~now) {
		str_addf(&line, "-%s ", what);
		log_slot_mask(&line, old & ~now);
	}
	str_addc(&line, '\n');
	log_text(v, &line);
	str_free(&line);
}

/* Takes over what the insns after pc say.  True: pc's sets changed.  update_insn(). */
static bool insn_solve(struct verify *v, struct instance *in, u32 frame, u32 pc)
{
	struct slots *s = slots_at(in, frame, pc);
	u32 succ[2], n = insn_successors(v, pc, succ);
	u64 after = 0, live, written = UINT64_MAX;
	bool changed;

	if (!n || !s)
		return false;
	for (u32 i = 0; i < n; i++) {
		const struct slots *next = slots_at(in, frame, succ[i]);

		after |= next ? next->live : 0;
		written &= next ? next->written : 0;
	}
	written |= s->must_write;
	live = (after & ~s->must_write) | s->may_read;
	changed = live != s->live || written != s->written;
	if (log_states_on(v) && (s->may_read || s->must_write || pc == chain_start(&in->chain) ||
				 v->aux[pc].prune_point)) {
		change_log(v, &in->chain, "live", frame, pc, s->live, live);
		change_log(v, &in->chain, "written", frame, pc, s->written, written);
	}
	s->live = live;
	s->written = written;
	return changed;
}

/* What the function's first insn says of outer frames holds for the call, in the caller's instance.
 * propagate_to_outer_instance(). */
static int caller_tell(struct verify *v, const struct instance *in)
{
	struct chain up = in->chain;
	u32 call = up.site[up.depth - 1];
	struct instance *caller;

	up.depth--;
	up.site[up.depth] = up.start[up.depth];
	caller = instance_get(v, &up);
	if (!caller)
		return v_nomem(v);
	writes_begin(v->live, call);
	for (u32 frame = 0; frame <= up.depth; frame++) {
		const struct slots *s = slots_at(in, frame, chain_start(&in->chain));
		int err;

		if (!s)
			continue;
		live_write(v, frame, s->written);
		err = read_note(v, caller, frame, call, s->live);
		if (err)
			return err;
	}
	return writes_commit(v, caller);
}

/* Sets that shrink must be found anew: they only grow while solving. */
static void written_clear(struct instance *in)
{
	for (u32 frame = 0; frame <= in->chain.depth; frame++)
		for (u32 i = 0; in->frame[frame] && i < in->n_insns; i++)
			in->frame[frame][i].written = 0;
}

/* update_instance(). */
static int instance_solve(struct verify *v, struct instance *in)
{
	const struct subprog *f = &v->subprogs[subprog_containing(v, chain_start(&in->chain))];
	u32 rounds = 0;
	bool changed;

	if (in->write_dropped)
		written_clear(in);
	do {
		changed = false;
		rounds++;
		for (u32 frame = 0; frame <= in->chain.depth; frame++) {
			if (!in->frame[frame])
				continue;
			for (u32 i = f->postorder_start; i < f[1].postorder_start; i++)
				changed |= insn_solve(v, in, frame, v->postorder[i]);
		}
	} while (changed);
	if (log_states_on(v)) {
		struct str line = {0};

		chain_log(&in->chain, &line);
		str_addf(&line, " live stack update done in %u iterations\n", rounds);
		log_text(v, &line);
		str_free(&line);
	}
	return in->chain.depth ? caller_tell(v, in) : 0;
}

int live_update(struct verify *v)
{
	live_callchain_reset(v);
	for (u32 frame = v->cur->curframe + 1; frame-- > 0;) {
		struct instance *in = instance_of(v, v->cur, frame);
		int err;

		if (!in)
			return v_nomem(v);
		if (!in->updated)
			continue;
		err = instance_solve(v, in);
		if (err)
			return err;
		in->updated = in->write_dropped = false;
	}
	return 0;
}

/* ---- questions ---- */

int live_query_begin(struct verify *v, const struct state *st)
{
	struct live *l = v->live;

	memset(&l->query, 0, sizeof(l->query));
	for (u32 frame = 0; frame <= st->curframe; frame++) {
		l->query.instance[frame] = instance_of(v, st, frame);
		if (!l->query.instance[frame])
			return v_nomem(v);
	}
	l->query.curframe = st->curframe;
	l->query.pc = st->insn_idx;
	return 0;
}

static bool live_before(const struct instance *in, u32 pc, u32 frame, u32 slot)
{
	const struct slots *s = slots_at(in, frame, pc);

	return s && s->live >> slot & 1;
}

/* May the slot be read by what is left of the current function, or by the callers once they go on?  A
 * call that calls back may do so again: it has not ended.  bpf_stack_slot_alive(). */
bool live_slot(struct verify *v, u32 frame, u32 slot)
{
	const struct live *l = v->live;
	const struct instance *cur = l->query.instance[l->query.curframe];

	if (live_before(cur, l->query.pc, frame, slot))
		return true;
	for (u32 i = frame; i < l->query.curframe; i++) {
		u32 call = cur->chain.site[i];

		if (live_before(l->query.instance[i], v->aux[call].calls_callback ? call : call + 1,
				frame, slot))
			return true;
	}
	return false;
}
