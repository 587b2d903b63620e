/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the brake consists of, for brake.c, which moves it, and brake_plan.c, which makes it. */
#pragma once

#include "health/brake.h"

enum { HEALTH_BRAKE_NONE = UINT32_MAX };

/* What no result changes. */
struct brake_frame {
    struct health_brake_plan plan; /* without monitors */
    int64_t window_ms;
    uint32_t *target_of; /* by monitor */
    struct brake_place {
        uint8_t family;
        uint32_t class; /* of intervals */
    } * places;         /* by target */
    uint32_t target_count, totals[HEALTH_BRAKES];
    uint32_t *intervals_ms; /* by class */
    uint32_t class_count;
};

struct brake_side {
    uint32_t answering, failing; /* targets */
    uint32_t first, last,
        cursor;                /* of suspects; cursor: of those to look at again; HEALTH_BRAKE_NONE: none */
    uint32_t window;           /* its number: a monitor is heard in one, and its target with it */
    int64_t window_ms;         /* when it began: the first suspect */
    uint32_t *members, *quiet; /* by class: targets that answer, and those of them not heard in this window */
    bool engaged;
    int64_t engaged_ms, until_ms, freed_ms; /* until_ms: 0: it was not on since something was suspected */
    uint64_t engagements;
};

struct brake_target {
    uint32_t answering, suspected;
    uint32_t window, heard; /* how many monitors were heard in that window, and are what they were */
};

struct health_brake {
    const struct brake_frame *frame;
    struct brake_side sides[HEALTH_BRAKES];
    struct brake_target *targets;
    struct brake_link {
        uint32_t next, prev;
    } * links;       /* by monitor */
    uint32_t *heard; /* likewise: in which window */
    struct brake_control {
        bool answers;
        int64_t at_ms;
    } * controls;
    bool assumes;
};
