# SPDX-License-Identifier: MIT
# All probes of Xen's sensor look at level low.
concerns=xen
blind() { ksense low '*'; }
see() { ksense default '*'; }
