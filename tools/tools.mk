# SPDX-License-Identifier: MIT
# tools.mk - libksense and ksense.  Included by the top-level Makefile, which sets B, CC, CFLAGS and KS_CFLAGS.
#
#   $(B)/tools/libksense.a   the client library; its users link -lxencall too
#   $(B)/tools/ksense        the command line tool; Xen's libraries are linked in, so that it runs where they are not installed

TOOLS_CFLAGS = $(KS_CFLAGS) -Ihost
TOOLS_LIB_OBJS = $(addprefix $(B)/tools/,libksense.o medium_socket.o medium_xen.o json.o request.o text.o)
TOOLS_OBJS = $(addprefix $(B)/tools/,ksense.o options.o commands.o follow.o lock.o raw.o table.o compare.o pairs.o views.o findings.o)
# Dom0 has no libraries of Xen's development package, nor need it have nettle, which --host alone wants.
TOOLS_LDLIBS = -Wl,-Bstatic -lxenctrl -lxenstore -lxencall -lxenforeignmemory -lxendevicemodel -lxenevtchn -lxengnttab -lxentoolcore -lxentoollog \
	       -lnettle -Wl,-Bdynamic -ljansson -lsmartcols -lm -lpthread

.PHONY: tools
tools: $(B)/tools/libksense.a $(B)/tools/ksense

$(B)/tools:
	mkdir -p $@

$(B)/tools/%.o: tools/%.c | $(B)/tools
	$(CC) $(TOOLS_CFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(B)/tools/%.o: core/%.c | $(B)/tools
	$(CC) $(TOOLS_CFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# Xen's headers ask for gnu11.
$(B)/tools/views.o: TOOLS_CFLAGS += -std=gnu11

# The built-in pairs are data, in the form that a user's are.
$(B)/tools/builtin.o: tools/pairs.json | $(B)/tools
	cd tools && $(LD) -r -b binary -z noexecstack -o $(abspath $@) pairs.json

$(B)/tools/libksense.a: $(TOOLS_LIB_OBJS)
	$(RM) $@
	$(AR) rcs $@ $^

$(B)/tools/ksense: $(TOOLS_OBJS) $(B)/tools/builtin.o $(B)/tools/libksense.a $(B)/libkshost.a
	$(CC) $(CFLAGS) $(LDFLAGS) -rdynamic -o $@ $^ $(TOOLS_LDLIBS)

-include $(TOOLS_LIB_OBJS:.o=.d) $(TOOLS_OBJS:.o=.d)
