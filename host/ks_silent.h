/* SPDX-License-Identifier: MIT */
/*
 * ks_silent.h - a logger for libxencall that says nothing: whatever goes wrong it tells by errno
 * as well, and its own lines on stderr would be a second voice.  Each file that opens it has its
 * own.
 */
#ifndef KS_SILENT_H
#define KS_SILENT_H

#include <stdarg.h>

#include <xentoollog.h>

__attribute__((format(printf, 5, 0)))
static void log_nothing(struct xentoollog_logger *logger, xentoollog_level level, int error, const char *context,
			const char *format, va_list args)
{
	(void)logger;
	(void)level;
	(void)error;
	(void)context;
	(void)format;
	(void)args;
}

static struct xentoollog_logger silent = { .vmessage = log_nothing };

#endif
