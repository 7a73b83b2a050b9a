# SPDX-License-Identifier: MIT
# /proc is an empty folder.
concerns='proc kallsyms proc-modules proc-net'
reason=unreadable
look() { timeout $patience unshare -m sh -c 'mount -t tmpfs none /proc; exec ksense --json compare --checks '$checks; }
