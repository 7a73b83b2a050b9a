# SPDX-License-Identifier: MIT
# Xen refuses the toolstack's calls, as it does those of another release.
concerns=toolstack
reason=old-toolstack
blind() { order ks_domain/parameters/refuse 1; }
see() { order ks_domain/parameters/refuse 0; }
