/* SPDX-License-Identifier: BSD-3-Clause
 *
 * If-Match and If-None-Match (RFC 9110 section 13.1). The entity tag of a resource is its revision in the
 * store, "12"; where its representation tells more than what is stored, a hyphen and a hash of all of that
 * follow, "12-5f2d…": a change is about the revision only. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

enum { CONDITION_TAGS_MAX = 32, CONDITION_TAG_SIZE = 48 };

/* What a change takes for granted. All zero: nothing. Plain data. */
struct condition {
    bool has_match;   /* If-Match: the resource has one of these revisions */
    bool match_any;   /* "*": it is there */
    bool must_be_new; /* If-None-Match: * */
    size_t count;
    uint64_t revisions[CONDITION_TAGS_MAX];
};

/* Add what the value of an If-Match says; there may be several. Tags that are weak, or none of ours, match
 * nothing. 0; ERROR_SYNTAX; ERROR_TOO_LARGE: too many tags. */
int condition_add_match(const char *text, struct condition *condition);
/* Of If-None-Match, of a change: only "*" has a meaning. 0 or ERROR_SYNTAX. */
int condition_add_none_match(const char *text, struct condition *condition);

static inline bool condition_is_given(const struct condition *condition)
{
    return condition->has_match || condition->must_be_new;
}
/* NULL if there is none. */
const struct condition *condition_copy(const struct condition *condition, struct arena *arena);
/* Of a resource that is there, or not. revision: 0: not known. */
bool condition_holds(const struct condition *condition, bool is_there, uint64_t revision);

/* Does the value of an If-None-Match have this tag (with its quotes), by weak comparison, or "*"? What is
 * malformed has nothing. */
bool condition_lists(const char *text, const char *tag);

/* The tag, with its quotes; hash: NULL: none. */
void condition_write_tag(uint64_t revision, const uint64_t *hash, char tag[CONDITION_TAG_SIZE]);
