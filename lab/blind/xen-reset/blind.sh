# SPDX-License-Identifier: MIT
# All probes of Xen's sensor are reset: what they take for the beginning is taken anew, with
# the attacks in it.
concerns=xen
reason=new-baseline
# Until Xen boots again, nobody knows what was there at the beginning.
apart=1
blind() { ksense reset '*'; }
