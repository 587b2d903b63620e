/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What a zone with steered names looks like to those who copy it: which members of each policy answer now,
 * and the serial that goes with them. A copy knows no clients and no weights, so it holds every member that
 * the default class may choose now, at most STEER_ANSWERS_MAX of them (the heaviest), in the order of the
 * policy; what it falls back to when nothing qualifies is what answers fall back to, except that a copy
 * cannot say SERVFAIL: it holds nothing then. Where members answer with CNAMEs it holds one only if no member
 * with addresses may be chosen: the heaviest.
 *
 * Immutable but for the serial, counted references. Published by one thread, read by transfers that go on. */
#pragma once

#include "view/view.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The records of one policy and type. */
struct view_rendered {
    uint32_t policy;
    uint16_t type;  /* DNS_TYPE_A, DNS_TYPE_AAAA */
    bool is_static; /* the zone file's records stand in for it */
    uint16_t count;
    uint16_t members[STEER_ANSWERS_MAX]; /* of the policy, ascending */
    /* Those that the hosts among the members have: such members are not listed. Owned; NULL: none. */
    struct addr *addresses;
    size_t address_count; /* at most STEER_ANSWERS_MAX */
};

struct view_rendition {
    _Atomic uint32_t references;
    _Atomic uint32_t serial; /* may go on when the content is there already */
    size_t count;
    struct view_rendered items[]; /* by policy and type, ascending */
};

/* As the view's health table says now. Returns owned, serial 0. */
struct view_rendition *view_render_zone(const struct view *view, const struct zone *zone);
/* The same policies as another rendition of the same zone and view: the zone need not be read. go_on (may be
 * NULL) is asked before each policy; NULL is returned when it says no. */
struct view_rendition *view_render_again(const struct view *view, const struct view_rendition *rendition,
                                         bool (*go_on)(void *context), void *context);
bool view_rendition_equal(const struct view_rendition *a,
                          const struct view_rendition *b);                           /* without serial */
uint64_t view_rendition_hash(const struct view_rendition *rendition, uint64_t hash); /* likewise */
void view_rendition_hold(struct view_rendition *rendition);
void view_rendition_release(struct view_rendition *rendition); /* NULL is fine */
/* NULL: the policy is not in it. */
const struct view_rendered *view_rendition_find(const struct view_rendition *rendition, uint32_t policy,
                                                uint16_t type);
