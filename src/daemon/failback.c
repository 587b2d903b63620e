/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See failback.h. */
#include "config.h"

#include "daemon/failback.h"

#include "daemon/override_json.h"
#include "daemon/overrides.h"
#include "base/lock.h"

/* What is not understood, or about something that is not there, changes nothing. */
static bool restore(void *context, const struct store_object *object)
{
    const struct overrides_reading *reading = context;
    const struct override_clock now = {reading->boot, *reading->clock_offset_ms};
    enum health_kind kind;
    const char *name;
    int64_t said_ms = failback_read_json(object->value, &now);
    if (said_ms == 0 || health_parse_target(object->key, &kind, &name) != 0) {
        return true;
    }
    lock_take(reading->lock);
    ptrdiff_t index = health_find(reading->health, kind, name);
    if (index >= 0) {
        health_restore_failback(reading->health, kind, (uint32_t)index, said_ms);
    }
    lock_leave(reading->lock);
    return true;
}

int failback_restore(struct store_reader *reader, const struct overrides_reading *reading)
{
    /* it is only read */
    return store_list(reader, "failback", "", NULL, restore, (struct overrides_reading *)(uintptr_t)reading);
}
