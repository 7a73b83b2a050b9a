# SPDX-License-Identifier: MIT
reports=xen-entry-changed
debugger=1
