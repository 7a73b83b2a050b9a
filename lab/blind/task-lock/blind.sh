# SPDX-License-Identifier: MIT
# The lock of a task is held, and nobody gives it back.
concerns=module/processes
cannot='reading /proc, the judge waits for that lock itself; tests/linux/torn.t tries it without the judge'
