# SPDX-License-Identifier: MIT
# Xen's probes have the smallest memory for their tables that there is, and 300 processes more to
# remember.
concerns=xen
reason=incomplete,probe-failing,lost
xen=sense=memory=256K
blind() { untouched=1 && crowd 300; }
see() { crowd_end; }
