# SPDX-License-Identifier: MIT
online=/sys/devices/system/cpu/cpu1/online
while :; do
	until mkdir twins.lock 2>/dev/null; do sleep 0.1; done
	xen-hptool cpu-offline 1 >/dev/null 2>&1
	rmdir twins.lock
	sleep 1
	xen-hptool cpu-online 1 >/dev/null 2>&1
	sleep 2
	until mkdir twins.lock 2>/dev/null; do sleep 0.1; done
	echo 0 >$online
	sleep 1
	echo 1 >$online
	rmdir twins.lock
	sleep 2
	echo cpu >>twins.log
done
