# SPDX-License-Identifier: MIT
reports=probe-turned-off
also=blinded
stays=1
attack() { ksense off xen-text >/dev/null; }
undo() { ksense on xen-text >/dev/null; }
