/* SPDX-License-Identifier: BSD-2-Clause */
/* engine/list_perf.c - events of perf_event_open(2): the generic ones that work here, and what PMUs
 * name in sysfs. */
#include "engine/list.h"
#include "base/str.h"
#include "base/sys.h"
#include <dirent.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PMU_DIR "/sys/bus/event_source/devices"

static const struct perf_name {
	u32 type;
	u64 config;
	const char *name, *other;
} perf_names[] = {
#define PERF_EVENT(type, config, name, other) { PERF_TYPE_##type, config, name, other },
#define CACHE(...)
#define CACHE_OP(...)
#include "engine/perf_event.def"
#undef PERF_EVENT
#undef CACHE
#undef CACHE_OP
};

static const char *const caches[] = {
#define PERF_EVENT(...)
#define CACHE(number, name) [number] = name,
#define CACHE_OP(...)
#include "engine/perf_event.def"
#undef CACHE
#undef CACHE_OP
};

static const struct cache_op {
	const char *one, *many;
} cache_ops[] = {
#define CACHE(...)
#define CACHE_OP(number, one, many) [number] = { one, many },
#include "engine/perf_event.def"
#undef PERF_EVENT
#undef CACHE
#undef CACHE_OP
};

/* Does the kernel take this event for our own process, in user mode at least? */
static bool works(u32 type, u64 config)
{
	struct perf_event_attr attr = { .type = type, .size = sizeof(attr), .config = config,
					.disabled = 1, .exclude_kernel = 1, .exclude_hv = 1 };
	long fd = sys_call5(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);

	if (fd >= 0)
		close((int)fd);
	return fd >= 0;
}

static int list_generic(u32 type, const char *kind, list_perf_fn fn, void *arg)
{
	for (u32 i = 0; i < ARRAY_SIZE(perf_names); i++) {
		const struct perf_name *p = &perf_names[i];
		char name[80];
		int ret;

		if (p->type != type || !works(p->type, p->config))
			continue;
		snprintf(name, sizeof(name), "%s%s%s", p->name, p->other ? " OR " : "",
			 p->other ? p->other : "");
		ret = fn(arg, name, kind);
		if (ret)
			return ret;
	}
	return 0;
}

static int list_caches(list_perf_fn fn, void *arg)
{
	for (u32 c = 0; c < ARRAY_SIZE(caches); c++)
		for (u32 op = 0; op < ARRAY_SIZE(cache_ops); op++)
			for (u32 miss = 0; miss < 2; miss++) {
				char name[80];
				int ret;

				if (!works(PERF_TYPE_HW_CACHE, c | op << 8 | miss << 16))
					continue;
				snprintf(name, sizeof(name), "%s-%s%s", caches[c],
					 miss ? cache_ops[op].one : cache_ops[op].many,
					 miss ? "-misses" : "");
				ret = fn(arg, name, "Hardware cache event");
				if (ret)
					return ret;
			}
	return 0;
}

static int not_hidden(const struct dirent *d)
{
	return d->d_name[0] != '.';
}

/* Files in a PMU's events folder that only describe another one. */
static bool is_attribute(const char *name)
{
	return str_ends(name, ".unit") || str_ends(name, ".scale") || str_ends(name, ".snapshot") ||
	       str_ends(name, ".per-pkg");
}

static int list_pmu(const char *pmu, list_perf_fn fn, void *arg)
{
	char path[512], name[600];
	struct dirent **list;
	int ret = 0, n;

	snprintf(path, sizeof(path), PMU_DIR "/%s/events", pmu);
	n = scandir(path, &list, not_hidden, alphasort);
	for (int i = 0; i < n; i++) {
		if (!ret && !is_attribute(list[i]->d_name)) {
			snprintf(name, sizeof(name), "%s/%s/", pmu, list[i]->d_name);
			ret = fn(arg, name, "Kernel PMU event");
		}
		free(list[i]);
	}
	if (n >= 0)
		free(list);
	return ret;
}

int list_perf(list_perf_fn fn, void *arg)
{
	struct dirent **pmus;
	int n, ret = list_generic(PERF_TYPE_HARDWARE, "Hardware event", fn, arg);

	if (!ret)
		ret = list_generic(PERF_TYPE_SOFTWARE, "Software event", fn, arg);
	if (!ret)
		ret = list_caches(fn, arg);
	n = scandir(PMU_DIR, &pmus, not_hidden, alphasort);
	for (int i = 0; i < n; i++) {
		if (!ret)
			ret = list_pmu(pmus[i]->d_name, fn, arg);
		free(pmus[i]);
	}
	if (n >= 0)
		free(pmus);
	return ret;
}
