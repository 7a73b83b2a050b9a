# SPDX-License-Identifier: MIT
reports=kernel-modified
modules=code/ks_code
prepare() { insmod ks_code.ko; }
attack() { order ks_code/parameters/poke "$(at sysrq_handle_crash) e900000000"; }
undo() { order ks_code/parameters/poke 0; }
finish() { rmmod ks_code; }
