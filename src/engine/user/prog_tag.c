/* SPDX-License-Identifier: BSD-2-Clause */
/* engine/user/prog_tag.c - a program's tag: the first 8 bytes of SHA-256 over its insns, without
 * what differs from load to load.
 *
 * FIPS 180-4; kernel 6.18 bpf_prog_calc_tag().
 */
#include "engine/user/prog.h"
#include <string.h>

static const u32 round_constants[64] = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4,
	0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe,
	0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f,
	0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
	0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc,
	0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
	0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116,
	0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
	0xc67178f2,
};

struct sha256 {
	u32 h[8];
	u64 n_bytes;
	u8 block[64];
};

static u32 ror(u32 x, u32 n)
{
	return x >> n | x << (32 - n);
}

static void sha256_block(u32 h[8], const u8 block[64])
{
	u32 w[64], v[8];

	for (u32 i = 0; i < 16; i++)
		w[i] = (u32)block[4 * i] << 24 | (u32)block[4 * i + 1] << 16 |
		       (u32)block[4 * i + 2] << 8 | block[4 * i + 3];
	for (u32 i = 16; i < 64; i++)
		w[i] = w[i - 16] + w[i - 7] +
		       (ror(w[i - 15], 7) ^ ror(w[i - 15], 18) ^ w[i - 15] >> 3) +
		       (ror(w[i - 2], 17) ^ ror(w[i - 2], 19) ^ w[i - 2] >> 10);
	memcpy(v, h, sizeof(v));
	for (u32 i = 0; i < 64; i++) {
		u32 t1 = v[7] + (ror(v[4], 6) ^ ror(v[4], 11) ^ ror(v[4], 25)) +
			 ((v[4] & v[5]) ^ (~v[4] & v[6])) + round_constants[i] + w[i];
		u32 t2 = (ror(v[0], 2) ^ ror(v[0], 13) ^ ror(v[0], 22)) +
			 ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));

		memmove(v + 1, v, 7 * sizeof(*v));
		v[4] += t1;
		v[0] = t1 + t2;
	}
	for (u32 i = 0; i < 8; i++)
		h[i] += v[i];
}

static void sha256_add(struct sha256 *s, const void *data, u64 size)
{
	for (const u8 *p = data; size--; p++) {
		s->block[s->n_bytes++ % 64] = *p;
		if (s->n_bytes % 64 == 0)
			sha256_block(s->h, s->block);
	}
}

static void sha256_end(struct sha256 *s)
{
	u64 n_bits = s->n_bytes * 8;
	u8 pad = 0x80;

	sha256_add(s, &pad, 1);
	for (pad = 0; s->n_bytes % 64 != 56;)
		sha256_add(s, &pad, 1);
	for (s32 shift = 56; shift >= 0; shift -= 8) {
		u8 byte = (u8)(n_bits >> shift);

		sha256_add(s, &byte, 1);
	}
}

void prog_tag(const struct prog_object *p, u8 tag[BPF_TAG_SIZE])
{
	struct sha256 s = {.h = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f,
				 0x9b05688c, 0x1f83d9ab, 0x5be0cd19}};
	bool second = false;

	for (u32 i = 0; i < p->n_insns; i++) {
		struct insn insn = p->insns[i];
		bool names_map = insn_is_wide(&insn) &&
				 (insn.src == PSEUDO_MAP_FD || insn.src == PSEUDO_MAP_VALUE);

		if (names_map || second)
			insn.imm = 0;
		second = names_map;
		sha256_add(&s, &insn, sizeof(insn));
	}
	sha256_end(&s);
	for (u32 i = 0; i < BPF_TAG_SIZE; i++)
		tag[i] = (u8)(s.h[i / 4] >> (24 - 8 * (i % 4)));
}
