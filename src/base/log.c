/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Six small functions around one write(). The level is the only state, and it is atomic. */
#include "config.h"

#include "base/log.h"

#include "base/clock.h"
#include "base/error.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { LINE_SIZE = 4096 };

static _Atomic int log_level = LOG_LEVEL_INFO;
static const char *const level_names[] = {"error", "warning", "info", "debug"};

void log_set_level(enum log_level level)
{
    atomic_store_explicit(&log_level, (int)level, memory_order_relaxed);
}

int log_parse_level(const char *name, enum log_level *level)
{
    for (int i = LOG_LEVEL_ERROR; i <= LOG_LEVEL_DEBUG; i++) {
        if (strcmp(name, level_names[i]) == 0) {
            *level = (enum log_level)i;
            return 0;
        }
    }
    return ERROR_NOT_FOUND;
}

static size_t clip(int wanted, size_t room)
{
    return wanted < 0 ? 0 : (size_t)wanted < room ? (size_t)wanted : room - 1;
}

__attribute__((format(printf, 2, 0))) static void write_line(enum log_level level, const char *format,
                                                             va_list arguments)
{
    if ((int)level > atomic_load_explicit(&log_level, memory_order_relaxed)) {
        return;
    }
    char line[LINE_SIZE], when[CLOCK_TEXT_SIZE];
    struct clock clock;
    clock_init(&clock);
    size_t len = clip(snprintf(line, sizeof line, "%s %s ", clock_write_rfc3339(clock_wall_ms(&clock), when),
                               level_names[level]),
                      sizeof line);
    len += clip(vsnprintf(line + len, sizeof line - len, format, arguments), sizeof line - len);
    for (size_t i = 0; i < len; i++) { /* one event, one line, whatever a name or message contains */
        if ((unsigned char)line[i] < ' ' || line[i] == 127) {
            line[i] = '?';
        }
    }
    line[len++] = '\n';
    ssize_t written = write(STDERR_FILENO, line, len);
    (void)written; /* nobody left to tell */
}

#define LOG_FUNCTION(name, level)                                                                            \
    void name(const char *format, ...)                                                                       \
    {                                                                                                        \
        va_list arguments;                                                                                   \
        va_start(arguments, format);                                                                         \
        write_line(level, format, arguments);                                                                \
        va_end(arguments);                                                                                   \
    }

LOG_FUNCTION(log_error, LOG_LEVEL_ERROR)
LOG_FUNCTION(log_warning, LOG_LEVEL_WARNING)
LOG_FUNCTION(log_info, LOG_LEVEL_INFO)
LOG_FUNCTION(log_debug, LOG_LEVEL_DEBUG)
