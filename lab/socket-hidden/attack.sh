# SPDX-License-Identifier: MIT
reports=socket-not-in-proc
modules=hide/ks_hide
prepare() { ip link set lo up; nc -l -p 7777 & victim=$!; insmod ks_hide.ko; }
attack() { order ks_hide/parameters/port 7777; }
effect() { ! grep -q ':1E61 ' /proc/net/tcp; }
undo() { order ks_hide/parameters/port 0; }
finish() { rmmod ks_hide; kill $victim; }
