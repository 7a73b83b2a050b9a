# SPDX-License-Identifier: MIT
# At the module's socket somebody listens who never answers.
concerns=module
reason=timeout
blind() {
	./ksense-host --socket silent.sock >/dev/null 2>&1 & silent=$!
	until [ -S silent.sock ]; do sleep 0.1; done
	kill -STOP $silent
	untouched=1
	export KSENSE_SOCKET=$PWD/silent.sock
}
look() { timeout $patience ksense --timeout 1 --json compare --checks $checks; }
see() { kill -KILL $silent; unset KSENSE_SOCKET; }
