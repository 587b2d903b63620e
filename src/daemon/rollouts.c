/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See rollouts.h. What is due, part by part. */
#include "config.h"

#include "daemon/rollouts_inside.h"

#include "daemon/server.h"

void rollouts_go_on(struct rollouts *all, int64_t now_ms)
{
    if (all->server->is_frozen || all->server->heir != NULL || all->server->view == NULL) {
        return;
    }
    rollouts_go_on_own(all, now_ms);
    rollouts_decide(all, now_ms);
    rollouts_count(all);
}
