#!/bin/sh
# Scripts written as objects (--emit) and run from there print the same: what user space does for them travels in
# the section .osmia.
# SPDX-License-Identifier: BSD-2-Clause
cd "$(dirname "$0")/../.." || exit 1
VIA=object exec tests/lang/bt.sh
