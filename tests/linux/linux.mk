# SPDX-License-Identifier: MIT
# linux.mk - what the end-to-end tests on Linux need.  Included by the top-level Makefile.

LINUX_TEST_PARTS = $(B)/tests/hide/ks_hide.ko $(B)/tests/actor

# Modules for the emulated machine's kernel; in a copy, as the module itself.
$(B)/tests/hide/ks_hide.ko: tests/linux/hide/ks_hide.c tests/linux/hide/Kbuild
	@mkdir -p $(@D)
	cp $^ $(@D)/
	$(MAKE) -C $(GUEST_KDIR) M=$(abspath $(@D)) modules

$(B)/tests/actor: tests/linux/actor.c
	@mkdir -p $(@D)
	$(CC) $(KS_CFLAGS) $(CFLAGS) -static -o $@ $< -lpthread
