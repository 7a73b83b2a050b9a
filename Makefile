# SPDX-License-Identifier: MIT
#
# The project's own part: library and command, the host port, tests, and what drives the build of
# Xen.  Each kernel's part is built by that kernel's build system.  All results go to build/.

B ?= build
CC ?= gcc
CLANG ?= clang
CFLAGS ?= -O2 -g
KS_CFLAGS = -std=c11 -D_GNU_SOURCE -Wall -Wextra -Werror

# A Xen source tree of the user's; without it, Debian's is fetched.
XEN_SRC ?=
XEN_RELEASE = 4.17

# For `make releases`: a git clone of Xen's repository.
XEN_GIT ?=

DESTDIR ?=
PREFIX ?= /usr/local

CORE_SRC = $(sort $(wildcard core/*.c))
PROBE_SRC = probes/set.c probes/set_record.c probes/set_table.c probes/region.c
HOST_SRC = $(filter-out host/main.c,$(sort $(wildcard host/*.c probes/host/*.c)))

# What goes into Xen.
SENSE_FILES = $(wildcard core/*.[ch] probes/*.[ch] probes/xen/*.[ch] xen/*.[ch] xen/include/xen/*.h include/*.h) \
	      xen/Makefile.sense xen/apply $(wildcard xen/patches/* xen/flask/*)

.DEFAULT_GOAL = all

# A recipe that fails leaves nothing behind that counts as made.
.DELETE_ON_ERROR:

.PHONY: all help host xen stock sensing-domain module share demo bench clean distclean packages
.PHONY: check check-all check-long check-configs check-stress releases install uninstall install-dkms
all: host tools xen ## build library and command, the host port, and Xen with the sensor (default)

help: ## list the targets
	@echo 'Targets:'
	@sed -n 's/^\([a-z][a-z-]*\):[^#]*## \(.*\)/  make \1\t\2/p' \
		Makefile cli/cli.mk tests/tests.mk tests/linux/linux.mk lab/lab.mk | expand -t 28
	@echo 'Variables:'
	@echo '  XEN_SRC=DIR           a Xen source tree of yours (release $(XEN_RELEASE)), not the fetched one'
	@echo '  XEN_GIT=DIR           for releases: a git clone of Xen'\''s repository; RELEASES= are those to try'
	@echo '  KDIR=DIR              the headers of the kernel that the module is for; the running one'
	@echo '  DESTDIR= PREFIX=      for install and uninstall; PREFIX is $(PREFIX)'
	@echo '  B=DIR                 where everything is built; it is $(B)'

packages: ## install the Debian packages that are missing (root or sudo)
	@scripts/packages

# === The host port ===========================================================

HOST_OBJS = $(patsubst %.c,$(B)/host/%.o,$(CORE_SRC) $(PROBE_SRC) $(HOST_SRC))

host: $(B)/host/ksense-host ## build the host port: the sensor in an ordinary process

$(B)/host/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(KS_CFLAGS) $(CFLAGS) -Ihost -MMD -MP -c -o $@ $<

$(B)/libkshost.a: $(HOST_OBJS)
	$(RM) $@
	$(AR) rcs $@ $^

$(B)/host/ksense-host: $(B)/host/host/main.o $(B)/libkshost.a
	$(CC) $(CFLAGS) $(LDFLAGS) -rdynamic -o $@ $^ -lnettle -lpthread

-include $(HOST_OBJS:.o=.d) $(B)/host/host/main.d

# === Xen =====================================================================

ifeq ($(XEN_SRC),)
PRISTINE = $(B)/xen-src-$(XEN_RELEASE)

$(PRISTINE)/xen/Makefile:
	scripts/fetch-xen
else
PRISTINE = $(XEN_SRC)

$(PRISTINE)/xen/Makefile:
	@echo "no Xen source tree in $(XEN_SRC): there is no xen/Makefile in it" >&2; exit 1
endif

# Neither tree is written to: the sensor goes into a copy.  The stamps' names say of which;
# vm/build-xen compares contents.
APPLIED = $(B)/xen-sense.of$(subst /,_,$(PRISTINE))
STOCK = $(B)/xen-stock.of$(subst /,_,$(PRISTINE))

# Somebody works on a tree of his own: it is copied and compared each time.
.PHONY: $(if $(XEN_SRC),$(APPLIED) $(STOCK))

$(APPLIED): $(PRISTINE)/xen/Makefile $(SENSE_FILES)
	@$(RM) $(B)/xen-sense.of*
	@mkdir -p $(B)/xen-sense
	rsync -a --delete $(PRISTINE)/ $(B)/xen-sense/
	xen/apply $(B)/xen-sense
	@touch $@

$(STOCK): $(PRISTINE)/xen/Makefile
	@$(RM) $(B)/xen-stock.of*
	@mkdir -p $(@D)
	@touch $@

xen: $(B)/xen/xen ## build Xen with the sensor

$(B)/xen/xen: $(APPLIED) xen/sense.config
	vm/build-xen $(B)/xen-sense $(B)/xen xen/sense.config
	@touch $@

stock: $(B)/xen-stock/xen ## build the same Xen without the sensor, to compare with

$(B)/xen-stock/xen: $(STOCK)
	vm/build-xen $(PRISTINE) $(B)/xen-stock
	@touch $@

# The other Xen that the tests boot.  A debug build tries, as it starts, whether the CPU raises the
# exceptions that it should.  QEMU 7.2 raises #GP for #SS, and Xen then waits 3 s for somebody to
# read that.  Its test, and nothing else, is told what this CPU does.  And it has one slot for
# calls of the sensor, not one for each CPU: so two callers meet on two CPUs, where else it would
# take more CPUs than there are slots.
$(B)/xen-%/xen: tests/xen/%.config xen/sense.config $(APPLIED)
	rsync -a --delete $(B)/xen-sense/ $(B)/xen-$*-tree/
	sed -i '/rax = 0xfedcba9876543210/{n;s/TRAP_stack_error/TRAP_gp_fault/;s/X86_EXC_SS/X86_EXC_GP/}' \
		$(B)/xen-$*-tree/xen/arch/x86/extable.c
	sed -i 's/^#define KS_SLOTS_MAX .*/#define KS_SLOTS_MAX 1/' $(B)/xen-$*-tree/xen/common/sense/xen/sense.c
	vm/build-xen $(B)/xen-$*-tree $(B)/xen-$* xen/sense.config tests/xen/$*.config
	@touch $@

# === The sensing domain ======================================================

sensing-domain: $(B)/sensing-domain/initrd ## build a guest to hand the sensor over to (docs/sensing-domain.md)

$(B)/sensing-domain/initrd: $(B)/cli/ksense $(wildcard sensing-domain/*) vm/build-guest
	sensing-domain/build $< $(@D)

# === Linux ===================================================================

# The kernel that the module is for.  The tests have one of their own, for the kernel of
# the emulated machine.
KDIR ?= /lib/modules/$(shell uname -r)/build
GUEST_KDIR = /usr/src/linux-headers-$(shell cat $(B)/vm/kernel/release 2>/dev/null)

MODULE_FILES = $(wildcard core/*.[ch] probes/*.[ch] probes/linux/*.[ch] linux/*.[ch])

module: $(B)/linux/ksense.ko ## build the Linux module, for the running kernel or KDIR=

# The stamp's name says for which kernel the module is.  What is left of another's would not be
# built again.
FOR_KERNEL = $(B)/linux/for$(subst /,_,$(KDIR))

$(B)/linux/ksense.ko: $(KDIR)/Makefile $(FOR_KERNEL)
$(FOR_KERNEL):
	@$(RM) -r $(@D)
	@mkdir -p $(@D)
	@touch $@
$(KDIR)/Makefile:
	@echo "no kernel headers in $(KDIR): install linux-headers-amd64, or give KDIR=" >&2; exit 1

$(B)/linux/ksense.ko: MODULE_KDIR = $(KDIR)
$(B)/linux-guest/ksense.ko: MODULE_KDIR = $(GUEST_KDIR)
$(B)/linux-debug/ksense.ko $(B)/linux-debug-rt/ksense.ko: MODULE_KDIR = $(DEBUG_KERNEL)
# Built to be read (tests/linux/sealed.t), or to be tried (make kernels); scripts/fetch-headers
# brings what it needs.
OTHER_KERNELS = 6.1-rt 6.12 6.12-rt
$(OTHER_KERNELS:%=$(B)/linux-%/ksense.ko): MODULE_KDIR = $(abspath build/headers-$(@:$(B)/linux-%/ksense.ko=%)/kdir)
$(OTHER_KERNELS:%=$(B)/linux-%/ksense.ko): MODULE_OPTIONS = CONFIG_DEBUG_INFO_BTF_MODULES=

# Which kernel that is, is known when the machine has been made.
$(B)/linux-guest/ksense.ko: | $(B)/vm/kernel/release
$(B)/vm/kernel/release:
	vm/build-guest

# The sources as one folder that Kbuild can build in; $(1): where.
module_tree = rsync -aR $(MODULE_FILES) $(1)/ && cp linux/Kbuild $(1)/Kbuild

# In a copy, so that the kernel's build leaves nothing here.  A warning is an error here alone:
# DKMS builds the module with compilers that nobody here has seen.
MODULES_FOR = linux linux-guest linux-debug linux-debug-rt $(OTHER_KERNELS:%=linux-%)
$(MODULES_FOR:%=$(B)/%/ksense.ko): $(MODULE_FILES) linux/Kbuild
	@[ -f "$(MODULE_KDIR)/Makefile" ] || { \
		echo "no kernel headers in $(MODULE_KDIR): install linux-headers-amd64, or give KDIR=" >&2; exit 1; }
	@mkdir -p $(@D)
	$(call module_tree,$(@D))
	$(MAKE) -C $(MODULE_KDIR) M=$(abspath $(@D)) KCFLAGS=-Werror $(MODULE_OPTIONS) modules

VERSION = $(shell sed -n 's/.*KS_VERSION "\(.*\)"/\1/p' core/version.h)
DKMS_TREE = $(DESTDIR)/usr/src/ksense-$(VERSION)

install-dkms: ## install the module's sources for DKMS, below DESTDIR/usr/src
	install -d $(DKMS_TREE)
	$(call module_tree,$(DKMS_TREE))
	sed 's/@VERSION@/$(VERSION)/' linux/dkms.conf >$(DKMS_TREE)/dkms.conf

share: $(B)/xen/xen $(B)/linux-guest/ksense.ko ## how much of Xen's sensor is Linux's files too; fails below 85 %
	@scripts/share $(B)/xen $(B)/linux-guest

.PHONY: probe-pages
probe-pages: ## write what the probes' tables say into their pages in docs/probes/
	@scripts/probe-pages

.PHONY: schemas
schemas: ## write what the tables say into the JSON Schemas in docs/schema/
	@scripts/schemas

# === Demo, checks, benchmarks ===============================================

demo: ## install what is missing, build, boot Xen, and show the sensor at work
	@scripts/packages
	@tests/demo

check: ## install what is missing and run the tests (see check-long)
	@scripts/packages
	@$(MAKE) --no-print-directory check-all

# Everything is built first; then one runner runs it all, one test more at a time than there are
# CPUs, and its summary is the last that is said.  Most tests use one CPU, and not all the time:
# three keep two busy.  The longest come first, so that at the end nothing long is left alone;
# load.t, whose machine keeps two CPUs busy, beside those with one.
JOBS ?= $(shell echo $$(($$(nproc) + 1)))
LONGEST = $(patsubst %,tests/%.t,xen/access linux/load xen/flask xen/soak xen/stress)
# What takes long by itself is in check-long.
LONG_T = tests/host/valgrind.t tests/xen/callers.t tests/xen/noise.t tests/xen/suspend.t
ALL_T = $(filter-out $(LONG_T),$(CHECK_HOST_T) $(sort $(wildcard tests/tools/*.t tests/xen/*.t tests/linux/*.t)))
TESTS = $(LONGEST) $(filter-out $(LONGEST),$(ALL_T))

.PHONY: check-parts
check-parts:
	@vm/build-guest --domu
	@$(MAKE) --no-print-directory -j2 host tools xen $(CHECK_HOST_BUILT) $(XEN_TEST_PARTS) $(LINUX_TEST_PARTS) \
		$(B)/linux-guest/ksense.ko $(B)/bench/host $(B)/bench/search $(B)/bench/linux $(B)/bench/compare

check-all: check-parts
	KS_B=$(B) KS_BUILD=$(abspath $(B)) FUZZ_SECONDS=$(FUZZ_SECONDS) tests/run -j$(JOBS) --timer $(TESTS)

check-long: ## what is too long for make check: more tests on the debug build of Xen, longer storms
	@scripts/packages
	@$(MAKE) --no-print-directory check-parts
	KS_LONG=1 KS_ACCESS='without a policy' KS_STORM_SECONDS=30 KS_IDT_SECONDS=20 \
		KS_B=$(B) KS_BUILD=$(abspath $(B)) tests/run -j2 --timer \
		$(patsubst %,tests/xen/%.t,checked access compare roots idt guests) \
		$(patsubst %,tests/linux/%.t,processes modules) $(LONG_T)

# Not in make check: each takes a minute or more, and one of them a cross-compiler.
check-configs: $(APPLIED) ## build Xen in each configuration of tests/xen/configs, or in CONFIGS=
	tests/xen/check-configs $(B)/xen-sense $(B)/xen-configs $(CONFIGS)

check-stress: ## ten minutes in which all that can go away in Xen does, under the probes
	@scripts/packages
	@vm/build-guest
	@$(MAKE) --no-print-directory -j2 tools $(B)/xen-checked/xen $(B)/tests/abi $(B)/tests/churn \
		$(B)/tests/checked.livepatch
	KS_STRESS_SECONDS=600 KS_B=$(B) KS_BUILD=$(abspath $(B)) prove -v --timer tests/xen/stress.t

# Other releases of Xen than the one that the rest is tested with.  Each has a build directory of
# its own, below this one's releases/; what is not made for one Xen it has from here.
RELEASES ?= 4.18 4.19 4.20 4.21 4.22 4.23
releases: ## build, boot and test other releases of Xen, from XEN_GIT= or XEN_SRC=; writes docs/releases.md
	@scripts/packages
	@vm/build-guest
	@$(MAKE) --no-print-directory -j2 XEN_SRC= host tools $(B)/linux-guest/ksense.ko \
		$(LINUX_TEST_PARTS) $(RELEASE_TEST_PARTS)
	XEN_SRC=$(XEN_SRC) XEN_GIT=$(XEN_GIT) tests/releases $(RELEASES)

bench: ## measure, and write the table bench/results.md
	@scripts/packages
	@$(MAKE) --no-print-directory all stock $(B)/bench/host $(B)/bench/compare $(B)/bench/search \
		$(B)/bench/xen $(B)/bench/linux $(B)/linux-guest/ksense.ko
	KS_BUILD=$(B) bench/run

# gnu11: Xen's headers ask for it.
$(B)/bench/xen: bench/xen.c include/sense.h
	@mkdir -p $(@D)
	$(CC) $(KS_CFLAGS) -std=gnu11 $(CFLAGS) -o $@ $< -lxencall -lxenctrl -lpthread

# The core, with a call in each basic block, for the search of the dearest request.  memcmp() is a
# kernel's: not unrolled here, and counted.
$(B)/bench/traced/%.o: %.c $(wildcard core/*.h host/*.h)
	@mkdir -p $(@D)
	$(CC) $(KS_CFLAGS) -O2 -fno-builtin-memcmp -fsanitize-coverage=trace-pc -Ihost -c -o $@ $<

$(B)/bench/search: bench/search.c bench/still_port.c bench/weights probes/xen/probes.h \
		$(CORE_SRC:%.c=$(B)/bench/traced/%.o)
	@mkdir -p $(@D)
	scripts/probes xen | sed 's/.*/PROBE("&"),/' >$@.probes
	$(CC) $(KS_CFLAGS) -O2 -fno-builtin -fno-tree-loop-distribute-patterns -no-pie -Ihost -I$(@D) -o $@ \
		$(filter %.c %.o,$^) -lnettle -lpthread
	bench/weights $@ >$@.weights

$(B)/bench/linux: bench/linux.c
	@mkdir -p $(@D)
	$(CC) $(KS_CFLAGS) $(CFLAGS) -static -o $@ $<

# The judge as a whole, as the command has it.
$(B)/bench/compare: bench/compare.c $(B)/canary/libcanary.a $(B)/lib/libksense.a $(B)/libkshost.a
	@mkdir -p $(@D)
	$(CC) $(KS_CFLAGS) -Ihost $(CFLAGS) -o $@ $^ $(CLI_LDLIBS)

include lib/lib.mk
include canary/canary.mk
include cli/cli.mk
include tests/xen/xen.mk
include tests/linux/linux.mk
include lab/lab.mk
-include tests/tests.mk

# === Install, clean ==========================================================

# What is installed: mode, folder below PREFIX, file.  What uninstall removes is computed
# from the same list.
INSTALLED = 755:bin:$(B)/cli/ksense 755:bin:$(B)/host/ksense-host \
	    644:lib:$(B)/lib/libksense.so.$(LIB_ABI) 644:lib:$(B)/lib/libksense.a \
	    644:include/ksense:lib/libksense.h 644:include/ksense:include/sense.h \
	    644:share/man/man1:docs/ksense.1 644:share/man/man3:docs/ksense.3 644:share/man/man5:docs/ksense-checks.5 \
	    644:share/man/man8:docs/ksense-host.8 \
	    644:share/ksense:canary/checks.json 644:share/bash-completion/completions:$(B)/cli/completion/ksense \
	    $(patsubst docs/%,644:share/doc/ksense:docs/%,$(wildcard docs/*.md)) \
	    $(patsubst %,644:share/doc/ksense/findings:%,$(wildcard docs/findings/*.md)) \
	    $(patsubst %,644:share/doc/ksense/probes:%,$(wildcard docs/probes/*.md)) \
	    $(patsubst %,644:share/doc/ksense/schema:%,$(wildcard docs/schema/*.json))

# Two more are made in place: the name that a linker looks for, and what pkg-config is told.
INSTALLED_LINK = lib/libksense.so
INSTALLED_PC = lib/pkgconfig/ksense.pc

# Folders that nobody else puts anything into.
INSTALLED_OWN = include/ksense share/ksense share/doc/ksense/findings share/doc/ksense/probes share/doc/ksense/schema \
		share/doc/ksense

INSTALL_BELOW = $(DESTDIR)$(PREFIX)

install: host tools ## install command, libraries, headers, man pages and bash completion below DESTDIR/PREFIX
	@set -e; for one in $(INSTALLED); do \
		file=$${one##*:} folder=$${one#*:}; folder=$${folder%%:*}; \
		install -D -m $${one%%:*} $$file "$(INSTALL_BELOW)/$$folder/$${file##*/}"; \
	done
	@# A link to what is in the sources alone is its text.
	sed -i 's|\[\([^]]*\)\](\.\./[^)]*)|\1|g' "$(INSTALL_BELOW)/share/doc/ksense"/*.md
	ln -sf libksense.so.$(LIB_ABI) "$(INSTALL_BELOW)/$(INSTALLED_LINK)"
	install -d "$(INSTALL_BELOW)/$(dir $(INSTALLED_PC))"
	sed 's|@PREFIX@|$(PREFIX)|; s|@VERSION@|$(VERSION)|' lib/ksense.pc.in >"$(INSTALL_BELOW)/$(INSTALLED_PC)"
	chmod 644 "$(INSTALL_BELOW)/$(INSTALLED_PC)"

uninstall: ## remove what make install put there, with the same DESTDIR and PREFIX
	@set -e; for one in $(INSTALLED); do \
		file=$${one##*:} folder=$${one#*:}; folder=$${folder%%:*}; \
		$(RM) "$(INSTALL_BELOW)/$$folder/$${file##*/}"; \
	done
	$(RM) "$(INSTALL_BELOW)/$(INSTALLED_LINK)" "$(INSTALL_BELOW)/$(INSTALLED_PC)"
	@set -e; for own in $(INSTALLED_OWN); do \
		[ ! -d "$(INSTALL_BELOW)/$$own" ] || rmdir --ignore-fail-on-non-empty "$(INSTALL_BELOW)/$$own"; \
	done

clean: ## remove what was built; keep what was fetched
	$(RM) -r $(filter-out $(B)/xen-src-$(XEN_RELEASE) $(B)/vm $(B)/apt,$(wildcard $(B)/*))

distclean: ## remove build/ altogether
	$(RM) -r $(B)
