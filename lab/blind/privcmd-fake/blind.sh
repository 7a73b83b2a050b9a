# SPDX-License-Identifier: MIT
# The device of Xen's calls is one that takes nothing.
concerns='xen toolstack'
reason=no-sensor,unreadable,denied
blind() {
	untouched=1
	mkdir aside
	mv /dev/xen/privcmd /dev/xen/hypercall aside/
	mknod /dev/xen/privcmd c 1 3
	mknod /dev/xen/hypercall c 1 3
}
see() { rm /dev/xen/privcmd /dev/xen/hypercall; mv aside/* /dev/xen/ && rmdir aside; }
