# SPDX-License-Identifier: MIT
#
# The tests of what runs in an ordinary process: unit tests, fuzzers, the server of the host port.
# Included by the top Makefile.

# The longest that one fuzzer runs in "make check".
FUZZ_SECONDS ?= 60

UNIT_NAMES = $(patsubst tests/unit/%.c,%,$(sort $(wildcard tests/unit/test_*.c)))
# Those of the canary's rounds have sources of their own.
CANARY_NAMES = $(patsubst tests/canary/%.c,%,$(sort $(wildcard tests/canary/test_*.c)))
CANARY_UNDER_TEST = apart body built_in checks deeds differences doubts findings known lines namespaces rounds sample \
		    sensors source_proc source_xenstore view
RELAY_UNDER_TEST = canary/relay canary/source_sensor lib/libksense lib/medium_socket core/request
FUZZ_NAMES = $(patsubst tests/fuzz/%.c,%,$(sort $(wildcard tests/fuzz/fuzz_*.c)))

# The unit tests have a port of their own, with a clock that tests move; those named here run on
# the host port itself.
UNIT_ON_HOST = test_host
UNIT_KIT = tests/unit/port.c tests/unit/kit.c tests/unit/judge.c
UNIT_HEADERS = $(wildcard tests/unit/*.h tests/canary/*.h canary/*.h core/*.h lib/*.h probes/*.h host/*.h) \
	       probes/host/probes.h
UNIT_CFLAGS = $(KS_CFLAGS) -Ihost -g
UNIT_LIBS = -lcmocka -ljansson -lnettle -lpthread
SANITIZE = -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer

ASAN_TESTS = $(patsubst %,$(B)/tests/asan/%,$(UNIT_NAMES) $(CANARY_NAMES))
PLAIN_TESTS = $(patsubst %,$(B)/tests/plain/%,$(UNIT_NAMES) $(CANARY_NAMES))
CLANG_TESTS = $(patsubst %,$(B)/tests/clang/%,$(UNIT_NAMES) $(CANARY_NAMES))
FUZZERS = $(FUZZ_NAMES:%=$(B)/tests/fuzz/%)

# What "make check" has to build, and then to run under one prove.
CHECK_HOST_BUILT = $(ASAN_TESTS) $(PLAIN_TESTS) $(CLANG_TESTS) $(FUZZERS) $(B)/host/ksense-host
CHECK_HOST_T = $(sort $(wildcard tests/host/*.t))

# === Objects: three builds of the same sources ===============================

UNIT_OBJECTS = $(patsubst %.c,%.o,$(CORE_SRC) $(PROBE_SRC) $(UNIT_KIT))
HOST_OBJECTS = $(patsubst %.c,%.o,$(CORE_SRC) $(PROBE_SRC) $(HOST_SRC))

define unit_build
$(B)/tests/$(1)/%.o: %.c $(UNIT_HEADERS)
	@mkdir -p $$(@D)
	$(2) $(UNIT_CFLAGS) $(3) -c -o $$@ $$<

$(filter-out $(UNIT_ON_HOST:%=$(B)/tests/$(1)/%),$(UNIT_NAMES:%=$(B)/tests/$(1)/%)): $(B)/tests/$(1)/%: \
		$(B)/tests/$(1)/tests/unit/%.o $(UNIT_OBJECTS:%=$(B)/tests/$(1)/%)
	$(2) $(3) -o $$@ $$^ $(UNIT_LIBS)

$(UNIT_ON_HOST:%=$(B)/tests/$(1)/%): $(B)/tests/$(1)/%: \
		$(B)/tests/$(1)/tests/unit/%.o $(B)/tests/$(1)/tests/unit/judge.o $(HOST_OBJECTS:%=$(B)/tests/$(1)/%)
	$(2) $(3) -o $$@ $$^ $(UNIT_LIBS)

$(CANARY_NAMES:%=$(B)/tests/$(1)/%): $(B)/tests/$(1)/%: $(B)/tests/$(1)/tests/canary/%.o \
		$(CANARY_UNDER_TEST:%=$(B)/tests/$(1)/canary/%.o) $(B)/tests/$(1)/lib/harmless.o \
		$(B)/tests/$(1)/core/writer.o $(B)/tests/$(1)/core/json.o $(B)/canary/builtin.o
	$(2) $(3) -o $$@ $$^ -lcmocka -ljansson -lnettle -lxenstore -lpthread

# With Xen's medium of its own.
$(B)/tests/$(1)/test_relay: $(RELAY_UNDER_TEST:%=$(B)/tests/$(1)/%.o)
endef

$(eval $(call unit_build,asan,$(CC),-O1 $(SANITIZE)))
$(eval $(call unit_build,plain,$(CC),-O1))
$(eval $(call unit_build,clang,$(CLANG),-O2))

# === Targets =================================================================

.PHONY: check-unit check-valgrind check-clang check-fuzz check-server check-host

check-unit: $(ASAN_TESTS) ## unit tests, under the address and the undefined behaviour sanitizer
	KS_B=$(B) prove tests/host/unit.t

check-valgrind: $(PLAIN_TESTS) ## unit tests, under valgrind
	KS_B=$(B) prove tests/host/valgrind.t

check-clang: $(CLANG_TESTS) ## unit tests, built with clang
	KS_B=$(B) prove tests/host/clang.t

# === Mutants ==================================================================

# all, or a file; without it, a sample.
MUTATE ?=
SEED ?= 1
JOBS ?= 1

.PHONY: mutate
mutate: ## change core and engines in one place at a time: do the unit tests notice? MUTATE=all or a file, SEED=, JOBS=
	KS_B=$(B) CC='$(CC)' scripts/mutate --seed=$(SEED) --jobs=$(JOBS) \
		$(if $(filter all,$(MUTATE)),--all --resume,$(MUTATE))

# === Fuzzers =================================================================

FUZZ_CFLAGS = $(UNIT_CFLAGS) -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all
FUZZ_SRC = tests/unit/port.c tests/unit/judge.c

$(B)/tests/fuzz/%: tests/fuzz/%.c tests/fuzz/fuzz.h $(FUZZ_SRC) $(CORE_SRC) $(UNIT_HEADERS)
	@mkdir -p $(@D)
	$(CLANG) $(FUZZ_CFLAGS) -o $@ $< $(FUZZ_SRC) $(CORE_SRC) -ljansson -lnettle -lpthread

check-fuzz: $(FUZZERS) ## fuzzers of reader, request and exchange, FUZZ_SECONDS=60 each
	KS_B=$(B) FUZZ_SECONDS=$(FUZZ_SECONDS) prove -v tests/host/fuzz.t

check-server: $(B)/host/ksense-host ## the host port's server over its socket
	KS_B=$(B) prove tests/host/server.t

check-host: $(CHECK_HOST_BUILT) ## all of these
	KS_B=$(B) FUZZ_SECONDS=$(FUZZ_SECONDS) prove $(CHECK_HOST_T)

# === Benchmark of what runs in a process =====================================

$(B)/bench/host: bench/host.c bench/still_port.c $(CORE_SRC) $(PROBE_SRC) $(UNIT_HEADERS)
	@mkdir -p $(@D)
	$(CC) $(KS_CFLAGS) -O2 -g -Ihost -o $@ $(filter %.c,$^) -ljansson -lnettle -lpthread
