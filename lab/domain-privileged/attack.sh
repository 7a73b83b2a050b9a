# SPDX-License-Identifier: MIT
reports=privileged-domain
debugger=1
needs=domu
prepare() { domu-start --keep lab -- true >/dev/null; }
finish() { xl destroy lab; }
