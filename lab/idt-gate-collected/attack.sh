# SPDX-License-Identifier: MIT
reports=xen-entry-changed
debugger=idt-gate
holds() {
	for look in 1 2 3; do
		ksense records '*' >/dev/null
		ksense --json compare >again.out
		grep -q "\"finding\":\"$reports\"" again.out || return 1
	done
}
