/* SPDX-License-Identifier: BSD-2-Clause */
/* output/script_name.c - what numbers stand for: users, cgroups, times, flags of an allocation. */
#include "output/script_inner.h"
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

/* ---- users ---- */

/* The name of a user in a line of passwd(5), caller frees; NULL: it is another's. */
static char *user_in(const char *line, u32 uid)
{
	size_t name = strcspn(line, ":");
	const char *password = line + name + 1, *id;
	char *end;

	if (!line[name])
		return NULL;
	id = password + strcspn(password, ":");
	if (*id != ':' || strtoul(id + 1, &end, 10) != uid || *end != ':' || end == id + 1)
		return NULL;
	return strndup(line, name);
}

/* Read here, not by getpwuid(3): a static program has no name services. */
static char *user_find(u32 uid)
{
	FILE *f = fopen("/etc/passwd", "re");
	char *line = NULL, *name = NULL;
	size_t size = 0;

	while (f && !name && getline(&line, &size, f) > 0)
		name = user_in(line, uid);
	if (f)
		fclose(f);
	free(line);
	return name;
}

void name_user(struct script_out *o, u32 uid, struct str *out)
{
	if (!o->uid_name || o->uid_last != uid) {
		free(o->uid_name);
		o->uid_name = user_find(uid);
		o->uid_last = uid;
	}
	if (o->uid_name)
		str_add(out, o->uid_name);
	else
		str_addf(out, "%u", uid);
}

/* ---- cgroups ---- */

enum { CGROUP_DEPTH_MAX = 64 };

/* Appends the folder below path that has the number as its inode, and is then left in it; false:
 * none has. */
static bool cgroup_walk(struct str *path, u64 id, u32 depth)
{
	DIR *d = depth < CGROUP_DEPTH_MAX ? opendir(str_text(path)) : NULL;
	size_t len = path->len;
	struct dirent *e;
	bool found = false;

	while (d && !found && (e = readdir(d))) {
		if (e->d_type != DT_DIR || e->d_name[0] == '.')
			continue;
		str_addf(path, "/%s", e->d_name);
		found = e->d_ino == id || cgroup_walk(path, id, depth + 1);
		if (!found) {
			path->len = len;
			path->p[len] = '\0';
		}
	}
	if (d)
		closedir(d);
	return found;
}

/* Path of a cgroup below a hierarchy's root, which the table keeps; NULL: it is not there. */
static const char *cgroup_path(struct script_out *o, u64 id, const char *root)
{
	struct cgroup_name *c;
	struct str path = {0};
	struct stat st;

	for (u32 i = 0; i < o->cgroups.n; i++) {
		c = &o->cgroups.p[i];
		if (c->id == id && strcmp(c->root, root) == 0)
			return c->path;
	}
	str_add(&path, root);
	if (stat(root, &st) == 0 && st.st_ino == id)
		str_addc(&path, '/');
	else if (!cgroup_walk(&path, id, 0))
		str_clear(&path);
	c = path.len > strlen(root) ? vec_add(&o->cgroups) : NULL;
	if (c) {
		*c = (struct cgroup_name){ id, strdup(root), strdup(path.p + strlen(root)) };
		if (!c->root || !c->path) {
			free(c->root);
			free(c->path);
			o->cgroups.n--;
			c = NULL;
		}
	}
	str_free(&path);
	return c ? c->path : NULL;
}

struct hierarchy {
	char *name, *root; /* owned */
};

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct hierarchy *)a)->name, ((const struct hierarchy *)b)->name);
}

void name_cgroup(struct script_out *o, u64 id, const char *pattern, struct str *out)
{
	VEC(struct hierarchy) found = {0};
	FILE *mounts = fopen("/proc/mounts", "re");
	char *line = NULL, type[16], root[1024] = "";
	size_t size = 0, start = out->len;
	u32 n_v2 = 0;

	/* The unified hierarchy first, then the others by name. */
	for (u32 v2 = 1; mounts && v2 != UINT32_MAX; v2--) {
		rewind(mounts);
		while (getline(&line, &size, mounts) > 0) {
			bool fits = sscanf(line, "%*s %1023s %15s", root, type) == 2 &&
				    strcmp(type, v2 ? "cgroup2" : "cgroup") == 0;
			const char *name =
				v2 || !strchr(root, '/') ? "unified" : strrchr(root, '/') + 1;

			if (fits && (!pattern || str_glob(pattern, name)))
				(void)vec_push(&found,
					       ((struct hierarchy){strdup(name), strdup(root)}));
		}
		n_v2 = v2 ? found.n : n_v2;
	}
	if (mounts)
		fclose(mounts);
	free(line);
	if (found.n > n_v2 + 1)
		qsort(found.p + n_v2, found.n - n_v2, sizeof(*found.p), by_name);
	for (u32 i = 0; i < found.n; i++) {
		struct hierarchy *h = &found.p[i];
		const char *path = h->name && h->root ? cgroup_path(o, id, h->root) : NULL;

		if (path)
			str_addf(out, "%s%s:%s", out->len > start ? "," : "", h->name, path);
		free(h->name);
		free(h->root);
	}
	vec_free(&found);
}

/* ---- times ---- */

static u64 clock_ns(clockid_t id)
{
	struct timespec ts;

	return clock_gettime(id, &ts) ? 0 : (u64)ts.tv_sec * 1000000000 + (u64)ts.tv_nsec;
}

/* Between two readings of the clock, the closest pair of some. */
static u64 offset_of(clockid_t id)
{
	u64 best = UINT64_MAX, offset = 0;

	for (u32 i = 0; i < 5; i++) {
		u64 before = clock_ns(id), real = clock_ns(CLOCK_REALTIME), after = clock_ns(id);

		if (after - before < best) {
			best = after - before;
			offset = real - before - best / 2;
		}
	}
	return offset;
}

void clocks_read(struct script_out *o)
{
	s64 tai = (s64)offset_of(CLOCK_TAI), second = 1000000000;

	o->real_minus[CLOCK_OF_BOOT] = offset_of(CLOCK_BOOTTIME);
	o->real_minus[CLOCK_OF_MONOTONIC] = offset_of(CLOCK_MONOTONIC);
	/* Leap seconds: whole ones. */
	o->real_minus[CLOCK_OF_TAI] = (u64)((tai - second / 2) / second * second);
}

u64 clock_to_real(const struct script_out *o, u64 ns, enum stype_clock clock)
{
	return ns + o->real_minus[MIN((u32)clock, (u32)CLOCK_OF_TAI)];
}

/* strftime(3) into a text of any length.  False: it gives nothing. */
static bool add_time(const char *format, const struct tm *tm, struct str *out)
{
	/* A conversion's text is some dozens of bytes, %c in some language perhaps a hundred. */
	size_t size = strlen(format) * 64 + 64, n;
	char *text = malloc(size);

	n = text ? strftime(text, size, format, tm) : 0;
	if (n)
		str_addn(out, text, n);
	free(text);
	return n || !*format;
}

void name_time(const struct script_out *o, u64 ns, enum stype_clock clock, const char *format,
	       struct str *out)
{
	u64 real = clock_to_real(o, ns, clock), rest = real % 1000000000;
	time_t seconds = (time_t)(real / 1000000000);
	struct str whole = {0};
	struct tm tm;

	for (const char *p = format ? format : ""; *p; p++) {
		if (*p != '%' || !p[1]) {
			str_addc(&whole, *p);
			continue;
		}
		switch (*++p) {
		case 'f': str_addf(&whole, "%06lu", rest / 1000); break;
		case 'k': str_addf(&whole, "%09lu", rest); break;
		case 'l': str_addf(&whole, "%03lu", rest / 1000000); break;
		default: str_addn(&whole, p - 1, 2);
		}
	}
	if (!localtime_r(&seconds, &tm) || !add_time(str_text(&whole), &tm, out))
		str_add(out, "(?)");
	str_free(&whole);
}

void name_now(const char *format, struct str *out)
{
	time_t now = time(NULL);
	struct tm tm;

	if (localtime_r(&now, &tm))
		add_time(format, &tm, out);
}

/* ---- flags of an allocation ---- */

/* include/linux/gfp_types.h of Linux 6.18, bits by their order; names that stand for several come
 * first, the larger ones before. */
enum {
	DMA = 1 << 0,
	HIGHMEM = 1 << 1,
	DMA32 = 1 << 2,
	MOVABLE = 1 << 3,
	RECLAIMABLE = 1 << 4,
	HIGH = 1 << 5,
	IO = 1 << 6,
	FS = 1 << 7,
	ZERO = 1 << 8,
	DIRECT_RECLAIM = 1 << 10,
	KSWAPD_RECLAIM = 1 << 11,
	WRITE = 1 << 12,
	NOWARN = 1 << 13,
	RETRY_MAYFAIL = 1 << 14,
	NOFAIL = 1 << 15,
	NORETRY = 1 << 16,
	MEMALLOC = 1 << 17,
	COMP = 1 << 18,
	NOMEMALLOC = 1 << 19,
	HARDWALL = 1 << 20,
	THISNODE = 1 << 21,
	ACCOUNT = 1 << 22,
	ZEROTAGS = 1 << 23,
	RECLAIM = DIRECT_RECLAIM | KSWAPD_RECLAIM,
	KERNEL = RECLAIM | IO | FS,
	USER = KERNEL | HARDWALL,
	HIGHUSER = USER | HIGHMEM,
	HIGHUSER_MOVABLE = HIGHUSER | MOVABLE,
	TRANSHUGE_LIGHT = (HIGHUSER_MOVABLE | COMP | NOMEMALLOC | NOWARN) & ~RECLAIM,
};

static const struct {
	const char *name;
	u32 bits;
} gfp_names[] = {
	{ "GFP_TRANSHUGE", TRANSHUGE_LIGHT | DIRECT_RECLAIM },
	{ "GFP_TRANSHUGE_LIGHT", TRANSHUGE_LIGHT },
	{ "GFP_HIGHUSER_MOVABLE", HIGHUSER_MOVABLE },
	{ "GFP_HIGHUSER", HIGHUSER },
	{ "GFP_USER", USER },
	{ "GFP_KERNEL_ACCOUNT", KERNEL | ACCOUNT },
	{ "GFP_KERNEL", KERNEL },
	{ "GFP_NOFS", RECLAIM | IO },
	{ "GFP_ATOMIC", HIGH | KSWAPD_RECLAIM },
	{ "GFP_NOIO", RECLAIM },
	{ "GFP_NOWAIT", KSWAPD_RECLAIM | NOWARN },
	{ "GFP_DMA", DMA },
	{ "__GFP_HIGHMEM", HIGHMEM },
	{ "GFP_DMA32", DMA32 },
	{ "__GFP_MOVABLE", MOVABLE },
	{ "__GFP_RECLAIMABLE", RECLAIMABLE },
	{ "__GFP_HIGH", HIGH },
	{ "__GFP_IO", IO },
	{ "__GFP_FS", FS },
	{ "__GFP_ZERO", ZERO },
	{ "__GFP_DIRECT_RECLAIM", DIRECT_RECLAIM },
	{ "__GFP_KSWAPD_RECLAIM", KSWAPD_RECLAIM },
	{ "__GFP_WRITE", WRITE },
	{ "__GFP_NOWARN", NOWARN },
	{ "__GFP_RETRY_MAYFAIL", RETRY_MAYFAIL },
	{ "__GFP_NOFAIL", NOFAIL },
	{ "__GFP_NORETRY", NORETRY },
	{ "__GFP_MEMALLOC", MEMALLOC },
	{ "__GFP_COMP", COMP },
	{ "__GFP_NOMEMALLOC", NOMEMALLOC },
	{ "__GFP_HARDWALL", HARDWALL },
	{ "__GFP_THISNODE", THISNODE },
	{ "__GFP_ACCOUNT", ACCOUNT },
	{ "__GFP_ZEROTAGS", ZEROTAGS },
};

void name_gfp(u64 flags, struct str *out)
{
	const char *bar = "";

	for (u32 i = 0; i < ARRAY_SIZE(gfp_names); i++) {
		if ((flags & gfp_names[i].bits) != gfp_names[i].bits)
			continue;
		str_addf(out, "%s%s", bar, gfp_names[i].name);
		flags &= ~(u64)gfp_names[i].bits;
		bar = "|";
	}
	if (flags)
		str_addf(out, "%s0x%lx", bar, flags);
	else if (!*bar)
		str_addc(out, '0');
}
