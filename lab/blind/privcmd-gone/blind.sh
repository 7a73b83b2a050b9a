# SPDX-License-Identifier: MIT
# The device of Xen's calls is not there.
concerns='xen toolstack'
reason=no-sensor,unreadable
blind() { untouched=1; mkdir aside; mv /dev/xen/privcmd /dev/xen/hypercall aside/; }
see() { mv aside/* /dev/xen/ && rmdir aside; }
