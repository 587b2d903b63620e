/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A JSON document that an operator wrote, and reading it so that everything wrong with it is reported at
 * once: file, line, column, JSON path, what was found, what was expected. Readers walk from the root in
 * nodes, small values on their stack that know how they were reached. What is wrong is reported by the
 * getters themselves; they then give the default, and the reader goes on. At the end doc_has_errors() tells
 * whether the result may be used.
 * "$comment" is accepted in every object and never seen by readers, nor is "$schema" in the root. */
#pragma once

#include "base/buffer.h"
#include "base/report.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DOC_MAX_SIZE = 256 << 20 };

struct doc;
struct json_t; /* of jansson */

/* A value and how it was reached. All pointers are borrowed from the document, or from the reader's stack. */
struct doc_node {
    struct doc *doc;
    const struct doc_node *parent; /* NULL: the root */
    const struct json_t *value;
    const char *key; /* in an object; NULL in an array */
    size_t ordinal;  /* among the parent's children; DOC_ORDINAL_UNKNOWN when it was looked up by key */
};

#define DOC_ORDINAL_UNKNOWN SIZE_MAX

struct doc_text {
    const char *bytes;
    size_t len;
};

/* Returns owned, or NULL if there is no JSON object to read; then the report says why. The report is borrowed
 * until doc_free(). The text is borrowed likewise; path is for messages only. */
struct doc *doc_load(const char *path, struct report *report);
struct doc *doc_parse(const char *path, const char *text, size_t len, struct report *report);
/* The same for a document that may be large: the members of the root's member `key`, an object, are parsed
 * one at a time by doc_next(), which ends what it gave before; doc_find() does not find any. What is wrong
 * with their syntax is reported when they are reached, and counts as an error. */
struct doc *doc_load_split(const char *path, const char *key, struct report *report);
struct doc *doc_parse_split(const char *path, const struct doc_text *text, const char *key,
                            struct report *report);
/* Of several files as one document: the objects of the root's members `together` (NULL ends them) have the
 * members of all files, and each of its other members is in one file. Messages name the file. The paths have
 * to stay until doc_free(). */
struct doc *doc_load_several(const char *const *paths, size_t count, const char *const *together,
                             struct report *report);
void doc_free(struct doc *doc); /* NULL is fine */

struct doc_node doc_get_root(struct doc *doc);
struct report *doc_get_report(const struct doc_node *node); /* that it is read for */

/* ---- reporting ---- */

/* At the value, or at its key; a warning is at the key (in an array both are the same). */
void doc_error(const struct doc_node *node, const char *format, ...) __attribute__((format(printf, 2, 3)));
void doc_error_at_key(const struct doc_node *node, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void doc_warning(const struct doc_node *node, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool doc_has_errors(const struct doc *doc);
/* Has it been called off? Then it has errors, too. For what walks over much. */
bool doc_is_cancelled(struct doc *doc);
size_t doc_count_issues(const struct doc *doc); /* errors and warnings so far */
/* Will a further message be kept? If not, there is no need to compute a helpful one. */
bool doc_wants_detail(const struct doc *doc);
/* Line and column of the node's key (of the value in an array); 0 if not known. */
void doc_find_key_place(const struct doc_node *node, unsigned *line, unsigned *column);

struct arena;
/* Of the value, in the arena; the file is left to who knows it. */
struct report_place doc_keep_place(const struct doc_node *node, struct arena *arena);

enum { DOC_VALUE_TEXT_SIZE = 128 };
/* The value as it is named in messages: "abc", 12, an array. Returns text. */
const char *doc_describe(const struct doc_node *node, char text[DOC_VALUE_TEXT_SIZE]);
/* Error: found this value, expected what `expected` says. */
void doc_error_expected(const struct doc_node *node, const char *expected);

/* ---- structure ---- */

/* An object with no keys but these (NULL ends them; keys NULL: any key, a map)? Else reports. false only if
 * it is not an object at all. */
bool doc_check_object(const struct doc_node *node, const char *const *keys);
bool doc_check_array(const struct doc_node *node, const char *expected);
bool doc_is_object(const struct doc_node *node);
bool doc_is_array(const struct doc_node *node);
bool doc_is_text(const struct doc_node *node);
bool doc_is_bool(const struct doc_node *node, bool value);                              /* this very value? */
bool doc_find(const struct doc_node *object, const char *key, struct doc_node *member); /* false: not there */
bool doc_require(const struct doc_node *object, const char *key, struct doc_node *member); /* reports */
/* The next child of an object or array. Start with child->value == NULL; false at the end. */
bool doc_next(const struct doc_node *container, struct doc_node *child);
size_t doc_count(const struct doc_node *container); /* an upper bound for the rounds of doc_next() */
/* The next of a list of texts that may be written as a single text: start with item->value == NULL. A list of
 * another type, or an item that is not a text, is reported (expected: "a name or an array of names") and
 * skipped. */
bool doc_next_text(const struct doc_node *list, const char *expected, struct doc_node *item);
size_t doc_count_texts(const struct doc_node *list); /* upper bound */
/* The value in compact JSON, the same bytes for the same value as written: for recognising repeated ones. */
void doc_dump(const struct doc_node *node, struct buffer *to);

/* ---- values; `otherwise` when the key is absent or its value was reported ---- */

const char *doc_text(const struct doc_node *node); /* NULL if it is not a text; reports nothing */
/* A non-empty text, borrowed from the document; NULL if absent or reported. */
const char *doc_get_text(const struct doc_node *object, const char *key);
uint32_t doc_get_number(const struct doc_node *object, const char *key, const uint32_t range[2],
                        uint32_t otherwise);
/* The value of this very node; false: reported. */
bool doc_read_number(const struct doc_node *node, const uint32_t range[2], uint32_t *value);
bool doc_read_real(const struct doc_node *node, const double range[2], double *value);
uint32_t doc_get_duration_ms(const struct doc_node *object, const char *key, const uint32_t range_ms[2],
                             uint32_t otherwise_ms);
uint32_t doc_get_ttl(const struct doc_node *object, const char *key, uint32_t otherwise_s);
/* Octets: "512MiB", "2GiB" … */
uint64_t doc_get_size(const struct doc_node *object, const char *key, uint64_t least, uint64_t otherwise);
double doc_get_share(const struct doc_node *object, const char *key,
                     double otherwise); /* 0 < x <= 1, or "50%" */
bool doc_get_bool(const struct doc_node *object, const char *key, bool otherwise);
/* Index of the text in choices (NULL ends them). */
unsigned doc_get_choice(const struct doc_node *object, const char *key, const char *const *choices,
                        unsigned otherwise);
