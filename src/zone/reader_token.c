/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Cuts text into entries (logical lines) and tokens, without copying: RFC 1035 section 5.1, with the quoted
 * values of RFC 9460 section 2.1. The text ends with a NUL behind its end, so that no look-ahead needs a
 * length. After an error the rest of the entry is skipped. A quote ends on its line, as in BIND; parentheses
 * do not nest, as in NSD and Knot, because an inner one nearly always means that the outer one was forgotten.
 */
#include "config.h"

#include "zone/reader_internal.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/memory.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const bool is_special[256] = {
    ['\0'] = true, ['\t'] = true, ['\n'] = true, ['\r'] = true, [' '] = true,
    ['"'] = true,  ['('] = true,  [')'] = true,  [';'] = true,  ['\\'] = true,
};

static struct report_place find_place(const struct zone_reader *reader, const struct zone_token *token)
{
    const struct zone_source *source = reader->source;
    struct report_place place = {.file = source->file};
    if (source->generate != NULL) {
        token = &source->generate_token;
    }
    if (token != NULL) {
        place.line = token->line;
        place.column = token->column;
    } else if (reader->count != 0) {
        const struct zone_token *last = &reader->tokens[reader->count - 1];
        place.line = last->line;
        place.column = last->column + last->len + (last->flags & ZONE_TOKEN_QUOTED ? 2 : 0);
    }
    return place;
}

static void add_message(struct zone_reader *reader, enum report_severity severity,
                        const struct zone_token *token, const char *message)
{
    struct report_place place = find_place(reader, token);
    if (reader->source->generate != NULL) {
        report_add(reader->report, severity, &place, "%s (in $GENERATE at %d)", message,
                   reader->source->generated);
    } else {
        report_add(reader->report, severity, &place, "%s", message);
    }
}

int zone_fail(struct zone_reader *reader, const struct zone_token *token, const char *format, ...)
{
    if (!reader->is_failed) {
        char message[512];
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(message, sizeof message, format, arguments);
        va_end(arguments);
        add_message(reader, REPORT_ERROR, token, message);
        reader->errors++;
    }
    reader->is_failed = true;
    return ERROR_SYNTAX;
}

void zone_warn(struct zone_reader *reader, const struct zone_token *token, const char *format, ...)
{
    char message[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    add_message(reader, REPORT_WARNING, token, message);
}

const char *zone_show(const struct zone_token *token, char text[ZONE_SHOW_SIZE])
{
    char *to = text, *last = text + ZONE_SHOW_SIZE - sizeof "\\255...\"";
    *to++ = '"';
    uint32_t i = 0;
    for (; i < token->len && to < last; i++) {
        unsigned char c = (unsigned char)token->text[i];
        if (c < ' ' || c >= 127) {
            to += snprintf(to, sizeof "\\255", "\\%03u", c);
        } else {
            *to++ = (char)c;
        }
    }
    snprintf(to, (size_t)(text + ZONE_SHOW_SIZE - to), "%s\"", i < token->len ? "..." : "");
    return text;
}

const struct zone_token *zone_next(struct zone_reader *reader, const char *expected)
{
    if (reader->next == reader->count) {
        zone_fail(reader, NULL, "the line ends where %s is expected", expected);
        return NULL;
    }
    return &reader->tokens[reader->next++];
}

bool zone_token_is(const struct zone_token *token, const char *word)
{
    if (token->flags != 0) {
        return false;
    }
    for (uint32_t i = 0; i < token->len; i++, word++) {
        if (*word == '\0' || tolower((unsigned char)token->text[i]) != *word) {
            return false;
        }
    }
    return *word == '\0';
}

bool zone_token_copy(const struct zone_token *token, char *text, size_t size)
{
    if (token->len >= size) {
        return false;
    }
    memcpy(text, token->text, token->len);
    text[token->len] = '\0';
    return true;
}

static struct zone_token token_at(const struct zone_source *source, const char *at)
{
    return (struct zone_token){
        .text = at, .len = 1, .line = source->line, .column = (unsigned)(at - source->line_start) + 1};
}

static void fail_at(struct zone_reader *reader, const char *at, const char *message)
{
    struct zone_token token = token_at(reader->source, at);
    zone_fail(reader, &token, "%s", message);
}

static void add_token(struct zone_reader *reader, const char *from, const char *to, unsigned flags)
{
    if (reader->count == reader->capacity) {
        if (reader->count >= ZONE_TOKENS_MAX) {
            fail_at(reader, from, "the record has too many words");
            reader->count = 0; /* skipped from here on, so that memory stays bounded */
        }
        reader->tokens =
            memory_grow(reader->tokens, reader->count, &reader->capacity, sizeof *reader->tokens);
    }
    const struct zone_source *source = reader->source;
    const char *start = flags & ZONE_TOKEN_QUOTED ? from - 1 : from;
    reader->tokens[reader->count++] =
        (struct zone_token){.text = from,
                            .len = (uint32_t)(to - from),
                            .line = source->line,
                            .column = (unsigned)(start - source->line_start) + 1,
                            .flags = (uint8_t)flags};
}

/* From behind an opening quote to the closing one, or to what makes it none: a line end or a NUL. */
static const char *find_quote_end(const char *at, unsigned *flags)
{
    for (; *at != '"' && *at != '\n' && *at != '\0'; at++) {
        if (*at == '\\') {
            *flags |= ZONE_TOKEN_ESCAPED;
            at += at[1] != '\n' && at[1] != '\0';
        }
    }
    return at;
}

static void read_quoted(struct zone_reader *reader)
{
    struct zone_source *source = reader->source;
    const char *from = source->at + 1;
    unsigned flags = ZONE_TOKEN_QUOTED;
    const char *to = find_quote_end(from, &flags);
    if (*to != '"') {
        fail_at(reader, source->at, "this quote is not closed on its line");
        source->at = to;
        return;
    }
    add_token(reader, from, to, flags);
    source->at = to + 1;
}

static void read_word(struct zone_reader *reader)
{
    struct zone_source *source = reader->source;
    const char *from = source->at, *at = from;
    unsigned flags = 0;
    for (;;) {
        while (!is_special[(unsigned char)*at]) {
            at++;
        }
        if (*at == '\\') {
            flags |= ZONE_TOKEN_ESCAPED;
            if (at[1] == '\n' || at[1] == '\r' || at[1] == '\0') {
                fail_at(reader, at, "a backslash ends the line; expected \\DDD or \\ and a character");
                at++;
                break;
            }
            at += 2;
        } else if (*at == '"' && at != from && at[-1] == '=') {
            const char *to = find_quote_end(at + 1, &flags);
            flags |= ZONE_TOKEN_PAIR;
            if (*to != '"') {
                fail_at(reader, at, "this quote is not closed on its line");
                at = to;
                break;
            }
            at = to + 1;
        } else {
            break;
        }
    }
    if (*at == '"') {
        fail_at(reader, at, "a quote inside a word; expected white space before it, or \\\"");
    }
    add_token(reader, from, at, flags);
    source->at = at;
}

static void skip_comment(struct zone_reader *reader)
{
    struct zone_source *source = reader->source;
    size_t left = (size_t)(source->end - source->at);
    const char *to = memchr(source->at, '\n', left);
    to = to == NULL ? source->end : to;
    const char *nul = memchr(source->at, '\0', (size_t)(to - source->at));
    if (nul != NULL) {
        fail_at(reader, nul, "a NUL octet; expected text");
    }
    source->at = to;
}

static void read_parenthesis(struct zone_reader *reader)
{
    struct zone_source *source = reader->source;
    const char *at = source->at++;
    if (*at == ')') {
        if (reader->parentheses == 0) {
            fail_at(reader, at, "a closing parenthesis without an opening one");
        } else {
            reader->parentheses--;
        }
        return;
    }
    if (reader->parentheses != 0) {
        struct zone_token token = token_at(source, at);
        zone_fail(reader, &token, "a parenthesis inside the one that was opened in line %u, column %u",
                  reader->parenthesis.line, reader->parenthesis.column);
    } else {
        reader->parenthesis = token_at(source, at);
    }
    reader->parentheses++;
}

/* Returns false at the end of the text. */
static bool read_nul(struct zone_reader *reader)
{
    struct zone_source *source = reader->source;
    if (source->at != source->end) {
        fail_at(reader, source->at++, "a NUL octet; expected text");
        return true;
    }
    if (reader->parentheses != 0) {
        zone_fail(reader, &reader->parenthesis, "this parenthesis is not closed before the end of the file");
    }
    return false;
}

/* Returns false at the end of the entry. */
static bool read_item(struct zone_reader *reader)
{
    struct zone_source *source = reader->source;
    switch (*source->at) {
    case ' ':
    case '\t': source->at++; return true;
    case '\n':
        source->line++;
        source->line_start = ++source->at;
        return reader->parentheses != 0;
    case '\r':
        if (source->at[1] != '\n' && source->at + 1 != source->end) {
            fail_at(reader, source->at, "a carriage return that is not followed by a line feed");
        }
        source->at++;
        return true;
    case ';': skip_comment(reader); return true;
    case '(':
    case ')': read_parenthesis(reader); return true;
    case '"': read_quoted(reader); return true;
    case '\0': return read_nul(reader);
    default: read_word(reader); return true;
    }
}

bool zone_read_entry(struct zone_reader *reader)
{
    const struct zone_source *source = reader->source;
    reader->count = reader->next = 0;
    reader->is_failed = false;
    reader->parentheses = 0;
    reader->is_blank = *source->at == ' ' || *source->at == '\t';
    if (source->at == source->end) {
        return false;
    }
    while (read_item(reader)) {
    }
    return true;
}
