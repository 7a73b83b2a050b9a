# SPDX-License-Identifier: MIT
# lab.mk - the lab of attacks.  Included by the top-level Makefile.

LAB_MODULES = $(B)/lab/getdents/ks_getdents.ko $(B)/lab/domain/ks_domain.ko

$(B)/lab/getdents/ks_getdents.ko: lab/process-getdents/ks_getdents.c
$(B)/lab/domain/ks_domain.ko: lab/domain-hidden/ks_domain.c
$(LAB_MODULES): MODULE_KDIR = $(GUEST_KDIR)
$(LAB_MODULES): tests/linux/hide/Kbuild | $(B)/vm/kernel/release
	@mkdir -p $(@D)
	cp $(filter %.c,$^) $(@D)/
	sed 's/ks_hide/$(basename $(@F))/' $< >$(@D)/Kbuild
	$(MAKE) -C $(MODULE_KDIR) M=$(abspath $(@D)) modules

# A server of another release, and what else blinds the judge.
LAB_PROGRAMS = $(B)/lab/answer $(B)/lab/keep $(patsubst %,$(B)/tests/%,actor become crowd forks many)

$(B)/lab/answer: lab/blind/socket-release/answer.c
	@mkdir -p $(@D)
	$(CC) $(KS_CFLAGS) $(CFLAGS) -static -o $@ $<

$(B)/lab/keep: lab/twins/keep.c
	@mkdir -p $(@D)
	$(CC) $(KS_CFLAGS) -std=gnu11 $(CFLAGS) -o $@ $< \
		-Wl,-Bstatic -lxengnttab -lxentoolcore -lxentoollog -Wl,-Bdynamic

.PHONY: lab-parts
lab-parts:
	@scripts/packages
	@$(MAKE) --no-print-directory tools host xen
	@vm/build-guest --domu
	@$(MAKE) --no-print-directory $(LAB_MODULES) $(LINUX_TEST_MODULES) $(DOM0_TEST_MODULES) $(LAB_PROGRAMS) \
		$(B)/linux-guest/ksense.ko

.PHONY: lab
lab: lab-parts ## make every attack of lab/ at each level, blind the judge in every way, and write both matrices
	@export KS_B=$(B) KS_BUILD=$(abspath $(B)); lab/run --write docs/lab.md; attacks=$$?; \
		lab/blind/run --write docs/blind.md && exit $$attacks

.PHONY: twins
twins: lab-parts ## what is harmless and looks like an attack, each once, at high: nothing may be found
	KS_B=$(B) KS_BUILD=$(abspath $(B)) prove --timer -v lab/twins/run

.PHONY: soak
soak: lab-parts ## half an hour of what is harmless and looks like attacks: nothing may be found
	KS_B=$(B) KS_BUILD=$(abspath $(B)) prove --timer lab/soak
