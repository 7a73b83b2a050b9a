# SPDX-License-Identifier: MIT
# All probes of Xen's sensor are turned off.
concerns=xen
reason=probe-off
blind() { ksense off '*'; }
see() { ksense on '*'; }
