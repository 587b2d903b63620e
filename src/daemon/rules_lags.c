/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See rules_lags.h. */
#include "config.h"

#include "daemon/rules_lags.h"

#include "daemon/server.h"
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
