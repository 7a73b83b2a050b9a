# SPDX-License-Identifier: MIT
# The socket of xenstored is removed from its folder.
concerns=xenstore
reason=unreadable
blind() { untouched=1; mv /run/xenstored/socket /run/xenstored/aside; }
see() { mv /run/xenstored/aside /run/xenstored/socket; }
