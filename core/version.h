/* SPDX-License-Identifier: MIT */
/* The version of the project, told in "status", by --version and in the man page. */
#ifndef KS_VERSION
#define KS_VERSION "0.1.0"
#endif
