# SPDX-License-Identifier: MIT
# lib.mk - libksense, the client.  Included by the top-level Makefile, which sets B, CC, CFLAGS and KS_CFLAGS.
#
#   $(B)/lib/libksense.a   the client library; its users link -lxencall too

LIB_CFLAGS = $(KS_CFLAGS) -Ihost
# Of the core it takes how JSON is read and written, and the protocol's words.
LIB_OBJS = $(patsubst %.c,$(B)/lib/%.o,$(notdir $(sort $(wildcard lib/*.c))) json.c request.c text.c)

$(B)/lib/%.o: lib/%.c
	@mkdir -p $(@D)
	$(CC) $(LIB_CFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(B)/lib/%.o: core/%.c
	@mkdir -p $(@D)
	$(CC) $(LIB_CFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(B)/lib/libksense.a: $(LIB_OBJS)
	$(RM) $@
	$(AR) rcs $@ $^

-include $(LIB_OBJS:.o=.d)
