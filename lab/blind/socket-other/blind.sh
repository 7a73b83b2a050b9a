# SPDX-License-Identifier: MIT
# At the module's socket another sensor listens, which has other probes.
concerns=module
reason=no-probe
blind() {
	./ksense-host --socket other.sock >/dev/null 2>&1 & other=$!
	until [ -S other.sock ]; do sleep 0.1; done
	untouched=1 && export KSENSE_SOCKET=$PWD/other.sock
}
see() { kill $other; unset KSENSE_SOCKET; }
