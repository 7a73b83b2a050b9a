# SPDX-License-Identifier: MIT
reports=hidden-domain
also=kernel-hooked,kernel-hook
modules=domain/ks_domain
needs=domu
prepare() { insmod ks_domain.ko; domu-start --keep lab -- true >/dev/null; victim=$(xl domid lab); }
attack() { order ks_domain/parameters/domid $victim; }
effect() { ! xl list | grep -q '^lab '; }
undo() { order ks_domain/parameters/domid 0; }
finish() { xl destroy lab; rmmod ks_domain; }
