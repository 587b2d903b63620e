/* SPDX-License-Identifier: BSD-3-Clause
 *
 * One line per event on stderr: "LEVEL what key=value key=value". The caller writes what + whom + why.
 * Safe from any thread: each line is one write(). Never called between recvmmsg and sendmmsg. */
#pragma once

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* Lines above this level are dropped. Default: info. */
void log_set_level(enum log_level level);
/* "error", "warning", "info" or "debug"; returns 0 or ERROR_NOT_FOUND. */
int log_parse_level(const char *name, enum log_level *level);

void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));
