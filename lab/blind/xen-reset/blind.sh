# SPDX-License-Identifier: MIT
# All probes of Xen's sensor are reset: what they take for the begin is taken anew, with
# the attacks in it.
concerns=xen
reason=new-baseline
blind() { ksense reset '*'; }
see() {
	# What is taken for the begin has the change in it: that it is undone, is one.
	level=standing
	for name in $debuggers; do debugger undo; done
	until text_is_modified; do sleep 1; done
	ksense reset '*'
	until ksense --json records xen-text --peek | grep -q '"range":"stub-cpu0"'; do sleep 0.1; done
	by_debugger attack
}
