# SPDX-License-Identifier: MIT
# A container: processes with namespaces of their own for pids, mounts, networks and names, which
# come and go, and one that listens.
twin() {
	unshare -m -p -u -i -n -f sh -c 'mount -t proc none /proc; ip link set lo up; nc -l -p 7777 & echo ready >ready
		while :; do /bin/true; sleep 0.2; done' & container=$!
	until [ -s ready ]; do sleep 0.1; done
}
undo() { kill -KILL $(cat /proc/$container/task/$container/children) $container; rm ready; }
