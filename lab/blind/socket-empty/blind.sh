# SPDX-License-Identifier: MIT
# At the module's socket somebody listens who says to each question that there is nothing more
# to tell.
concerns=module
reason=unreadable,incomplete
blind() {
	./answer empty.sock '{"Virtue-protocol-version":0.1,"reply":["NONCE","modules"]}' & other=$!
	until [ -S empty.sock ]; do sleep 0.1; done
	untouched=1
	export KSENSE_SOCKET=$PWD/empty.sock
}
see() { kill $other; rm empty.sock; unset KSENSE_SOCKET; }
