/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See overrides.h. */
#include "config.h"

#include "daemon/overrides.h"

#include "daemon/override_json.h"
#include "base/error.h"
#include "base/lock.h"
#include "base/log.h"

#include <string.h>

static void complain(struct overrides_reading *reading, const struct store_object *object, const char *why)
{
    reading->unread++;
    report_add(reading->report, REPORT_WARNING, &(struct report_place){.file = reading->folder},
               "store: override/%s is not understood: %s; it is left there, and is not in force", object->key,
               why);
}

static void follow_clock(struct overrides_reading *reading, const struct store_object *object,
                         struct overrides_item *item)
{
    if (reading->boot != NULL) {
        const struct override_clock now = {reading->boot, *reading->clock_offset_ms};
        int64_t by_ms = override_find_step(object->value, &now);
        reading->moved += by_ms != 0 && health_override_shift(&item->what, item->planned, by_ms);
    }
}

bool overrides_parse(struct overrides_reading *reading, const struct store_object *object,
                     struct overrides_item *item)
{
    const char *why = "expected a key \"region:NAME\", \"az:NAME\" or \"endpoint:NAME\"";
    if (health_parse_target(object->key, &item->kind, &item->name) != 0 ||
        override_read_json(object->value, &item->what, &item->planned, &why) != 0) {
        complain(reading, object, why);
        return false;
    }
    follow_clock(reading, object, item);
    return true;
}

static int put(const struct overrides_reading *reading, const struct overrides_item *item)
{
    if (reading->lock != NULL) {
        lock_take(reading->lock);
    }
    int error = health_restore_override(reading->health, item->kind, item->name, &item->what, item->planned,
                                        reading->wall_ms);
    if (reading->lock != NULL) {
        lock_leave(reading->lock);
    }
    return error;
}

void overrides_put_item(struct overrides_reading *reading, const struct overrides_item *item)
{
    int error = put(reading, item);
    reading->in_force += error == 0;
    reading->dormant += error == ERROR_NOT_FOUND;
    reading->over += error == ERROR_INVALID;
    if (error == ERROR_INVALID && reading->ended != NULL) {
        reading->ended(reading->context, item->kind, item->name);
    }
}

void overrides_put(struct overrides_reading *reading, const struct store_object *object)
{
    struct overrides_item item;
    if (overrides_parse(reading, object, &item)) {
        overrides_put_item(reading, &item);
    }
}

void overrides_tell(const struct overrides_reading *reading, const char *what)
{
    if (reading->in_force + reading->dormant + reading->over + reading->unread != 0) {
        log_info("overrides %s in_force_or_planned=%zu dormant=%zu expired_meanwhile=%zu not_understood=%zu "
                 "moved_with_clock=%zu",
                 what, reading->in_force, reading->dormant, reading->over, reading->unread, reading->moved);
    }
}
