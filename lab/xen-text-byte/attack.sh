# SPDX-License-Identifier: MIT
reports=xen-modified
debugger=1
