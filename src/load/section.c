/* SPDX-License-Identifier: BSD-2-Clause */
/* load/section.c - abi/section.def searched, and the targets in section names parsed.
 *
 *	kprobe/FUNC[+OFF]       tp/CATEGORY/NAME      uprobe/PATH:FUNC[+OFF]
 *	kprobe.multi/PATTERN    raw_tp/NAME           uprobe.multi/PATH:PATTERN
 *	ksyscall/NAME           iter/NAME             usdt/PATH:PROVIDER:NAME
 *
 * The forms are those of libbpf's attach functions.
 */
#include "load/section.h"
#include "base/str.h"
#include <errno.h>
#include <string.h>

static const struct section sections[] = {
#define SECTION(text, type, attach, flags, kind) \
	{ text, BPF_PROG_TYPE_##type, attach, flags, ATTACH_##kind },
#include "abi/section.def"
#undef SECTION
};

/* Length of the text without '+'. */
static size_t stem_len(const struct section *sec)
{
	size_t n = strlen(sec->text);

	return sec->text[n - 1] == '+' ? n - 1 : n;
}

const struct section *section_find(const char *name)
{
	name += *name == '?';
	for (u32 i = 0; i < ARRAY_SIZE(sections); i++) {
		size_t n = stem_len(&sections[i]);

		if (strncmp(name, sections[i].text, n))
			continue;
		if (!name[n] || (name[n] == '/' && sections[i].text[n] == '+'))
			return &sections[i];
	}
	return NULL;
}

const struct section *section_of_type(u32 prog_type)
{
	const struct section *first = NULL;

	for (u32 i = 0; i < ARRAY_SIZE(sections); i++) {
		const struct section *sec = &sections[i];

		if (sec->prog_type != prog_type)
			continue;
		if (sec->text[stem_len(sec)] != '+' && !strchr(sec->text, '/') &&
		    !(sec->flags & (SEC_SLEEPABLE | SEC_FRAGS)))
			return sec;
		if (!first)
			first = sec;
	}
	return first;
}

const char *section_nearest(const char *name)
{
	static const char *const stems[] = {
#define SECTION(text, ...) text,
#include "abi/section.def"
#undef SECTION
	};
	const char *best = stems[0];
	u32 best_distance = ~0u;

	name += *name == '?';
	for (u32 i = 0; i < ARRAY_SIZE(stems); i++) {
		size_t n = stem_len(&sections[i]);
		/* "xdp_pass" is meant as xdp: what it begins with counts more than likeness. */
		bool begins = strncmp(name, stems[i], n) == 0;
		u32 d = begins ? 0 : 1 + str_distance(name, stems[i], n);

		if (d < best_distance || (begins && n > strlen(best))) {
			best_distance = d;
			best = stems[i];
		}
	}
	return best;
}

const char *section_target(const struct section *sec, const char *name)
{
	name += *name == '?';
	size_t n = stem_len(sec);

	return !strncmp(name, sec->text, n) && name[n] == '/' ? name + n + 1 : NULL;
}

/* Cuts "NAME+OFF"; off stays 0 without one. */
static int cut_off(char *name, u64 *off)
{
	char *plus = strrchr(name, '+');

	if (!plus)
		return 0;
	*plus = 0;
	return str_to_u64(plus + 1, off);
}

static int spec_uprobe(char *target, struct attach_spec *out)
{
	char *colon = strchr(target, ':');

	if (!colon) {
		/* Only a path: symbol and offset must come from elsewhere. */
		out->kind = ATTACH_NONE;
		out->path = target;
		return 0;
	}
	*colon = 0;
	out->path = target;
	out->name = colon + 1;
	if (out->kind == ATTACH_UPROBE_MULTI)
		return *out->name ? 0 : -EINVAL;

	u64 number;

	if (!str_to_u64(out->name, &number)) {
		out->name = NULL;
		out->off = number;
		return 0;
	}
	return *out->name ? cut_off(colon + 1, &out->off) : -EINVAL;
}

static int spec_usdt(char *target, struct attach_spec *out)
{
	char *first = strchr(target, ':'), *second = first ? strchr(first + 1, ':') : NULL;

	if (!second || !second[1] || second == first + 1)
		return -EINVAL;
	*first = *second = 0;
	out->path = target;
	out->category = first + 1;
	out->name = second + 1;
	return 0;
}

static int spec_target(char *target, struct attach_spec *out)
{
	char *slash;

	switch (out->kind) {
	case ATTACH_KPROBE:
		out->name = target;
		if (cut_off(target, &out->off) || (out->retprobe && out->off))
			return -EINVAL;
		return *target ? 0 : -EINVAL;
	case ATTACH_UPROBE:
	case ATTACH_UPROBE_MULTI:
		return spec_uprobe(target, out);
	case ATTACH_USDT:
		return spec_usdt(target, out);
	case ATTACH_TRACEPOINT:
		slash = strchr(target, '/');
		if (!slash || slash == target || !slash[1])
			return -EINVAL;
		*slash = 0;
		out->category = target;
		out->name = slash + 1;
		return 0;
	default:
		out->name = target;
		return *target ? 0 : -EINVAL;
	}
}

static const char *form(enum attach_kind kind)
{
	switch (kind) {
	case ATTACH_KPROBE: return "FUNCTION or FUNCTION+OFFSET (no offset for a kretprobe)";
	case ATTACH_UPROBE: return "PATH:FUNCTION, PATH:FUNCTION+OFFSET or PATH:OFFSET";
	case ATTACH_UPROBE_MULTI: return "PATH:PATTERN";
	case ATTACH_USDT: return "PATH:PROVIDER:NAME";
	case ATTACH_TRACEPOINT: return "CATEGORY/NAME";
	default: return "NAME";
	}
}

/* Kinds whose target is in the section name and nowhere else. */
static bool wants_target(enum attach_kind kind)
{
	switch (kind) {
	case ATTACH_TRACEPOINT: case ATTACH_RAW_TP: case ATTACH_KPROBE: case ATTACH_KPROBE_MULTI:
	case ATTACH_KSYSCALL: case ATTACH_UPROBE: case ATTACH_UPROBE_MULTI: case ATTACH_USDT:
	case ATTACH_TRACE: case ATTACH_ITER:
		return true;
	default:
		return false;
	}
}

int section_spec(const struct section *sec, const char *name, struct arena *a, struct place at,
		 struct diag *dg, struct attach_spec *out)
{
	const char *target = section_target(sec, name);
	struct attach_spec spec = {
		.kind = sec->kind,
		.attach_type = sec->attach_type,
		.retprobe = sec->flags & SEC_RET,
		.session = sec->flags & SEC_SESSION,
		.sleepable = sec->flags & SEC_SLEEPABLE,
		.pid = -1,
		.cpu = -1,
		.at = at,
	};

	if (wants_target(sec->kind)) {
		/* An empty pattern fits nothing: such a program is attached by hand. */
		if (!target || (!*target && sec->kind == ATTACH_KPROBE_MULTI))
			spec.kind = ATTACH_NONE;
		else if (spec_target(arena_strdup(a, target), &spec))
			return diag_error(dg, at, -EINVAL,
					  "section '%s': after '%.*s/' must stand %s", name,
					  (int)stem_len(sec), sec->text, form(sec->kind));
	}
	*out = spec;
	return 0;
}
