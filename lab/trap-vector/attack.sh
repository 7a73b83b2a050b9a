# SPDX-License-Identifier: MIT
reports=entry-point-redirected
modules=entries/ks_entries
prepare() { insmod ks_entries.ko; ours=$(at xen_asm_exc_overflow); other=$(at xen_asm_exc_bounds); }
attack() { echo "0 4 7 $other" >/sys/module/ks_entries/parameters/trap; }
undo() { echo "0 4 7 $ours" >/sys/module/ks_entries/parameters/trap; }
finish() { rmmod ks_entries; }
