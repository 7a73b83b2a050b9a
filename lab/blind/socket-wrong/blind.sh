# SPDX-License-Identifier: MIT
# The path to the module's socket has a typing error.
concerns=module
reason=no-module
blind() { untouched=1 && export KSENSE_SOCKET=/run/ksense/kernal.sock; }
see() { unset KSENSE_SOCKET; }
