/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See text.h. */
#include "config.h"

#include "sheet/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { QUOTED_MAX = 40, CONTINUATION = 0x80, CONTINUATION_MASK = 0xc0 };

void word_begin(struct word *word, const struct text *text)
{
    word->bytes[0] = '\0';
    word->len = 0;
    word->has_nul = false;
    word->at = text->at;
    word->line = text->line;
    word->line_begin = text->line_begin;
}

bool word_is(const struct word *word, const char *other)
{
    return word->len == strlen(other) && memcmp(word->bytes, other, word->len) == 0;
}

/* Characters, whatever they take in octets. */
static unsigned count_column(const char *line_begin, const char *at)
{
    unsigned column = 1;
    for (const char *p = line_begin; p < at; p++) {
        column += ((unsigned char)*p & CONTINUATION_MASK) != CONTINUATION;
    }
    return column;
}

static void note(const struct text *text, const struct word *place, const char *format, va_list arguments)
{
    struct sheet_fault *fault = text->fault;
    fault->line = place == NULL ? text->line : place->line;
    fault->column =
        place == NULL ? count_column(text->line_begin, text->at) : count_column(place->line_begin, place->at);
    (void)vsnprintf(fault->why, sizeof fault->why, format, arguments);
}

bool text_fail(const struct text *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    note(text, NULL, format, arguments);
    va_end(arguments);
    return false;
}

bool text_fail_at(const struct text *text, const struct word *word, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    note(text, word, format, arguments);
    va_end(arguments);
    return false;
}

bool text_expected(const struct text *text, const char *expected)
{
    int octet = text_peek(text);
    if (octet == TEXT_END) {
        return text_fail(text, "found the end of the file, expected %s", expected);
    }
    return text_is_plain(octet) ? text_fail(text, "found '%c', expected %s", octet, expected)
                                : text_fail(text, "found octet 0x%02x, expected %s", octet, expected);
}

/* For people, who may look at it in a terminal. */
static const char *quote(const struct word *word, char text[QUOTED_MAX + 4])
{
    size_t len = word->len < QUOTED_MAX ? word->len : QUOTED_MAX;
    for (size_t i = 0; i < len; i++) {
        text[i] = text_is_plain((unsigned char)word->bytes[i]) ? word->bytes[i] : '?';
    }
    strcpy(text + len, len < word->len ? "..." : "");
    return text;
}

bool text_expected_at(const struct text *text, const struct word *word, const char *expected)
{
    char quoted[QUOTED_MAX + 4];
    return text_fail_at(text, word, "found \"%s\", expected %s", quote(word, quoted), expected);
}

bool text_add_entry(const struct text *text, struct sheet_table *table, struct word *key,
                    const struct sheet_entry *entry)
{
    char quoted[QUOTED_MAX + 4];
    if (key->len == 0 || key->len > SHEET_KEY_MAX || key->has_nul) {
        return text_fail_at(text, key, "found a name of %zu octets%s, expected 1 to %d, none of them NUL",
                            key->len, key->has_nul ? " with a NUL" : "", SHEET_KEY_MAX);
    }
    sheet_write_key(key->bytes);
    key->len = strlen(key->bytes);
    struct sheet_entry whole = *entry;
    whole.key = key->bytes;
    whole.line = key->line;
    unsigned line = sheet_table_add(table, &whole);
    return line == 0 ||
           text_fail_at(text, key, "found \"%s\" again, it is in line %u already", quote(key, quoted), line);
}
