/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Parsing, as a whole or one member at a time. What is no JSON is told with the words and the place that
 * jansson has for the whole text: that is parsed once more when a piece turns out to be bad. */
#include "config.h"

#include "conf/doc_internal.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

/* A text that is parsed piece by piece, so that it can be called off: some hundred MB take seconds. */
struct feed {
    const char *at, *end;
    const struct report *report;
};

static size_t take_piece(void *bytes, size_t size, void *context)
{
    struct feed *feed = context;
    size_t left = (size_t)(feed->end - feed->at), len = left < size ? left : size;
    if (report_is_cancelled(feed->report)) {
        return (size_t)-1;
    }
    memcpy(bytes, feed->at, len);
    feed->at += len;
    return len;
}

json_t *doc_parse_part(const struct doc *doc, const struct doc_text *part, size_t flags, json_error_t *error)
{
    struct feed feed = {.at = part->bytes, .end = part->bytes + part->len, .report = doc->report};
    return json_load_callback(take_piece, &feed, JSON_REJECT_DUPLICATES | flags, error);
}

/* The text with "{}" in the place of the object. */
static json_t *parse_outline(const struct doc *doc)
{
    const struct split *split = &doc->split;
    size_t rest = doc->len - split->end, len = split->begin + 2 + rest;
    char *text = memory_try_alloc(len);
    if (text == NULL) {
        return NULL;
    }
    memcpy(text, doc->text, split->begin);
    memcpy(text + split->begin, "{}", 2);
    memcpy(text + split->begin + 2, doc->text + split->end, rest);
    json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
    free(text);
    return root;
}

bool doc_split(struct doc *doc, const char *key)
{
    if (!split_init(&doc->split, doc->text, doc->len, key)) {
        return false;
    }
    doc->root = parse_outline(doc);
    doc->split_value = json_object_get(doc->root, key);
    return doc->root != NULL;
}

/* A single name may be large, too. */
static json_t *parse(const struct doc *doc, size_t begin, size_t end)
{
    return doc_parse_part(doc, &(struct doc_text){doc->text + begin, end - begin}, JSON_DECODE_ANY, NULL);
}

static void report_piece(struct doc *doc)
{
    json_error_t error;
    json_t *whole = doc_parse_part(doc, &(struct doc_text){doc->text, doc->len}, 0, &error);
    if (whole != NULL) { /* it was the piece only: never */
        error = (json_error_t){.line = -1, .text = "a member cannot be read"};
        json_decref(whole);
    }
    doc_report_syntax(doc, &error);
}

static bool read_piece(struct doc *doc, const struct split_piece *piece)
{
    json_decref(doc->piece);
    json_decref(doc->piece_key);
    doc->piece_key = parse(doc, piece->key_at, piece->key_end);
    doc->piece = parse(doc, piece->value_at, piece->value_end);
    return doc->piece != NULL && json_is_string(doc->piece_key);
}

bool doc_next_piece(const struct doc_node *object, struct doc_node *child)
{
    struct doc *doc = object->doc;
    size_t at = child->value == NULL ? 0 : child->ordinal + 1;
    for (; at < doc->split.count && !doc_is_cancelled(doc); at++) {
        if (!read_piece(doc, &doc->split.pieces[at])) {
            report_piece(doc);
            return false;
        }
        const char *key = json_string_value(doc->piece_key);
        if (strcmp(key, "$comment") != 0) {
            *child = (struct doc_node){doc, object, doc->piece, key, at};
            return true;
        }
    }
    return false;
}
