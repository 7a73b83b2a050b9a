# SPDX-License-Identifier: MIT
# xenstored is stopped and answers nobody.
concerns=xenstore
reason=timeout
blind() { kill -STOP $(cat /run/xen/xenstored.pid); }
see() { kill -CONT $(cat /run/xen/xenstored.pid); }
