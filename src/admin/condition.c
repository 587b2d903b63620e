/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Lists of entity tags (RFC 9110 sections 5.6.1 and 8.8.3), strictly: an element may be empty, what is not a
 * tag is an error. Called for requests that have such a header, and by the fuzzer. */
#include "config.h"

#include "admin/condition.h"

#include "base/arena.h"
#include "base/error.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct tag {
    const char *text; /* between its quotes */
    size_t len;
    bool is_weak;
};

/* etagc: any octet of text but a quote and white space. */
static bool is_tag_octet(char c)
{
    unsigned char octet = (unsigned char)c;
    return octet == '!' || (octet >= 0x23 && octet != 0x7f);
}

/* 1: the next tag; 0: there is none; ERROR_SYNTAX. */
static int next_tag(const char **at, struct tag *tag)
{
    const char *text = *at + strspn(*at, " \t,");
    if (*text == '\0') {
        return 0;
    }
    tag->is_weak = strncmp(text, "W/", 2) == 0;
    text += tag->is_weak ? 2 : 0;
    if (*text++ != '"') {
        return ERROR_SYNTAX;
    }
    tag->text = text;
    while (is_tag_octet(*text)) {
        text++;
    }
    tag->len = (size_t)(text - tag->text);
    if (*text++ != '"') {
        return ERROR_SYNTAX;
    }
    text += strspn(text, " \t");
    if (*text != ',' && *text != '\0') {
        return ERROR_SYNTAX;
    }
    *at = text;
    return 1;
}

static bool is_any(const char *text)
{
    text += strspn(text, " \t");
    return text[0] == '*' && text[1 + strspn(text + 1, " \t")] == '\0';
}

/* 0: it is none of ours. */
static uint64_t read_revision(const struct tag *tag)
{
    uint64_t revision = 0;
    size_t at = 0;
    for (; at < tag->len && at < 19 && tag->text[at] >= '0' && tag->text[at] <= '9'; at++) {
        revision = revision * 10 + (uint64_t)(tag->text[at] - '0');
    }
    bool ends = at == tag->len || tag->text[at] == '-';
    return ends && at != 0 && tag->text[0] != '0' && !tag->is_weak ? revision : 0;
}

int condition_add_match(const char *text, struct condition *condition)
{
    struct tag tag;
    int error;
    size_t count = 0;
    condition->has_match = true;
    if (is_any(text)) {
        condition->match_any = true;
        return 0;
    }
    while ((error = next_tag(&text, &tag)) == 1) {
        uint64_t revision = read_revision(&tag);
        if (++count > CONDITION_TAGS_MAX || (revision != 0 && condition->count == CONDITION_TAGS_MAX)) {
            return ERROR_TOO_LARGE;
        }
        if (revision != 0) {
            condition->revisions[condition->count++] = revision;
        }
    }
    return error == 0 && count == 0 ? ERROR_SYNTAX : error;
}

int condition_add_none_match(const char *text, struct condition *condition)
{
    condition->must_be_new = is_any(text);
    return condition->must_be_new ? 0 : ERROR_SYNTAX;
}

const struct condition *condition_copy(const struct condition *condition, struct arena *arena)
{
    return condition == NULL ? NULL : arena_copy(arena, condition, sizeof *condition);
}

bool condition_holds(const struct condition *condition, bool is_there, uint64_t revision)
{
    if (condition->must_be_new && is_there) {
        return false;
    }
    if (!condition->has_match || (condition->match_any && is_there)) {
        return true;
    }
    for (size_t i = 0; i < condition->count; i++) {
        if (is_there && revision != 0 && condition->revisions[i] == revision) {
            return true;
        }
    }
    return false;
}

bool condition_lists(const char *text, const char *tag)
{
    struct tag found;
    size_t len = strlen(tag);
    if (is_any(text)) {
        return true;
    }
    while (next_tag(&text, &found) == 1) {
        if (len == found.len + 2 && memcmp(tag + 1, found.text, found.len) == 0) {
            return true;
        }
    }
    return false;
}

void condition_write_tag(uint64_t revision, const uint64_t *hash, char tag[CONDITION_TAG_SIZE])
{
    if (hash == NULL) {
        snprintf(tag, CONDITION_TAG_SIZE, "\"%" PRIu64 "\"", revision);
    } else {
        snprintf(tag, CONDITION_TAG_SIZE, "\"%" PRIu64 "-%016" PRIx64 "\"", revision, *hash);
    }
}
