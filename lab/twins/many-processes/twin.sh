# SPDX-License-Identifier: MIT
# 3,500 processes of one user.
programs=tests/many
twin() {
	mkfifo many.in
	./many 1000 3500 0 <many.in >many.out 2>&1 & many=$!
	exec 9>many.in
	until grep -q '^many' many.out || ! kill -0 $many; do sleep 0.5; done
	grep '^many' many.out
}
undo() { exec 9>&-; wait $many; }
