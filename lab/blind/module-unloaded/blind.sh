# SPDX-License-Identifier: MIT
# The module is unloaded.
concerns=module
reason=no-module
blind() { rmmod ksense; }
see() { load_module; }
