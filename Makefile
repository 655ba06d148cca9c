# pg2une: make help lists the targets.
SHELL   := /bin/bash
.DEFAULT_GOAL := all

# ---- configuration ---------------------------------------------------------
CC      ?= cc
SAN     ?=
ifeq ($(SAN),fuzz)
CC      := $(if $(shell command -v ccache),ccache clang,clang)
else ifeq ($(origin CC),default)
CC      := $(if $(shell command -v ccache),ccache gcc,gcc)
endif
BUILD   := build$(if $(SAN),/$(SAN))
WERROR  ?= $(if $(CI),-Werror)
WARN    := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wformat=2
OPT     ?= $(if $(SAN),-O1,-O2)
SANFLAGS_asan := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
SANFLAGS_tsan := -fsanitize=thread -fno-omit-frame-pointer
# Not -fsanitize=fuzzer: only the targets have libFuzzer's main.
SANFLAGS_fuzz := -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined \
	-fno-omit-frame-pointer
SANFLAGS_cov := --coverage -fprofile-update=atomic
SANFLAGS := $(SANFLAGS_$(SAN))

PKGS    := libpq libcjson libpcre2-8 ncursesw sqlite3 inih libcrypto
# Opened on first use (base/dynlib.h): only their headers are needed here, as that of
# libpg_query, which has no .pc file.
LAZY    := libcurl lapacke nlopt
PKGCF   := $(shell pkg-config --cflags $(PKGS) $(LAZY) 2>/dev/null)
PKGLIB  := $(shell pkg-config --libs $(PKGS) 2>/dev/null)


CPPFLAGS += -D_GNU_SOURCE -DNCURSES_WIDECHAR=1 -Iinclude -I$(BUILD)/gen $(PKGCF)
CFLAGS  += -std=gnu17 -g $(OPT) $(WARN) $(WERROR) $(SANFLAGS) -pthread
# The static libcdk, never the shared one: that would load a second, narrow curses.
# -u: the archive of ui stands before the library that needs its writers.
CDKLIB  := -Wl,--wrap=writeChtype,--wrap=writeChtypeAttrib,-u,__wrap_writeChtype -l:libcdk.a
LDLIBS  += $(CDKLIB) $(PKGLIB) -ltinfo -lm -pthread
LDFLAGS += $(SANFLAGS) -Wl,--as-needed

# ---- layers ----------------------------------------------------------------
# In link order: each may use only what stands to its right (the exact edges are
# checked by tests/lint/run).
LAYERS  := api cli ui engine rollout store infra change optimize advise decide detect observe pg num base
LIBS     = $(foreach l,$(LAYERS),$(if $(wildcard src/$(l)/*.c),$(BUILD)/lib$(l).a))
# What a unit test of a layer may link (architecture: "may include").
MAY_base     := base
MAY_num      := num base
MAY_pg       := pg base
MAY_observe  := observe pg num base
MAY_detect   := detect observe num base
MAY_decide   := decide detect observe num base
MAY_advise   := advise detect observe num base
MAY_optimize := optimize observe num base
MAY_change   := change pg base
MAY_infra    := infra pg base
MAY_store    := store detect observe pg num base
MAY_rollout  := rollout change infra observe pg num base
MAY_engine   := engine rollout store infra change optimize advise decide detect observe pg num base
MAY_ui       := ui $(MAY_engine)
MAY_cli      := cli $(MAY_engine)
MAY_api      := api $(MAY_engine)

BIN     := $(BUILD)/pg2une
OBJS     = $(patsubst src/%.c,$(BUILD)/obj/%.o,$(wildcard src/*/*.c) src/main.c)
SQLGEN  := $(BUILD)/gen/sql_table.c

.PHONY: all libs
all: $(BIN)
libs: $(LIBS)

$(BIN): $(BUILD)/obj/main.o $(LIBS)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(BUILD)/obj/main.o -Wl,--start-group $(LIBS) -Wl,--end-group $(LDLIBS)

# Most of a suggestion's time: its loops are written to be vectorised.
$(BUILD)/obj/optimize/gp.o: OPT := $(if $(SAN),-O1,-O3)
$(BUILD)/obj/%.o: src/%.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# sql/ files become rows of one table; see src/pg/sqlgen.py.
$(SQLGEN): $(shell find sql themes -type f 2>/dev/null) src/pg/sqlgen.py
	@mkdir -p $(@D)
	/usr/bin/python3 src/pg/sqlgen.py sql themes > $@.tmp && mv $@.tmp $@
$(BUILD)/obj/pg/sql_table.o: $(SQLGEN)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -Isrc/pg $(CFLAGS) -c -o $@ $<

define layer_rule
$(BUILD)/lib$(1).a: $$(patsubst src/%.c,$(BUILD)/obj/%.o,$$(wildcard src/$(1)/*.c)) $(if $(filter pg,$(1)),$(BUILD)/obj/pg/sql_table.o)
	@mkdir -p $$(@D)
	@rm -f $$@
	$$(AR) rcs $$@ $$^
endef
$(foreach l,$(LAYERS),$(eval $(call layer_rule,$(l))))

-include $(shell find $(BUILD)/obj $(BUILD)/tests $(BUILD)/targets -name '*.d' 2>/dev/null)

# ---- unit tests: tests/unit/<layer>/test_*.c, one program each --------------
UNIT_SRC := $(wildcard tests/unit/*/test_*.c)
UNIT_BIN := $(patsubst tests/unit/%.c,$(BUILD)/tests/unit/%,$(UNIT_SRC))
define unit_rule
$(BUILD)/tests/unit/$(1)/%: tests/unit/$(1)/%.c $(foreach l,$(MAY_$(1)),$(if $(wildcard src/$(l)/*.c),$(BUILD)/lib$(l).a))
	@mkdir -p $$(@D)
	$$(CC) $$(CPPFLAGS) -Itests/unit $$(CFLAGS) -MMD -MP $$(LDFLAGS) -o $$@ $$< \
	    -Wl,--start-group $$(filter %.a,$$^) -Wl,--end-group $$(LDLIBS) -lcmocka
endef
$(foreach l,$(LAYERS),$(eval $(call unit_rule,$(l))))

# One source of src/change replaced, for tests/fault/mutants: its code stands before the
# archive, whose member is then not taken.
.PHONY: mutant
mutant:
	$(CC) $(CPPFLAGS) -Isrc/change $(CFLAGS) -c -o $(MUTANT).o $(MUTANT).c
	$(CC) $(CFLAGS) $(LDFLAGS) -o $(MUTANT) $(BUILD)/obj/main.o $(MUTANT).o -Wl,--start-group $(LIBS) -Wl,--end-group $(LDLIBS)
.PHONY: mutants coverage
mutants: all
	tests/fault/mutants
coverage: deps
	tests/fault/coverage
# The program with only src/change counted: the rest is taken as it is built.
.PHONY: coverage-bin
coverage-bin: all
	$(MAKE) -s --no-print-directory SAN=cov OPT=-O0 build/cov/libchange.a
	$(CC) $(CFLAGS) --coverage $(LDFLAGS) -o build/cov/pg2une $(BUILD)/obj/main.o -Wl,--start-group \
	    $(subst $(BUILD)/libchange.a,build/cov/libchange.a,$(LIBS)) -Wl,--end-group $(LDLIBS)

.PHONY: unit
unit: $(UNIT_BIN)
	tests/run unit $(UNIT_BIN)
.PHONY: unit-%
unit-%:
	@$(MAKE) --no-print-directory $(filter $(BUILD)/tests/unit/$*/%,$(UNIT_BIN))
	tests/run unit $(filter $(BUILD)/tests/unit/$*/%,$(UNIT_BIN))

# ---- screen tests: in process, on a pipe, read back by libvterm -------------
SCREEN_BIN := $(patsubst tests/screen/%.c,$(BUILD)/tests/screen/%,$(wildcard tests/screen/test_*.c))
SCREEN_LIB := $(filter-out tests/screen/test_%,$(wildcard tests/screen/*.c))
$(BUILD)/tests/screen/%: tests/screen/%.c $(SCREEN_LIB) $(wildcard tests/screen/*.h) $(filter-out $(BUILD)/libapi.a $(BUILD)/libcli.a,$(LIBS))
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -Itests/screen -Isrc/ui $(CFLAGS) -MMD -MP $(LDFLAGS) -o $@ $< $(SCREEN_LIB) \
	    -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(LDLIBS) -lvterm -lcmocka
.PHONY: screen golden
screen: $(SCREEN_BIN)
	tests/run unit $(SCREEN_BIN)
golden: $(SCREEN_BIN)
	PG2UNE_GOLDEN=write tests/run unit $(SCREEN_BIN)
	git --no-pager diff --stat tests/screen

# ---- fuzz targets: tests/fuzz/fuzz_*.c, built by SAN=fuzz -------------------
FUZZ_BIN := $(patsubst tests/fuzz/fuzz_%.c,$(BUILD)/targets/%,$(wildcard tests/fuzz/fuzz_*.c))
$(BUILD)/targets/%: tests/fuzz/fuzz_%.c $(LIBS)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -Itests/fuzz $(CFLAGS) -MMD -MP $(LDFLAGS) -fsanitize=fuzzer -o $@ $< \
	    -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(LDLIBS)
.PHONY: fuzz-targets
fuzz-targets: $(FUZZ_BIN)

# ---- benches and helpers of tests that are C programs ------------------------
# A program is tests/bench/NAME.c; tests/bench/NAME/*.c are its parts.
$(BUILD)/tests/bench/%: tests/bench/%.c $(wildcard tests/bench/*/*.c tests/bench/*/*.h) $(BUILD)/liboptimize.a $(BUILD)/libobserve.a $(BUILD)/libnum.a $(BUILD)/libbase.a
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -Itests/unit $(CFLAGS) -MMD -MP $(LDFLAGS) -o $@ $< $(wildcard tests/bench/$*/*.c) \
	    -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(LDLIBS)

$(BUILD)/tests/bench/history $(BUILD)/tests/bench/replay: $(BUILD)/tests/bench/%: tests/bench/%.c $(foreach l,$(MAY_engine),$(BUILD)/lib$(l).a)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP $(LDFLAGS) -o $@ $< -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(LDLIBS)

# ---- everything else -------------------------------------------------------
.PHONY: deps demo test lint pytest bench fuzz fault soak sanitize install clean help
deps:
	@tests/lab/deps

lint:
	@tests/lint/run --selftest
	@tests/lint/run --all

test: deps
	@$(MAKE) --no-print-directory -j2 all $(UNIT_BIN) $(SCREEN_BIN)
	tests/run all $(UNIT_BIN) $(SCREEN_BIN)

pytest: all
	tests/run pytest

demo: deps
	@$(MAKE) --no-print-directory -j2 all
	tests/lab/demo

bench: deps all
	tests/bench/run
fault: deps all
	tests/fault/run
	tests/fault/rollout.py
soak: deps all
	tests/bench/soak
# What SAN=asan and SAN=tsan find in the unit and screen tests and in a console at work.
sanitize: export LSAN_OPTIONS := suppressions=$(CURDIR)/tests/bench/lsan.supp:print_suppressions=0
sanitize: export TSAN_OPTIONS := suppressions=$(CURDIR)/tests/bench/tsan.supp
sanitize: deps
	@for san in asan tsan; do \
		$(MAKE) --no-print-directory -j2 SAN=$$san all unit screen || exit 1; \
		tests/bench/soak --binary build/$$san/pg2une --minutes $(or $(MINUTES),2) || exit 1; \
	done
fuzz: deps
	tests/fuzz/run $(FUZZ_SECONDS)

PREFIX ?= /usr/local
install: all
	install -Dm755 $(BIN) $(DESTDIR)$(PREFIX)/bin/pg2une
	install -Dm644 -t $(DESTDIR)$(PREFIX)/share/pg2une/themes themes/*.theme
	install -Dm644 -t $(DESTDIR)$(PREFIX)/share/pg2une/sql/roles sql/roles/*.sql
	install -Dm644 -t $(DESTDIR)$(PREFIX)/share/pg2une/systemd docs/systemd/*.service

clean:
	rm -rf build

help:
	@echo "all deps demo test lint unit screen golden pytest bench fault soak sanitize fuzz mutants coverage install clean; SAN=asan|tsan"
