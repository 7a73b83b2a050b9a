/* SPDX-License-Identifier: MIT */
/*
 * livepatch.S - a live patch that changes nothing: which compiler built Xen, xen_compiler(),
 * becomes an empty string, which nobody asks for while it is applied.  tests/xen/xen.mk adds the
 * notes that tie it to one Xen.
 */
	.text
new:
	lea	empty(%rip), %rax
	ret
	.size	new, . - new

	.section .rodata, "a"
name:
	.asciz	"xen_compiler"
empty:
	.asciz	""

/*
 * struct livepatch_func, version 2: Xen finds the old address by the name, and writes a jump of 5
 * bytes there.
 */
	.section .livepatch.funcs, "aw"
	.quad	name, new, 0
	.long	8, 12
	.byte	2
	.skip	39 + 32

	.section .note.GNU-stack, "", @progbits
