# SPDX-License-Identifier: MIT
# Xen's probes have the smallest memory for their tables that there is, and 300 processes more to
# remember. A process of which Xen has no more than a fingerprint is another one at each look.
concerns=xen
reason=incomplete,probe-failing,lost,unconfirmed
xen=sense=memory=256K
blind() { untouched=1 && crowd 300; }
see() { crowd_end; }
