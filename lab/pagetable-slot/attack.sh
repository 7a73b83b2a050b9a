# SPDX-License-Identifier: MIT
reports=xen-mapping-changed
debugger=1
