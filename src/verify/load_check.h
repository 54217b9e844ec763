/* SPDX-License-Identifier: BSD-2-Clause */
/* verify/load_check.h - what bpf(2) refuses before its verifier looks: errnos without a message. */
#pragma once
#include "verify/verify.h"

/* The attach type that BPF_PROG_LOAD puts in where the caller gave 0:
 * bpf_prog_load_fixup_attach_type(). */
u32 load_attach_type(u32 prog_type, u32 attach_type);
/* BPF_PROG_LOAD's own checks: flags, size, capabilities, attach type, types that the kernel was built
 * without.  p->attach_type is one that load_attach_type() gave.  0 or a negative errno; *why (NULL:
 * not wanted) then says it in words, which the kernel does not. */
int load_check_prog(const struct verify_prog *p, const struct profile *k, const char **why);
/* Is it a program that runs through a trampoline (fentry, fexit, fmod_ret, LSM)? */
bool load_needs_trampoline(u32 prog_type, u32 attach_type);

/* BPF_MAP_CREATE's checks of the attributes, without those of BTF (map_record_make()). */
int load_check_map(const struct verify_map *m, const struct profile *k);

/* Flags as the map has them once it is made: those of devices are read-only for programs. */
u32 load_map_flags(u32 type, u32 flags);

/* license_is_gpl_compatible(). */
bool load_license_is_gpl(const char *license);
/* Names of programs and maps: letters, digits, '_' and '.'.  bpf_obj_name_cpy(). */
bool load_name_ok(const char *name, size_t size);
