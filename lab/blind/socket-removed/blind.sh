# SPDX-License-Identifier: MIT
# The module's socket is removed from its folder.
concerns=module
reason=no-module
blind() { untouched=1; mv $socket $socket.aside; }
see() { mv $socket.aside $socket; }
