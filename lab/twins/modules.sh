# SPDX-License-Identifier: MIT
while :; do insmod ks_entries.ko; sleep 0.3; rmmod ks_entries; sleep 0.5; done
