/* SPDX-License-Identifier: BSD-3-Clause
 *
 * When time is looked at next: soon, where something real waits for its moment. */
#include "config.h"

#include "daemon/shadow_inside.h"

#include "daemon/live.h"

#include <event2/event.h>

enum { TICK_MS = 100, SOON_MS = 2 };

void shadows_tick_soon(const struct shadows *all)
{
    bool is_due = false;
    for (const struct shadow *shadow = all->first; shadow != NULL; shadow = shadow->next) {
        is_due |= shadow->state == SHADOW_RUNNING && shadow->real != NULL && live_real_is_due(shadow);
    }
    const struct timeval interval = {.tv_usec = (is_due ? SOON_MS : TICK_MS) * 1000};
    if (!event_pending(all->tick, EV_TIMEOUT, NULL)) {
        event_add(all->tick, &interval);
    }
}
