/* SPDX-License-Identifier: BSD-2-Clause */
/* osmia.h - the public interface of libosmia: eBPF in one library.
 *
 * Results are 0 or more on success and a negative errno on failure; the sentence for a person comes
 * from osmia_message().  Handles are not shared between threads without a lock of the caller's.
 */
#ifndef OSMIA_H
#define OSMIA_H
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define OSMIA_API __attribute__((visibility("default")))

/* "MAJOR.MINOR.PATCH" of the library in use. */
OSMIA_API const char *osmia_version(void);

#ifdef __cplusplus
}
#endif
#endif
