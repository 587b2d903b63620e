/* SPDX-License-Identifier: BSD-3-Clause
 *
 * An explanation in the making: what the files that tell its parts share. Internal to the folder. */
#pragma once

#include "operate/message.h"
#include "operate/operate.h"
#include "zone/zone.h"

enum { EXPLAIN_NO_TIER = -1, EXPLAIN_STEPS_MAX = 400 };

struct explain_work {
    const struct view *view;
    const struct addr *client;                  /* NULL: unknown */
    const struct answer_challenges *challenges; /* likewise: none */
    uint64_t now_ms;
    uint32_t now_s;
    struct arena *arena;
    struct operate_explanation *to;
    struct message_text reply;
    uint16_t type;
    /* of a steered name */
    const struct steer_policy *policy;
    const struct zone *zone; /* and its RRset that is explained */
    const struct zone_rrset *rrset;
    uint8_t owner[DNS_NAME_MAX + 1];
    uint16_t class_id;
    unsigned geo_scope; /* so many bits of the client make its class */
    struct steer_choice choice;
    struct steer_trace trace;
    double *odds;     /* per member of the policy */
    int32_t *tier_at; /* likewise: of the first tier of the class that holds it; tier_count: the pool; -1 */
};

/* One more step. */
void explain_say(struct explain_work *w, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* RFC 3339, in the arena. */
const char *explain_time_text(struct explain_work *w, int64_t wall_ms);

static inline const struct steer_class *explain_get_class(const struct explain_work *w)
{
    return &w->policy->classes[w->class_id];
}
