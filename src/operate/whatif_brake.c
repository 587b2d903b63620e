/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What is assumed to be down is down, as an operator's word makes it: the brake does not hold that. A loss
 * that only checks see it might hold; whether it would is tried on a health machine of its own. */
#include "config.h"

#include "operate/whatif_internal.h"

static bool is_lost(const struct whatif *w, uint32_t endpoint)
{
    const struct conf_endpoint *conf = &w->topology->endpoints[endpoint];
    enum health_state state[2];
    for (int side = 0; side < 2; side++) {
        state[side] = health_table_effective(w->question->view[side]->table, endpoint, conf->az, conf->region,
                                             HEALTH_ANY)
                          .state;
    }
    return state[1] == HEALTH_FORCED_DOWN && state[0] != HEALTH_FORCED_DOWN;
}

/* Every check of what is assumed to be down fails once, all in one moment. */
static void fail_checks(const struct whatif *w, struct health *health)
{
    int64_t wall_ms = w->question->wall_ms;
    for (uint32_t i = 0; i < health_monitor_count(health); i++) {
        struct health_monitor_status monitor;
        health_get_monitor(health, i, &monitor);
        if (!monitor.idle && is_lost(w, monitor.endpoint)) {
            health_observe(health, i, HEALTH_OUTCOME_TIMEOUT, wall_ms, 0, 0);
            (void)health_follow_brake(health, SIZE_MAX, wall_ms);
        }
    }
}

void whatif_find_brakes(struct whatif *w)
{
    const struct view *view = w->question->view[0];
    bool any = false;
    for (uint32_t i = 0; i < w->topology->endpoint_count && !any; i++) {
        any = is_lost(w, i);
    }
    if (!any) {
        return;
    }
    struct health *health = view_copy_health(view, w->question->wall_ms, NULL);
    health_assume_answers(health);
    fail_checks(w, health);
    for (unsigned family = 0; family < HEALTH_BRAKES; family++) {
        struct health_brake_status now, then;
        health_get_brake(view->health, family, &now);
        health_get_brake(health, family, &then);
        if (then.engaged && !now.engaged) {
            w->report->brakes[family] = then;
        }
    }
    health_free(health);
}
