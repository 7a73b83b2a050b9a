# SPDX-License-Identifier: MIT
# The lock of the objects of /sys/module is held, and nobody gives it back.
concerns=module/modules
reason=probe-failing,incomplete
blind() { order ks_torn/parameters/hold 1; }
see() { order ks_torn/parameters/hold 0; }
