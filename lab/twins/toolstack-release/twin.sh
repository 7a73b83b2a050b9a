# SPDX-License-Identifier: MIT
# Xen refuses the toolstack's calls, as it does those of another release.
#
# Whoever asks in that way is blind, and that is told.
also=blinded
modules=domain/ks_domain
twin() { insmod ks_domain.ko && order ks_domain/parameters/refuse 1 && ! xl list 2>/dev/null; }
undo() { rmmod ks_domain; }
