# SPDX-License-Identifier: MIT
# Xen's sensor is handed over to nobody, and Dom0 may only read.
concerns=xen
reason=denied,unreadable
last=2
blind() { ksense lock --nobody; }
