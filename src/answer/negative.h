/* SPDX-License-Identifier: BSD-3-Clause
 *
 * That there are no such data: the SOA in the authority section (RFC 2308 section 3). Private to answer. */
#pragma once

#include "answer/work.h"

static inline void negative_add(struct work *w, const struct zone *zone, uint16_t apex_at)
{
    struct reply_place place = {.owner = REPLY_QUESTION_AT, .apex_at = apex_at};
    /* RFC 7871 section 7.4: resolvers take every negative answer for one of all clients; what led to it may
     * not be the same for all */
    w->scope = w->alias_scope;
    if (!reply_add_rrset(&w->reply, REPLY_AUTHORITY, zone, &zone->negative, place)) {
        work_truncate(w);
    }
}
