/* SPDX-License-Identifier: BSD-2-Clause */
/* helper/format.h - the format strings of bpf_trace_printk, bpf_trace_vprintk and bpf_snprintf.
 *
 * Two steps, as in the kernel, so that a format that is refused prints nothing: format_prepare()
 * checks it and fetches what the arguments point to, format_print() makes the text.
 * Kernel 6.18: bpf_bprintf_prepare() and bstr_printf().
 */
#pragma once
#include "abi/env.h"

enum {
	FORMAT_ARGS_MAX = 12,    /* kernel MAX_BPRINTF_VARARGS */
	FORMAT_BIN_BYTES = 512,  /* kernel MAX_BPRINTF_BIN_ARGS */
	FORMAT_TEXT_BYTES = 1024,/* kernel MAX_BPRINTF_BUF */
};

/* Arguments, packed as the kernel packs them: the limit on their size is part of the interface. */
struct format_args {
	u8 bytes[FORMAT_BIN_BYTES];
};

/* Checks fmt, which must end within fmt_size bytes, and packs the arguments.  Returns the length of
 * fmt.  -EINVAL: no end, a conversion that is not allowed, more conversions than args; -ENOSPC: the
 * arguments do not fit. */
s64 format_prepare(struct exec_env *env, const char *fmt, u32 fmt_size, const u64 *args, u32 n_args,
		   struct format_args *out);

/* Writes at most size bytes, the last one a NUL.  Returns the length of the whole text without NUL,
 * as snprintf(3) does.  len is what format_prepare() gave; fmt may have changed since (it may lie
 * in shared memory): the text is then nonsense, but nothing outside of fmt and args is read. */
u32 format_print(char *dst, u32 size, const char *fmt, u32 len, const struct format_args *args);
