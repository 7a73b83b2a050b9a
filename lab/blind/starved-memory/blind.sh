# SPDX-License-Identifier: MIT
# The judge may have less memory than it needs, at several limits.
#
# With 8,000 KiB it has enough, and with less than 4,000 it does not start.
concerns=all
reason=no-memory,unreadable
look() {
	worst=1
	for kib in 4250 4500 5000 5500 6500; do
		(ulimit -v $kib; exec timeout $patience ksense --json compare --checks $checks) || continue
		worst=0
	done
	return $worst
}
