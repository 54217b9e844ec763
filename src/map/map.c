/* SPDX-License-Identifier: BSD-2-Clause */
/* map/map.c - making, opening and closing maps: the file, its header, the handle.
 *
 * What a program or the system call does with an open map is in call.c.
 */
#include "map/map.h"
#include "base/cpu.h"
#include "map/kind.h"

#include <sys/mman.h>
#include <sys/stat.h>

const struct map_ops *map_ops_of(u32 type)
{
	switch (type) {
#define KIND(name, ops)           \
	case BPF_MAP_TYPE_##name: \
		return &ops;
#include "map/kind.def"
#undef KIND
	}
	return NULL;
}

u64 layout_add(struct layout *l, u64 count, u64 size, u64 align)
{
	u64 at = ALIGN_UP(l->off, align), bytes;

	if (l->fail || __builtin_mul_overflow(count, size, &bytes) || bytes > MAP_BYTES_MAX ||
	    at + bytes > MAP_BYTES_MAX) {
		l->fail = true;
		return 0;
	}
	l->off = at + bytes;
	return at;
}

u32 map_system_cpus(void)
{
	return MIN(cpus_possible(), MAP_CPUS_MAX);
}

enum { MAP_SMALL = 64 << 20 };

static int file_size(int fd, u64 *size)
{
	struct stat st;
	long err = sys_call4(SYS_newfstatat, fd, "", &st, AT_EMPTY_PATH);

	if (err < 0)
		return (int)err;
	*size = (u64)st.st_size;
	return 0;
}

static u32 seed_word(void)
{
	u32 seed = 0;

	if (sys_call3(SYS_getrandom, &seed, sizeof(seed), 1 /* GRND_NONBLOCK */) < 0)
		seed = (u32)owner_clock_ns();
	return seed;
}

/* The kernel's checks before a kind's own: map_create() and find_and_alloc_map(), Linux 6.18. */
static int attr_check(const struct map_attr *a)
{
	const struct map_ops *ops = map_ops_of(a->type);
	u32 rw = BPF_F_RDONLY | BPF_F_WRONLY;

	if (!ops)
		return -EINVAL;
	if (a->extra && a->type != BPF_MAP_TYPE_BLOOM_FILTER)
		return -EINVAL;
	if (a->n_cpus > MAP_CPUS_MAX || (a->flags & rw) == rw)
		return -EINVAL;
	if (a->spin_lock_off != ~0u &&
	    (a->spin_lock_off % 4 || (u64)a->spin_lock_off + 4 > a->value_size))
		return -EINVAL;
	if (a->timer_off != ~0u && (a->timer_off % 8 || (u64)a->timer_off + 16 > a->value_size))
		return -EINVAL;
	if (a->spin_lock_off != ~0u && a->timer_off != ~0u && a->spin_lock_off + 4 > a->timer_off &&
	    a->timer_off + 16 > a->spin_lock_off)
		return -EINVAL;
	return ops->check(a);
}

static u64 handle_bytes(const struct map_shape *s)
{
	u64 bytes = sizeof(struct map);

	if (s->type == BPF_MAP_TYPE_PERF_EVENT_ARRAY)
		bytes += s->n_cpus * sizeof(struct perf_slot);
	return ALIGN_UP(bytes, MAP_PAGE) + MAP_PAGE; /* and the page of map_self */
}

static long map_pages(u64 bytes)
{
	return sys_call6(SYS_mmap, 0, (long)bytes, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static bool mapping_failed(long addr)
{
	return addr < 0 && addr > -4096;
}

/* A handle for that shape, its pointers still offsets (base is NULL).  0, -E2BIG or -ENOMEM. */
static int handle_new(const struct map_shape *s, struct map **out)
{
	u64 bytes = handle_bytes(s);
	struct layout l = {0};
	long page = map_pages(bytes);
	struct map *m = (struct map *)page;

	if (mapping_failed(page))
		return (int)page;
	m->self = (struct map_self *)((u8 *)m + bytes - MAP_PAGE);
	sys_call3(SYS_madvise, m->self, MAP_PAGE, MADV_WIPEONFORK);
	m->handle_bytes = bytes;
	m->ops = map_ops_of(s->type);
	m->shape = *s;
	m->type = s->type;
	m->key_size = s->key_size;
	m->value_size = s->value_size;
	m->max_entries = s->max_entries;
	m->flags = s->flags;
	m->n_cpus = s->n_cpus;
	m->value_stride = (u32)ALIGN_UP((u64)s->value_size, 8);
	m->spin_lock_off = s->spin_lock_off;
	m->timer_off = s->timer_off;
	m->has_special = s->spin_lock_off != ~0u || s->timer_off != ~0u;
	m->ops->layout(m, &l);
	m->hdr = (struct map_header *)layout_add(&l, 1, MAP_PAGE, MAP_PAGE);
	if (l.fail) {
		sys_call2(SYS_munmap, m, bytes);
		return -E2BIG;
	}
	m->size_bytes = l.off;
	*out = m;
	return 0;
}

static void rebase(void *pointer_to_offset, u8 *base)
{
	u8 **p = pointer_to_offset;

	*p = base + (u64)*p;
}

/* Maps the file and turns offsets into addresses. */
static int handle_map(struct map *m, int fd)
{
	long at = sys_call6(SYS_mmap, 0, (long)m->size_bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
			    fd, 0);

	if (at == -EACCES || at == -EPERM) {
		m->readonly = true;
		at = sys_call6(SYS_mmap, 0, (long)m->size_bytes, PROT_READ, MAP_SHARED, fd, 0);
	}
	if (mapping_failed(at))
		return (int)at;
	m->base = (u8 *)at;
	rebase(&m->hdr, m->base);
	rebase(&m->values, m->base);
	rebase(&m->h.buckets, m->base);
	rebase(&m->h.elems, m->base);
	rebase(&m->h.percpu, m->base);
	rebase(&m->h.hints, m->base);
	rebase(&m->h.spares, m->base);
	rebase(&m->h.prefixes, m->base);
	return 0;
}

void map_close(struct map *m)
{
	if (!m)
		return;
	if (m->base)
		sys_call2(SYS_munmap, m->base, m->size_bytes);
	sys_call2(SYS_munmap, m, m->handle_bytes);
}

static void shape_of(const struct map_attr *a, struct map_shape *s)
{
	*s = (struct map_shape){
		.type = a->type,
		.key_size = a->key_size,
		.value_size = a->value_size,
		.max_entries = a->max_entries,
		.flags = a->flags & ~(BPF_F_RDONLY | BPF_F_WRONLY), /* of the fd, not of the map */
		.n_cpus = a->n_cpus,
		.spin_lock_off = a->spin_lock_off,
		.timer_off = a->timer_off,
		.extra = a->extra,
	};
}

static void attr_of(const struct map_shape *s, const char *name, struct map_attr *a)
{
	*a = (struct map_attr){
		.type = s->type,
		.key_size = s->key_size,
		.value_size = s->value_size,
		.max_entries = s->max_entries,
		.flags = s->flags,
		.n_cpus = s->n_cpus,
		.spin_lock_off = s->spin_lock_off,
		.timer_off = s->timer_off,
		.extra = s->extra,
	};
	if (name)
		mem_copy(a->name, name, MAP_NAME_LEN);
}

static bool is_map_of_maps(u32 type)
{
	return type == BPF_MAP_TYPE_ARRAY_OF_MAPS || type == BPF_MAP_TYPE_HASH_OF_MAPS;
}

/* Kernel bpf_map_meta_alloc(): what may be inside another map. */
static int inner_check(const struct map_attr *inner)
{
	if (!inner)
		return -EBADF;
	if (is_map_of_maps(inner->type))
		return -EINVAL;
	if (!map_ops_of(inner->type) || inner->type == BPF_MAP_TYPE_PROG_ARRAY)
		return -MAP_ENOTSUPP;
	return 0;
}

/* Lists per CPU have the same length each; kernel htab_map_alloc(). */
static u32 entries_per_cpu(u32 max_entries, u32 n_cpus)
{
	u64 up = ((u64)max_entries + n_cpus - 1) / n_cpus * n_cpus;

	return up <= UINT32_MAX ? (u32)up : max_entries / n_cpus * n_cpus;
}

/* Bytes that the system can give without swapping, ~0 when it does not say. */
static u64 memory_available(void)
{
	static const char key[] = "MemAvailable:";
	char text[512];
	long fd = sys_call4(SYS_openat, AT_FDCWD, "/proc/meminfo", O_RDONLY | O_CLOEXEC, 0);
	long n = fd < 0 ? fd : sys_call3(SYS_read, fd, text, sizeof(text)), at = 0, i;
	u64 kib = 0;

	if (fd >= 0)
		sys_call1(SYS_close, fd);
	while (at + (long)sizeof(key) < n && !mem_equal(text + at, key, sizeof(key) - 1))
		at++;
	if (at + (long)sizeof(key) >= n)
		return ~0ull;
	for (i = at + (long)sizeof(key) - 1; i < n && text[i] == ' '; i++)
		;
	for (; i < n && text[i] >= '0' && text[i] <= '9'; i++)
		kib = kib * 10 + (u64)(text[i] - '0');
	return kib * 1024;
}

/* What a program may ask for is up to 2^44 bytes, and pages of a memfd have no limit: taking them
 * all would end in the OOM killer.  The kernel's allocator, too, gives up before. */
static bool memory_fits(u64 bytes)
{
	return bytes < MAP_SMALL || bytes <= memory_available() / 4 * 3;
}

/* Gives the file its size, and its memory at once unless the map was to grow as it is used: running
 * out later would be a SIGBUS in whoever touches the page. */
static int file_grow(int fd, const struct map *m)
{
	long err;

	if (!(m->flags & BPF_F_NO_PREALLOC) && !memory_fits(m->size_bytes))
		return -ENOMEM;
	err = sys_call2(SYS_ftruncate, fd, m->size_bytes);
	if (err < 0)
		return err == -EFBIG || err == -ENOSPC ? -ENOMEM : (int)err;
	if (m->flags & BPF_F_NO_PREALLOC)
		return 0;
	err = sys_call4(SYS_fallocate, fd, 0, 0, m->size_bytes);
	if (err == -ENOSPC || err == -ENOMEM || err == -EFBIG)
		return -ENOMEM;
	return 0;
}

int map_create(int fd, const struct map_attr *attr, u32 id, struct map **out)
{
	struct map_shape shape;
	struct map_header *hdr;
	struct map *m;
	int err = attr_check(attr);

	if (!err && is_map_of_maps(attr->type))
		err = inner_check(attr->inner);
	if (err)
		return err;
	shape_of(attr, &shape);
	if (!shape.n_cpus)
		shape.n_cpus = map_system_cpus();
	if (shape.flags & BPF_F_NO_COMMON_LRU)
		shape.max_entries = entries_per_cpu(shape.max_entries, shape.n_cpus);
	err = handle_new(&shape, &m);
	if (err)
		return err;
	err = file_grow(fd, m);
	if (!err)
		err = handle_map(m, fd);
	if (!err && m->readonly)
		err = -EPERM;
	if (err)
		goto out;
	hdr = m->hdr;
	hdr->version = MAP_VERSION;
	hdr->id = m->id = id;
	hdr->shape = shape;
	if (attr->inner) {
		shape_of(attr->inner, &hdr->inner);
		hdr->has_inner = m->has_inner = true;
		m->inner = hdr->inner;
	}
	mem_copy(hdr->name, attr->name, MAP_NAME_LEN);
	mem_copy(m->name, attr->name, MAP_NAME_LEN);
	if (!(shape.flags & BPF_F_ZERO_SEED))
		hdr->seed = (u64)seed_word() << 32 | seed_word();
	m->h.seed = hdr->seed;
	hdr->pid_ns = owner_pid_ns();
	if (m->ops->init)
		m->ops->init(m);
	STORE_REL(&hdr->magic, MAP_MAGIC);
	/* Nobody may shrink the file under those who map it; only a memfd knows seals. */
	sys_call3(SYS_fcntl, fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW);
	*out = m;
	return 0;
out:
	map_close(m);
	return err;
}

/* Copies the header of a file out.  Whoever made it may still be scribbling. */
static int header_read(int fd, u64 size, struct map_header *hdr)
{
	long n;

	if (size < MAP_PAGE || size % MAP_PAGE || size > MAP_BYTES_MAX)
		return -EINVAL;
	n = sys_call4(SYS_pread64, fd, hdr, sizeof(*hdr), size - MAP_PAGE);
	if (n < 0)
		return (int)n;
	if (n != sizeof(*hdr) || hdr->magic != MAP_MAGIC || hdr->version != MAP_VERSION)
		return -EINVAL;
	return 0;
}

int map_open(int fd, struct map **out)
{
	struct map_header hdr;
	struct map_attr attr;
	struct map *m;
	u64 size = 0;
	int err = file_size(fd, &size);

	if (!err)
		err = header_read(fd, size, &hdr);
	if (err)
		return err;
	attr_of(&hdr.shape, NULL, &attr);
	if (!attr.n_cpus || attr_check(&attr))
		return -EINVAL;
	err = handle_new(&hdr.shape, &m);
	if (err)
		return err == -E2BIG ? -EINVAL : err;
	err = m->size_bytes == size ? handle_map(m, fd) : -EINVAL;
	if (err) {
		map_close(m);
		return err;
	}
	m->id = hdr.id;
	m->h.seed = hdr.seed;
	m->inner = hdr.inner;
	m->has_inner = hdr.has_inner != 0;
	mem_copy(m->name, hdr.name, MAP_NAME_LEN);
	m->name[MAP_NAME_LEN - 1] = 0;
	*out = m;
	return 0;
}

void map_info(const struct map *m, struct map_info *out)
{
	attr_of(&m->shape, m->name, &out->attr);
	out->id = m->id;
	out->frozen = LOAD(&m->hdr->frozen) != 0;
	out->n_corrupt = LOAD(&m->hdr->n_corrupt);
	out->n_dropped = LOAD(&m->hdr->n_dropped);
	out->n_abandoned = LOAD(&m->hdr->n_abandoned);
	out->memory_bytes = m->size_bytes;
}

bool map_inner_info(const struct map *m, struct map_attr *out)
{
	if (m->has_inner)
		attr_of(&m->inner, NULL, out);
	return m->has_inner;
}

/* Kernel bpf_map_meta_equal() and array_map_meta_equal(). */
bool map_inner_fits(const struct map *outer, const struct map *inner)
{
	const struct map_shape *a = &outer->inner, *b = &inner->shape;

	if (!outer->has_inner || a->type != b->type || a->key_size != b->key_size ||
	    a->value_size != b->value_size || a->flags != b->flags ||
	    a->spin_lock_off != b->spin_lock_off || a->timer_off != b->timer_off)
		return false;
	if (a->type == BPF_MAP_TYPE_ARRAY && !(a->flags & BPF_F_INNER_MAP))
		return a->max_entries == b->max_entries;
	return true;
}
