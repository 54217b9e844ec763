/* SPDX-License-Identifier: BSD-2-Clause */
/* hook/bp.c - breakpoints: which addresses they stand at, and what a hit means.
 *
 * int3 is put at a file offset wherever the file is mapped executable, at exec and after each mmap
 * or mprotect, and never lifted while tracing lasts: the insn under it runs out of line
 * (hook/xol.h). For the return of a function a breakpoint goes to its return address, and a hit
 * counts only with the stack pointer that the return leaves.  Taking breakpoints out needs no task
 * stopped: a task that has run into int3 already finds its site no longer live and goes on.
 */
#include "elf/maps.h"
#include "hook/guard.h"
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { INT3 = 0xcc };

/* Distance that a 32-bit displacement surely covers from a slot to what its insn refers to. */
static const u64 reach = 1ull << 30;

/* Some file systems (overlayfs, btrfs) show another device in maps than stat(2) does; the file is
 * then asked by its name. */
static bool is_file(const struct bp_place *p, const struct mapping *m, s32 tid)
{
	char path[4200];
	struct stat st;

	if (m->ino != p->ino)
		return false;
	if (m->dev == p->dev)
		return true;
	snprintf(path, sizeof(path), "/proc/%d/root%s", tid, m->path);
	return !stat(path, &st) && st.st_dev == p->dev && st.st_ino == p->ino;
}

/* ---- sites ---- */

/* The insn's bytes as they are without breakpoints: memory, or, where a breakpoint is in memory
 * that the guard did not know of (a child whose maker was killed), the file. */
static size_t clean_bytes(struct task *k, u64 addr, const struct bp_place *p, u8 *bytes)
{
	size_t n = mm_read_some(k->mm, k->pub.tid, addr, bytes, XOL_INSN_MAX);

	if (n && bytes[0] == INT3 && p) {
		int fd = open(p->path, O_RDONLY | O_CLOEXEC);
		ssize_t got = fd < 0 ? 0 : pread(fd, bytes, XOL_INSN_MAX, (off_t)p->off);

		if (fd >= 0)
			close(fd);
		n = got > 0 ? (size_t)got : 0;
	}
	for (size_t i = 1; i < n; i++) { /* other breakpoints may stand in the bytes that follow */
		const struct site *s = mm_site(k->mm, addr + i);

		if (s && s->live)
			bytes[i] = s->insn.bytes[0];
	}
	return n;
}

/* Puts int3 at addr, if it is not there: the site, or NULL. */
static struct site *set_site(struct trace *t, struct task *k, u64 addr, s32 place)
{
	static const u8 int3 = INT3;
	struct site *s = mm_site(k->mm, addr);
	const struct bp_place *p = place == NO_PLACE ? NULL : &t->places.p[place];
	struct xol_insn insn;
	u8 bytes[XOL_INSN_MAX], now;

	if (s && place != NO_PLACE)
		s->place = place;
	if (s && s->live && (place == NO_PLACE ||
			     (mm_read(k->mm, k->pub.tid, addr, &now, 1) && now == INT3)))
		return s;

	size_t n = clean_bytes(k, addr, p, bytes);

	if (!n || xol_decode(bytes, n, addr, &insn))
		return NULL;
	if (!s)
		s = mm_site_add(k->mm, addr);
	if (!s || !mm_write(k->mm, k->pub.tid, addr, &int3, 1))
		return NULL;
	if (s->slot && (s->insn.len != insn.len || memcmp(s->insn.bytes, insn.bytes, insn.len)))
		s->slot = 0; /* another file is mapped here now */
	s->insn = insn;
	if (place != NO_PLACE)
		s->place = place;
	s->live = true;
	return s;
}

static void lift_site(struct task *k, struct site *s)
{
	u8 now;

	if (mm_read(k->mm, k->pub.tid, s->addr, &now, 1) && now == INT3)
		mm_write(k->mm, k->pub.tid, s->addr, s->insn.bytes, 1);
	s->live = false;
}

/* Adds delta to a USDT semaphore. */
static bool count_semaphore(struct task *k, u64 addr, s16 delta)
{
	u16 v;

	if (!mm_read(k->mm, k->pub.tid, addr, &v, sizeof(v)))
		return false;
	v = (u16)(v + delta);
	return mm_write(k->mm, k->pub.tid, addr, &v, sizeof(v));
}

static void raise_semaphore(struct task *k, u32 place, u64 addr)
{
	struct mm *m = k->mm;

	for (u32 i = 0; i < m->counters.n; i++)
		if (m->counters.p[i].place == place && m->counters.p[i].addr == addr)
			return;
	if (count_semaphore(k, addr, 1))
		vec_push(&m->counters, ((struct counter){ addr, place }));
}

static bool place_is_for(const struct trace *t, const struct bp_place *p, s32 tgid)
{
	for (s32 b = p->first; b != TRACE_NO_BP; b = t->bps.p[b].next)
		if (!t->bps.p[b].pid || t->bps.p[b].pid == tgid)
			return true;
	return false;
}

/* Does the task run a 32-bit program?  Its insns mean something else. */
static bool is_compat(s32 tid)
{
	char path[64];
	u8 ident[EI_CLASS + 1] = { 0 };

	snprintf(path, sizeof(path), "/proc/%d/exe", tid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool read_it = fd >= 0 && pread(fd, ident, sizeof(ident), 0) == sizeof(ident);

	if (fd >= 0)
		close(fd);
	return read_it && ident[EI_CLASS] == ELFCLASS32;
}

void bp_scan(struct trace *t, struct task *k)
{
	FILE *maps = k->mm && !is_compat(k->pub.tid) ? mappings_open(k->pub.tid) : NULL;
	struct mapping m;

	while (maps && mapping_next(maps, &m)) {
		if (!m.ino)
			continue;
		for (u32 i = 0; i < t->places.n; i++) {
			const struct bp_place *p = &t->places.p[i];
			u64 ref = p->ref_ctr_off;

			if (p->ino != m.ino || !place_is_for(t, p, k->pub.tgid) ||
			    !is_file(p, &m, k->pub.tid))
				continue;
			if (m.exec && !m.write && p->off - m.off < m.to - m.from &&
			    !set_site(t, k, m.from + (p->off - m.off), (s32)i))
				t->shared->counts.bp_missed++;
			if (ref && m.write && ref - m.off < m.to - m.from)
				raise_semaphore(k, i, m.from + (ref - m.off));
		}
	}
	if (maps)
		fclose(maps);
}

void bp_remove_all(struct task *k)
{
	struct mm *m = k->mm;

	if (!m)
		return;
	for (u32 i = 0; i < m->sites.n; i++)
		lift_site(k, &m->sites.p[i]);
	for (u32 i = 0; i < m->counters.n; i++)
		count_semaphore(k, m->counters.p[i].addr, -1);
	m->counters.n = 0;
}

/* ---- slots ---- */

/* An unmapped page close to addr, by preference below it: what is above may grow (heap). */
static u64 find_gap(s32 tid, u64 addr)
{
	enum { MARGIN = 16 * SCRATCH_BYTES };
	FILE *maps = mappings_open(tid);
	u64 end = 65536, below = 0, above = 0; /* vm.mmap_min_addr */
	struct mapping m;

	while (maps && mapping_next(maps, &m)) {
		u64 gap = m.from > end ? m.from - end : 0;

		if (gap >= 2 * SCRATCH_BYTES && m.from <= addr && addr - m.from < reach)
			below = m.from - (gap > 4 * MARGIN ? MARGIN : SCRATCH_BYTES);
		if (gap >= 4 * MARGIN && m.from > addr && !above && m.from - addr < reach)
			above = m.from - MARGIN;
		end = MAX(end, m.to);
	}
	if (maps)
		fclose(maps);
	return below ? below : above;
}

static struct scratch *new_scratch(struct task *k, u64 addr, u32 size, bool mapped)
{
	struct scratch *s = vec_add(&k->mm->scratch);

	if (!s)
		return NULL;
	s->addr = addr;
	s->max = size / XOL_SLOT_BYTES;
	s->mapped = mapped;
	if (mapped || mm_read(k->mm, k->pub.tid, addr, s->saved, size))
		return s;
	k->mm->scratch.n--;
	return NULL;
}

/* A page of slots near addr, made in the task by mmap(2). */
static struct scratch *add_scratch(struct task *k, u64 addr)
{
	u64 at = k->mm->no_scratch ? 0 : find_gap(k->pub.tid, addr);
	u64 args[6] = { at, SCRATCH_BYTES, PROT_READ | PROT_EXEC,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, (u64)-1, 0 };

	if (!at)
		return NULL;
	if (inject_call(k, SYS_mmap, args) != (s64)at) {
		k->mm->no_scratch = true;
		return NULL;
	}

	return new_scratch(k, at, SCRATCH_BYTES, true);
}

/* Opens the file that m maps, by a name that is the task's to choose: it may be another file by now,
 * and only a regular one is harmless to open. */
static int open_mapped(const struct mapping *m, s32 tid)
{
	char path[4200], link[64];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d/root%s", tid, m->path);
	int at = open(path, O_PATH | O_CLOEXEC | O_NOFOLLOW), fd = -1;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", at);
	if (at >= 0 && !fstat(at, &st) && S_ISREG(st.st_mode) && st.st_ino == m->ino)
		fd = open(link, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (at >= 0)
		close(at);
	return fd;
}

/* End of the file's bytes in the text segment that m maps, as an address; 0: not an ELF segment. */
static u64 segment_end(const struct mapping *m, s32 tid)
{
	Elf64_Ehdr eh;
	Elf64_Phdr ph;
	u64 end = 0;
	int fd = open_mapped(m, tid);

	if (fd < 0)
		return 0;
	if (pread(fd, &eh, sizeof(eh), 0) == sizeof(eh) && !memcmp(eh.e_ident, ELFMAG, SELFMAG) &&
	    eh.e_ident[EI_CLASS] == ELFCLASS64) {
		for (u32 i = 0; i < eh.e_phnum && !end; i++) {
			if (pread(fd, &ph, sizeof(ph), (off_t)(eh.e_phoff + i * sizeof(ph))) !=
			    sizeof(ph))
				break;
			if (ph.p_type == PT_LOAD && ph.p_flags & PF_X &&
			    (ph.p_offset & ~4095ull) == m->off && ph.p_filesz < 1ull << 40)
				end = m->from + (ph.p_offset - m->off) + ph.p_filesz;
		}
	}
	close(fd);
	return end;
}

/* The unused end of the last page of the text that addr lies in. */
static struct scratch *use_slack(struct task *k, u64 addr)
{
	struct mapping m;
	u64 from;

	if (!mapping_of(k->pub.tid, addr, &m) || !m.ino || !m.exec || m.write)
		return NULL;
	from = ALIGN_UP(segment_end(&m, k->pub.tid), (u64)XOL_SLOT_BYTES);
	if (from <= addr || from >= m.to || m.to - from > SCRATCH_BYTES)
		return NULL;
	for (u32 i = 0; i < k->mm->scratch.n; i++)
		if (k->mm->scratch.p[i].addr == from)
			return NULL; /* it is full */
	return new_scratch(k, from, (u32)(m.to - from), false);
}

static bool give_slot(struct task *k, struct site *s)
{
	struct mm *m = k->mm;
	struct scratch *room = NULL;
	u8 code[XOL_SLOT_BYTES];

	for (u32 i = 0; i < m->scratch.n && !room; i++) {
		struct scratch *c = &m->scratch.p[i];
		u64 far = c->addr > s->addr ? c->addr - s->addr : s->addr - c->addr;

		if (c->used < c->max && far < reach)
			room = c;
	}
	if (!room)
		room = add_scratch(k, s->addr);
	if (!room && !k->gone)
		room = use_slack(k, s->addr);
	if (!room)
		return false;

	u64 slot = room->addr + room->used * XOL_SLOT_BYTES;

	if (!xol_fill_slot(&s->insn, s->addr, slot, code) ||
	    !mm_write(m, k->pub.tid, slot, code, sizeof(code)))
		return false;
	room->used++;
	s->slot = slot;
	return true;
}

/* Did the insn itself raise the signal? */
static bool is_fault(const siginfo_t *info)
{
	switch (info->si_signo) {
	case SIGSEGV:
	case SIGBUS:
	case SIGILL:
	case SIGFPE:
	case SIGTRAP:
		return info->si_code > 0;
	default:
		return false;
	}
}

void bp_leave_slot(struct trace *t, struct task *k)
{
	u32 off;
	struct site *s = k->mm && k->mm->scratch.n && task_regs(k) ?
				 mm_site_by_slot(k->mm, k->regs.rip, &off) : NULL;

	if (!s)
		return;

	bool done = xol_leave_slot(&s->insn, s->addr, off, &k->regs);
	siginfo_t info;

	k->regs_dirty = true;
	/* A fault of the insn itself comes again when its handler returns, and counts again, as in
	 * the kernel; any other signal only interrupted a hit that was told already. */
	if (done || t->quiet || ptrace(PTRACE_GETSIGINFO, k->pub.tid, NULL, &info) ||
	    is_fault(&info))
		return;
	if (k->n_rewound == ARRAY_SIZE(k->rewound))
		memmove(k->rewound, k->rewound + 1, sizeof(k->rewound[0]) * --k->n_rewound);
	k->rewound[k->n_rewound++] = (struct rewound){ s->addr, k->regs.rsp };
}

/* Was this hit told before a signal came in its way?  Entries whose frame has gone are dropped. */
static bool told_already(struct task *k)
{
	for (u32 i = k->n_rewound; i--; ) {
		if (k->rewound[i].addr == k->regs.rip && k->rewound[i].rsp == k->regs.rsp) {
			k->n_rewound = i;
			return true;
		}
	}
	while (k->n_rewound && k->rewound[k->n_rewound - 1].rsp < k->regs.rsp &&
	       k->regs.rsp - k->rewound[k->n_rewound - 1].rsp < reach)
		k->n_rewound--;
	return false;
}

/* The kernel restarts an interrupted call on its way back to the task, but not behind another call:
 * what it would have done is done to the registers. */
static void restart_call(struct task *k)
{
	enum { ERESTARTSYS = 512, ERESTARTNOINTR, ERESTARTNOHAND, ERESTART_RESTARTBLOCK = 516 };
	s64 result = (s64)k->regs.rax;

	if ((s64)k->regs.orig_rax < 0 || result > -ERESTARTSYS || result < -ERESTART_RESTARTBLOCK)
		return;
	k->regs.rax = result == -ERESTART_RESTARTBLOCK ? SYS_restart_syscall : k->regs.orig_rax;
	k->regs.orig_rax = (u64)-1;
	k->regs.rip -= 2;
	k->regs_dirty = true;
}

void bp_unmap_slots(struct task *k)
{
	struct mm *m = k->mm;

	if (!m || m->refs != 1 || !m->scratch.n || !task_regs(k))
		return;
	restart_call(k);
	for (u32 i = 0; i < m->scratch.n; i++) {
		const struct scratch *s = &m->scratch.p[i];
		u64 args[6] = { s->addr, SCRATCH_BYTES };

		if (!s->mapped)
			mm_write(m, k->pub.tid, s->addr, s->saved, s->used * XOL_SLOT_BYTES);
		else if (inject_call(k, SYS_munmap, args) == -ESRCH)
			break;
	}
	m->scratch.n = 0;
}

void bp_mend_copy(struct task *k)
{
	static const u8 int3 = INT3;
	struct mm *m = k->mm;
	u8 code[XOL_SLOT_BYTES], byte;
	bool mapped = true;

	for (u32 i = 0; i < m->scratch.n; i++)
		mapped &= mm_read(m, k->pub.tid, m->scratch.p[i].addr, &byte, 1);
	if (!mapped)
		m->scratch.n = 0;
	for (u32 i = 0; i < m->sites.n; i++) {
		struct site *s = &m->sites.p[i];

		if (!mapped)
			s->slot = 0;
		if (s->slot && xol_fill_slot(&s->insn, s->addr, s->slot, code))
			mm_write(m, k->pub.tid, s->slot, code, sizeof(code));
		if (s->live && mm_read(m, k->pub.tid, s->addr, &byte, 1) &&
		    byte == s->insn.bytes[0])
			mm_write(m, k->pub.tid, s->addr, &int3, 1);
	}
}

/* ---- hits ---- */

static int mem_read(void *arg, u64 addr, void *dst, size_t size)
{
	return trace_read(arg, addr, dst, size);
}

static int mem_write(void *arg, u64 addr, const void *src, size_t size)
{
	return trace_write(arg, addr, src, size);
}

/* Goes past the insn under the breakpoint at addr. */
static void step(struct trace *t, struct task *k, u64 addr)
{
	const struct xol_mem mem = { &k->pub, mem_read, mem_write };
	struct site *s = mm_site(k->mm, addr);

	k->regs_dirty = true;
	if (xol_emulate(&s->insn, &k->regs, &mem, false))
		return;
	if (s->slot || give_slot(k, s)) {
		k->regs.rip = s->slot;
		return;
	}
	if (k->gone || xol_emulate(&s->insn, &k->regs, &mem, true))
		return;
	lift_site(k, s);
	t->shared->counts.bp_missed++;
}

/* Functions that return to where the task is now, by way of the stack slot just popped. */
static void tell_returns(struct trace *t, struct task *k)
{
	struct returning r;

	while (mm_return_take(k->mm, k->regs.rsp - 8, k->regs.rip, &r)) {
		struct user_regs_struct regs = k->regs;

		if (!t->ops->bp_return)
			continue;
		k->phase = PHASE_BP_RETURN;
		t->ops->bp_return(t->arg, &k->pub, r.bp, r.func, &regs);
		k->phase = PHASE_NONE;
	}
}

static void await_return(struct trace *t, struct task *k, s32 bp)
{
	u64 ret, slot = k->regs.rsp;

	if (trace_read(&k->pub, slot, &ret, sizeof(ret)) || !set_site(t, k, ret, NO_PLACE) ||
	    !mm_return_add(k->mm, slot, ret, k->regs.rip, bp))
		t->shared->counts.return_missed++;
}

static void tell_entry(struct trace *t, struct task *k, s32 place)
{
	struct user_regs_struct regs = k->regs;

	for (s32 i = t->places.p[place].first; i != TRACE_NO_BP; i = t->bps.p[i].next) {
		const struct bp *bp = &t->bps.p[i];

		if (bp->pid && bp->pid != k->pub.tgid)
			continue;
		if (bp->enter && t->ops->bp_enter) {
			k->phase = PHASE_BP_ENTER;
			t->ops->bp_enter(t->arg, &k->pub, i, &regs);
			k->phase = PHASE_NONE;
		}
		if (bp->ret && !k->overridden)
			await_return(t, k, i);
	}
}

bool bp_hit(struct trace *t, struct task *k)
{
	siginfo_t info;

	if (!k->mm || !k->mm->sites.n || !task_regs(k))
		return false;

	u64 addr = k->regs.rip - 1;
	const struct site *s = mm_site(k->mm, addr);

	if (!s || ptrace(PTRACE_GETSIGINFO, k->pub.tid, NULL, &info) || info.si_code != SI_KERNEL)
		return false;
	k->regs.rip = addr;
	k->regs_dirty = true;
	if (!s->live) /* it was taken out while the task ran into it */
		return true;

	s32 place = s->place; /* s moves when sites are added */

	k->overridden = false;
	if (!told_already(k)) {
		tell_returns(t, k);
		if (place != NO_PLACE)
			tell_entry(t, k, place);
	}
	if (!k->overridden)
		step(t, k, addr);
	k->overridden = false;
	return true;
}
