/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See failback.h. */
#include "config.h"

#include "daemon/failback.h"

#include "daemon/override_json.h"
#include "daemon/overrides.h"
#include "base/lock.h"

#include <string.h>

/* What is not understood, or about something that is not there, changes nothing. */
void failback_put(struct overrides_reading *reading, const struct store_object *object)
{
    const struct override_clock now = {reading->boot, *reading->clock_offset_ms};
    enum health_kind kind;
    const char *name;
    int64_t said_ms = failback_read_json(object->value, &now);
    if (said_ms == 0 || health_parse_target(object->key, &kind, &name) != 0) {
        return;
    }
    lock_take(reading->lock);
    ptrdiff_t index = health_find(reading->health, kind, name);
    if (index >= 0) {
        health_restore_failback(reading->health, kind, (uint32_t)index, said_ms);
    }
    lock_leave(reading->lock);
}

/* [lock] */
static void release(struct health *health, const char *region, const char *rule_name, int64_t said_ms)
{
    ptrdiff_t index = health_find(health, HEALTH_REGION, region), rule = health_find_guard(health, rule_name);
    if (index >= 0 && rule >= 0) {
        health_restore_release(health, (uint32_t)index, (size_t)rule, said_ms);
    }
}

void release_put(struct overrides_reading *reading, const struct store_object *object)
{
    static const char head[] = "region:", between[] = " rule:";
    const struct override_clock now = {reading->boot, *reading->clock_offset_ms};
    const char *middle = strstr(object->key, between);
    int64_t said_ms = failback_read_json(object->value, &now);
    char region[256];
    size_t len = middle == NULL ? 0 : (size_t)(middle - object->key);
    if (said_ms == 0 || len < sizeof head || len - (sizeof head - 1) >= sizeof region ||
        strncmp(object->key, head, sizeof head - 1) != 0) {
        return;
    }
    memcpy(region, object->key + sizeof head - 1, len - (sizeof head - 1));
    region[len - (sizeof head - 1)] = '\0';
    lock_take(reading->lock);
    release(reading->health, region, middle + sizeof between - 1, said_ms);
    lock_leave(reading->lock);
}
