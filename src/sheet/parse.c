/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See parse.h. Which format it is. */
#include "config.h"

#include "sheet/parse.h"

#include "base/memory.h"
#include "sheet/text.h"

#include <stdlib.h>
#include <string.h>

static bool is_space(char octet)
{
    return octet == ' ' || octet == '\t' || octet == '\n' || octet == '\r';
}

/* What is in it is for who looks into it; that it has an end is seen here. */
static bool parse_document(struct text *text, struct sheet_table *table)
{
    size_t len = (size_t)(text->end - text->begin);
    const char *end = text->end;
    while (text->at != text->end && is_space(*text->at)) {
        text_skip(text);
    }
    while (end != text->at && is_space(end[-1])) {
        end--;
    }
    if (text->at == end) {
        return true;
    }
    if (len > SHEET_DOCUMENT_MAX) {
        return text_fail(text, "found a file of %zu octets, expected at most %d", len, SHEET_DOCUMENT_MAX);
    }
    if ((*text->at != '{' && *text->at != '[') || end[-1] != (*text->at == '{' ? '}' : ']') ||
        memchr(text->begin, 0, len) != NULL) {
        return text_fail(text, "this is no JSON object, nor an array, from its beginning to its end");
    }
    char *document = memory_print("%.*s", (int)(end - text->at), text->at);
    const struct sheet_entry entry = {.key = SHEET_DOCUMENT_KEY, .reason = document, .line = text->line};
    (void)sheet_table_add(table, &entry);
    free(document);
    return true;
}

static bool parse(enum sheet_format format, struct text *text, struct sheet_table *table)
{
    switch (format) {
    case SHEET_JSON: return sheet_parse_json(text, table);
    case SHEET_GDNSD: return sheet_parse_gdnsd(text, table);
    case SHEET_DOCUMENT: break;
    }
    return parse_document(text, table);
}

struct sheet_table *sheet_parse(enum sheet_format format, const char *bytes, size_t len,
                                struct sheet_fault *fault)
{
    struct text text = {
        .begin = bytes, .at = bytes, .end = bytes + len, .line_begin = bytes, .line = 1, .fault = fault};
    struct sheet_table *table = sheet_table_new();
    *fault = (struct sheet_fault){.line = 0};
    if (parse(format, &text, table)) {
        return table;
    }
    sheet_table_free(table);
    return NULL;
}
