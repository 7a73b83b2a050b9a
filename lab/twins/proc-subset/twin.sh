# SPDX-License-Identifier: MIT
# /proc has processes and nothing else.
#
# What is to be read elsewhere in /proc cannot be read then, and that is told.
also=blinded
twin() { mount -o remount,subset=pid /proc && ! ls /proc/modules 2>/dev/null; }
undo() { umount -l /proc && mount -t proc none /proc; }
