# SPDX-License-Identifier: MIT
# xen.mk - what the end-to-end tests on Xen need.  Included by the top-level Makefile.

XEN_TEST_PARTS = $(B)/tests/abi $(B)/tests/forks $(B)/flask/allow $(B)/flask/deny $(B)/xen-flask/xen $(B)/xen-debug/xen

$(B)/tests/abi: tests/abi.c include/sense.h
	@mkdir -p $(@D)
	$(CC) $(KS_CFLAGS) $(CFLAGS) -o $@ $< -Wl,-Bstatic -lxencall -lxentoolcore -lxentoollog -Wl,-Bdynamic -lpthread

$(B)/tests/forks: tests/forks.c
	@mkdir -p $(@D)
	$(CC) $(KS_CFLAGS) $(CFLAGS) -static -o $@ $<

# Xen's own example policy, as the patch leaves it, and the same without the permission.
FLASK = tools/flask/policy
$(B)/flask/%: $(APPLIED) tests/xen/flask-policy
	tests/xen/flask-policy $* $(B)/xen-sense $(B)/flask
