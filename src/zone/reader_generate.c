/* SPDX-License-Identifier: BSD-3-Clause
 *
 * $GENERATE start-stop[/step] owner [TTL] [class] type rdata, as BIND has it: each value of the range makes
 * one line, in which $ stands for the value and ${offset[,width[,base]]} for the value in another form. The
 * lines are read one after the other by the reader itself. Rdata that is one quoted text stands for its
 * contents, so that "10 mail$" can be written; several words are taken as they are. */
#include "config.h"

#include "zone/reader_internal.h"

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/memory.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_MAX_LEN = 65536, WIDTH_MAX = 255 };

struct zone_generate {
    struct buffer template, line;
    int64_t next, stop, step;
};

struct modifier {
    int64_t offset;
    unsigned width;
    char base;
};

void zone_free_generate(struct zone_generate *generate)
{
    if (generate != NULL) {
        buffer_fini(&generate->template);
        buffer_fini(&generate->line);
        free(generate);
    }
}

/* Digits; false if there are none or too many. */
static bool parse_digits(const char **at, int64_t *value)
{
    const char *p = *at;
    *value = 0;
    while (*p >= '0' && *p <= '9' && *value <= INT32_MAX) {
        *value = *value * 10 + (*p++ - '0');
    }
    bool is_good = p != *at && *value <= INT32_MAX;
    *at = p;
    return is_good;
}

/* offset[,width[,base]]} ; moves behind the brace. */
static bool parse_modifier(const char **at, struct modifier *modifier)
{
    int64_t width = 0;
    bool is_negative = **at == '-';
    *at += is_negative || **at == '+';
    if (!parse_digits(at, &modifier->offset)) {
        return false;
    }
    modifier->offset = is_negative ? -modifier->offset : modifier->offset;
    modifier->base = 'd';
    if (**at == ',') {
        (*at)++;
        if (!parse_digits(at, &width) || width > WIDTH_MAX) {
            return false;
        }
    }
    modifier->width = (unsigned)width;
    if (**at == ',') {
        modifier->base = (*at)[1];
        if (modifier->base == '\0' || strchr("doxXnN", modifier->base) == NULL) {
            return false;
        }
        *at += 2;
    }
    return *(*at)++ == '}';
}

/* Hexadecimal digits from the lowest up with dots in between; the width counts the dots (for ip6.arpa). */
static void write_nibbles(struct buffer *line, uint64_t value, unsigned width, const char *digits)
{
    do {
        buffer_add(line, &digits[value & 15], 1);
        value >>= 4;
        width -= width != 0;
        if (width != 0 || value != 0) {
            buffer_add(line, ".", 1);
            width -= width != 0;
        }
    } while (width != 0 || value != 0);
}

static void write_value(struct buffer *line, uint64_t value, const struct modifier *modifier)
{
    int width = (int)modifier->width;
    switch (modifier->base) {
    case 'o': buffer_print(line, "%0*" PRIo64, width, value); break;
    case 'x': buffer_print(line, "%0*" PRIx64, width, value); break;
    case 'X': buffer_print(line, "%0*" PRIX64, width, value); break;
    case 'n': write_nibbles(line, value, modifier->width, "0123456789abcdef"); break;
    case 'N': write_nibbles(line, value, modifier->width, "0123456789ABCDEF"); break;
    default: buffer_print(line, "%0*" PRIu64, width, value); break;
    }
}

/* Behind a $: append what it stands for. NULL, or what was expected. */
static const char *expand_one(struct buffer *line, const char **at, int64_t value)
{
    struct modifier modifier = {.base = 'd'};
    if (**at == '$') {
        (*at)++;
        buffer_add(line, "\\$", 2); /* escaped, so that it never starts a directive */
        return NULL;
    }
    if (**at == '{') {
        (*at)++;
        if (!parse_modifier(at, &modifier)) {
            return "${offset,width,base} with a width up to 255 and a base of d, o, x, X, n or N";
        }
    }
    value += modifier.offset;
    if (value < 0) {
        return "an offset that leaves all values at 0 or above";
    }
    write_value(line, (uint64_t)value, &modifier);
    return NULL;
}

/* Returns NULL, or what was expected. */
static const char *expand(struct buffer *line, const char *template, int64_t value)
{
    const char *at = template;
    line->len = 0;
    while (*at != '\0') {
        size_t plain = strcspn(at, "$\\");
        buffer_add(line, at, plain);
        at += plain;
        if (*at == '\\' && at[1] != '\0') {
            buffer_add(line, at, 2);
            at += 2;
        } else if (*at == '$') {
            at++;
            const char *expected = expand_one(line, &at, value);
            if (expected != NULL) {
                return expected;
            }
        } else if (*at != '\0') {
            buffer_add(line, at++, 1);
        }
        if (line->len > LINE_MAX_LEN) {
            return "lines of at most 65536 octets";
        }
    }
    return NULL;
}

bool zone_next_generated(struct zone_source *source)
{
    struct zone_generate *generate = source->generate;
    if (generate->next > generate->stop) {
        return false;
    }
    int64_t value = generate->next;
    generate->next += generate->step;
    source->generated = (int)value;
    expand(&generate->line, generate->template.bytes, value); /* was tried with the first and last value */
    buffer_add_text(&generate->line, "\n");
    source->at = source->line_start = generate->line.bytes;
    source->end = generate->line.bytes + generate->line.len;
    source->line = 1;
    return true;
}

static int read_range(struct zone_reader *reader, struct zone_generate *generate)
{
    char text[64], shown[ZONE_SHOW_SIZE];
    const struct zone_token *token = zone_next(reader, "a range for $GENERATE");
    if (token == NULL) {
        return ERROR_SYNTAX;
    }
    const char *at = text;
    generate->step = 1;
    bool is_good = token->flags == 0 && zone_token_copy(token, text, sizeof text) &&
                   parse_digits(&at, &generate->next) && *at++ == '-' && parse_digits(&at, &generate->stop);
    if (is_good && *at == '/') {
        at++;
        is_good = parse_digits(&at, &generate->step) && generate->step > 0;
    }
    if (!is_good || *at != '\0' || generate->next > generate->stop) {
        return zone_fail(reader, token,
                         "%s is not a range; expected start-stop or start-stop/step, ascending, with "
                         "numbers up to 2147483647",
                         zone_show(token, shown));
    }
    int64_t lines = (generate->stop - generate->next) / generate->step + 1;
    if (lines > ZONE_GENERATE_MAX) {
        return zone_fail(reader, token, "$GENERATE would make %" PRId64 " records; at most %d are allowed",
                         lines, ZONE_GENERATE_MAX);
    }
    return 0;
}

/* As it was written, quotes included. */
static void add_token(struct buffer *to, const struct zone_token *token)
{
    bool is_quoted = (token->flags & ZONE_TOKEN_QUOTED) != 0;
    if (to->len != 0) {
        buffer_add(to, " ", 1);
    }
    buffer_add(to, token->text - is_quoted, token->len + (is_quoted ? 2u : 0u));
}

/* What a quoted text holds: \" becomes ", all else stays for the second reading. */
static void add_contents(struct buffer *to, const struct zone_token *token)
{
    buffer_add(to, " ", 1);
    for (uint32_t i = 0; i < token->len; i++) {
        i += token->text[i] == '\\' && i + 1 < token->len && token->text[i + 1] == '"';
        buffer_add(to, &token->text[i], 1);
        if (token->text[i] == '\\') {
            buffer_add(to, &token->text[++i], 1);
        }
    }
}

/* Owner, TTL, class and type as they are; then the rdata. */
static int read_template(struct zone_reader *reader, struct buffer *template)
{
    uint32_t ttl;
    const struct zone_token *token = zone_next(reader, "an owner name for $GENERATE");
    if (token == NULL) {
        return ERROR_SYNTAX;
    }
    if ((token->flags & ZONE_TOKEN_QUOTED) != 0) {
        char shown[ZONE_SHOW_SIZE];
        return zone_fail(reader, token, "%s in quotes; expected a name", zone_show(token, shown));
    }
    add_token(template, token);
    int code = 0;
    while (code == 0) {
        token = zone_next(reader, "a type for $GENERATE");
        if (token == NULL) {
            return ERROR_SYNTAX;
        }
        add_token(template, token);
        code = zone_read_ttl(reader, token, &ttl);
        code = code == ERROR_NOT_FOUND ? zone_read_class(reader, token) : code;
    }
    if (code != ERROR_NOT_FOUND || zone_parse_type(reader, token, &reader->type) != 0) {
        return ERROR_SYNTAX;
    }
    token = zone_next(reader, "rdata for $GENERATE");
    if (token == NULL) {
        return ERROR_SYNTAX;
    }
    if ((token->flags & ZONE_TOKEN_QUOTED) != 0 && reader->next == reader->count) {
        add_contents(template, token);
        return 0;
    }
    add_token(template, token);
    while (reader->next != reader->count) {
        add_token(template, &reader->tokens[reader->next++]);
    }
    return 0;
}

/* The forms grow with the value, so that the first and the last tell whether all can be written. */
static int check_template(struct zone_reader *reader, struct zone_generate *generate)
{
    const int64_t values[2] = {generate->next, generate->stop};
    for (size_t i = 0; i < 2; i++) {
        const char *expected = expand(&generate->line, generate->template.bytes, values[i]);
        if (expected != NULL) {
            return zone_fail(reader, &reader->tokens[2], "the pattern cannot be filled in: expected %s",
                             expected);
        }
    }
    return 0;
}

int zone_read_generate(struct zone_reader *reader)
{
    struct zone_generate *generate = memory_alloc(sizeof *generate);
    const struct zone_token directive = reader->tokens[0];
    buffer_init(&generate->template);
    buffer_init(&generate->line);
    if (read_range(reader, generate) != 0 || read_template(reader, &generate->template) != 0 ||
        check_template(reader, generate) != 0) {
        zone_free_generate(generate);
        return ERROR_SYNTAX;
    }
    struct zone_source *source = memory_alloc(sizeof *source);
    source->file = reader->source->file;
    source->generate = generate;
    source->generate_token = directive;
    zone_push_source(reader, source);
    source->at = source->end = NULL;
    return 0;
}
