// SPDX-License-Identifier: MIT
/*
 * flap.c - in a guest: its vCPUs go down and up, for ever, as any guest may have it.
 *
 * Usage: flap VCPUS.  Xen is told so without the guest's kernel, which keeps them: each is up
 * again before that misses it.  Prints "flap" when all have been down and up once.
 */
#define __XEN_TOOLS__ 1
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <xen/xen.h>
#include <xen/vcpu.h>
#include <xencall.h>

static xencall_handle *xen;

static void tell(unsigned int op, unsigned long vcpu)
{
	if (xencall3(xen, __HYPERVISOR_vcpu_op, op, vcpu, 0) < 0) {
		perror("flap: vcpu_op");
		exit(1);
	}
}

int main(int argc, char **argv)
{
	unsigned long vcpus = argc == 2 ? strtoul(argv[1], NULL, 10) : 0;
	cpu_set_t first;

	xen = xencall_open(NULL, 0);
	if (!vcpus || !xen) {
		fputs("usage: flap VCPUS, in a guest of Xen\n", stderr);
		return 2;
	}
	/* Whoever takes the vCPU down that he is on is not there to take it up again. */
	CPU_ZERO(&first);
	CPU_SET(0, &first);
	if (sched_setaffinity(0, sizeof(first), &first)) {
		perror("flap: vCPU 0");
		return 1;
	}
	for (unsigned long round = 0;; round++) {
		/* Not all at once, nor always the same. */
		for (unsigned long vcpu = 1; vcpu < vcpus; vcpu++)
			tell(round % (vcpu + 1) ? VCPUOP_up : VCPUOP_down, vcpu);
		usleep(20000);
		if (round % 50 == 49) {
			for (unsigned long vcpu = 1; vcpu < vcpus; vcpu++)
				tell(VCPUOP_up, vcpu);
			usleep(1000);
		}
		if (round == 100) {
			puts("flap");
			fflush(stdout);
		}
	}
}
