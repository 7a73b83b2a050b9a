# SPDX-License-Identifier: MIT
# Somebody takes all records of both sensors, again and again.
concerns=all
reason=lost
blind() {
	sh -c 'while :; do ksense records "*" >/dev/null; done' & takers=$!
	sh -c "while :; do ksense --socket $socket records '*' >/dev/null; done" & takers="$takers $!"
}
see() { kill $takers; }
