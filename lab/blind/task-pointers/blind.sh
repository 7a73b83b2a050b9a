# SPDX-License-Identifier: MIT
# A pointer of a task's leads to where no memory is.
concerns=module/processes
cannot='the judge reads /proc, where the kernel itself follows the same pointer and stops; tests/linux/torn.t tries each without the judge'
