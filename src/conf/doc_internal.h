/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What a document is, and reading one whose largest object is never a tree as a whole (doc_load_split).
 * Private to doc*.c. */
#pragma once

#include "conf/doc.h"
#include "conf/merge.h"
#include "conf/split.h"

#include <jansson.h>

struct doc {
    const char *path; /* of the first one, if it is made of several */
    char *loaded;     /* owned; NULL if the text is the caller's */
    const char *text;
    size_t len;
    json_t *root;
    struct report *report;
    struct locate *locate; /* made when first needed */
    struct merge *merge;   /* of what it is made; NULL: of one file */
    char **texts;          /* of these, owned */
    size_t text_count;
    size_t errors, issues;
    struct split split;
    const json_t *split_value; /* the empty object in the tree that stands for it; NULL: none */
    json_t *piece, *piece_key; /* the one that is being read */
};

/* ---- doc.c ---- */

void doc_report_syntax(struct doc *doc, const json_error_t *error);

/* ---- doc_split.c ---- */

/* A part of the text, or all of it. Owned; NULL: it is no JSON, and why. */
json_t *doc_parse_part(const struct doc *doc, const struct doc_text *part, size_t flags, json_error_t *error);
/* Make the root without the members of the object `key`. False: it cannot be done that way. */
bool doc_split(struct doc *doc, const char *key);
/* doc_next() for that object. */
bool doc_next_piece(const struct doc_node *object, struct doc_node *child);
