/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What happened: one line per event, "event words key=value key=value". The caller says what + whom + why.
 * Safe from any thread. Never called between recvmmsg and sendmmsg.
 *
 * The format is read, not only printed: the words in front of the first `key=` are the event, and what stands
 * between one `key=` and the next makes one value, which is quoted where it has to be. So formats have no
 * quotes around a value, except to hold constant words together (`why="the file is gone"` works, and so does
 * a conversion in quotes). A %s that is NULL leaves its field out. Keys are lower case, each at most once in
 * a line, and not time, level or event. */
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
