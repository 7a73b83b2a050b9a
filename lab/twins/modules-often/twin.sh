# SPDX-License-Identifier: MIT
# Five modules are loaded and unloaded 300 times.
modules=hide/ks_hide,code/ks_code,torn/ks_torn,entries/ks_entries,domain/ks_domain
twin() {
	again=0
	while [ $again -lt 300 ]; do
		for one in hide code torn entries domain; do insmod ks_$one.ko || return 1; done
		for one in domain entries torn code hide; do rmmod ks_$one || return 1; done
		again=$((again + 1))
	done
}
