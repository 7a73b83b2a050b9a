# SPDX-License-Identifier: MIT
target=/sys/devices/system/xen_memory/xen_memory0/target_kb
full=$(cat $target)
while :; do
	echo $((full - 65536)) >$target
	sleep 2
	echo $full >$target
	sleep 2
	echo balloon >>twins.log
done
