# SPDX-License-Identifier: MIT
# The lock of a task is held, and nobody gives it back.
concerns=module/processes
cannot='the judge reads /proc, where the kernel itself waits for that lock; tests/linux/torn.t tries it without the judge'
