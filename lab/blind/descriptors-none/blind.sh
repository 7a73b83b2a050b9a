# SPDX-License-Identifier: MIT
# The judge may open no more files than it is given, or a few.
concerns=all
reason=no-sensor,no-module,unreadable,denied,no-memory,not-here
look() {
	worst=1
	for files in 4 5 6 8; do
		(ulimit -n $files; exec timeout $patience ksense --json compare --checks $checks) || continue
		worst=0
	done
	return $worst
}
