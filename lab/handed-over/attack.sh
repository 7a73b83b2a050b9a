# SPDX-License-Identifier: MIT
reports=xen-entry-changed
debugger=idt-gate
needs=handed-over
prepare() { ksense lock --nobody >/dev/null; }
