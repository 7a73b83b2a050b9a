# SPDX-License-Identifier: MIT
# No domain begins or ends while a CPU of Xen's goes away: see README.md.
while :; do
	until mkdir twins.lock 2>/dev/null; do sleep 0.1; done
	domu-start --keep twin -- true >/dev/null 2>&1
	if domid=$(xl domid twin 2>/dev/null); then
		xl destroy twin
		while xl list $domid >/dev/null 2>&1; do sleep 0.1; done
		# The grace period in which Xen lets go of its vCPUs.
		sleep 1
		echo domain >>twins.log
	fi
	rmdir twins.lock
	sleep 1
done
