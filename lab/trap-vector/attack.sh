# SPDX-License-Identifier: MIT
reports=entry-point-redirected
modules=entries/ks_entries
# Where a function of the kernel's is, as the module wants it.
at() { sed -n "s/^\([0-9a-f]*\) [Tt] $1\$/\1/p" /proc/kallsyms; }
prepare() { insmod ks_entries.ko; ours=$(at xen_asm_exc_overflow); other=$(at xen_asm_exc_bounds); }
attack() { echo "0 4 7 $other" >/sys/module/ks_entries/parameters/trap; }
undo() { echo "0 4 7 $ours" >/sys/module/ks_entries/parameters/trap; }
finish() { rmmod ks_entries; }
