# SPDX-License-Identifier: MIT
# A pid says that it is another one's number.
concerns=module/processes
reason=incomplete
blind() {
	setsid sh -c 'sleep 100000 & echo $! >behind' & session=$!
	wait $session
	order ks_torn/parameters/number "$session 4000000"
}
see() { order ks_torn/parameters/number 0; kill $(cat behind); }
