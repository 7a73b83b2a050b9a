# SPDX-License-Identifier: MIT
reports=socket-not-in-proc
modules=hide/ks_hide
listens() { grep -q ':1E61 ' /proc/net/tcp; }
prepare() {
	ip link set lo up
	busybox httpd -f -p 127.0.0.1:7777 -h /tmp & victim=$!
	insmod ks_hide.ko
	sleep 1
	listens
}
attack() { order ks_hide/parameters/port 7777; }
effect() { ! listens; }
undo() { order ks_hide/parameters/port 0; }
finish() { rmmod ks_hide; kill $victim; }
