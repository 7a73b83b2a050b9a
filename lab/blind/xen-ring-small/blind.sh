# SPDX-License-Identifier: MIT
# Xen's probes have the smallest rings there are, and these are full.
concerns=xen
reason=lost,incomplete
xen=sense=ring=16K
blind() { untouched=1 && fill; }
