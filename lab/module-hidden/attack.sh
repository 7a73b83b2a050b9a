# SPDX-License-Identifier: MIT
reports=hidden-module
modules=hide/ks_hide
prepare() { insmod ks_hide.ko; }
attack() { echo 1 >/sys/module/ks_hide/parameters/self; }
effect() { ! grep -q '^ks_hide ' /proc/modules; }
undo() { echo 0 >/sys/module/ks_hide/parameters/self; }
finish() { rmmod ks_hide; }
