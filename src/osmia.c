/* SPDX-License-Identifier: BSD-2-Clause */
/* osmia.c - the pipeline on one page; implements include/osmia.h. */
#include "osmia.h"

const char *osmia_version(void)
{
	return OSMIA_VERSION;
}
