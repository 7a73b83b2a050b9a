# SPDX-License-Identifier: MIT
reports=callback-redirected
modules=entries/ks_entries
prepare() { insmod ks_entries.ko; ours=$(at xen_entry_SYSCALL_compat); other=$(at xen_asm_exc_bounds); }
# CALLBACKTYPE_syscall32, CALLBACKF_mask_events (Xen's public/callback.h)
attack() { order ks_entries/parameters/callback "0 7 1 $other"; }
undo() { order ks_entries/parameters/callback "0 7 1 $ours"; }
finish() { rmmod ks_entries; }
