# SPDX-License-Identifier: MIT
# The module is unloaded while the judge looks, at every stage; it is back for the next look.
concerns=module
reason=no-module,unreadable
unload() { rmmod ksense; }
# What is code of nobody is not told at once.
load() { load_module && sleep 6; }
look() { cut_short unload load; }
