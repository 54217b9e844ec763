/* SPDX-License-Identifier: BSD-2-Clause */
/* osmia_world.c - what a script's compilation asks of this machine. */
#include "osmia_world_priv.h"
#include "base/cpu.h"
#include "base/file.h"
#include "base/str.h"
#include "btf/btf.h"
#include "btf/dwarf.h"
#include "elf/binary.h"
#include "elf/binary.h"
#include "elf/kallsyms.h"
#include "elf/symbols.h"
#include "engine/list.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

enum { INCLUDE_MAX = 16 << 20 };

/* The engine reads it once. */
static const struct btf *kernel_btf(void *arg)
{
	struct world *w = arg;

	return w->e->ops->target_btf(w->e, NULL, NULL);
}

static const struct btf *module_btf(void *arg, const char *name)
{
	struct world *w = arg;

	if (!strcmp(name, "vmlinux"))
		return world_btf(&w->table);
	return w->table.is_user ? NULL : w->e->ops->target_btf(w->e, name, NULL);
}

static int tracepoint_text(void *arg, const char *category, const char *event, struct diag *dg,
			   char **text)
{
	struct world *w = arg;
	char name[256];

	(void)w;
	if ((size_t)snprintf(name, sizeof(name), "%s:%s", category, event) >= sizeof(name))
		return diag_error(dg, (struct place){0}, -ENOENT, "there is no event '%.40s...'",
				  category);
	return list_format(name, dg, text);
}

/* ---- DWARF ---- */

static bool debug_file(const char *path, char *debug, size_t size)
{
	struct binary b;
	bool has;

	if (binary_open(path, (struct place){0}, NULL, &b))
		return false;
	has = symbol_debug_file(&b.elf, debug, size);
	binary_close(&b);
	return has;
}

static const struct btf *dwarf_btf(void *arg, const char *path)
{
	struct world *w = arg;
	struct world_dwarf *d;
	char debug[256];

	for (u32 i = 0; i < w->dwarfs.n; i++)
		if (!strcmp(w->dwarfs.p[i].path, path))
			return w->dwarfs.p[i].btf;
	d = vec_add(&w->dwarfs);
	if (!d)
		return NULL;
	d->path = strdup(path);
	if (!d->path) {
		w->dwarfs.n--;
		return NULL;
	}
	dwarf_functions(path, debug_file(path, debug, sizeof(debug)) ? debug : NULL, NULL, &d->btf);
	return d->btf;
}

static int line_off(void *arg, const char *path, const char *file, u32 line, u32 col,
		    struct diag *dg, u64 *off)
{
	char debug[256];
	struct binary b;
	u64 addr;
	int err = dwarf_line(path, debug_file(path, debug, sizeof(debug)) ? debug : NULL, file,
			     line, col, dg, &addr);

	(void)arg;
	if (!err)
		err = binary_open(path, (struct place){0}, dg, &b);
	if (err)
		return err;
	if (!elf_addr_to_off(&b.elf, addr, off))
		err = diag_error(dg, (struct place){0}, -EINVAL,
				 "%s: the code of %s:%u is in no loaded segment", path, file, line);
	binary_close(&b);
	return err;
}

/* ---- symbols ---- */

struct kaddr {
	const char *name;
	u64 addr;
};

static int kaddr_one(void *arg, const struct kallsym *sym)
{
	struct kaddr *k = arg;

	if (strcmp(sym->name, k->name) != 0)
		return 0;
	k->addr = sym->addr;
	return 1;
}

static int kaddr(void *arg, const char *name, u64 *addr)
{
	struct kaddr k = { .name = name };
	struct world *w = arg;
	int ret = w->table.is_user ? -ENOENT : kallsyms_each(kaddr_one, &k);

	if (ret <= 0)
		return ret ? ret : -ENOENT;
	*addr = k.addr;
	return 0;
}

static int uaddr(void *arg, const char *path, const char *name, u64 *addr, u64 *size)
{
	(void)arg;
	return symbol_addr(path, name, (struct place){0}, NULL, addr, size);
}

static int vaddr(void *arg, const char *path, u64 off, u64 *addr)
{
	struct binary b;
	int err = binary_open(path, (struct place){0}, NULL, &b);

	(void)arg;
	if (err)
		return err;
	if (!elf_off_to_addr(&b.elf, off, addr))
		err = -ENOENT;
	binary_close(&b);
	return err;
}

/* ---- files ---- */

static int read_text(const char *path, char **text)
{
	struct bytes b;
	int err = file_read(path, INCLUDE_MAX, &b);

	if (!err)
		*text = (char *)b.p;
	return err;
}

static int read_in(const char *dir, const char *name, char **text)
{
	char path[4096];

	if ((size_t)snprintf(path, sizeof(path), "%s%s%s", dir, *dir ? "/" : "", name) >=
	    sizeof(path))
		return -ENAMETOOLONG;
	return read_text(path, text);
}

/* Headers of the kernel are not read: BTF has their types. */
static bool is_kernel_header(const char *name)
{
	static const char *const folders[] = {"linux/", "uapi/",  "asm/",	"asm-generic/",
					      "net/",	"trace/", "uapi/linux/"};

	for (u32 i = 0; i < ARRAY_SIZE(folders); i++)
		if (str_starts(name, folders[i]))
			return true;
	return false;
}

static int include(void *arg, const char *name, bool is_system, struct diag *dg, char **text)
{
	static const char *const system[] = { "/usr/local/include", "/usr/include" };
	struct world *w = arg;
	int err = -ENOENT;

	if (*name == '/')
		err = read_text(name, text);
	else if (!is_system)
		err = read_in(w->script_dir, name, text);
	for (u32 i = 0; err && *name != '/' && i < w->n_dirs; i++)
		err = read_in(w->dirs[i], name, text);
	if (err && is_kernel_header(name))
		return -ENOENT;
	for (u32 i = 0; err && *name != '/' && i < ARRAY_SIZE(system); i++)
		err = read_in(system[i], name, text);
#if defined(__x86_64__)
	if (err && *name != '/')
		err = read_in("/usr/include/x86_64-linux-gnu", name, text);
#endif
	if (err && err != -ENOENT)
		return diag_error(dg, (struct place){0}, err, "%s: %s", name, strerror(-err));
	return err;
}

static const char *env(void *arg, const char *name)
{
	(void)arg;
	return getenv(name);
}

static int cgroup_id(void *arg, const char *path, u64 *id)
{
	struct {
		struct file_handle h;
		u64 id;
	} handle = { .h.handle_bytes = sizeof(u64) };
	int mount_id;

	(void)arg;
	if (name_to_handle_at(AT_FDCWD, path, &handle.h, &mount_id, 0))
		return -errno;
	memcpy(id, handle.h.f_handle, sizeof(*id));
	return 0;
}

/* The BTF tag bpf_kfunc marks functions that programs may call. */
static bool kfunc(void *arg, const char *name)
{
	struct world *w = arg;
	const struct btf *btf = world_btf(&w->table);
	u32 id = btf ? btf_find(btf, name, BTF_FUNC) : 0;

	for (u32 tag = 0; id && (tag = btf_next_decl_tag(btf, id, -1, tag));)
		if (!strcmp(btf_name(btf, tag), "bpf_kfunc"))
			return true;
	return false;
}

/* ---- the table ---- */

static u32 kernel_version(void)
{
	u32 major = 0, minor = 0, patch = 0;
	struct utsname u;

	if (!uname(&u))
		sscanf(u.release, "%u.%u.%u", &major, &minor, &patch);
	return major << 16 | (minor & 0xff) << 8 | MIN(patch, 255u);
}

static u64 boot_offset(void)
{
	struct timespec boot, mono;

	clock_gettime(CLOCK_MONOTONIC, &mono);
	clock_gettime(CLOCK_BOOTTIME, &boot);
	return (u64)((boot.tv_sec - mono.tv_sec) * 1000000000 + (boot.tv_nsec - mono.tv_nsec));
}

/* Programs see ids of the initial PID namespace; the user engine's see them as this process does.
 */
static void pid_ns(struct bt_world *w)
{
	enum { INITIAL_PID_NS = 0xeffffffc }; /* kernel: PROC_PID_INIT_INO */
	struct stat st;

	if (w->is_user || stat("/proc/self/ns/pid", &st) || st.st_ino == INITIAL_PID_NS)
		return;
	w->pid_ns_dev = st.st_dev;
	w->pid_ns_ino = st.st_ino;
}

int world_new(const struct world_opts *o, struct diag *dg, struct world **out)
{
	struct world *w = calloc(1, sizeof(*w));
	const char *slash = o->script ? strrchr(o->script, '/') : NULL;

	if (!w)
		return -ENOMEM;
	w->e = o->engine;
	w->dirs = o->dirs;
	w->n_dirs = o->n_dirs;
	w->script_dir =
		slash ? strndup(o->script, (size_t)(slash - o->script) + (slash == o->script))
		      : strdup("");
	if (!w->script_dir) {
		free(w);
		return -ENOMEM;
	}
	w->table = (struct bt_world){
		.arg = w,
		.btf_get = kernel_btf,
		.is_user = !strcmp(o->engine->ops->name, "user"),
		.n_cpus = (u32)sysconf(_SC_NPROCESSORS_ONLN),
		.n_possible_cpus = cpus_possible(),
		.page_size = (u32)sysconf(_SC_PAGESIZE),
		.kernel_version = kernel_version(),
		.boot_ns_offset = boot_offset(),
		.hooks = world_hooks, .binary = world_binary, .module_btf = module_btf,
		.tracepoint = tracepoint_text, .dwarf_btf = dwarf_btf, .line = line_off,
		.kaddr = kaddr, .uaddr = uaddr, .vaddr = vaddr, .include = include, .env = env,
		.cgroup_id = cgroup_id, .kfunc = kfunc,
	};
	pid_ns(&w->table);
	(void)dg;
	*out = w;
	return 0;
}

const struct bt_world *world_table(const struct world *w)
{
	return &w->table;
}

void world_free(struct world *w)
{
	if (!w)
		return;
	for (u32 i = 0; i < w->dwarfs.n; i++) {
		free(w->dwarfs.p[i].path);
		btf_free(w->dwarfs.p[i].btf);
	}
	vec_free(&w->dwarfs);
	demangler_free(&w->cxx);
	free(w->script_dir);
	free(w);
}
