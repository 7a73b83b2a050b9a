# SPDX-License-Identifier: MIT
# A domain is destroyed while a program in Dom0 has one of its pages mapped: it stays until that
# goes.
programs=lab/keep
twin() {
	domu-start --keep dying -- true >/dev/null
	dying=$(xl domid dying)
	./keep $dying >keep.out & keep=$!
	until grep -q kept keep.out; do sleep 0.1; done
	xl destroy dying
	ksense --json records xen-domains --run --peek --filter domid=$dying | grep -q '"dying"'
}
undo() { kill $keep; }
