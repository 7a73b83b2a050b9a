# SPDX-License-Identifier: MIT
# /proc is that of another namespace of processes.
concerns='proc kallsyms'
reason=foreign-namespace,unreadable
blind() {
	untouched=1
	unshare -m -p -f sh -c 'mount -t proc none /proc; echo ready >others; sleep 100000' & outer=$!
	until [ -s others ]; do sleep 0.1; done
}
look() { timeout $patience nsenter -m -t $outer ksense --json compare --checks $checks; }
see() { rm others; kill -KILL $(cat /proc/$outer/task/$outer/children) $outer; }
