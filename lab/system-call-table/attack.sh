# SPDX-License-Identifier: MIT
reports=kernel-modified
modules=code/ks_code
prepare() { insmod ks_code.ko; entry=$(printf '%x' $((0x$(at sys_call_table) + 212 * 8))); }
# The address as it lies in memory: its last byte first.
attack() { order ks_code/parameters/poke "$entry $(at sysrq_handle_crash | fold -w 2 | tac | tr -d '\n')"; }
undo() { order ks_code/parameters/poke 0; }
finish() { rmmod ks_code; }
