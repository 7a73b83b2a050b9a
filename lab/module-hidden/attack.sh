# SPDX-License-Identifier: MIT
reports=hidden-module
modules=hide/ks_hide
prepare() { insmod ks_hide.ko; }
attack() { order ks_hide/parameters/self 1; }
effect() { ! grep -q '^ks_hide ' /proc/modules; }
undo() { order ks_hide/parameters/self 0; }
finish() { rmmod ks_hide; }
