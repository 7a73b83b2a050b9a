# SPDX-License-Identifier: MIT
# The lock of a task is held, and nobody gives it back.
#
# Whoever reads its /proc waits for that lock himself: so what stands in by /proc is left out.
concerns='processes hidden-tasks'
alone=1
reason=incomplete,probe-failing
blind() {
	sleep 100000 & held=$!
	sleep 1
	order ks_torn/parameters/alloc $held
}
see() { order ks_torn/parameters/alloc 0; kill $held; }
