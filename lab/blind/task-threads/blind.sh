# SPDX-License-Identifier: MIT
# The list of a process's threads leads to where no memory is.
#
# Where /proc is read, the kernel follows that list: so what stands in by /proc is left out.
concerns='processes hidden-tasks'
alone=1
reason=incomplete,probe-failing
blind() {
	mkfifo words
	./actor <words >words.out & torn=$!
	exec 3>words
	echo thread >&3
	until grep -q '^thread ' words.out; do sleep 0.1; done
	order ks_torn/parameters/threads $torn
}
see() { order ks_torn/parameters/threads 0; exec 3>&-; kill $torn; rm words; }
