/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See rules_lags.h. */
#include "config.h"

#include "daemon/rules_lags.h"

#include "daemon/server.h"
#include "daemon/traffic.h"
#include "base/memory.h"
#include "operate/rules.h"

struct health_lag_status *rules_list_lags(struct server *server, size_t *count)
{
    enum { TURN = 16 };
    const struct view *view = server->view;
    size_t all = operate_count_lags(view);
    struct health_lag_status *lags = all == 0 ? NULL : memory_alloc_array(all, sizeof *lags);
    for (*count = 0; *count < all;) {
        lock_take(&server->lock);
        *count += operate_list_lags(view, clock_now_ms(&server->clock), *count, lags + *count,
                                    all - *count < TURN ? all - *count : TURN);
        lock_leave(&server->lock);
    }
    return lags;
}

void rules_weigh_names(struct server *server, struct operate_unserved_ask *ask, struct arena *arena)
{
    if (operate_asks_of_names(ask) && !traffic_is_behind(server->traffic)) {
        ask->rates = traffic_measure_rates(server->traffic, ask->view, arena);
    }
}

/* This thread alone changes overrides, so turns at the lock show one state of them. */
struct health_spell *rules_list_spells(const struct view *view, struct lock *lock, size_t *count)
{
    lock_take(lock);
    size_t all = health_count_overrides(view->health);
    lock_leave(lock);
    struct health_spell *spells = memory_alloc_array(all, sizeof *spells);
    *count = 0;
    for (size_t now = 1; now != 0; *count += now) {
        lock_take(lock);
        now = health_list_spells(view->health, *count, spells + *count, HEALTH_CLOCK_TURN);
        lock_leave(lock);
    }
    return spells;
}
