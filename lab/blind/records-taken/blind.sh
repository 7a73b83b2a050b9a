# SPDX-License-Identifier: MIT
# Somebody takes all records of both sensors, again and again.
#
# What was done to the sensors is told until somebody takes the record of it: who takes it knows.
concerns=all
but='sensor-xen sensor-module'
reason=lost
blind() {
	sh -c 'while :; do ksense records "*" >/dev/null; done' & takers=$!
	sh -c "while :; do ksense --socket $socket records '*' >/dev/null; done" & takers="$takers $!"
}
see() { kill $takers; deed_to_xen; deed_to_module; }
