/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Walks the format, which is ours and trusted: the words before the first `key=` are the event, what follows
 * each `key=` up to the next one is the template of a value. Every conversion is taken out of the format and
 * printed by itself, so that nothing that is printed is ever looked at again. */
#include "config.h"

#include "base/log_record.h"

#include "base/utf8.h"

#include <stdio.h>
#include <string.h>

enum { SPEC_SIZE = 64 };
enum { KIND_TEXT = 't', KIND_NUMBER = 'n' };

struct walk {
    struct log_record *record;
    const char *at;
    va_list arguments;
    size_t limit; /* of record->len, while a value is written */
    bool omitted; /* a %s of the value was NULL */
    bool broken;  /* a conversion that is not known: what follows cannot be read */
};

/* ---- writing ---- */

static void put(struct log_record *record, const char *text, size_t len)
{
    memcpy(record->bytes + record->len, text, len);
    record->len += (uint32_t)len;
}

/* What is cut ends in an ellipsis, behind a whole character. */
static void put_limited(struct log_record *record, const char *text, size_t len, size_t limit)
{
    static const char ellipsis[] = "…";
    const size_t mark = sizeof ellipsis - 1;
    size_t room = record->len < limit ? limit - record->len : 0;
    if (len <= room) {
        put(record, text, len);
    } else if (room >= mark) {
        size_t cut = room - mark;
        while (cut > 0 && ((unsigned char)text[cut] & 0xc0) == 0x80) {
            cut--;
        }
        put(record, text, cut);
        put(record, ellipsis, mark);
    }
}

/* Room for the NUL that ends what is being written is always kept. */
static size_t limit_of(const struct log_record *record)
{
    size_t wanted = (size_t)record->len + LOG_VALUE_MAX;
    return wanted < LOG_RECORD_ROOM - 1 ? wanted : LOG_RECORD_ROOM - 1;
}

static void put_end(struct log_record *record)
{
    record->bytes[record->len++] = '\0';
}

/* False: it does not fit, with a value of a few octets. */
static bool begin_field(struct log_record *record, const char *key, size_t len)
{
    enum { LEAST_VALUE = 8 };
    if (record->len + len + 2 + LEAST_VALUE > LOG_RECORD_ROOM) {
        return false;
    }
    record->bytes[record->len++] = KIND_TEXT;
    memcpy(record->bytes + record->len, key, len);
    record->len += (uint32_t)len;
    put_end(record);
    return true;
}

void log_record_begin(struct log_record *record, int64_t wall_ms, unsigned level, const char *event)
{
    record->wall_ms = wall_ms;
    record->level = level;
    record->len = 0;
    put_limited(record, event, strlen(event), limit_of(record));
    put_end(record);
}

void log_record_add(struct log_record *record, const char *key, const char *value, bool is_number)
{
    uint32_t before = record->len;
    if (value != NULL && begin_field(record, key, strlen(key))) {
        record->bytes[before] = is_number ? KIND_NUMBER : KIND_TEXT;
        put_limited(record, value, strlen(value), limit_of(record));
        put_end(record);
    }
}

/* ---- conversions ---- */

/* One of the format, with numbers in place of stars and without its length, which is told apart. */
struct conversion {
    char spec[SPEC_SIZE];
    size_t spec_len;
    int precision; /* -1: none */
    char length;   /* 'H' for hh, 'L' for ll; 0: none */
    char type;
};

static void add_to_spec(struct conversion *conversion, char c)
{
    if (conversion->spec_len < SPEC_SIZE - 4) { /* room for the length, the type and NUL */
        conversion->spec[conversion->spec_len++] = c;
    }
}

/* A width or precision: digits, or a star whose value is an argument. Returns it. */
static int take_number(struct walk *walk, struct conversion *conversion)
{
    char digits[16];
    int value = 0;
    if (*walk->at == '*') {
        walk->at++;
        value = va_arg(walk->arguments, int);
    } else {
        for (; *walk->at >= '0' && *walk->at <= '9'; walk->at++) {
            value = value < LOG_RECORD_ROOM ? value * 10 + (*walk->at - '0') : value;
        }
    }
    value = value > LOG_RECORD_ROOM ? LOG_RECORD_ROOM : value < -LOG_RECORD_ROOM ? -LOG_RECORD_ROOM : value;
    snprintf(digits, sizeof digits, "%d", value);
    for (const char *digit = digits; *digit != '\0'; digit++) {
        add_to_spec(conversion, *digit);
    }
    return value;
}

static char take_length(struct walk *walk)
{
    char length = 0;
    while (*walk->at != '\0' && strchr("hljztL", *walk->at) != NULL) {
        length = *walk->at == length ? (char)(length == 'h' ? 'H' : 'L') : *walk->at;
        walk->at++;
    }
    return length;
}

/* walk->at is at the '%'. */
static void take_conversion(struct walk *walk, struct conversion *conversion)
{
    *conversion = (struct conversion){.precision = -1};
    add_to_spec(conversion, *walk->at++);
    while (*walk->at != '\0' && strchr("-+ #0", *walk->at) != NULL) {
        add_to_spec(conversion, *walk->at++);
    }
    if (*walk->at == '*' || (*walk->at >= '1' && *walk->at <= '9')) {
        (void)take_number(walk, conversion);
    }
    if (*walk->at == '.') {
        size_t before = conversion->spec_len;
        walk->at++;
        add_to_spec(conversion, '.');
        conversion->precision = take_number(walk, conversion);
        if (conversion->precision < 0) { /* as if it were not there */
            conversion->spec_len = before;
            conversion->precision = -1;
        }
    }
    conversion->length = take_length(walk);
    conversion->type = *walk->at;
    walk->at += *walk->at != '\0';
}

static intmax_t take_signed(struct walk *walk, char length)
{
    switch (length) {
    case 'H': return (signed char)va_arg(walk->arguments, int);
    case 'h': return (short)va_arg(walk->arguments, int);
    case 'l': return va_arg(walk->arguments, long);
    case 'L': return va_arg(walk->arguments, long long);
    /* NOLINTNEXTLINE(bugprone-branch-clone): other types elsewhere */
    case 'j': return va_arg(walk->arguments, intmax_t);
    case 'z': return va_arg(walk->arguments, ssize_t);
    case 't': return va_arg(walk->arguments, ptrdiff_t);
    default: return va_arg(walk->arguments, int);
    }
}

static uintmax_t take_unsigned(struct walk *walk, char length)
{
    switch (length) {
    case 'H': return (unsigned char)va_arg(walk->arguments, unsigned);
    case 'h': return (unsigned short)va_arg(walk->arguments, unsigned);
    case 'l': return va_arg(walk->arguments, unsigned long);
    case 'L': return va_arg(walk->arguments, unsigned long long);
    /* NOLINTNEXTLINE(bugprone-branch-clone) */
    case 'j': return va_arg(walk->arguments, uintmax_t);
    case 'z': return va_arg(walk->arguments, size_t);
    case 't': return (uintmax_t)va_arg(walk->arguments, ptrdiff_t);
    default: return va_arg(walk->arguments, unsigned);
    }
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
/* The spec is a piece of a format that the compiler has checked at the call. */
static int print_number(struct walk *walk, struct conversion *conversion, char *text, size_t size)
{
    char *end = conversion->spec + conversion->spec_len;
    switch (conversion->type) {
    case 'd':
    case 'i':
        memcpy(end, "jd", 3);
        return snprintf(text, size, conversion->spec, take_signed(walk, conversion->length));
    case 'u':
    case 'x':
    case 'X':
    case 'o':
        end[0] = 'j';
        end[1] = conversion->type;
        return snprintf(text, size, conversion->spec, take_unsigned(walk, conversion->length));
    case 'c': end[0] = 'c'; return snprintf(text, size, conversion->spec, va_arg(walk->arguments, int));
    case 'p': end[0] = 'p'; return snprintf(text, size, conversion->spec, va_arg(walk->arguments, void *));
    case 'e':
    case 'f':
    case 'g':
        end[0] = conversion->type;
        if (conversion->length == 'L') {
            return snprintf(text, size, conversion->spec, (double)va_arg(walk->arguments, long double));
        }
        return snprintf(text, size, conversion->spec, va_arg(walk->arguments, double));
    default: walk->broken = true; return 0;
    }
}
#pragma GCC diagnostic pop

static void put_text(struct walk *walk, const struct conversion *conversion)
{
    const char *text = va_arg(walk->arguments, const char *);
    if (text == NULL) {
        walk->omitted = true;
    } else if (conversion->precision >= 0) {
        put_limited(walk->record, text, strnlen(text, (size_t)conversion->precision), walk->limit);
    } else {
        put_limited(walk->record, text, strlen(text), walk->limit);
    }
}

/* Returns whether it was numeric. */
static bool put_conversion(struct walk *walk)
{
    struct conversion conversion;
    char text[512]; /* %f of the greatest double has 317 characters */
    if (walk->at[1] == '%') {
        put_limited(walk->record, "%", 1, walk->limit);
        walk->at += 2;
        return false;
    }
    take_conversion(walk, &conversion);
    if (conversion.type == 's') {
        put_text(walk, &conversion);
        return false;
    }
    int len = print_number(walk, &conversion, text, sizeof text);
    if (len > 0) {
        put_limited(walk->record, text, strlen(text), walk->limit);
    }
    return strchr("dieufg", conversion.type) != NULL;
}

/* ---- templates ---- */

/* The length of the key if a `key=` begins here, else 0. */
static size_t find_key(const char *at)
{
    size_t len = strspn(at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-");
    return at[len] == '=' ? len : 0;
}

/* Does the template end here? One in quotes ends with them. */
static bool ends_here(const struct walk *walk, bool is_quoted)
{
    return walk->broken || *walk->at == '\0' ||
           (is_quoted ? *walk->at == '"' : *walk->at == ' ' && find_key(walk->at + 1) != 0);
}

/* Returns whether it was one numeric conversion and nothing else. */
static bool put_template(struct walk *walk, bool is_quoted)
{
    size_t numbers = 0, others = 0;
    walk->limit = limit_of(walk->record);
    walk->omitted = false;
    while (!ends_here(walk, is_quoted)) {
        if (*walk->at == '%') {
            bool is_number = put_conversion(walk);
            numbers += is_number;
            others += !is_number;
        } else {
            size_t len = *walk->at == ' ' ? 1 : strcspn(walk->at, "% \"");
            len += len == 0; /* a quote in a template that has none around it */
            put_limited(walk->record, walk->at, len, walk->limit);
            walk->at += len;
            others++;
        }
    }
    return numbers == 1 && others == 0;
}

static void take_field(struct walk *walk, size_t key_len)
{
    uint32_t before = walk->record->len;
    bool fits = begin_field(walk->record, walk->at, key_len);
    walk->at += key_len + 1;
    bool is_quoted = *walk->at == '"';
    walk->at += is_quoted;
    if (put_template(walk, is_quoted) && fits) {
        walk->record->bytes[before] = KIND_NUMBER;
    }
    walk->at += is_quoted && *walk->at == '"';
    if (walk->omitted || !fits || walk->broken) {
        walk->record->len = before;
    } else {
        put_end(walk->record);
    }
}

void log_record_print(struct log_record *record, const char *format, va_list arguments)
{
    struct walk walk = {.record = record, .at = format};
    va_copy(walk.arguments, arguments);
    record->len = 0;
    if (find_key(walk.at) == 0) {
        (void)put_template(&walk, false);
    }
    put_end(record);
    while (*walk.at != '\0' && !walk.broken) {
        size_t key_len = find_key(walk.at);
        if (key_len != 0) {
            take_field(&walk, key_len);
        } else {
            walk.at++; /* the space between two, or a stray character behind a quote */
        }
    }
    va_end(walk.arguments);
}

/* ---- reading ---- */

size_t log_record_size(const struct log_record *record)
{
    return offsetof(struct log_record, bytes) + record->len;
}

const char *log_record_event(const struct log_record *record)
{
    return record->bytes;
}

bool log_record_next(const struct log_record *record, struct log_field *field)
{
    const char *previous = field->key == NULL ? record->bytes : field->value;
    const char *at = previous + strlen(previous) + 1;
    if (at >= record->bytes + record->len) {
        return false;
    }
    field->is_number = *at == KIND_NUMBER;
    field->key = at + 1;
    field->value = field->key + strlen(field->key) + 1;
    return true;
}
