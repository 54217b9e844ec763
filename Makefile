# Osmia.  Two commands: `make demo` and `make check`; everything built is under build/.
# SPDX-License-Identifier: BSD-2-Clause
#
#	make            build/osmia and build/libosmia.so
#	make check      all tests            SAN=1: with address and undefined-behaviour sanitizers
#	make demo       a real trace         COVERAGE=1: with gcov counters
#	make bench      figures beside the kernel's and the peers'
#	make install    DESTDIR=, PREFIX=
#	make format     clang-format over src and tests

PREFIX ?= /usr/local
CC ?= gcc
CFLAGS ?= -O2 -g
B ?= build$(if $(SAN),-san)$(if $(COVERAGE),-cov)

VERSION := 0.1.0
PKGS := libelf libdw
ALL_CFLAGS := -std=gnu17 -D_GNU_SOURCE -Isrc -Iinclude -fPIC -fvisibility=hidden -MMD -MP \
	-Wall -Wextra -Wshadow -Wmissing-prototypes -Wvla -DOSMIA_VERSION='"$(VERSION)"' $(CFLAGS)
LDLIBS := -lelf -ldw -lZydis -lpthread
ifdef SAN
ALL_CFLAGS += -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
LDFLAGS += -fsanitize=address,undefined
endif
ifdef COVERAGE
ALL_CFLAGS += --coverage
LDFLAGS += --coverage
endif

# A library of everything but the command line; the tests link it statically and see inner names.
LIB_SRC := $(wildcard src/osmia.c src/base/*.c src/isa/*.c src/elf/*.c src/abi/*.c src/btf/*.c \
	src/obj/*.c src/map/*.c src/exec/*.c src/helper/*.c src/hook/*.c src/engine/*.c \
	src/engine/*/*.c src/load/*.c src/output/*.c)
CLI_SRC := $(wildcard src/cli/*.c)
TEST_SRC := $(wildcard tests/*/test_*.c)
TEST_SH := $(wildcard tests/*/*.sh)
LIB_OBJ := $(LIB_SRC:%.c=$(B)/%.o)
CLI_OBJ := $(CLI_SRC:%.c=$(B)/%.o)
TESTS := $(TEST_SRC:%.c=$(B)/%)

all: $(B)/osmia $(B)/libosmia.so

$(B)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -c $< -o $@

$(B)/libosmia.a: $(LIB_OBJ)
	@rm -f $@
	ar rcs $@ $^

$(B)/libosmia.so: $(LIB_OBJ)
	$(CC) $(LDFLAGS) -shared -Wl,-soname,libosmia.so.0 $^ $(LDLIBS) -o $@

$(B)/osmia: $(CLI_OBJ) $(B)/libosmia.a
	$(CC) $(LDFLAGS) $^ $(LDLIBS) -o $@

# tests/FOLDER/test_NAME.c is one program of cmocka tests.
$(B)/tests/%: tests/%.c $(B)/libosmia.a
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -Itests $(LDFLAGS) $< $(B)/libosmia.a $(LDLIBS) -lcmocka -o $@

tests: all $(TESTS)

# Scripts get the binary's path in OSMIA.
check: tests
	OSMIA=$(abspath $(B)/osmia) BUILD=$(abspath $(B)) tests/run $(TESTS) $(TEST_SH)

clean:
	rm -rf build build-san build-cov

.PHONY: all tests check clean
.DELETE_ON_ERROR:
-include $(LIB_OBJ:.o=.d) $(CLI_OBJ:.o=.d) $(TESTS:=.d)
