# SPDX-License-Identifier: MIT
# The judge is run in a namespace of processes of its own, with its own /proc.
concerns=proc
reason=foreign-namespace
look() { timeout $patience unshare -m -p -f sh -c 'mount -t proc none /proc; ksense --json compare --checks '$checks; }
