# SPDX-License-Identifier: MIT
# locus: one non-recursive Makefile.
#
#   make            build everything into build/
#   make run        install what is missing, build, start every daemon on its defaults, data under ./data/
#   make test       unit, simulation and integration tests; ends with "N passed, N failed"
#   make test-long  the same with hundreds of kills and thousands of seeds
#   make compat     other people's clients and servers beside ours
#   make bench      side by side with redis-server in one run (PEER=path adds another server)
#   make fuzz       the fuzz targets, FUZZ_SECONDS each
#   make tidy       clang-tidy over everything
#   make deps       the Debian packages that are missing
#   make install PREFIX=/usr/local
#
# Variants, each in a folder of its own: SAN=address,undefined  SAN=thread  SAN=memory CC=clang  DEBUG=1

CC      ?= cc
PREFIX  ?= /usr/local
comma   := ,

# --- variants ------------------------------------------------------------------------------------------------------
variant := $(if $(filter clang%,$(notdir $(CC))),-clang)$(if $(SAN),-$(subst $(comma),-,$(SAN)))$(if $(DEBUG),-debug)
B       := build$(if $(variant),/variant$(variant))

WARN    := -Wall -Wextra -Wpedantic -Wshadow -Wvla -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Werror
WARN    += $(if $(filter clang%,$(notdir $(CC))),-Wconditional-uninitialized,-Wjump-misses-init)
ARCH    ?= -msse4.2 -maes
OPT     := $(if $(DEBUG),-O0,-O2)
CFLAGS  += -std=gnu11 -g $(OPT) $(ARCH) -fno-omit-frame-pointer -fno-strict-aliasing $(WARN) -D_GNU_SOURCE -I. -MMD -MP
CFLAGS  += $(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all)
LDFLAGS += $(if $(SAN),-fsanitize=$(SAN)) -pthread

# The daemons are optimised as a whole (a third less CPU above the sockets' own at -P 1); objects hold plain code too, so that tests link without it.
lto     := $(if $(or $(SAN),$(DEBUG),$(filter clang%,$(notdir $(CC)))),,1)
CFLAGS  += $(if $(lto),-flto=auto -ffat-lto-objects)
LDFLAGS += $(if $(lto),-fno-lto)
WHOLE   := $(if $(lto),-flto=auto $(OPT) $(ARCH))

# --- layers: a layer's tests link only what the layer may use, so a wrong include fails to link ----------------------
LIBS_kernel    := -lm
LIBS_protocols :=
LIBS_txlog     := -lcrypto -lzstd
LIBS_keyspace  := -lJudy -lcrypto
# What only the tests of a layer need: redisd's talk to the daemon they start, through a Redis client.
TEST_LIBS_redisd = -lhiredis
TEST_RUNS_redisd = $(PROGS)

SRC_kernel     := $(wildcard kernel/*.c)
SRC_protocols  := $(wildcard protocols/*.c)
SRC_txlog      := $(filter-out services/txlog/tool.c,$(wildcard services/txlog/*.c))
SRC_keyspace   := $(wildcard services/keyspace/*.c)
SRC_redisd     := $(filter-out redisd/main.c,$(wildcard redisd/*.c redisd/commands/*.c))

lib  = $(B)/lib$(1).a
objs = $(patsubst %.c,$(B)/obj/%.o,$(1))

USE_kernel     := kernel
USE_protocols  := protocols kernel
USE_txlog      := txlog kernel
USE_keyspace   := keyspace kernel
USE_redisd     := redisd keyspace txlog protocols kernel

LAYERS := kernel protocols txlog keyspace redisd
PROGS  := $(if $(wildcard redisd/main.c),$(B)/redisd) $(if $(wildcard services/txlog/tool.c),$(B)/txlog)

TESTS  := $(foreach l,$(LAYERS),$(patsubst %.c,$(B)/%,$(wildcard tests/$(l)/*_test.c)))
# Fuzz targets, here linked with a main that replays their corpus; each says which layers it may use.
FUZZ_resp := protocols kernel
FUZZ_rdb  := keyspace kernel
FUZZ_rdb  := keyspace kernel
fuzz_use  = $(or $(FUZZ_$(1)),txlog kernel)
TESTS  += $(patsubst tests/fuzz/%_fuzz.c,$(B)/tests/fuzz/%_replay,$(wildcard tests/fuzz/*_fuzz.c))

.PHONY: all run test test-unit test-memory test-long compat bench fuzz tidy deps install clean tests
.SECONDARY:
all: $(PROGS)
tests: $(TESTS)

$(B)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -c -o $@ $<

define layer
$(call lib,$(1)): $$(call objs,$$(SRC_$(1)))
	@rm -f $$@
	$$(AR) rcs $$@ $$^
$(B)/tests/$(1)/%_test: $(B)/obj/tests/$(1)/%_test.o $(B)/obj/tests/support.o $$(call objs,$$(filter-out %_test.c,$$(wildcard tests/$(1)/*.c))) $$(foreach u,$$(USE_$(1)),$$(call lib,$$(u))) | $$(TEST_RUNS_$(1))
	@mkdir -p $$(@D)
	$$(CC) -o $$@ $$^ $$(LDFLAGS) -lcmocka $$(TEST_LIBS_$(1)) $$(foreach u,$$(USE_$(1)),$$(LIBS_$$(u)))
endef
$(foreach l,$(LAYERS),$(eval $(call layer,$(l))))

define fuzz_replay
$(B)/tests/fuzz/$(1)_replay: $(B)/obj/tests/fuzz/$(1)_fuzz.o $(B)/obj/tests/fuzz/replay.o $$(foreach u,$$(call fuzz_use,$(1)),$$(call lib,$$(u)))
	@mkdir -p $$(@D)
	$$(CC) -o $$@ $$^ $$(LDFLAGS) $$(foreach u,$$(call fuzz_use,$(1)),$$(LIBS_$$(u)))
endef
$(foreach t,$(patsubst tests/fuzz/%_fuzz.c,%,$(wildcard tests/fuzz/*_fuzz.c)),$(eval $(call fuzz_replay,$(t))))

# --- tools that drive servers from outside: compat and bench --------------------------------------------------------------
TOOL_OBJS := $(patsubst %.c,$(B)/obj/%.o,$(wildcard compat/lib/*.c)) $(B)/obj/kernel/buffer.o
$(B)/compat/%: $(B)/obj/compat/%.o $(TOOL_OBJS) $(call lib,protocols)
	@mkdir -p $(@D)
	$(CC) -o $@ $^ $(LDFLAGS) -lm
$(B)/compat/clients/%: $(B)/obj/compat/clients/%.o
	@mkdir -p $(@D)
	$(CC) -o $@ $^ $(LDFLAGS) -lhiredis
$(B)/bench/%: $(B)/obj/bench/%.o $(patsubst %.c,$(B)/obj/%.o,$(wildcard bench/lib/*.c)) $(TOOL_OBJS) $(call lib,protocols)
	@mkdir -p $(@D)
	$(CC) -o $@ $^ $(LDFLAGS) -lm

$(B)/redisd: $(B)/obj/redisd/main.o $(foreach u,$(USE_redisd),$(call lib,$(u)))
	$(CC) -o $@ $^ $(filter-out -fno-lto,$(LDFLAGS)) $(WHOLE) $(foreach u,$(USE_redisd),$(LIBS_$(u)))
$(B)/txlog: $(B)/obj/services/txlog/tool.o $(foreach u,$(USE_txlog),$(call lib,$(u)))
	$(CC) -o $@ $^ $(LDFLAGS) $(foreach u,$(USE_txlog),$(LIBS_$(u)))

# --- what a newcomer types ---------------------------------------------------------------------------------------------
deps:
	@tests/deps.sh

run: deps
	@$(MAKE) --no-print-directory all
	@tests/run-daemons.sh $(B)

test: deps
	@$(MAKE) --no-print-directory -j$$(nproc) all tests
	@tests/run-tests.sh $(B)

# The unit tests alone, without looking for packages first.
test-unit: all tests
	@tests/run-tests.sh $(B) unit

# What MemorySanitizer can see through: no foreign library but cmocka and OpenSSL's SHA-256. Meant for `SAN=memory CC=clang`.
MEMORY_TESTS := $(filter $(foreach l,kernel protocols txlog fuzz/resp fuzz/txlog,$(B)/tests/$(l)%),$(TESTS))
test-memory: $(MEMORY_TESTS)
	@tests/run-tests.sh $(B) unit

test-long: deps
	@$(MAKE) --no-print-directory -j$$(nproc) all tests
	@LOCUS_LONG=1 tests/run-tests.sh $(B)

compat:
	@tests/deps.sh compat
	@$(MAKE) --no-print-directory all $(B)/compat/differential $(B)/compat/clients/hiredis_example
	@compat/run.sh $(B)

bench: deps
	@$(MAKE) --no-print-directory all $(B)/bench/bench $(B)/bench/echo
	@bench/run.sh $(B)

fuzz:
	@tests/deps.sh check
	@tests/fuzz/run.sh

tidy:
	@tests/deps.sh check
	@tests/tidy.sh

install: all
	install -d $(DESTDIR)$(PREFIX)/bin
	install -m 755 $(PROGS) $(DESTDIR)$(PREFIX)/bin

clean:
	rm -rf build

-include $(shell find $(B)/obj -name '*.d' 2>/dev/null)
