# SPDX-License-Identifier: MIT
# The objects of /sys/module go round and never end.
concerns=module/modules
reason=probe-failing,incomplete
blind() { order ks_torn/parameters/kset 1; }
see() { order ks_torn/parameters/kset 0; }
