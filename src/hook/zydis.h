/* SPDX-License-Identifier: BSD-2-Clause */
/* hook/zydis.h - the insn decoder, a library of 640 kB that is loaded when the first breakpoint wants it. */
#pragma once
#include <Zydis/Zydis.h>

struct zydis {
	__typeof__(ZydisDecoderInit) *decoder_init;
	__typeof__(ZydisDecoderDecodeFull) *decode;
	__typeof__(ZydisRegisterGetId) *reg_id;
	__typeof__(ZydisRegisterGetClass) *reg_class;
};

/* NULL where the library is not installed, or can't be loaded (a static build). */
const struct zydis *zydis_load(void);
