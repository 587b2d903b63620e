/* SPDX-License-Identifier: BSD-3-Clause
 *
 * An explanation in the making, shared by the files that tell its parts. Internal to the folder. */
#pragma once

#include "operate/message.h"
#include "operate/operate.h"
#include "zone/zone.h"

enum { EXPLAIN_NO_TIER = -1 };

struct explain_work {
    const struct view *view;
    const struct addr *client; /* NULL: unknown */
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

static inline const struct steer_class *explain_get_class(const struct explain_work *w)
{
    return &w->policy->classes[w->class_id];
}

/* ---- each tells a part of the story, in this order ---- */

void explain_class(struct explain_work *w);   /* explain_class.c: the client, its place, rule and class */
void explain_tiers(struct explain_work *w);   /* explain_tiers.c: what there is, and who gets which share */
void explain_members(struct explain_work *w); /* explain_members.c: who is left out, and why */
void explain_pick(struct explain_work *w);    /* explain_tiers.c: from where, and how it is drawn */
void explain_sticky(struct explain_work *w);  /* explain_members.c: whom this client gets */
/* Of any answer: */
void explain_ttl(struct explain_work *w);   /* explain_tiers.c */
void explain_scope(struct explain_work *w); /* explain_class.c: for whom the answer holds */
