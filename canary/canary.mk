# SPDX-License-Identifier: MIT
# canary.mk - the canary: what the sensors see against what Dom0 says.  Included by the top-level
# Makefile, behind lib/lib.mk.
#
#   $(B)/canary/libcanary.a   the library; its users link libksense, jansson,
#   nettle and Xen's libraries too

CANARY_CFLAGS = $(KS_CFLAGS) -Ihost
CANARY_OBJS = $(patsubst canary/%.c,$(B)/canary/%.o,$(sort $(wildcard canary/*.c)))

$(B)/canary/%.o: canary/%.c
	@mkdir -p $(@D)
	$(CC) $(CANARY_CFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# Xen's headers ask for gnu11.
$(B)/canary/source_toolstack.o $(B)/canary/source_xenstore.o: CANARY_CFLAGS += -std=gnu11

# The built-in checks are data, in the form that a user's are; and what they may name is, as
# scripts/schemas writes it.
$(B)/canary/builtin.o: canary/checks.json canary/records.json
	@mkdir -p $(@D)
	cd canary && $(LD) -r -b binary -z noexecstack -o $(abspath $@) $(^F)

$(B)/canary/libcanary.a: $(CANARY_OBJS) $(B)/canary/builtin.o
	$(RM) $@
	$(AR) rcs $@ $^

-include $(CANARY_OBJS:.o=.d)
