/* SPDX-License-Identifier: MIT
 * logging: what the daemon says about itself: one line per event on standard error, or in the file that `logfile` names. */
#ifndef LOCUS_REDISD_LOGGING_H
#define LOCUS_REDISD_LOGGING_H

#include "redisd/redisd.h"

enum log_level { LOG_DEBUG, LOG_VERBOSE, LOG_NOTICE, LOG_WARNING };

/* One line: time, level, text. Nothing below the configured level. */
void server_log(const struct redisd *server, enum log_level level, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
