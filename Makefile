# pktrec, pktshow, pktdiff, pktsql: everything is built under build/.
#
#   make            all tools          make demo      the main job, from nothing (README)
#   make analyze    without clang, libbpf or root     make test   unit, golden, kernels in virtual machines
#   make samples    record samples/ anew               make bench     the rates of library and analyzer, and what recording costs
#   make diagnosis  does pktdiff name what was broken? over 90 faults on real kernels
#   make install    tools, pages, library (install-lib) make bench-vm  of these, what it costs in test machines

B ?= build
CC ?= gcc
CLANG ?= clang
CFLAGS ?= -O2 -g
WARN := -Wall -Wextra -Wno-unused-parameter -Wno-missing-field-initializers -Wstrict-prototypes -Wpointer-arith -Wshadow $(if $(WERROR),-Werror)
STD := -std=gnu11 -D_GNU_SOURCE
prefix ?= /usr/local
libdir ?= $(prefix)/lib

ARCH := $(patsubst aarch64,arm64,$(patsubst x86_64,x86,$(shell uname -m)))
MULTIARCH := $(shell $(CC) -print-multiarch 2>/dev/null)
pkg = $(shell pkg-config $(1) 2>/dev/null)

# each room compiles against the rooms it may use, and no others
inc.trace = $(call pkg,--cflags libzstd)
inc.record = -Itrace -Ibpf $(call pkg,--cflags libbpf libelf libmnl libcap-ng libpcap)
# of libpcap only pktshow has use, for filters, and does without it where it is not
inc.analyze = -Itrace -Ianalyze $(call pkg,--cflags sqlite3 smartcols) $(if $(libs.select),-DHAVE_PCAP $(call pkg,--cflags libpcap))
inc.tests = -Itrace -Ianalyze -Irecord -Ibpf -Itests $(call pkg,--cflags cmocka sqlite3)
libs.record = $(call pkg,--libs libbpf libelf libmnl libcap-ng libpcap libzstd) -lpthread
libs.select = $(call pkg,--libs libpcap)
libs.analyze = $(call pkg,--libs sqlite3 smartcols libzstd) -lm
libs.tests = $(call pkg,--libs cmocka)

TOOLS := pktshow pktdiff pktsql
ANALYZE := $(TOOLS:%=$(B)/%)

.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all analyze units helpers man demo test test-long diagnosis bench bench-vm samples install clean

all: analyze $(B)/pktrec
analyze: $(ANALYZE)

sources = $(wildcard $(1)/*.c)
objects = $(patsubst %.c,$(B)/obj/%.o,$(call sources,$(1)))

# --- trace: the library ---------------------------------------------------------------------------------------
$(B)/libpkttrace.a: $(call objects,trace)
	@mkdir -p $(@D)
	@rm -f $@
	$(AR) rcs $@ $^
# for other programs: SONAME changes when one that was linked before would no longer work
VERSION := 0.1
SONAME := libpkttrace.so.0
$(B)/$(SONAME): $(patsubst %.c,$(B)/obj/pic/%.o,$(call sources,trace)) trace/libpkttrace.map
	$(CC) $(CFLAGS) $(LDFLAGS) -shared -Wl,-soname,$(SONAME) -Wl,--version-script,trace/libpkttrace.map -o $@ $(filter %.o,$^) $(call pkg,--libs libzstd)
$(B)/pkttrace.pc: trace/pkttrace.pc.in Makefile
	@mkdir -p $(@D)
	sed 's|@prefix@|$(prefix)|; s|@libdir@|$(libdir)|; s|@version@|$(VERSION)|' $< >$@

# --- analyze: one object folder, a main for each tool -----------------------------------------------------------
ANALYZE_SHARED = $(filter-out $(TOOLS:%=$(B)/obj/analyze/%.o),$(call objects,analyze))
$(B)/libanalyze.a: $(ANALYZE_SHARED)
	@rm -f $@
	$(AR) rcs $@ $^
$(B)/pktshow: libs.analyze += $(libs.select)
$(ANALYZE): $(B)/%: $(B)/obj/analyze/%.o $(B)/libanalyze.a $(B)/libpkttrace.a
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(libs.analyze)

# schema/ is embedded: assembled into the program as it stands
$(B)/obj/analyze/embedded.o $(B)/obj/record/embedded.o: $(wildcard schema/* schema/queries/*)

# --- bpf, record ------------------------------------------------------------------------------------------------
bpf.compile = $(CLANG) -O2 -g -mcpu=v3 -target bpf -D__TARGET_ARCH_$(ARCH) $(if $(MULTIARCH),-isystem /usr/include/$(MULTIARCH)) -Wall -Wextra $(if $(WERROR),-Werror) -Ibpf
# twice: for kernels whose memory can be read by plain loads, and for the others (bpf/memory.h)
bpf.objects := $(foreach o,hop progs,$(B)/$(o).direct.bpf.o $(B)/$(o).copied.bpf.o)
$(B)/%.direct.bpf.o: bpf/%.bpf.c $(wildcard bpf/*.h)
	@mkdir -p $(@D)
	$(bpf.compile) -DDIRECT=1 -c $< -o $@
$(B)/%.copied.bpf.o: bpf/%.bpf.c $(wildcard bpf/*.h)
	@mkdir -p $(@D)
	$(bpf.compile) -DDIRECT=0 -c $< -o $@
$(B)/obj/record/embedded.o: $(bpf.objects)
$(B)/pktrec: $(call objects,record) $(B)/libpkttrace.a
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(libs.record)

# --- compiling ----------------------------------------------------------------------------------------------------
$(B)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(STD) $(CFLAGS) $(WARN) -MMD -MP -DBUILD_DIR='"$(B)"' $(inc.$(firstword $(subst /, ,$*))) -c $< -o $@
$(B)/obj/pic/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(STD) $(CFLAGS) -fPIC $(WARN) -MMD -MP $(inc.$(firstword $(subst /, ,$*))) -c $< -o $@
-include $(shell find $(B)/obj -name '*.d' 2>/dev/null)

# --- tests: tests/unit/*.c, a cmocka program each -----------------------------------------------------------------
UNITS = $(patsubst tests/unit/%.c,$(B)/tests/%,$(wildcard tests/unit/*.c))
$(B)/tests/%: $(B)/obj/tests/unit/%.o $(B)/libanalyze.a $(B)/libpkttrace.a
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(libs.tests) $(libs.analyze)
# tests of the recorder's own parts have its objects instead
$(B)/tests/record_%: $(B)/obj/tests/unit/record_%.o $(filter-out %/pktrec.o,$(call objects,record)) $(B)/libpkttrace.a
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(libs.tests) $(libs.record)
$(B)/tests/show_select: libs.analyze += $(libs.select)
units: $(UNITS)
# in it, programs to put filters into
$(B)/verdicts.bpf.o: tests/bpf/verdicts.bpf.c
	@mkdir -p $(@D)
	$(bpf.compile) -Wno-unused-parameter -c $< -o $@
$(B)/tests/filter.bpf.o: tests/bpf/filter.bpf.c $(wildcard bpf/*.h)
	@mkdir -p $(@D)
	$(bpf.compile) -Wno-unused-parameter -c $< -o $@
$(B)/obj/tests/unit/record_stubs.o: $(B)/tests/filter.bpf.o

# recordings of any size; what the library costs; every row as text, to compare it with what another reader says
TRC_TOOLS := $(B)/trc-gen $(B)/trc-dump $(B)/trc-bench
$(B)/trc-gen: $(call objects,tests/gen) $(B)/libpkttrace.a
$(B)/trc-dump: $(B)/obj/tests/foreign/dump.o $(B)/libpkttrace.a
$(B)/trc-bench: $(call objects,tests/bench) $(B)/libpkttrace.a
$(TRC_TOOLS):
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(call pkg,--libs libzstd)

# what the tests run beside the tools
HELPERS := $(B)/dns-responder $(B)/flood $(B)/traffic $(B)/cut-reader $(B)/analyze-bench $(B)/endpoint
helpers: $(HELPERS) $(TRC_TOOLS) $(B)/verdicts.bpf.o
$(B)/dns-responder: $(B)/obj/tests/dns/responder.o
$(B)/flood: $(B)/obj/tests/vm/flood.o
$(B)/traffic: $(B)/obj/tests/vm/traffic.o
$(B)/endpoint: $(B)/obj/tests/diagnosis/endpoint.o
$(B)/analyze-bench: $(call objects,tests/analyze-bench) $(B)/libanalyze.a $(B)/libpkttrace.a
$(B)/cut-reader: $(B)/obj/tests/vm/cut.o $(B)/libanalyze.a $(B)/libpkttrace.a
$(HELPERS):
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(libs.analyze)

# --- fuzzers: tests/fuzz/NAME_fuzz.c; $(B)/fuzz/NAME [-max_total_time=60] WORK-FOLDER tests/fuzz/corpus/NAME (libFuzzer) ---
# in objects of their own, with a model that has a limit small enough to be met
FUZZ = -O1 -g -fno-sanitize-recover=undefined -fsanitize=address,undefined,fuzzer
FUZZERS = $(patsubst tests/fuzz/%_fuzz.c,$(B)/fuzz/%,$(wildcard tests/fuzz/*_fuzz.c))
fuzz.objects = $(patsubst %.c,$(B)/fuzz/obj/%.o,$(filter-out $(TOOLS:%=analyze/%.c),$(call sources,$(1))))
.PHONY: fuzz
fuzz: $(FUZZERS)
$(B)/fuzz/obj/%.o: %.c
	@mkdir -p $(@D)
	$(CLANG) $(STD) $(FUZZ)-no-link $(WARN) -MMD -MP -DMODEL_MEMORY_LEAST='(8u << 20)' $(inc.$(firstword $(subst /, ,$*))) -c $< -o $@
$(B)/fuzz/obj/analyze/embedded.o: $(wildcard schema/* schema/queries/*)
$(B)/fuzz/libanalyze.a: $(call fuzz.objects,analyze)
	@rm -f $@
	$(AR) rcs $@ $^
$(FUZZERS): $(B)/fuzz/%: $(B)/fuzz/obj/tests/fuzz/%_fuzz.o $(B)/fuzz/libanalyze.a $(call fuzz.objects,trace)
	$(CLANG) $(FUZZ) -o $@ $^ $(libs.analyze) $(libs.fuzz)
# of the recorder, the translator of filters
$(B)/fuzz/filter: $(B)/fuzz/obj/record/filter_translate.o $(B)/fuzz/obj/record/filter_emit.o
$(B)/fuzz/filter: libs.fuzz = $(call pkg,--libs libpcap)
$(B)/fuzz/model: libs.fuzz = $(libs.select)
-include $(shell find $(B)/fuzz/obj -name '*.d' 2>/dev/null)

# --- the newcomer's road: install what is missing, and only then look for libraries, in a make of its own ------------
demo:
	@tools/setup build test vm
	@echo "Building." >&2
	@$(MAKE) --no-print-directory -s all helpers
	@B=$(B) tests/demo
test test-long:
	@tools/setup build test vm
	@B=$(B) tests/run $(if $(filter test-long,$@),--long)
diagnosis:
	@tools/setup build test vm
	@$(MAKE) --no-print-directory -s all helpers
	@B=$(B) tests/diagnosis/run
samples:
	@tools/setup build test vm
	@$(MAKE) --no-print-directory -s all helpers
	@B=$(B) tests/samples
# BENCH_HOPS=250000000 makes a recording of a gigabyte
BENCH_HOPS ?= 10000000
BENCH_HUGE ?= 100000000
bench:
	@tools/setup build test
	@$(MAKE) --no-print-directory -s $(TRC_TOOLS)
	@mkdir -p $(B)/bench
	$(B)/trc-gen -n $(BENCH_HOPS) -o $(B)/bench/big.trc samples/ok.trc samples/dropped.trc
	$(B)/trc-bench $(B)/bench/big.trc
	@$(MAKE) --no-print-directory -s $(B)/analyze-bench
	$(B)/trc-gen -n 1000000 -o $(B)/bench/small.trc samples/ok.trc samples/dropped.trc
	$(B)/analyze-bench $(B)/bench/small.trc $(B)/bench
	$(B)/analyze-bench $(B)/bench/big.trc $(B)/bench
	$(if $(BENCH_HUGE),$(B)/trc-gen -n $(BENCH_HUGE) -o $(B)/bench/huge.trc samples/ok.trc samples/dropped.trc)
	@echo $(if $(BENCH_HUGE),"The next takes five minutes and 15 GB of disk; BENCH_HUGE= leaves it out.","BENCH_HUGE is empty: no recording of 100 M hops.")
	$(if $(BENCH_HUGE),$(B)/analyze-bench $(B)/bench/huge.trc $(B)/bench)
	@$(MAKE) --no-print-directory -s analyze
	@B=$(B) tests/bench-diff
	@$(MAKE) --no-print-directory -s bench-vm
	@B=$(B) tests/bench-host
bench-vm:
	@tools/setup build test vm bench
	@$(MAKE) --no-print-directory -s all helpers
	@B=$(B) tests/bench-vm

# --- installing -----------------------------------------------------------------------------------------------------
MAN = $(patsubst man/%.scd,$(B)/man/%,$(wildcard man/*.scd))
man: $(MAN)
$(B)/man/%: man/%.scd
	@mkdir -p $(@D)
	scdoc <$< >$@
install: install-lib all man
	install -d $(DESTDIR)$(prefix)/bin $(sort $(foreach m,$(MAN),$(DESTDIR)$(prefix)/share/man/man$(patsubst .%,%,$(suffix $(m)))))
	install $(ANALYZE) $(B)/pktrec $(DESTDIR)$(prefix)/bin
	$(foreach m,$(MAN),install -m 644 $(m) $(DESTDIR)$(prefix)/share/man/man$(patsubst .%,%,$(suffix $(m)));)
# the library alone: for a program that reads recordings, without clang, libbpf or root
.PHONY: lib install-lib $(B)/pkttrace.pc
lib: $(B)/libpkttrace.a $(B)/$(SONAME)
install-lib: lib $(B)/pkttrace.pc
	install -d $(DESTDIR)$(libdir)/pkgconfig $(DESTDIR)$(prefix)/include
	install -m 644 $(B)/libpkttrace.a $(B)/$(SONAME) $(DESTDIR)$(libdir)
	ln -sf $(SONAME) $(DESTDIR)$(libdir)/libpkttrace.so
	install -m 644 trace/pkttrace.h $(DESTDIR)$(prefix)/include
	install -m 644 $(B)/pkttrace.pc $(DESTDIR)$(libdir)/pkgconfig

# all but what was fetched from far away
clean:
	rm -rf $(filter-out $(B)/cache,$(wildcard $(B)/*))
