/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See check_body.h. */
#include "config.h"

#include "probe/check_body.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

static const struct wish *share_wishes(const struct wish *given, size_t count, struct arena *arena)
{
    size_t size = count * sizeof *given;
    struct wish *wishes = memory_alloc_array(count, sizeof *wishes);
    memcpy(wishes, given, size);
    for (size_t i = 0; i < count; i++) {
        wishes[i].pointer = arena_share_text(arena, given[i].pointer);
        wishes[i].text = arena_share_text(arena, given[i].text);
    }
    const struct wish *shared = arena_share(arena, wishes, size);
    free(wishes);
    return shared;
}

const struct check_body *check_body_prepare(const struct probe_target *target, struct arena *arena)
{
    const struct probe_body *given = target->body;
    if (given == NULL || (given->regex == NULL && given->wish_count == 0)) {
        return NULL;
    }
    struct check_body body = {
        .regex = regex_hold(given->regex), .wish_count = given->wish_count, .told_count = given->told_count};
    if (given->wish_count != 0) {
        body.wishes = share_wishes(given->wishes, given->wish_count, arena);
    }
    return arena_share(arena, &body, sizeof body);
}

void check_body_drop(const struct check_body *body)
{
    if (body != NULL) {
        regex_drop(body->regex);
    }
}

static bool is_same_regex(const struct regex *a, const struct regex *b)
{
    return a == NULL || b == NULL ? a == b : a == b || strcmp(regex_get_text(a), regex_get_text(b)) == 0;
}

bool check_body_is_same(const struct check_body *a, const struct check_body *b)
{
    return a == NULL || b == NULL ? a == b
                                  : a->told_count == b->told_count && is_same_regex(a->regex, b->regex) &&
                                        wishes_are_same(a->wishes, a->wish_count, b->wishes, b->wish_count);
}

struct json_scan *check_body_make_scans(const struct check_body *body)
{
    return body == NULL || body->wish_count == 0
               ? NULL
               : memory_alloc_array(body->wish_count, sizeof(struct json_scan));
}
