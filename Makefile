# make            build/karma                 make SAN=1   the same under sanitizers, in build-san/
# make test       every test (./test.sh)      make unit    the unit tests alone
# make test-kernels   the kernel's side on other kernels, under qemu
# make lint       clang-format, clang-tidy, cppcheck, shellcheck
# make model      train models/default.karma again from the data at hand
# make detection  how well it tells attack from work: docs/detection.md
# make paper      the experiments of docs/model.md
# make bench      how fast; make run: watch the default route; make install
# make deb        a Debian package; make test-deb: in a fresh Debian, too

CC      = gcc
CLANG   = clang
BPFTOOL = $(firstword $(wildcard /usr/sbin/bpftool /sbin/bpftool) bpftool)
PREFIX  = /usr/local

WARN    = -Wall -Wextra -Werror -Wstrict-prototypes -Wmissing-prototypes -Wshadow
CFLAGS  = -std=gnu11 -O2 -g $(WARN)
CPPFLAGS = -Isrc -D_GNU_SOURCE
LDLIBS  = -lbpf -lelf -lpcap -ljansson -lsqlite3 -lndpi -linih -lnettle -lcurl -lmicrohttpd \
	  -lncursesw -ltinfo -lsystemd -lz -lm -lpthread

# What gcc would write for copies and zeros of a known size, rep movs and rep stos, takes 20 ns to
# start; the C library's take 3.
ifneq ($(filter x86_64%,$(shell $(CC) -dumpmachine)),)
CFLAGS += -mmemcpy-strategy=libcall:-1:noalign -mmemset-strategy=libcall:-1:noalign
endif

# Sanitizers tell lines of the source, for which -g1 is enough.
ifdef SAN
B       = build-san
CFLAGS += -O1 -g1 -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer \
	  -DKARMA_NO_CLONES
LDFLAGS += -fsanitize=address,undefined
else
B       = build
endif

SRC     = $(wildcard src/*/*.c)
SKEL    = $(patsubst bpf/%.bpf.c,$(B)/%.skel.h,$(wildcard bpf/*.bpf.c))
LIBOBJ  = $(patsubst src/%.c,$(B)/%.o,$(filter-out src/cmd/main.c,$(SRC))) $(B)/web_assets.o
TESTS   = $(patsubst tests/unit/%.c,$(B)/tests/%,$(wildcard tests/unit/test_*.c))

.DELETE_ON_ERROR:

all: $(B)/karma

$(B)/karma: $(B)/cmd/main.o $(B)/libkarma.a
	$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

# Objects of a library are linked only where they are needed: a test of one room builds alone.
$(B)/libkarma.a: $(LIBOBJ)
	@rm -f $@
	ar rcs $@ $^

$(B)/%.o: src/%.c $(B)/flags | $(SKEL)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -I$(B) $(CFLAGS) -MMD -MP -c -o $@ $<

# The dashboard's files; without node a page that says why it is not there. Made anew when node
# comes or goes, and when npm could not fetch what it needs.
$(B)/web_assets.c: $(wildcard web/*.sh web/*.mjs web/*.json web/src/*) $(B)/node
	web/build.sh $@

$(B)/web_assets.o: $(B)/web_assets.c
	$(CC) $(CPPFLAGS) -I$(B) $(CFLAGS) -MMD -MP -c -o $@ $<

$(B)/node: FORCE
	@mkdir -p $(@D)
	@state=$$(node --version 2>/dev/null; npm --version 2>/dev/null; \
		grep -c 'could not fetch' $(B)/web_assets.c 2>/dev/null); \
		echo "$$state" | cmp -s - $@ || echo "$$state" > $@

# The inner loops of the network: -O3 vectorises them; the sources say which sets they are built for.
$(B)/lstm/%.o: private CFLAGS += -O3 -fno-math-errno -fno-trapping-math

# Those that know where it is installed; another PREFIX is a reason to build these alone again.
PLACED = $(B)/cmd/session.o $(B)/cmd/settings.o
$(PLACED): private CPPFLAGS += -DKARMA_PREFIX='"$(PREFIX)"'
$(PLACED): $(B)/prefix
$(B)/prefix: FORCE
	@mkdir -p $(@D)
	@echo '$(PREFIX)' | cmp -s - $@ || echo '$(PREFIX)' > $@

# Built again when the flags change.
$(B)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(CC) $(CPPFLAGS) $(CFLAGS)' | cmp -s - $@ || echo '$(CC) $(CPPFLAGS) $(CFLAGS)' > $@

# The kernel side: UAPI headers only, none of the target's BTF.
MULTIARCH = $(shell $(CC) -print-multiarch)
BPF_CFLAGS = -std=gnu11 -O2 -g -target bpf -mcpu=v3 -Wall -Wextra -Werror \
	     -Isrc -I/usr/include/$(MULTIARCH) \
	     $(if $(filter x86_64-% i386-%,$(MULTIARCH)),-DKARMA_STRONG_ORDER)

$(B)/%.bpf.o: bpf/%.bpf.c $(wildcard bpf/*.h src/flow/*.h src/respond/block.h)
	@mkdir -p $(@D)
	$(CLANG) $(BPF_CFLAGS) -c -o $@ $<

$(B)/%.skel.h: $(B)/%.bpf.o
	@echo '/* NOLINTBEGIN: generated */' > $@.part
	$(BPFTOOL) gen skeleton $< name $*_bpf >> $@.part
	@echo '/* NOLINTEND */' >> $@.part
	@mv $@.part $@

$(B)/tests/%: tests/unit/%.c $(B)/libkarma.a
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -I$(B) -Itests $(CFLAGS) -MMD -MP $(LDFLAGS) -o $@ $< $(B)/libkarma.a -lcmocka $(LDLIBS)

tests: $(TESTS)

unit: $(TESTS)
	@for t in $(TESTS); do $$t || exit 1; done

test:
	./test.sh

# The kernel's side on Debian 12's 6.1 and 6.12 under qemu: a download of 60 MB, some three minutes.
test-kernels:
	scripts/install-packages.sh build test range kernels
	$(MAKE) -s all tests
	tests/kernels/run.sh --must

run: all
	$(B)/karma run

# A part that cannot be measured here (the kernel's, without root) does not keep the others back.
bench: all $(B)/mixed-capture
	@$(B)/karma bench; status=$$?; echo; scripts/bench-captures.py && \
		scripts/bench-lstm.py && scripts/bench-throughput.sh && exit $$status

$(B)/mixed-capture: tests/bench/mixed.c
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -O2 -g $(WARN) -o $@ $< -lm

# The configuration is its owner's: one that is there stays.
ETC     = $(if $(filter /usr,$(PREFIX)),/etc,$(PREFIX)/etc)
UNITS   = $(PREFIX)/lib/systemd/system
ZSH     = $(PREFIX)/share/zsh/site-functions
install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/karma \
		$(DESTDIR)$(PREFIX)/share/man/man1 $(DESTDIR)$(PREFIX)/share/man/man5 \
		$(DESTDIR)$(ETC)/karma $(DESTDIR)$(ETC)/logrotate.d $(DESTDIR)$(UNITS) $(DESTDIR)$(ZSH) \
		$(DESTDIR)$(PREFIX)/share/bash-completion/completions
	install -m 755 $(B)/karma $(DESTDIR)$(PREFIX)/bin/karma
	install -m 644 models/default.karma $(DESTDIR)$(PREFIX)/share/karma/default.karma
	install -m 644 docs/karma.conf $(DESTDIR)$(PREFIX)/share/karma/karma.conf
	[ -e $(DESTDIR)$(ETC)/karma/karma.conf ] || \
		install -m 644 docs/karma.conf $(DESTDIR)$(ETC)/karma/karma.conf
	install -m 644 systemd/karma.logrotate $(DESTDIR)$(ETC)/logrotate.d/karma
	sed 's|@PREFIX@|$(PREFIX)|' systemd/karma.service.in >$(DESTDIR)$(UNITS)/karma.service
	chmod 644 $(DESTDIR)$(UNITS)/karma.service
	install -m 644 completion/karma.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/karma
	install -m 644 completion/_karma $(DESTDIR)$(ZSH)/_karma
	install -m 644 docs/man/*.1 $(DESTDIR)$(PREFIX)/share/man/man1/
	install -m 644 docs/man/*.5 $(DESTDIR)$(PREFIX)/share/man/man5/

# build/deb/karma_VERSION_ARCH.deb; test-deb also in a fresh Debian (a download of some 60 MB).
deb:
	scripts/install-packages.sh build package
	scripts/deb.sh

test-deb:
	scripts/install-packages.sh build test package
	tests/live/deb.sh

lint: all
	@for l in format tidy cppcheck shell man words; do scripts/lint.sh $$l || exit 1; done

# Regenerate the range's traffic (an hour on two processors, root) from a seed, and train a model on it.
SEED ?= 1
range-data: all
	scripts/install-packages.sh range data
	range/make-data.sh build/range-data $(SEED)

model: all
	scripts/make-model.py build/range-data

# An hour or two; without python3-xgboost there are no trees in it.
detection: all
	scripts/detection.py build/range-data > build/detection.md.part
	mv build/detection.md.part docs/detection.md

# The experiments of docs/model.md, with python3-xgboost as the yardstick (an hour or so).
UNSW ?= $(or $(KARMA_SHARED),../shared)/data/unsw-nb15/partition.csv
paper: all
	scripts/paper.py $(UNSW) $(dir $(UNSW))raw-slice.csv

clean:
	rm -rf build build-san build-fuzz

FORCE:
.PHONY: all tests unit test test-kernels run bench install deb test-deb lint range-data model detection paper clean FORCE
.SECONDARY:

-include $(shell find $(B) -name '*.d' 2>/dev/null)
