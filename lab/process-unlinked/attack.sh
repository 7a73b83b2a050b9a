# SPDX-License-Identifier: MIT
reports=hidden-process
also=hidden-task
over='hidden-process\|hidden-task'
modules=hide/ks_hide
prepare() { sleep 10000 & victim=$!; insmod ks_hide.ko; }
attack() { order ks_hide/parameters/table $victim; }
effect() { ! ls /proc | grep -qx $victim; }
undo() { order ks_hide/parameters/table 0; }
finish() { rmmod ks_hide; kill $victim; }
