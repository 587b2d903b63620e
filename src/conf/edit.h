/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Changing a document as somebody asks by the API: a topology, or the policy of a zone. Texts in, text out;
 * members keep their order, what is new comes last. What a document means is not judged here, that is for
 * those who read it; only what has to be found has to be there. Pure. */
#pragma once

#include "base/arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum edit_kind {
    EDIT_DOCUMENT, /* all of it */
    EDIT_REGION,
    EDIT_AZ, /* is told with "region", the name of its region, which the document says by where it stands */
    EDIT_ENDPOINT,
    EDIT_CHECK,
    EDIT_GROUP,
    EDIT_NAME, /* of a policy: "www", "@", "www.example.com." */
    EDIT_KINDS
};

enum edit_what {
    EDIT_PUT,   /* make it, or put another one in its place */
    EDIT_MERGE, /* RFC 7396 */
    EDIT_DELETE,
};

enum { EDIT_WHY_SIZE = 256 };

/* What a thing has to be now: one that has one of these tags, or there, or not there. */
struct edit_condition {
    bool has_tags, must_be_there, must_be_new;
    const uint64_t *tags;
    size_t count;
};

struct edit {
    enum edit_what what;
    enum edit_kind kind;
    const char *name;                       /* NULL: of the document */
    const char *origin;                     /* zone of a name, absolute, lower case; else NULL */
    const char *value;                      /* JSON; NULL: deleted */
    const struct edit_condition *condition; /* NULL: whatever */
};

const char *edit_kind_text(enum edit_kind kind);              /* "endpoint" */
bool edit_parse_kind(const char *text, enum edit_kind *kind); /* of that, or of "endpoints" */

/* Of a text that is JSON; else ERROR_SYNTAX, with words in `why`. */
struct edit_document;
int edit_open(const char *text, size_t len, struct edit_document **document, char why[EDIT_WHY_SIZE]);
void edit_close(struct edit_document *document); /* NULL is fine */

/* 0; ERROR_NOT_FOUND: it is not there, or an az whose region is not said or not there; ERROR_CONFLICT: its
 * condition does not hold; ERROR_INVALID: the value is not what it can be; with words in `why`. Then nothing
 * was changed. */
int edit_apply(struct edit_document *document, const struct edit *edit, char why[EDIT_WHY_SIZE]);
/* As it is to be kept: owned, of *len octets. */
char *edit_write(const struct edit_document *document, size_t *len);

/* One thing as it stands there: JSON in the arena, or NULL. The tag is another one when the thing is; 1 to
 * INT64_MAX. */
const char *edit_get(const struct edit_document *document, enum edit_kind kind, const char *name,
                     const char *origin, struct arena *arena, uint64_t *tag);
/* What differs between two: kind "endpoint", "region" (with its azs), …, or "member" for what is none of
 * these. `change`: "added", "removed", "changed", from a to b. */
struct edit_difference {
    const char *kind, *name, *change;
};
void edit_compare(const struct edit_document *a, const struct edit_document *b,
                  bool (*take)(void *context, const struct edit_difference *difference), void *context);
/* Calls of all of a kind, in their order, until take() returns false. */
void edit_list(const struct edit_document *document, enum edit_kind kind,
               bool (*take)(void *context, const char *name), void *context);
