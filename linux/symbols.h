/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * symbols.h - addresses of what the kernel has but does not export to modules.
 */
#ifndef KS_LINUX_SYMBOLS_H
#define KS_LINUX_SYMBOLS_H

/*
 * The address of the kernel's own (not a module's) function or variable @name, or 0: there is none by that name, or this kernel does not
 * say.  Whoever asks does without then, and says so in its records.  Of several by one name, the first.
 *
 * May sleep, and in Linux before 6.2 takes milliseconds, for it goes through all symbols: to be called when a probe starts, not while
 * sensing.  Whatever is called through such an address has to be called with the type that it has in this very kernel.
 */
unsigned long ks_symbol(const char *name);

#endif /* KS_LINUX_SYMBOLS_H */
