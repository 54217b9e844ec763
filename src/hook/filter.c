/* SPDX-License-Identifier: BSD-2-Clause */
/* hook/filter.c - the seccomp filter of a started command: hooked calls stop, all others run on.
 *
 * Numbers are found by binary search over ranges.  Apart from the calls whose arguments are looked
 * at, the verdict depends on nothing but the number, so the kernel (5.11 and later) answers "allow"
 * from a bitmap without running the filter at all.  Calls of other ABIs (32-bit, x32) pass.
 */
#include "hook/guard.h"
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>

enum verdict {
	PASS, STOP,
	STOP_IF_EXEC_PROT,  /* third argument has PROT_EXEC: mmap, mprotect */
	STOP_IF_UNTRACED,   /* first argument has CLONE_UNTRACED */
};

typedef VEC(struct sock_filter) insns_t;

struct range {
	u32 first; /* up to the next range's first */
	u8 verdict;
};

static void emit(insns_t *out, u16 code, u32 k, u8 jt, u8 jf)
{
	if (!vec_push(out, ((struct sock_filter){ code, jt, jf, k })))
		out->cap = ~0u; /* noticed by filter_build() */
}

static void emit_arg_test(insns_t *out, u32 arg, u32 bits)
{
	emit(out, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args) + 8 * arg, 0, 0);
	emit(out, BPF_JMP | BPF_JSET | BPF_K, bits, 0, 1);
	emit(out, BPF_RET | BPF_K, SECCOMP_RET_TRACE, 0, 0);
	emit(out, BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
}

static void emit_verdict(insns_t *out, u8 verdict)
{
	switch (verdict) {
	case PASS:
		emit(out, BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
		break;
	case STOP:
		emit(out, BPF_RET | BPF_K, SECCOMP_RET_TRACE, 0, 0);
		break;
	case STOP_IF_EXEC_PROT:
		emit_arg_test(out, 2, PROT_EXEC);
		break;
	case STOP_IF_UNTRACED:
		emit_arg_test(out, 0, CLONE_UNTRACED);
		break;
	}
}

/* The number is in A.  The upper half is reached by an unconditional jump, whose reach is not
 * limited to 255 insns. */
static void emit_search(insns_t *out, const struct range *r, u32 n)
{
	if (n == 1) {
		emit_verdict(out, r->verdict);
		return;
	}
	u32 mid = n / 2;

	emit(out, BPF_JMP | BPF_JGE | BPF_K, r[mid].first, 0, 1);
	u32 jump = out->n;

	emit(out, BPF_JMP | BPF_JA, 0, 0, 0);
	emit_search(out, r, mid);
	if (jump < out->n)
		out->p[jump].k = out->n - jump - 1;
	emit_search(out, r + mid, n - mid);
}

static u8 verdict_of(const struct trace *t, u32 nr)
{
	if (trace_wants(t, (s32)nr, TRACE_ENTER) || trace_wants(t, (s32)nr, TRACE_EXIT))
		return STOP;
	switch (nr) {
	case SYS_execve:
	case SYS_execveat:
		return t->want_process & TRACE_EXEC_EVENT ? STOP : PASS;
	case SYS_kill:
	case SYS_tkill:
	case SYS_tgkill:
	case SYS_rt_sigqueueinfo:
	case SYS_rt_tgsigqueueinfo:
		return t->want_process & TRACE_SIGNAL_GENERATE ? STOP : PASS;
	case SYS_mmap:
		if (t->has_semaphores)
			return STOP;
		/* fall through */
	case SYS_mprotect:
		return t->bps.n ? STOP_IF_EXEC_PROT : PASS;
	case SYS_clone:
		return STOP_IF_UNTRACED;
	case SYS_clone3: /* its flags lie in memory, out of the filter's sight */
	case SYS_ptrace:
		return STOP;
	default:
		return PASS;
	}
}

int filter_build(const struct trace *t, struct sock_filter **out)
{
	insns_t insns = { 0 };
	struct range ranges[TRACE_SYSCALLS_MAX + 1];
	u32 n = 0;

	for (u32 nr = 0; nr <= TRACE_SYSCALLS_MAX; nr++) {
		u8 verdict = t->want_all ? STOP : PASS; /* of numbers above the table */

		if (nr < TRACE_SYSCALLS_MAX)
			verdict = verdict_of(t, nr);

		if (n == 0 || ranges[n - 1].verdict != verdict)
			ranges[n++] = (struct range){ nr, verdict };
	}
	emit(&insns, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch), 0, 0);
	emit(&insns, BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0);
	emit(&insns, BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
	emit(&insns, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr), 0, 0);
	emit_search(&insns, ranges, n);
	if (insns.cap == ~0u) {
		vec_free(&insns);
		return -ENOMEM;
	}
	*out = insns.p;
	return (int)insns.n;
}
