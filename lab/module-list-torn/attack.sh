# SPDX-License-Identifier: MIT
reports=blinded
also=probe-restarted
modules=torn/ks_torn
prepare() { insmod ks_torn.ko; }
attack() { order ks_torn/parameters/ring 1; }
undo() { order ks_torn/parameters/ring 0; }
finish() { rmmod ks_torn; }
