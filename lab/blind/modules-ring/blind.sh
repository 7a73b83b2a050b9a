# SPDX-License-Identifier: MIT
# The kernel's list of modules goes round and never ends.
concerns=module/modules
reason=probe-failing,incomplete
blind() { order ks_torn/parameters/ring 1; }
see() { order ks_torn/parameters/ring 0; }
