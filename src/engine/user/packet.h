/* SPDX-License-Identifier: BSD-2-Clause */
/* engine/user/packet.h - packet buffers below 4 GiB, and PROG_TEST_RUN of packet programs. */
#pragma once
#include "abi/packet.h"
#include "engine/user/session.h"

enum {
	PACKET_TAIL = 320, /* tailroom: kernel sizeof(struct skb_shared_info), aligned */
	PACKET_BYTES_MAX = 65536,
};

/* The session's buffer: PACKET_HEADROOM, PACKET_BYTES_MAX and PACKET_TAIL bytes; NULL: no memory
 * there. */
u8 *packet_buffer(struct session *s);

int test_run_xdp(struct session *s, struct prog_object *p, union bpf_attr *attr);
int test_run_skb(struct session *s, struct prog_object *p, union bpf_attr *attr);

/* ---- test_run.c, for both ---- */

/* The client's packet into the buffer behind headroom bytes: 0, -EINVAL or -EFAULT. */
int test_data_in(const union bpf_attr *attr, u8 *to, u32 max);
/* A ctx from ctx_in, zeroes behind; -E2BIG when the tail that we do not know is not 0. */
int test_ctx_in(const union bpf_attr *attr, void *ctx, u32 size);
/* Packet, ctx, return value and time back to the client; -ENOSPC when a buffer was short. */
int test_finish(union bpf_attr *attr, const u8 *data, u32 size, const void *ctx, u32 ctx_size,
		u32 retval, u32 duration);
struct run_event;
/* Runs repeat times; mean ns of a run in *duration. */
int test_repeat(struct session *s, struct prog_object *p, const struct run_event *ev, u32 repeat,
		u64 *ret, u32 *duration);
