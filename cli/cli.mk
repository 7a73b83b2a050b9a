# SPDX-License-Identifier: MIT
# cli.mk - the command ksense.  Included by the top-level Makefile, behind lib/lib.mk
# and canary/canary.mk.
#
#   $(B)/cli/completion/ksense   what bash completes of it
#   $(B)/cli/ksense              the command; Xen's libraries are linked in, so that it runs where
#                                they are not installed

CLI_CFLAGS = $(KS_CFLAGS) -Ihost
CLI_OBJS = $(patsubst cli/%.c,$(B)/cli/%.o,$(sort $(wildcard cli/*.c)))
# Dom0 has no libraries of Xen's development package, nor need it have nettle.
CLI_LDLIBS = -Wl,-Bstatic -lxenstore -lxencall -lxentoolcore -lxentoollog -lnettle -Wl,-Bdynamic \
	     -ljansson -lsmartcols -lm -lpthread

.PHONY: tools
tools: $(B)/lib/libksense.a $(B)/lib/libksense.so.$(LIB_ABI) $(B)/cli/ksense ## build the client library and ksense
tools: $(B)/cli/completion/ksense

$(B)/cli/%.o: cli/%.c
	@mkdir -p $(@D)
	$(CC) $(CLI_CFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(B)/cli/ksense: $(CLI_OBJS) $(B)/canary/libcanary.a $(B)/lib/libksense.a $(B)/libkshost.a
	$(CC) $(CFLAGS) $(LDFLAGS) -rdynamic -o $@ $^ $(CLI_LDLIBS)

probe_names = $(shell scripts/probes $(1))
check_names = $(shell sed -n 's/^ *"check": "\([a-z-]*\)",$$/\1/p' canary/checks.json)
reason_names = $(shell sed -n '/^const char \*const canary_reasons/,/^}/s/[^"]*"\([a-z-]*\)"[^"]*/\1 /gp' \
	canary/rounds.c)

$(B)/cli/completion/ksense: cli/ksense.bash.in canary/checks.json canary/rounds.c \
		$(wildcard probes/*/*.c probes/*/probes.h)
	@mkdir -p $(@D)
	sed -e 's/@XEN@/$(call probe_names,xen)/; s/@MODULE@/$(call probe_names,linux)/' \
		-e 's/@HOST@/$(call probe_names,host)/; s/@CHECKS@/$(check_names)/' \
		-e 's/@REASONS@/$(strip $(reason_names))/' $< >$@

-include $(CLI_OBJS:.o=.d)
