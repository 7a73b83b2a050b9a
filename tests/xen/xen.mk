# SPDX-License-Identifier: MIT
# xen.mk - what the end-to-end tests on Xen need.  Included by the top-level Makefile.

XEN_TEST_PARTS = $(patsubst %,$(B)/tests/%,abi access storm forks guest32 churn checked.livepatch) \
		 $(patsubst %,$(B)/flask/%,allow deny read guests) $(B)/xen-checked/xen \
		 $(B)/sensing-domain/initrd $(B)/bench/xen $(B)/lab/keep

# What of them is made for no one Xen.
RELEASE_TEST_PARTS = $(patsubst %,$(B)/tests/%,abi flap storm forks guest32) $(B)/lab/keep

# The headers of the Xen that these are for, where it is not the one that libxen-dev is of
# (vm/build-release).
TEST_INCLUDES = $(patsubst %,-I%,$(wildcard $(B)/include))

# gnu11: Xen's headers ask for it.
$(B)/tests/abi $(B)/tests/access $(B)/tests/storm: $(B)/tests/%: tests/%.c include/sense.h
	@mkdir -p $(@D)
	$(CC) $(KS_CFLAGS) -std=gnu11 $(TEST_INCLUDES) $(CFLAGS) -o $@ $< \
		-Wl,-Bstatic -lxencall -lxenforeignmemory -lxentoolcore -lxentoollog -Wl,-Bdynamic -lpthread

$(B)/tests/churn: tests/churn.c include/sense.h
	@mkdir -p $(@D)
	$(CC) $(KS_CFLAGS) -std=gnu11 $(TEST_INCLUDES) $(CFLAGS) -o $@ $< \
		-Wl,-Bstatic -lxencall -lxentoolcore -lxentoollog -Wl,-Bdynamic

# Tied by notes to the Xen that it is for, as its build has to be the one that a live patch was
# made for.
$(B)/tests/checked.livepatch: tests/xen/livepatch.S $(B)/xen-checked/xen
	@mkdir -p $(@D)
	$(CC) -c -o $@.o $<
	objcopy -O binary --only-section=.note.gnu.build-id $(B)/xen-checked/xen-syms $@.note
	objcopy --add-section .livepatch.depends=$@.note \
		--set-section-flags .livepatch.depends=alloc,load,readonly,data,contents \
		--add-section .livepatch.xen_depends=$@.note \
		--set-section-flags .livepatch.xen_depends=alloc,load,readonly,data,contents $@.o
	$(LD) -r --build-id=sha1 -o $@ $@.o

$(B)/tests/forks: tests/forks.c
	@mkdir -p $(@D)
	$(CC) $(KS_CFLAGS) $(CFLAGS) -static -o $@ $<

# A guest of 32-bit code that xl can start: no library, no FPU, nothing that asks for an address
# of its own choosing.
GUEST32_CFLAGS = -m32 -ffreestanding -fno-pie -fno-stack-protector -fcf-protection=none -mgeneral-regs-only \
		 -fno-asynchronous-unwind-tables -fno-tree-loop-distribute-patterns
GUEST32_LDFLAGS = -nostdlib -static -no-pie -Wl,-Ttext-segment=0x200000,--build-id=none,-e,start_pvh

$(B)/tests/guest32: tests/guest32.c include/sense.h
	@mkdir -p $(@D)
	$(CC) $(KS_CFLAGS) -std=gnu11 -O2 $(GUEST32_CFLAGS) -o $@ $< $(GUEST32_LDFLAGS)

# Xen's own example policy: as the patch leaves it, without the permissions, with that to read
# alone, and with both for guests, too.
FLASK = tools/flask/policy
$(B)/flask/%: $(APPLIED) tests/xen/flask-policy
	tests/xen/flask-policy $* $(B)/xen-sense $(B)/flask
