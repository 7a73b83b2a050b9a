# SPDX-License-Identifier: MIT
# The list of a process's threads leads to where no memory is.
concerns=module/processes
cannot='reading /proc/PID/task, the kernel follows that list and stops; tests/linux/torn.t tries it without the judge'
