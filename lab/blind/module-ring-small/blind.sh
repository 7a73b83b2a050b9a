# SPDX-License-Identifier: MIT
# The module's probes have the smallest rings there are, and these are full.
concerns=module
reason=lost,incomplete
blind() { rmmod ksense; load_module sense=ring=16K && sleep 6 && fill --socket $socket; }
see() { rmmod ksense; load_module; }
