# SPDX-License-Identifier: MIT
reports=unowned-code
waits=2000
modules=code/ks_code
prepare() { insmod ks_code.ko; }
attack() { order ks_code/parameters/leave 1; }
undo() { order ks_code/parameters/leave 0; }
finish() { rmmod ks_code; }
