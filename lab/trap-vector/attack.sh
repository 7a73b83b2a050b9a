# SPDX-License-Identifier: MIT
reports=entry-point-redirected
modules=entries/ks_entries
prepare() { insmod ks_entries.ko; ours=$(at xen_asm_exc_overflow); other=$(at xen_asm_exc_bounds); }
attack() { order ks_entries/parameters/trap "0 4 7 $other"; }
undo() { order ks_entries/parameters/trap "0 4 7 $ours"; }
finish() { rmmod ks_entries; }
