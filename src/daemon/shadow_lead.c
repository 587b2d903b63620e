/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What everybody does who feeds the health of a drill, before it and after it. */
#include "config.h"

#include "daemon/shadow_inside.h"

#include "daemon/server.h"

/* Else checks end as they do, and what is lost is so for everybody. */
bool shadow_injects(const struct shadow *shadow)
{
    return shadow->runs && shadow->real == NULL;
}

static void wake(struct shadow *shadow)
{
    pthread_mutex_lock(&shadow->lock);
    shadow->has_news = true;
    pthread_cond_signal(&shadow->news);
    pthread_mutex_unlock(&shadow->lock);
}

int64_t shadow_since_ms(const struct shadow *shadow, int64_t at_us)
{
    return (at_us - shadow->began_us) / 1000;
}

struct health *shadow_lead_health(const struct shadow *shadow)
{
    struct health *health = shadow->world->view->health;
    int64_t now_us = clock_now_us(&shadow->all->server->clock);
    health_follow_time(health, now_us / 1000);
    if (shadow->runs) {
        drill_stage_set_time(shadow->stage, shadow_since_ms(shadow, now_us),
                             clock_wall_ms(&shadow->all->server->clock));
    }
    return health;
}

void shadow_settle(struct shadow *shadow)
{
    if (shadow->runs && drill_stage_has_moved(shadow->stage)) {
        wake(shadow);
    }
}

void shadow_note_failed(struct shadow *shadow)
{
    pthread_mutex_lock(&shadow->lock);
    if (shadow->times.failed_us == 0) {
        shadow->times.failed_us = clock_now_us(&shadow->all->server->clock);
    }
    pthread_mutex_unlock(&shadow->lock);
}
