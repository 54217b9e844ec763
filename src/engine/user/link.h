/* SPDX-License-Identifier: BSD-2-Clause */
/* engine/user/link.h - links: a program and where it is attached.
 *
 * A link holds a hook of the target that is to be started: which events of the transport, with what
 * ctx.  hook.c turns an attach_spec into it and refuses what the user engine can't see.
 */
#pragma once
#include "abi/ksyscall.h"
#include "abi/tracepoint.h"
#include "engine/user/session.h"

enum hook_kind {
	HOOK_TRACEPOINT, /* record of tp as ctx */
	HOOK_RAW_TP,	 /* arguments of tp as u64s: raw_tp and tp_btf */
	HOOK_KPROBE,	 /* ksym: entry or return of a system-call function */
	HOOK_UPROBE,	 /* bp: entry or return of a user function */
	HOOK_SAMPLE,	 /* bp: id of a sampler; registers of a running thread */
};

struct hook {
	enum hook_kind kind;
	bool retprobe;
	struct tracepoint tp; /* HOOK_TRACEPOINT, HOOK_RAW_TP */
	struct ksym ksym;     /* HOOK_KPROBE */
	bool is_ksyscall;     /* HOOK_KPROBE by system call, not by function */
	char *name;	      /* owned; as the spec had it, NULL: none */
	char *path;	      /* owned; HOOK_UPROBE: file */
	u64 off;	      /* HOOK_UPROBE: byte offset in it; HOOK_KPROBE: in the function */
	u64 ref_ctr_off;
	s32 pid;	 /* HOOK_UPROBE, HOOK_SAMPLE: tgid, 0 or less: all */
	s32 bp;		 /* id in the transport, once it is started */
	u64 period_ns;	 /* HOOK_SAMPLE: of CPU time */
	u64 perf_config; /* HOOK_SAMPLE: enum perf_sw_ids */
};

struct link_object {
	struct object o;
	struct prog_object *prog; /* a reference; NULL after a detach */
	struct hook hook;
	u32 type; /* enum bpf_link_type */
	u64 cookie;
	struct link_shared *shared; /* in the session's shared memory */
};

static inline struct link_object *link_of(struct object *o)
{
	return container_of(o, struct link_object, o);
}

/* p may be NULL where the spec says all.  Fills hook from the spec, or says in dg what the user engine has instead.  Errors: -EOPNOTSUPP,
 * -ENOENT for names, -EINVAL, -ENOMEM. */
int hook_make(const struct prog_object *p, const struct attach_spec *spec, struct diag *dg,
	      struct hook *out);
void hook_free(struct hook *h);

/* The link's fd; hook is taken over, also on failure. */
int link_make(struct session *s, struct prog_object *p, struct hook *hook, u32 type, u64 cookie);
int link_fill_info(const struct link_object *l, struct bpf_link_info *info);
/* Is the link still to be served?  Callable in the guard. */
bool link_alive(const struct link_object *l);

int user_can_attach(struct engine *e, const struct attach_spec *spec, struct diag *dg);
int user_attach(struct engine *e, int prog_fd, const struct attach_spec *spec, struct diag *dg);
