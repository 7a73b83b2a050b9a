# SPDX-License-Identifier: MIT
reports=kernel-hook
over='kernel-hook\|kernel-hooked'
modules=code/ks_code
attack() { insmod ks_code.ko hook=kprobes; }
effect() { grep -q '__x64_sys_kill' /sys/kernel/debug/kprobes/list; }
undo() { rmmod ks_code; }
