/* SPDX-License-Identifier: BSD-2-Clause */
/* output/stack: frames of this process and of one that has gone, in every mode. */
#include "script_rig.h"
#include "elf/symbols.h"

__attribute__((noinline)) void known_function(void);
void known_function(void)
{
	__asm__ volatile("nop; nop; nop; nop");
}

struct ustack {
	u64 hash;
	u32 frames, tgid, probe, zero;
};

/* The text of a stack of two frames. */
static char *shown(u32 compat, bool is_key, u32 mode, struct ustack v, const u64 *frames)
{
	struct rig *r = rig_new(compat, false);
	const struct stype *t = stype_stack(&r->s->arena, ST_USTACK, 4, mode);
	u32 a = rig_action(r, ACTION_PRINT_VALUE, "", t, NULL),
	    m = rig_map(r, "@m", t, stype_int(8, false));
	union bpf_attr attr = {0};
	u64 value[16] = {0};
	char *text;

	vec_push(&r->s->attaches, ((struct script_attach){.hook = HOOK_UPROBE,
							  .name = "",
							  .target = "/proc/self/exe",
							  .fn = "known_function",
							  .ns = "",
							  .mode = "",
							  .pid = -1}));
	r->s->ustack_map = rig_obj_map(r, "ustacks", BPF_MAP_TYPE_HASH, 16, sizeof(value), 8);
	rig_start(r);
	memcpy(value, frames, 8ul * v.frames);
	attr.map_fd = (u32)load_map(r->l, r->s->ustack_map)->fd;
	attr.key = (u64)(uintptr_t)&v;
	attr.value = (u64)(uintptr_t)value;
	if (v.hash)
		CHECK_EQ(engine_bpf(r->e, BPF_MAP_UPDATE_ELEM, &attr, sizeof(attr)), 0);
	if (is_key)
		rig_set(r, m, &v, 0, &(u64){ 1 });
	else
		rig_send(r, a, &v);
	text = strdup(is_key ? rig_maps(r) : rig_read(r));
	rig_free(r);
	return text;
}

TEST(frames_of_a_living_process)
{
	u64 at = (u64)(uintptr_t)known_function, frames[2] = { at, at + 2 };
	struct ustack v = { 1, 2, (u32)getpid(), 0, 0 };
	char want[512], *text = shown(0, false, STACK_BPFTRACE, v, frames);

	CHECK_STR(text, "\n        known_function+0\n        known_function+2\n\n");
	free(text);
	text = shown(17, true, STACK_BPFTRACE, v, frames);
	CHECK_STR(text, "@m[\n    known_function+0\n    known_function+2\n]: 1\n");
	free(text);
	text = shown(0, false, STACK_RAW, v, frames);
	snprintf(want, sizeof(want), "\n%lx\n%lx\n\n", at, at + 2);
	CHECK_STR(text, want);
	free(text);
	text = shown(0, false, STACK_PERF, v, frames);
	snprintf(want, sizeof(want), "\n\t%lx known_function+0 (/", at);
	CHECK(str_starts(text, want));
	free(text);
}

TEST(unknown_frames_and_lost_stacks)
{
	u64 frames[2] = { 0x10, UINT64_MAX };
	struct ustack v = { 1, 2, (u32)getpid(), 0, 0 };
	char *text = shown(0, false, STACK_BPFTRACE, v, frames);

	CHECK_STR(text, "\n        0x10\n        <unwind failure>\n\n");
	free(text);
	text = shown(0, false, STACK_PERF, v, frames);
	CHECK(str_starts(text, "\n\t10 0x10 ([unknown])\n"));
	free(text);
	v.hash = 0; /* not in the map */
	text = shown(0, false, STACK_BPFTRACE, v, frames);
	CHECK_STR(text, "\n        <stack lost>\n\n");
	free(text);
	v.hash = 1;
	v.frames = 0;
	text = shown(0, false, STACK_BPFTRACE, v, frames);
	CHECK_STR(text, "\n\n");
	free(text);
}

/* The first frame is the probe's, so that its binary names the others. */
TEST(frames_of_a_process_that_has_gone)
{
	u64 off = 0, base = 0x7f1234560000, frames[2];
	struct ustack v = { 1, 2, 0x7ffffffe, 1, 0 };
	char *text;

	CHECK_EQ(
		symbol_offset("/proc/self/exe", "known_function", 0, (struct place){0}, NULL, &off),
		0);
	frames[0] = base + (off & 0xfff);
	frames[1] = frames[0] + 3;
	text = shown(0, false, STACK_BPFTRACE, v, frames);
	CHECK_STR(text, "\n        known_function+0\n        known_function+3\n\n");
	free(text);
	frames[0] += 8; /* not where the probe stands */
	text = shown(0, false, STACK_BPFTRACE, v, frames);
	CHECK(str_starts(text, "\n        0x7f123456"));
	free(text);
	v.probe = 77;
	text = shown(0, false, STACK_BPFTRACE, v, frames);
	CHECK(str_starts(text, "\n        0x7f123456"));
	free(text);
}
