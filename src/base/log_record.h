/* SPDX-License-Identifier: BSD-3-Clause
 *
 * One line of the log before it has a form: level, time, event words, fields. Made by whoever logs, without
 * allocation or lock; rendered by the thread that writes (log_text.h). It has no pointers, so it is copied as
 * it is, and only its first log_record_size() octets count.
 *
 * Values are raw: whatever a name or a reason contains, it stays in its field. */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LOG_RECORD_ROOM = 4080, LOG_VALUE_MAX = 2048 };

struct log_record {
    int64_t wall_ms;
    uint32_t level;
    uint32_t len;                /* of bytes that are used */
    char bytes[LOG_RECORD_ROOM]; /* the event, NUL; then per field its kind, key, NUL, value, NUL */
};

struct log_field {
    const char *key; /* NULL: before the first one */
    const char *value;
    bool is_number; /* was printed by one numeric conversion; may be "inf" all the same */
};

void log_record_begin(struct log_record *record, int64_t wall_ms, unsigned level, const char *event);
/* A value that is too long for the room that is left ends in an ellipsis. NULL: no such field. */
void log_record_add(struct log_record *record, const char *key, const char *value, bool is_number);
/* Fill event and fields as log_info() says; wall_ms and level are the caller's. */
void log_record_print(struct log_record *record, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));

size_t log_record_size(const struct log_record *record); /* octets from its beginning on */
const char *log_record_event(const struct log_record *record);
/* The next field; false after the last. Strings are borrowed from the record. */
bool log_record_next(const struct log_record *record, struct log_field *field);
