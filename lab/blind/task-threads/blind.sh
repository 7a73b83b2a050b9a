# SPDX-License-Identifier: MIT
# The list of a process's threads leads to where no memory is.
concerns=module/processes
cannot='the judge reads /proc/PID/task, where the kernel itself follows the same list and stops; tests/linux/torn.t tries it without the judge'
