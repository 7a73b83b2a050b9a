# SPDX-License-Identifier: MIT
# More clients hold the module's socket than it has places for, and ask for nothing.
concerns=module
reason=timeout,unreadable,no-module,denied
look() { timeout $patience ./crowd $socket idle 400 ksense --json compare --checks $checks; }
