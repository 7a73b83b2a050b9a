# SPDX-License-Identifier: MIT
# A process ends while a driver holds its memory: it had mapped a guest's page, and its child has
# the device open still.
programs=lab/keep
twin() {
	domu-start --keep held -- true >/dev/null
	./keep $(xl domid held) leave >keep.out
	grep -q left keep.out
}
undo() { kill $(sed -n 's/^left //p' keep.out); xl destroy held; }
