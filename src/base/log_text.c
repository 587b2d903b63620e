/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Four renderings of one record. They run on the thread that writes the log, so they may allocate. */
#include "config.h"

#include "base/log_text.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *const level_names[] = {
    [LOG_LEVEL_ERROR] = "error",
    [LOG_LEVEL_WARNING] = "warning",
    [LOG_LEVEL_INFO] = "info",
    [LOG_LEVEL_DEBUG] = "debug",
};

/* RFC 5424, table 2. */
static const int priorities[] = {
    [LOG_LEVEL_ERROR] = 3, [LOG_LEVEL_WARNING] = 4, [LOG_LEVEL_INFO] = 6, [LOG_LEVEL_DEBUG] = 7};

const char *log_level_text(unsigned level)
{
    return level_names[level <= LOG_LEVEL_DEBUG ? level : LOG_LEVEL_DEBUG];
}

/* ---- characters ---- */

static void put_escape(uint32_t code, struct buffer *to)
{
    switch (code) {
    case '"': buffer_add_text(to, "\\\""); break;
    case '\\': buffer_add_text(to, "\\\\"); break;
    case '\n': buffer_add_text(to, "\\n"); break;
    case '\r': buffer_add_text(to, "\\r"); break;
    case '\t': buffer_add_text(to, "\\t"); break;
    default: buffer_print(to, "\\u%04x", (unsigned)code);
    }
}

/* The next character of a text as UTF-8; what is none counts as U+FFFD, octet by octet. */
static size_t take(const char *at, size_t left, uint32_t *code)
{
    size_t size = utf8_read(at, left, code);
    if (size == 0) {
        *code = UTF8_REPLACEMENT;
        return 1;
    }
    return size;
}

static void put_plain(const char *at, size_t size, uint32_t code, struct buffer *to)
{
    if (code == UTF8_REPLACEMENT) {
        buffer_add_text(to, UTF8_REPLACEMENT_TEXT);
    } else {
        buffer_add(to, at, size);
    }
}

/* Within quotes of either format. */
static void put_escaped(const char *text, struct buffer *to)
{
    uint32_t code;
    for (size_t left = strlen(text), size; left != 0; left -= size, text += size) {
        size = take(text, left, &code);
        if (code == '"' || code == '\\' || utf8_is_deceptive(code)) {
            put_escape(code, to);
        } else {
            put_plain(text, size, code, to);
        }
    }
}

/* Where nothing can be quoted: in the words of an event. */
static void put_words(const char *text, struct buffer *to)
{
    uint32_t code;
    for (size_t left = strlen(text), size; left != 0; left -= size, text += size) {
        size = take(text, left, &code);
        if (code == '=' || code == '"' || utf8_is_deceptive(code)) {
            buffer_add(to, "?", 1);
        } else {
            put_plain(text, size, code, to);
        }
    }
}

/* As it is, but for what is no UTF-8. */
static void put_raw(const char *text, struct buffer *to)
{
    uint32_t code;
    for (size_t left = strlen(text), size; left != 0; left -= size, text += size) {
        size = take(text, left, &code);
        put_plain(text, size, code, to);
    }
}

/* ---- text ---- */

static bool needs_quotes(const char *value)
{
    uint32_t code;
    if (*value == '\0') {
        return true;
    }
    for (size_t left = strlen(value), size; left != 0; left -= size, value += size) {
        size = take(value, left, &code);
        if (code == ' ' || code == '"' || code == '\\' || code == '=' || utf8_is_deceptive(code)) {
            return true;
        }
    }
    return false;
}

void log_write_body(const struct log_record *record, struct buffer *to)
{
    put_words(log_record_event(record), to);
    for (struct log_field field = {.key = NULL}; log_record_next(record, &field);) {
        buffer_add(to, " ", to->len != 0);
        buffer_add_text(to, field.key);
        if (needs_quotes(field.value)) {
            buffer_add_text(to, "=\"");
            put_escaped(field.value, to);
            buffer_add_text(to, "\"");
        } else {
            buffer_add_text(to, "=");
            put_raw(field.value, to);
        }
    }
}

void log_write_text(const struct log_record *record, struct buffer *to)
{
    char when[CLOCK_TEXT_SIZE];
    buffer_print(to, "%s %s ", clock_write_rfc3339(record->wall_ms, when), log_level_text(record->level));
    log_write_body(record, to);
    buffer_add_text(to, "\n");
}

/* ---- json ---- */

static const char *skip_digits(const char *at)
{
    return at + strspn(at, "0123456789");
}

/* RFC 8259 section 6. */
static bool is_json_number(const char *text)
{
    const char *at = text + (*text == '-'), *end = skip_digits(at);
    if (end == at || (*at == '0' && end != at + 1)) {
        return false;
    }
    if (*end == '.') {
        at = end + 1;
        end = skip_digits(at);
        if (end == at) {
            return false;
        }
    }
    if (*end == 'e') {
        at = end + 1 + (end[1] == '-' || end[1] == '+');
        end = skip_digits(at);
        if (end == at) {
            return false;
        }
    }
    return *end == '\0';
}

static void put_json(const struct log_record *record, struct buffer *to)
{
    char when[CLOCK_TEXT_SIZE];
    buffer_print(to, "{\"time\":\"%s\",\"level\":\"%s\",\"event\":\"",
                 clock_write_rfc3339(record->wall_ms, when), log_level_text(record->level));
    put_escaped(log_record_event(record), to);
    buffer_add_text(to, "\"");
    for (struct log_field field = {.key = NULL}; log_record_next(record, &field);) {
        bool is_bare = field.is_number && is_json_number(field.value);
        buffer_print(to, ",\"%s\":%s", field.key, is_bare ? "" : "\"");
        put_escaped(field.value, to);
        buffer_add_text(to, is_bare ? "" : "\"");
    }
    buffer_add_text(to, "}");
}

void log_write_json(const struct log_record *record, struct buffer *to)
{
    put_json(record, to);
    buffer_add_text(to, "\n");
}

/* ---- journal ---- */

/* A value of several lines has its length in front, 64 bits in little endian, and no `=`. */
static void put_journal_value(const char *text, size_t len, struct buffer *to)
{
    if (memchr(text, '\n', len) == NULL) {
        buffer_add(to, "=", 1);
    } else {
        buffer_add(to, "\n", 1);
        for (int shift = 0; shift < 64; shift += 8) {
            char octet = (char)(unsigned char)((uint64_t)len >> shift);
            buffer_add(to, &octet, 1);
        }
    }
    buffer_add(to, text, len);
    buffer_add(to, "\n", 1);
}

static void put_journal_field(const char *key, const char *value, struct buffer *to)
{
    struct buffer clean;
    buffer_init(&clean);
    put_raw(value, &clean);
    for (; *key != '\0'; key++) {
        bool is_lower = *key >= 'a' && *key <= 'z';
        char c = (char)(is_lower ? *key - 'a' + 'A' : *key == '.' || *key == '-' ? '_' : *key);
        buffer_add(to, &c, 1);
    }
    put_journal_value(clean.len == 0 ? "" : clean.bytes, clean.len, to);
    buffer_fini(&clean);
}

void log_write_journal(const struct log_record *record, const char *identifier, struct buffer *to)
{
    struct buffer body;
    buffer_init(&body);
    log_write_body(record, &body);
    put_journal_field("MESSAGE", body.len == 0 ? "" : body.bytes, to);
    buffer_print(to, "PRIORITY=%d\nSYSLOG_IDENTIFIER=%s\n", priorities[record->level], identifier);
    put_journal_field("STEERD_EVENT", log_record_event(record), to);
    for (struct log_field field = {.key = NULL}; log_record_next(record, &field);) {
        buffer_add_text(to, "STEERD_");
        put_journal_field(field.key, field.value, to);
    }
    buffer_fini(&body);
}

/* ---- syslog ---- */

void log_write_syslog(const struct log_record *record, const char *identifier, bool is_json,
                      struct buffer *to)
{
    enum { DAEMON = 3 };
    char when[32];
    struct tm tm;
    time_t seconds = (time_t)(record->wall_ms / 1000);
    localtime_r(&seconds, &tm);
    strftime(when, sizeof when, "%b %e %H:%M:%S", &tm);
    buffer_print(to, "<%d>%s %s[%d]: ", DAEMON << 3 | priorities[record->level], when, identifier,
                 (int)getpid());
    if (is_json) {
        put_json(record, to);
    } else {
        log_write_body(record, to);
    }
}
