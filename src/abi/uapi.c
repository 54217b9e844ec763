/* SPDX-License-Identifier: BSD-2-Clause */
/* abi/uapi.c - names of the numbers in abi/uapi.h. */
#include "abi/uapi.h"

const char *map_type_text(u32 type)
{
	switch (type) {
#define MAP_TYPE(name, number, text) case number: return text;
#include "abi/map_type.def"
#undef MAP_TYPE
	}
	return NULL;
}

const char *prog_type_text(u32 type)
{
	switch (type) {
#define PROG_TYPE(name, number, text) case number: return text;
#include "abi/prog_type.def"
#undef PROG_TYPE
	}
	return NULL;
}
