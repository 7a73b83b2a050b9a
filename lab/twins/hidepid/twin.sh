# SPDX-License-Identifier: MIT
# /proc shows a user no processes but his own.
programs=tests/become
twin() { mount -o remount,hidepid=2 /proc && ./become 1000 1000 1000 none sleep 100000 & other=$!; }
undo() { kill $other; mount -o remount,hidepid=0 /proc; }
