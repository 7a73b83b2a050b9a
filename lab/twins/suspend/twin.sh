# SPDX-License-Identifier: MIT
# Dom0 is suspended, and resumes: as far as the kernel's own test of that goes.
twin() {
	echo core >/sys/power/pm_test
	echo 5 >/sys/module/suspend/parameters/pm_test_delay
	echo mem >/sys/power/state
}
