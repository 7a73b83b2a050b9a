# SPDX-License-Identifier: MIT
tracing=/sys/kernel/debug/tracing
# Not while a vCPU comes or goes: see README.md.
while :; do
	until mkdir twins.lock 2>/dev/null; do sleep 0.1; done
	echo 'p:ks_twin do_sys_openat2' >$tracing/kprobe_events
	echo 1 >$tracing/events/kprobes/ks_twin/enable
	sleep 0.7
	echo 0 >$tracing/events/kprobes/ks_twin/enable
	echo >$tracing/kprobe_events
	echo do_nanosleep >$tracing/set_ftrace_filter
	echo function >$tracing/current_tracer
	sleep 0.7
	echo nop >$tracing/current_tracer
	echo >$tracing/set_ftrace_filter
	echo >$tracing/trace
	rmdir twins.lock
	sleep 0.2
	echo tracing >>twins.log
done
