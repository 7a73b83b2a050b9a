# SPDX-License-Identifier: MIT
# At the module's socket a sensor of another release listens, which speaks another version of
# the protocol.
concerns=module
reason=unreadable
blind() {
	./answer other.sock '{"Virtue-protocol-version":0.9,"reply":["NONCE",["status",{"time":1}]]}' & other=$!
	until [ -S other.sock ]; do sleep 0.1; done
	untouched=1
	export KSENSE_SOCKET=$PWD/other.sock
}
see() { kill $other; rm other.sock; unset KSENSE_SOCKET; }
