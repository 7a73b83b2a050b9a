# SPDX-License-Identifier: MIT
# All probes of the module are reset: what they take for the begin is taken anew, with the attacks
# in it.
concerns=module
reason=new-baseline
blind() { ksense --socket $socket reset '*'; }
# Only another sensor knows what was there in the begin.
see() { rmmod ksense && load_module; }
