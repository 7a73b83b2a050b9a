# SPDX-License-Identifier: MIT
# All probes of Xen's sensor are reset: what they take for the begin is taken anew, with
# the attacks in it.
concerns=xen
reason=new-baseline
# Until Xen boots again, nobody knows what was there in the begin.
apart=1
blind() { ksense reset '*'; }
