# SPDX-License-Identifier: MIT
reports=xen-mapping-suspect
also=xen-mapping-changed
debugger=1
