# SPDX-License-Identifier: MIT
reports=hidden-process
also=hidden-task
over='hidden-process\|hidden-task'
modules=hide/ks_hide
prepare() { sleep 10000 & victim=$!; insmod ks_hide.ko; }
attack() { echo $victim >/sys/module/ks_hide/parameters/table; }
effect() { ! ls /proc | grep -qx $victim; }
undo() { echo 0 >/sys/module/ks_hide/parameters/table; }
finish() { rmmod ks_hide; kill $victim; }
