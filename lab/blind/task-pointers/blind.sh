# SPDX-License-Identifier: MIT
# A pointer of a task's leads to where no memory is.
concerns=module/processes
cannot='reading /proc, the kernel follows the same pointer and stops; tests/linux/torn.t tries each without the judge'
