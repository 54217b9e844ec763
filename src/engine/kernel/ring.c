/* SPDX-License-Identifier: BSD-2-Clause */
/* engine/kernel/ring.c - one CPU's ring of a perf event array. */
#include "engine/kernel/priv.h"
#include <errno.h>
#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static int ring_enter(struct engine *e, int map_fd, u32 cpu, int fd)
{
	union bpf_attr attr = {
		.map_fd = (u32)map_fd,
		.key = (u64)&cpu,
		.value = (u64)&fd,
	};
	int err = engine_bpf(e, BPF_MAP_UPDATE_ELEM, &attr, BPF_ATTR_UPTO(flags));

	return !err && ioctl(fd, PERF_EVENT_IOC_ENABLE, 0) ? -errno : err;
}

int kernel_perf_ring_open(struct engine *e, int map_fd, u32 cpu, u32 n_pages,
			  struct perf_ring *out)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_BPF_OUTPUT,
		.sample_period = 1,
		.sample_type = PERF_SAMPLE_RAW,
		.wakeup_events = 1,
	};
	u32 page = (u32)sysconf(_SC_PAGESIZE);

	if (!n_pages || n_pages & (n_pages - 1) || n_pages > (1u << 30) / page)
		return -EINVAL;

	int fd = (int)syscall(SYS_perf_event_open, &attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);

	if (fd < 0)
		return -errno;

	size_t size = (size_t)page * (n_pages + 1);
	void *base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	int err = base == MAP_FAILED ? -errno : ring_enter(e, map_fd, cpu, fd);

	if (err) {
		if (base != MAP_FAILED)
			munmap(base, size);
		close(fd);
		return err;
	}
	*out = (struct perf_ring){
		.fd = fd,
		.base = base,
		.page_bytes = page,
		.data_bytes = page * n_pages,
	};
	return 0;
}
