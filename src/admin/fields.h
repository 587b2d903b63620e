/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Which members of regions, azs and endpoints a list shall have ("?fields=effective,az"): what is not asked
 * for is not made either. Pure. */
#pragma once

#include "admin/problem.h"

#include <stdbool.h>
#include <stdint.h>

/* As they stand in an answer; `name` is always in it. */
enum field {
    FIELD_KIND,
    FIELD_NAME,
    FIELD_REGION,
    FIELD_AZ,
    FIELD_OBSERVED,
    FIELD_DESIRED,
    FIELD_EFFECTIVE,
    FIELD_DECIDED_BY,
    FIELD_SINCE,
    FIELD_STAYS_DOWN,
    FIELD_RAMP,
    FIELD_OVERRIDE,
    /* of endpoints */
    FIELD_ADDRESSES,
    FIELD_HOST,
    FIELD_FAMILIES,
    FIELD_COMBINATION,
    FIELD_WEIGHT,
    FIELD_CAPACITY,
    FIELD_LOAD,
    FIELD_LAST_OUTCOME,
    FIELD_LAST_STATUS,
    FIELD_LAST_CHECKED,
    FIELD_LAST_JUDGED,
    FIELD_HELD,
    FIELD_RESTORED,
    FIELD_STALE,
    FIELD_LAST_DURATION_MS,
    FIELD_CHECKS,
    /* of regions and azs */
    FIELD_HOLD, /* of regions alone */
    FIELD_MEMBERS,
    FIELD_MEMBERS_HEALTHY,
    FIELD_MEMBERS_UNHEALTHY,
    FIELD_LOST_FROM,
    FIELD_MISSING,
    FIELD_WHY,
    FIELD_OUTLOOK,
    FIELD_COUNT
};

typedef uint64_t field_set; /* bit 1 << field */

#define FIELDS_ALL UINT64_MAX

static inline bool fields_have(field_set fields, enum field field)
{
    return (fields >> field & 1) != 0;
}

const char *field_text(enum field field);

/* "effective,az"; NULL is all of them. One that is none is added to the problem. */
field_set fields_parse(const char *text, struct problem *problem);
