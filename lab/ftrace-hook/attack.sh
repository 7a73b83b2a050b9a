# SPDX-License-Identifier: MIT
reports=kernel-hook
over='kernel-hook\|kernel-hooked'
modules=code/ks_code
attack() { insmod ks_code.ko hook=ftrace; }
effect() { grep -q '^__x64_sys_getdents64 .*I' /sys/kernel/debug/tracing/enabled_functions; }
undo() { rmmod ks_code; }
