/* SPDX-License-Identifier: BSD-2-Clause */
/* output/script_pcap.c - packets of skboutput() in capture files (pcap-savefile(5)), which tcpdump
 * and the like read.
 *
 * A record has, behind its header, u64 ns since boot, u32 length, u32 0, then as many bytes of an
 * IP packet: as long as the packet is, not as the action's type says.
 */
#include "output/script_inner.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

enum {
	MAGIC = 0xa1b2c3d4,
	RAW_IP = 101,
	SNAP = 65535,
	NS = sizeof(struct script_record),
	LENGTH = NS + 8,
	BYTES = NS + 16
};

static struct pcap_file *file_of(struct script_out *o, const char *path)
{
	for (u32 i = 0; i < o->pcaps.n; i++)
		if (strcmp(o->pcaps.p[i].path, path) == 0)
			return &o->pcaps.p[i];
	return NULL;
}

int pcap_prepare(struct script_out *o, const struct script_action *a, struct diag *dg)
{
	struct {
		u32 magic;
		u16 major, minor;
		u32 zone, accuracy, snap, link;
	} h = { MAGIC, 2, 4, 0, 0, SNAP, RAW_IP };
	struct pcap_file f = {0};

	if (file_of(o, a->text))
		return 0;
	f.path = strdup(a->text);
	if (!f.path || !vec_reserve(&o->pcaps, 1)) {
		free(f.path);
		return -ENOMEM;
	}
	f.fd = open(a->text, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	vec_push(&o->pcaps, f);
	if (f.fd < 0 || write(f.fd, &h, sizeof(h)) != sizeof(h))
		return diag_error(dg, a->at, errno ? -errno : -EIO,
				  "packets can't be written to '%s': %s", a->text, strerror(errno));
	return 0;
}

bool pcap_write(struct script_out *o, const char *path, const u8 *rec, u32 size)
{
	u64 ns = clock_to_real(o, once64(rec + NS), CLOCK_OF_BOOT);
	u32 length = once32(rec + LENGTH), caught = MIN(length, size - BYTES);
	struct {
		u32 seconds, micros, caught, length;
	} h = { (u32)(ns / 1000000000), (u32)(ns % 1000000000 / 1000), caught, length };
	struct iovec parts[] = { { &h, sizeof(h) }, { (void *)(rec + BYTES), caught } };
	struct pcap_file *f = file_of(o, path);

	if (!f || f->fd < 0) /* said before */
		return true;
	if (writev(f->fd, parts, 2) == (ssize_t)(sizeof(h) + caught))
		return true;
	close(f->fd);
	f->fd = -1;
	return false;
}

u32 pcap_least(void)
{
	return BYTES;
}

void pcaps_close(struct script_out *o)
{
	for (u32 i = 0; i < o->pcaps.n; i++) {
		free(o->pcaps.p[i].path);
		if (o->pcaps.p[i].fd >= 0)
			close(o->pcaps.p[i].fd);
	}
	vec_free(&o->pcaps);
}
