# SPDX-License-Identifier: MIT
reports=hidden-domain
also=kernel-hooked,kernel-hook
modules=domain/ks_domain
needs=domu
prepare() { insmod ks_domain.ko; domu-start --keep lab -- true >/dev/null; victim=$(xl domid lab); }
attack() { echo $victim >/sys/module/ks_domain/parameters/domid; }
effect() { ! xl list | grep -q '^lab '; }
undo() { echo 0 >/sys/module/ks_domain/parameters/domid; }
finish() { xl destroy lab; rmmod ks_domain; }
