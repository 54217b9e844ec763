# Osmia.  Two commands: `make demo` and `make check`; everything built is under build/.
# SPDX-License-Identifier: BSD-2-Clause
#
#	make            build/osmia and build/libosmia.so
#	make check      all tests            SAN=1: with address and undefined-behaviour sanitizers
#	make demo       a real trace         COVERAGE=1: with gcov counters
#	make bench      figures beside the kernel's and the peers'
#	make fuzz       each fuzz target for FUZZ_SECONDS (10)
#	make guest      tests in a QEMU guest with another kernel (GUEST_KERNEL=, Debian's 6.1)
#	make objects    every object of the verifier corpus, beside what Linux 6.18 said of it
#	make beside     every program of OBJECTS, to the verifier and to the running kernel
#	make parity     every program of that corpus, verified beside what Linux said (LIVE=1: this kernel)
#	make corpus     scripts beside what bpftrace 0.27 and 0.17 printed (ONLY=, AGAINST=, V=1)
#	make seeds      one row per example of the notes and engine
#	make static     build-static/osmia, which needs no library
#	make install    DESTDIR=, PREFIX=
#	make format     clang-format over src and tests

PREFIX ?= /usr/local
ifeq ($(origin CC),default)
CC := gcc
endif
CFLAGS ?= -O2 -g
B ?= build$(if $(SAN),-san)$(if $(COVERAGE),-cov)

VERSION := 0.1.0
PKGS := libelf libdw
ALL_CFLAGS := -std=gnu17 -D_GNU_SOURCE -Isrc -Iinclude -fPIC -fvisibility=hidden -MMD -MP \
	-Wall -Wextra -Wshadow -Wmissing-prototypes -Wvla -fno-asynchronous-unwind-tables -DOSMIA_VERSION='"$(VERSION)"' $(CFLAGS)
LDLIBS := -lelf -ldw -lz -lpthread
ifdef SAN
ALL_CFLAGS += -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
LDFLAGS += -fsanitize=address,undefined
endif
ifdef COVERAGE
ALL_CFLAGS += --coverage
LDFLAGS += --coverage
endif

# A library of everything but the command line; the tests link it statically and see inner names.
LIB_SRC := $(wildcard src/osmia*.c src/base/*.c src/isa/*.c src/elf/*.c src/abi/*.c src/btf/*.c \
	src/obj/*.c src/map/*.c src/exec/*.c src/helper/*.c src/hook/*.c src/engine/*.c \
	src/engine/*/*.c src/load/*.c src/output/*.c src/verify/*.c src/explain/*.c src/ir/*.c \
	src/ra/*.c src/gen/*.c src/lang/*/*.c)
CLI_SRC := $(wildcard src/cli/*.c)
TEST_SRC := $(wildcard tests/*/test_*.c)
# tests/guest speaks to a guest only; a lib.sh is sourced by others.
TEST_SH := $(filter-out tests/guest/% %/lib.sh,$(wildcard tests/*/*.sh))
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

# The bundled tools in one piece: name, NUL, text, NUL; an empty name ends them (src/cli/cmd_tool.c).
TOOL_SRC := $(sort $(wildcard src/tool/*.bt))
$(B)/tools.S: $(TOOL_SRC) Makefile
	@mkdir -p $(@D)
	@{ printf '.section .rodata\n.globl tool_texts\n.hidden tool_texts\ntool_texts:\n'; \
	$(foreach t,$(TOOL_SRC),printf '.asciz "%s"\n.incbin "%s"\n.byte 0\n' '$(basename $(notdir $t))' '$t';) \
	printf '.byte 0\n.section .note.GNU-stack,"",@progbits\n'; } >$@
$(B)/tools.o: $(B)/tools.S
	$(CC) -c $< -o $@
CLI_OBJ += $(B)/tools.o

$(B)/osmia: $(CLI_OBJ) $(B)/libosmia.a
	$(CC) $(LDFLAGS) $^ $(LDLIBS) -o $@

# tests/FOLDER/test_NAME.c is one program of cmocka tests.
$(B)/tests/%: tests/%.c $(B)/libosmia.a
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -Itests $(LDFLAGS) $< $(B)/libosmia.a $(LDLIBS) -lcmocka -o $@

tests: all $(TESTS) $(B)/tests/parity/parity $(B)/tests/verify/sound/sound $(B)/osmia-fuzz

# The README's two commands install what they need, then call make again: a machine without the
# libraries could not even list the dependencies right.
demo:
	@tools/deps build demo
	@$(MAKE) --no-print-directory -s all
	@tools/demo $(B)

# Scripts get the binary's path in OSMIA, the build folder in BUILD.
check:
	@tools/deps build check
	@$(MAKE) --no-print-directory -s run-tests

run-tests: tests
	@OSMIA=$(abspath $(B)/osmia) BUILD=$(abspath $(B)) tests/run $(TESTS) $(TEST_SH)

# bench/NAME.c is one program; it prints its figures with the peers' beside them.
BENCHES := $(patsubst %.c,$(B)/%,$(wildcard bench/*.c))
$(B)/bench/%: bench/%.c $(B)/libosmia.a
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -Ibench $(LDFLAGS) $< $(B)/libosmia.a $(LDLIBS) -lm -o $@

bench:
	@tools/deps build bench
	@$(MAKE) --no-print-directory -s all $(BENCHES)
	@rm -f $(B)/bench/rows
	@for b in $(BENCHES) $(filter-out bench/lib.sh,$(wildcard bench/*.sh)); do echo "== $$b"; \
		OSMIA=$(abspath $(B)/osmia) BUILD=$(abspath $(B)) BENCH_ROWS=$(abspath $(B)/bench/rows) \
		timeout 120 $$b || echo "$$b: ended with status $$?"; done; echo "== summary"
	@bench/tool/summary $(B)/bench/rows

fuzz:
	@tools/deps build fuzz
	@BUILD=$(abspath build-fuzz) tests/fuzz/run

guest:
	@tools/deps build guest check
	@$(MAKE) --no-print-directory -s tests
	@OSMIA=$(abspath $(B)/osmia) BUILD=$(abspath $(B)) GUEST_KERNEL=$(GUEST_KERNEL) tests/guest/run

seeds:
	@tools/deps build check
	@$(MAKE) --no-print-directory -s all
	@OSMIA=$(abspath $(B)/osmia) BUILD=$(abspath $(B)) tests/seeds/run

# Every program of a corpus of objects, loaded alone, beside the kernel's recorded verdicts.
CORPUS ?= ../shared/corpus/verifier
objects:
	@tools/deps build
	@$(MAKE) --no-print-directory -s $(B)/tests/objects/objects
	@$(B)/tests/objects/objects -p 95 $(if $(V),-v) $(CORPUS)

# Every program of any objects, to the verifier and to the running kernel; V=1 lists all.
beside:
	@tools/deps build
	@$(MAKE) --no-print-directory -s $(B)/tests/objects/beside
	@$(B)/tests/objects/beside $(if $(V),-v) $(OBJECTS)

# Every program of a corpus of cases, verified beside the kernel's verdicts; V=1 lists what differs,
# PARITY='--groups=x* --by=group' and the like: see tests/parity/parity.c.
PARITY_OBJ := $(patsubst %.c,$(B)/%.o,$(wildcard tests/parity/*.c))
$(PARITY_OBJ): ALL_CFLAGS += -Itests
$(B)/tests/parity/parity: $(PARITY_OBJ) $(B)/libosmia.a
	$(CC) $(LDFLAGS) $^ $(LDLIBS) -o $@
# Runs what the verifier accepts: tests/verify/sound/sound.c.
SOUND_OBJ := $(patsubst %.c,$(B)/%.o,$(wildcard tests/verify/sound/*.c)) $(B)/tests/parity/vcase.o
$(SOUND_OBJ): ALL_CFLAGS += -Itests
$(B)/tests/verify/sound/sound: $(SOUND_OBJ) $(B)/libosmia.a
	$(CC) $(LDFLAGS) $^ $(LDLIBS) -o $@
# Programs made at random, to the verifier and to the running kernel: tests/random/random.c.
RANDOM_OBJ := $(patsubst %.c,$(B)/%.o,$(wildcard tests/random/*.c) tests/parity/vcase.c \
	tests/parity/judge.c tests/parity/live.c tests/parity/pool.c)
$(RANDOM_OBJ): ALL_CFLAGS += -Itests
$(B)/osmia-fuzz: $(RANDOM_OBJ) $(B)/libosmia.a
	$(CC) $(LDFLAGS) $^ $(LDLIBS) -o $@
KERNELS := $(if $(wildcard $(CORPUS)/kernel),$(CORPUS),../shared/corpus/verifier)/kernel
parity:
	@tools/deps build
	@$(MAKE) --no-print-directory -s $(B)/tests/parity/parity
	@$(B)/tests/parity/parity --kernel-dir=$(KERNELS) $(if $(V),-v) $(if $(LIVE),--live,--must) $(PARITY) \
		$(CORPUS)

# One file that needs no library; what is loaded when it is wanted (Zydis, for uprobes of the user engine) is left
# out: `osmia bpftrace --info` says so.
static:
	@tools/deps build static
	@$(MAKE) --no-print-directory -s B=build-static CFLAGS='$(CFLAGS) -DOSMIA_STATIC -ffunction-sections \
		-fdata-sections' LDFLAGS='-static -Wl,--gc-sections' LDLIBS='-ldw -lelf -llzma -lbz2 -lz -lpthread' \
		build-static/osmia
	@ls -l build-static/osmia

# Scripts with the recorded output of bpftrace, root only: ONLY='map_*', AGAINST=0.27 or 0.17, V=1 shows
# differences; ENGINE=user: by that one; FLOOR=1: as many as tests/lang/corpus.floor says.
BT_CORPUS ?= ../shared/corpus/bpftrace
corpus:
	@tools/deps build check
	@$(MAKE) --no-print-directory -s $(B)/osmia
	@if [ -e $(BT_CORPUS)/record.py ]; then tests/lang/corpus.py $(if $(ONLY),--only '$(ONLY)') \
		$(if $(AGAINST),--against $(AGAINST)) $(if $(V),--diff) \
		$(if $(ENGINE),--engine $(ENGINE)) \
		$(if $(FLOOR),--floor tests/lang/corpus.floor) $(B)/osmia $(BT_CORPUS); \
	else echo "skipped: no corpus at $(BT_CORPUS)"; echo "0 passed, 0 failed, 1 skipped"; fi

install: all
	install -D -m 755 $(B)/osmia $(DESTDIR)$(PREFIX)/bin/osmia
	install -D -m 755 $(B)/libosmia.so $(DESTDIR)$(PREFIX)/lib/libosmia.so.$(VERSION)
	ln -sf libosmia.so.$(VERSION) $(DESTDIR)$(PREFIX)/lib/libosmia.so.0
	ln -sf libosmia.so.0 $(DESTDIR)$(PREFIX)/lib/libosmia.so
	install -D -m 644 include/osmia.h $(DESTDIR)$(PREFIX)/include/osmia.h
	@mkdir -p $(DESTDIR)$(PREFIX)/share/man/man1 $(DESTDIR)$(PREFIX)/lib/pkgconfig
	$(B)/osmia --man >$(DESTDIR)$(PREFIX)/share/man/man1/osmia.1
	sed 's|@PREFIX@|$(PREFIX)|; s|@VERSION@|$(VERSION)|' tools/osmia.pc.in \
		>$(DESTDIR)$(PREFIX)/lib/pkgconfig/osmia.pc

format:
	@tools/deps format
	clang-format -i $(wildcard src/*.c src/*/*.[ch] src/*/*/*.[ch] include/*.h tests/*.h tests/*/*.c bench/*.c)

clean:
	rm -rf build build-*

.PHONY: corpus static all tests demo objects beside parity check run-tests bench fuzz guest seeds install format clean
.DELETE_ON_ERROR:
-include $(LIB_OBJ:.o=.d) $(CLI_OBJ:.o=.d) $(TESTS:=.d) $(PARITY_OBJ:.o=.d) $(SOUND_OBJ:.o=.d)
