/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What happened: one line per event, "event words key=value key=value". The caller says what + whom + why.
 * Safe from any thread. Never called between recvmmsg and sendmmsg.
 *
 * The format is read, not only printed: the words in front of the first `key=` are the event, and what stands
 * between one `key=` and the next makes one value, which is quoted where it has to be. So formats have no
 * quotes around a value, except to hold constant words together (`why="the file is gone"` works, and so does
 * a conversion in quotes). A %s that is NULL leaves its field out. Keys are lower case, each at most once in
 * a line, and not time, level or event.
 *
 * Until log_start() and after log_close() a line is written to stderr at once, as text. In between nobody
 * waits: a line goes into a bounded queue, from which one thread writes it to where it belongs, however long
 * that takes; a line that finds the queue full is dropped and counted, and the log says how many there were
 * as soon as it can. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG, LOG_LEVELS };

/* Lines above this level are dropped. Default: info. */
void log_set_level(enum log_level level);
/* "error", "warning", "info" or "debug"; returns 0 or ERROR_NOT_FOUND. */
int log_parse_level(const char *name, enum log_level *level);

void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));

struct log_record;
/* A line that was put together by itself (log_record.h); copied. */
void log_add(const struct log_record *record);

/* ---- where to ---- */

enum log_format { LOG_FORMAT_TEXT, LOG_FORMAT_JSON };
enum log_target { LOG_TARGET_STDERR, LOG_TARGET_JOURNAL, LOG_TARGET_SYSLOG };

struct log_options {
    enum log_level level;
    enum log_format format; /* of stderr and syslog */
    enum log_target target; /* a journal or syslog that is not there: stderr, until it is */
    const char *socket;     /* of the journal or of syslog; NULL: where it usually is */
    const char *identifier; /* of this program there; NULL: "steerd". Borrowed for ever */
};

/* From the next line that is written on; the level at once. Copies. Takes no lock, waits for nobody. */
void log_configure(const struct log_options *options);

/* ---- the thread that writes ---- */

/* Lines from elsewhere, made on the writing thread when it has time. */
struct log_source {
    void *context;
    /* Fill all of the record with the next line; false: there is none now. Whoever makes new ones calls
     * log_wake(). */
    bool (*next)(void *context, struct log_record *record);
};

/* Start it; source may be NULL and is borrowed until log_close(). 0, or a negative error: nothing changed. */
int log_start(const struct log_source *source);
/* Write what waits, end the thread. Waits so long at the most; what is not written by then is lost, and so is
 * every later line. Returns whether the thread has ended; if not, it goes on using the source. */
enum { LOG_PATIENCE_MS = 200 }; /* what a program has */
bool log_close(int timeout_ms);
/* The source has something. Neither waits nor allocates. */
void log_wake(void);
/* Of the source: so many lines of this level are lost. */
void log_count_dropped(enum log_level level, uint64_t count);

struct log_stats {
    uint64_t written;
    uint64_t dropped[LOG_LEVELS]; /* the queue was full */
    uint64_t failed;              /* the target did not take it */
};
void log_get_stats(struct log_stats *stats);
