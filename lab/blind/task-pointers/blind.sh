# SPDX-License-Identifier: MIT
# A pointer of a task's leads to where no memory is, one after the other.
#
# Where /proc is read, the kernel follows the same pointer: so what stands in by /proc is left out.
concerns='processes hidden-tasks'
alone=1
reason=incomplete,probe-failing
blind() {
	sleep 100000 & bent=$!
	sleep 1
}
look() {
	worst=1
	for pointer in real_parent real_cred nsproxy files signal mm link; do
		order ks_torn/parameters/bend "$bent $pointer hole"
		judge && worst=0
		order ks_torn/parameters/bend 0
	done
	return $worst
}
see() { kill $bent; }
