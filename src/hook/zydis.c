/* SPDX-License-Identifier: BSD-2-Clause */
/* hook/zydis.c - Zydis by dlopen(3).
 *
 * A loaded library belongs to the process, and so does this table of its functions: filled in once, never
 * changed.
 */
#include "hook/zydis.h"
#include <pthread.h>
#include <stddef.h>
#ifndef OSMIA_STATIC
#include <dlfcn.h>
#endif

static const struct zydis *loaded;

#ifdef OSMIA_STATIC
static void load(void)
{
}
#else
static struct zydis functions;

static void load(void)
{
	void *lib = dlopen("libZydis.so.4.0", RTLD_NOW | RTLD_LOCAL);

	if (!lib)
		return;
	functions.decoder_init = (__typeof__(functions.decoder_init))dlsym(lib, "ZydisDecoderInit");
	functions.decode = (__typeof__(functions.decode))dlsym(lib, "ZydisDecoderDecodeFull");
	functions.reg_id = (__typeof__(functions.reg_id))dlsym(lib, "ZydisRegisterGetId");
	functions.reg_class = (__typeof__(functions.reg_class))dlsym(lib, "ZydisRegisterGetClass");
	if (functions.decoder_init && functions.decode && functions.reg_id && functions.reg_class)
		loaded = &functions;
}
#endif

const struct zydis *zydis_load(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, load);
	return loaded;
}
