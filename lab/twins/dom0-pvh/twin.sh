# SPDX-License-Identifier: MIT
# Dom0 is PVH: its kernel registers no entry points with Xen, and Xen has no list of its page
# tables, but what it finds running.
also=blinded
needs=pvh
