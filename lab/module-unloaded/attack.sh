# SPDX-License-Identifier: MIT
reports=sensor-gone
also=sensor-restarted,blinded
stays=1
attack() { rmmod ksense; }
undo() { insmod ksense.ko; await '"finding":"sensor-restarted"' 30000; }
finish() { level $level; baselines; }
