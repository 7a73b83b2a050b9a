# SPDX-License-Identifier: MIT
reports=process-not-in-proc
also=kernel-hooked,kernel-hook
modules=getdents/ks_getdents
prepare() { sleep 10000 & victim=$!; insmod ks_getdents.ko; }
attack() { echo $victim >/sys/module/ks_getdents/parameters/pid; }
effect() { ! ls /proc | grep -qx $victim; }
undo() { echo 0 >/sys/module/ks_getdents/parameters/pid; }
finish() { rmmod ks_getdents; kill $victim; }
