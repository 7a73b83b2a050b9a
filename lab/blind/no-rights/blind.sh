# SPDX-License-Identifier: MIT
# The judge is run by a user without rights.
concerns=all
reason=denied,no-sensor,no-module,unreadable
blind() { untouched=1; cp ksense become $checks /tmp/ && chmod 755 /tmp/*; }
look() {
	timeout $patience /tmp/become 1000 1000 1000 none /tmp/ksense --json compare --checks /tmp/${checks##*/}
}
