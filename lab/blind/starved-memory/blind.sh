# SPDX-License-Identifier: MIT
# The judge may have less memory than it needs, at several limits.
concerns=all
reason=no-memory,unreadable
look() {
	worst=1
	for kib in 8000 10000 12000 16000 24000; do
		(ulimit -v $kib; exec timeout $patience ksense --json compare --checks $checks) || continue
		worst=0
	done
	return $worst
}
