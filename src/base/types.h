/* SPDX-License-Identifier: BSD-2-Clause */
/* base/types.h - the integer names of RFC 9669, section 2.1, and a few words every file needs. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))
#define container_of(ptr, type, member) ((type *)((char *)(ptr) - offsetof(type, member)))
#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

/* Rounds x up to a multiple of align, which is a power of two.  Wraps to 0 near the type's end. */
#define ALIGN_UP(x, align) (((x) + (align) - 1) & ~((__typeof__(x))(align) - 1))
