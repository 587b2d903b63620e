/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Six small functions around one write(). The level is the only state, and it is atomic. */
#include "config.h"

#include "base/log.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/log_record.h"
#include "base/log_text.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

static _Atomic int log_level = LOG_LEVEL_INFO;

void log_set_level(enum log_level level)
{
    atomic_store_explicit(&log_level, (int)level, memory_order_relaxed);
}

int log_parse_level(const char *name, enum log_level *level)
{
    for (int i = LOG_LEVEL_ERROR; i <= LOG_LEVEL_DEBUG; i++) {
        if (strcmp(name, log_level_text((unsigned)i)) == 0) {
            *level = (enum log_level)i;
            return 0;
        }
    }
    return ERROR_NOT_FOUND;
}

__attribute__((format(printf, 2, 0))) static void write_line(enum log_level level, const char *format,
                                                             va_list arguments)
{
    if ((int)level > atomic_load_explicit(&log_level, memory_order_relaxed)) {
        return;
    }
    struct clock clock;
    struct log_record record;
    struct buffer line;
    clock_init(&clock);
    record.wall_ms = clock_wall_ms(&clock);
    record.level = level;
    log_record_print(&record, format, arguments);
    buffer_init(&line);
    log_write_text(&record, &line);
    ssize_t written = write(STDERR_FILENO, line.bytes, line.len);
    (void)written; /* nobody left to tell */
    buffer_fini(&line);
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
