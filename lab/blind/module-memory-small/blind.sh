# SPDX-License-Identifier: MIT
# The module's probes have the smallest memory for their tables that there is, and 300 processes
# more to remember.
concerns=module
reason=incomplete,probe-failing,lost
blind() { rmmod ksense; load_module sense=memory=256K && sleep 6 && crowd 300; }
see() { crowd_end; rmmod ksense; load_module; }
