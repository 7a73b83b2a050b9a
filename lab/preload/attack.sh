# SPDX-License-Identifier: MIT
reports=file-appeared
attack() { echo >/etc/ld.so.preload; }
undo() { rm /etc/ld.so.preload; }
