# SPDX-License-Identifier: MIT
while :; do
	domu-start twin -- true >/dev/null 2>&1 && echo domain >>twins.log
	sleep 1
done
