# SPDX-License-Identifier: MIT
reports=callback-redirected
modules=entries/ks_entries
prepare() { insmod ks_entries.ko; ours=$(at xen_entry_SYSCALL_compat); other=$(at xen_asm_exc_bounds); }
# CALLBACKTYPE_syscall32, CALLBACKF_mask_events (Xen's public/callback.h)
attack() { echo "0 7 1 $other" >/sys/module/ks_entries/parameters/callback; }
undo() { echo "0 7 1 $ours" >/sys/module/ks_entries/parameters/callback; }
finish() { rmmod ks_entries; }
