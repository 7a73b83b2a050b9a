# SPDX-License-Identifier: MIT
# lib.mk - libksense, the client.  Included by the top-level Makefile, which sets B, CC,
# CFLAGS and KS_CFLAGS.
#
#   $(B)/lib/libksense.so.0   the client library: what lib/libksense.map names, and nothing else
#   $(B)/lib/libksense.a      the same, as one object in which the rest is local; its users
#   link -lxencall too

# Bumped when a program that was linked before would no longer run.
LIB_ABI = 0

OBJCOPY ?= objcopy

LIB_CFLAGS = $(KS_CFLAGS) -Ihost -fPIC -fvisibility=hidden
# Of the core it takes how JSON is read and written, and the protocol's words.
LIB_OBJS = $(patsubst %.c,$(B)/lib/%.o,$(notdir $(sort $(wildcard lib/*.c))) json.c request.c writer.c)

# Objects of before, without these flags, do not make a shared library.
$(B)/lib/%.o: lib/%.c lib/lib.mk
	@mkdir -p $(@D)
	$(CC) $(LIB_CFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(B)/lib/%.o: core/%.c lib/lib.mk
	@mkdir -p $(@D)
	$(CC) $(LIB_CFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(B)/lib/libksense.so.$(LIB_ABI): $(LIB_OBJS) lib/libksense.map
	$(CC) $(CFLAGS) $(LDFLAGS) -shared -Wl,-soname,$(@F) -Wl,--version-script=lib/libksense.map -Wl,-z,defs -o $@ \
		$(LIB_OBJS) -lxencall

# One object, so that its parts find each other and a program's symbols do not meet theirs.
$(B)/lib/libksense.a: $(LIB_OBJS)
	$(RM) $@
	$(LD) -r -o $(@:.a=.whole.o) $^
	$(OBJCOPY) --localize-hidden $(@:.a=.whole.o)
	$(AR) rcs $@ $(@:.a=.whole.o)

-include $(LIB_OBJS:.o=.d)
