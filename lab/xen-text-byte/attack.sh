# SPDX-License-Identifier: MIT
reports=xen-modified
also=xen-code-modified
over='xen-modified\|xen-code-modified'
debugger=1
