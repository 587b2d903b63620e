/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "admin/fields.h"

#include <string.h>

static const char *const texts[FIELD_COUNT] = {
    [FIELD_KIND] = "kind",
    [FIELD_NAME] = "name",
    [FIELD_REGION] = "region",
    [FIELD_AZ] = "az",
    [FIELD_OBSERVED] = "observed",
    [FIELD_DESIRED] = "desired",
    [FIELD_EFFECTIVE] = "effective",
    [FIELD_DECIDED_BY] = "decided_by",
    [FIELD_SINCE] = "since",
    [FIELD_STAYS_DOWN] = "stays_down",
    [FIELD_RAMP] = "ramp",
    [FIELD_OVERRIDE] = "override",
    [FIELD_ADDRESSES] = "addresses",
    [FIELD_HOST] = "host",
    [FIELD_FAMILIES] = "families",
    [FIELD_COMBINATION] = "combination",
    [FIELD_WEIGHT] = "weight",
    [FIELD_CAPACITY] = "capacity",
    [FIELD_LOAD] = "load",
    [FIELD_LAST_OUTCOME] = "last_outcome",
    [FIELD_LAST_STATUS] = "last_status",
    [FIELD_LAST_CHECKED] = "last_checked",
    [FIELD_LAST_JUDGED] = "last_judged",
    [FIELD_HELD] = "held",
    [FIELD_RESTORED] = "restored",
    [FIELD_STALE] = "stale",
    [FIELD_LAST_DURATION_MS] = "last_duration_ms",
    [FIELD_CHECKS] = "checks",
    [FIELD_HOLD] = "hold",
    [FIELD_MEMBERS] = "members",
    [FIELD_MEMBERS_HEALTHY] = "members_healthy",
    [FIELD_MEMBERS_UNHEALTHY] = "members_unhealthy",
    [FIELD_LOST_FROM] = "lost_from",
    [FIELD_MISSING] = "missing",
    [FIELD_WHY] = "why",
    [FIELD_OUTLOOK] = "outlook",
};

const char *field_text(enum field field)
{
    return texts[field];
}

static field_set find(const char *text, size_t len)
{
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        if (strlen(texts[i]) == len && memcmp(texts[i], text, len) == 0) {
            return UINT64_C(1) << i;
        }
    }
    return 0;
}

field_set fields_parse(const char *text, struct problem *problem)
{
    field_set fields = UINT64_C(1) << FIELD_NAME;
    if (text == NULL) {
        return FIELDS_ALL;
    }
    for (const char *at = text;; at++) {
        size_t len = strcspn(at, ",");
        field_set field = find(at, len);
        if (field == 0) {
            problem_add_field(problem, "fields",
                              "found \"%.*s\", expected names of members, separated by commas, such as "
                              "effective,az",
                              (int)(len < 64 ? len : 64), at);
            return fields;
        }
        fields |= field;
        at += len;
        if (*at == '\0') {
            return fields;
        }
    }
}
