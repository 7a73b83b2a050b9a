# SPDX-License-Identifier: MIT
reports=process-not-in-proc
also=kernel-hooked,kernel-hook
modules=getdents/ks_getdents
prepare() { sleep 10000 & victim=$!; insmod ks_getdents.ko; }
attack() { order ks_getdents/parameters/pid $victim; }
effect() { ! ls /proc | grep -qx $victim; }
undo() { order ks_getdents/parameters/pid 0; }
finish() { rmmod ks_getdents; kill $victim; }
