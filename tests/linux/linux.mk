# SPDX-License-Identifier: MIT
# linux.mk - what the end-to-end tests of the module and of the socket need.  Included by the
# top-level Makefile.

LINUX_TEST_MODULES = $(foreach name,hide idt code torn astray liar slow disk,$(B)/tests/$(name)/ks_$(name).ko)
# What only Dom0 can do.
DOM0_TEST_MODULES = $(foreach name,entries answers,$(B)/tests/$(name)/ks_$(name).ko)
LINUX_TEST_PROGRAMS = $(patsubst %,$(B)/tests/%,actor open become crowd many mounts linger watch sharers mapped nets \
			empty headless unlisted gap \
			in_step half_written)
SOCKET_TEST_PROGRAMS = $(B)/tests/dialect $(B)/tests/load
LINUX_TEST_PARTS = $(LINUX_TEST_MODULES) $(DOM0_TEST_MODULES) $(LINUX_TEST_PROGRAMS) $(SOCKET_TEST_PROGRAMS) \
		   $(B)/tests/forks

# RT=1: the one with PREEMPT_RT.
RT ?=
DEBUG_KERNEL = $(abspath build/debug-kernel$(RT:1=-rt)/obj)
DEBUG_PARTS = $(B)/linux-debug$(RT:1=-rt)

# Modules for the emulated machine's kernel, and for the debug kernel; in a copy, as
# the module itself.
DEBUG_TEST_MODULES = $(LINUX_TEST_MODULES:$(B)/tests/%=$(DEBUG_PARTS)/tests/%)
$(LINUX_TEST_MODULES) $(DOM0_TEST_MODULES): $(B)/tests/%.ko: tests/linux/%.c | $(B)/vm/kernel/release
$(LINUX_TEST_MODULES) $(DOM0_TEST_MODULES): MODULE_KDIR = $(GUEST_KDIR)
$(DEBUG_TEST_MODULES): $(DEBUG_PARTS)/tests/%.ko: tests/linux/%.c
$(DEBUG_TEST_MODULES): MODULE_KDIR = $(DEBUG_KERNEL)
# Another configuration is another kernel.
$(DEBUG_PARTS)/ksense.ko $(DEBUG_TEST_MODULES): $(DEBUG_KERNEL)/Module.symvers
# And for each other kernel: $(1).
define other_kernel
OTHER_TEST_MODULES += $(LINUX_TEST_MODULES:$(B)/tests/%=$(B)/linux-$(1)/tests/%)
$(LINUX_TEST_MODULES:$(B)/tests/%=$(B)/linux-$(1)/tests/%): MODULE_KDIR = $(abspath build/headers-$(1)/kdir)
$(LINUX_TEST_MODULES:$(B)/tests/%=$(B)/linux-$(1)/tests/%): $(B)/linux-$(1)/tests/%.ko: tests/linux/%.c
.PHONY: modules-for-$(1)
modules-for-$(1): $(B)/linux-$(1)/ksense.ko $(LINUX_TEST_MODULES:$(B)/tests/%=$(B)/linux-$(1)/tests/%)
endef
$(foreach kernel,$(OTHER_KERNELS),$(eval $(call other_kernel,$(kernel))))

$(OTHER_TEST_MODULES): MODULE_OPTIONS = CONFIG_DEBUG_INFO_BTF_MODULES=
$(LINUX_TEST_MODULES) $(DOM0_TEST_MODULES) $(DEBUG_TEST_MODULES) $(OTHER_TEST_MODULES):
	@mkdir -p $(@D)
	cp $< $(<D)/Kbuild $(@D)/
	$(MAKE) -C $(MODULE_KDIR) M=$(abspath $(@D)) $(MODULE_OPTIONS) modules

# Static, as the emulated machine has no libraries.
$(LINUX_TEST_PROGRAMS): $(B)/tests/%: tests/linux/%.c
$(SOCKET_TEST_PROGRAMS): $(B)/tests/%: tests/%.c
$(LINUX_TEST_PROGRAMS) $(SOCKET_TEST_PROGRAMS):
	@mkdir -p $(@D)
	$(CC) $(KS_CFLAGS) $(CFLAGS) -static -o $@ $< -lpthread

# === Very much to look at ====================================================

.PHONY: check-scale
check-scale: host tools $(B)/tests/many $(B)/linux-guest/ksense.ko
check-scale: ## 50,000 processes with 550,000 descriptors: all tracked, at little cost (needs 8 GB)
	KS_B=$(B) KS_BUILD=$(abspath $(B)) prove -v tests/scale/processes.t

# === Other kernels ===========================================================

# They are in the Makefile, as the module is built for them there.
KERNELS ?= $(OTHER_KERNELS)

.PHONY: kernels
kernels: host tools $(LINUX_TEST_PARTS)
kernels: ## the module's tests in other kernels of Debian's, or in KERNELS=; writes docs/kernels.md
	tests/kernels $(KERNELS)

# === The debug kernel ========================================================

# Those that can do without Xen, and without the emulator's debugger port.
DEBUG_T = $(patsubst %,tests/linux/%.t,linux load processes open_files files modules idt torn astray liar socket \
		     rights suspend)

.PHONY: check-debug-kernel
# Everything is slower there: fewer requests and rounds, and more patience.
check-debug-kernel: host tools $(LINUX_TEST_PARTS)
check-debug-kernel: ## the module's tests in a Linux with KASAN, lockdep and UBSAN (built first); RT=1: real-time
	vm/build-debug-kernel $(RT:1=--rt)
	@$(MAKE) --no-print-directory $(DEBUG_PARTS)/ksense.ko $(DEBUG_TEST_MODULES)
	KS_B=$(B) KS_BUILD=$(abspath $(B)) KS_MODULE=$(abspath $(DEBUG_PARTS)/ksense.ko) \
		KS_TEST_MODULES=$(abspath $(DEBUG_PARTS)/tests) KS_TIMEOUT=1800 KS_LOAD='16 200 20' KS_ROUNDS=4 \
		KS_LINUX_OPTIONS='--kernel $(DEBUG_KERNEL)/arch/x86/boot/bzImage --mem 2048' \
		prove --timer $(DEBUG_T)
