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

const char *attach_type_text(u32 type)
{
	switch (type) {
#define ATTACH_TYPE(name, number, text) case number: return text;
#include "abi/attach_type.def"
#undef ATTACH_TYPE
	}
	return NULL;
}

const char *link_type_text(u32 type)
{
	switch (type) {
#define LINK_TYPE(name, number, text) case number: return text;
#include "abi/link_type.def"
#undef LINK_TYPE
	}
	return NULL;
}

const char *bpf_cmd_text(u32 cmd)
{
	switch (cmd) {
#define CMD(name, number) case number: return "BPF_" #name;
#include "abi/cmd.def"
#undef CMD
	}
	return NULL;
}
