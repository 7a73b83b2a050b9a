# SPDX-License-Identifier: MIT
# All probes of the module are reset: what they take for the beginning is taken anew, with
# the attacks in it.
concerns=module
reason=new-baseline
blind() { ksense --socket $socket reset '*'; }
# Only another sensor knows what was there at the beginning.
see() { rmmod ksense && load_module; }
