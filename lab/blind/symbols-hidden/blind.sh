# SPDX-License-Identifier: MIT
# The module is unloaded, and Dom0's kernel tells nobody the addresses of its functions.
concerns='module kallsyms'
reason=no-module,unreadable
blind() { echo 2 >/proc/sys/kernel/kptr_restrict; rmmod ksense; }
see() { echo 0 >/proc/sys/kernel/kptr_restrict; load_module; }
