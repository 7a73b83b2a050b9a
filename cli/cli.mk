# SPDX-License-Identifier: MIT
# cli.mk - the command ksense.  Included by the top-level Makefile, behind lib/lib.mk.
#
#   $(B)/cli/ksense        the command; Xen's libraries are linked in, so that it runs where they are not installed

CLI_CFLAGS = $(KS_CFLAGS) -Ihost
CLI_OBJS = $(patsubst cli/%.c,$(B)/cli/%.o,$(sort $(wildcard cli/*.c)))
# Dom0 has no libraries of Xen's development package, nor need it have nettle, which --host alone wants.
CLI_LDLIBS = -Wl,-Bstatic -lxenctrl -lxenstore -lxencall -lxenforeignmemory -lxendevicemodel -lxenevtchn -lxengnttab -lxentoolcore -lxentoollog \
	     -lnettle -Wl,-Bdynamic -ljansson -lsmartcols -lm -lpthread

.PHONY: tools
tools: $(B)/lib/libksense.a $(B)/lib/libksense.so.$(LIB_ABI) $(B)/cli/ksense ## build the client library and the command ksense

$(B)/cli/%.o: cli/%.c
	@mkdir -p $(@D)
	$(CC) $(CLI_CFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# Xen's headers ask for gnu11.
$(B)/cli/views.o: CLI_CFLAGS += -std=gnu11

# The built-in pairs are data, in the form that a user's are.
$(B)/cli/builtin.o: cli/pairs.json
	@mkdir -p $(@D)
	cd cli && $(LD) -r -b binary -z noexecstack -o $(abspath $@) pairs.json

$(B)/cli/ksense: $(CLI_OBJS) $(B)/cli/builtin.o $(B)/lib/libksense.a $(B)/libkshost.a
	$(CC) $(CFLAGS) $(LDFLAGS) -rdynamic -o $@ $^ $(CLI_LDLIBS)

-include $(CLI_OBJS:.o=.d)
