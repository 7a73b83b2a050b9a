# SPDX-License-Identifier: MIT
# Somebody says, 100 times a second, that a module comes that has all of the modules' area.
concerns=module/modules
reason=probe-failing,incomplete
blind() { order ks_hide/parameters/shade 1; }
see() { order ks_hide/parameters/shade 0; }
