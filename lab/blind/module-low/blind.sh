# SPDX-License-Identifier: MIT
# All probes of the module look at level low.
concerns=module
blind() { ksense --socket $socket low '*'; }
see() { ksense --socket $socket default '*'; }
