# SPDX-License-Identifier: MIT
# All probes of Xen's sensor are reset: what they take for the begin is taken anew, with
# the attacks in it.
concerns=xen
reason=new-baseline
blind() { ksense reset '*'; }
see() {
	by_debugger undo
	ksense reset '*'
	until ksense --json records xen-text --peek | grep -q '"range":"stub-cpu0"'; do sleep 0.1; done
	by_debugger attack
}
