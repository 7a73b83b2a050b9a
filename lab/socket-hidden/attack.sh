# SPDX-License-Identifier: MIT
reports=socket-not-in-proc
modules=hide/ks_hide
listens() { grep -q ':1E61 ' /proc/net/tcp; }
prepare() {
	ip link set lo up
	nc -l -s 127.0.0.1 -p 7777 & victim=$!
	insmod ks_hide.ko
	sleep 1
	listens
}
attack() { order ks_hide/parameters/port 7777; }
effect() { ! listens; }
undo() { order ks_hide/parameters/port 0; }
finish() { rmmod ks_hide; kill $victim; }
