# SPDX-License-Identifier: MIT
# The module's probes have the smallest rings there are.
concerns=module
reason=lost,incomplete
blind() { rmmod ksense; load_module sense=ring=16K && sleep 6; }
see() { rmmod ksense; load_module; }
