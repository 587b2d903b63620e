/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What of a view changes while it serves. See content.h. */
#include "config.h"

#include "view/content.h"

#include "base/memory.h"

#include <stdlib.h>

struct view_state *view_new_state(struct view *view)
{
    struct view_state *state = memory_alloc(sizeof *state);
    *state = (struct view_state){.holders = 1,
                                 .ground = view->content->ground,
                                 .health = view->health,
                                 .hosts = view->hosts,
                                 .host_count = view->host_count,
                                 .primaries = view->primaries,
                                 .primary_count = view->primary_count,
                                 .zone_list = view->zone_list};
    view_hold_ground(state->ground);
    return state;
}

void view_hold_state(struct view_state *state)
{
    atomic_fetch_add_explicit(&state->holders, 1, memory_order_relaxed);
}

void view_release_state(struct view_state *state)
{
    if (state == NULL || atomic_fetch_sub_explicit(&state->holders, 1, memory_order_acq_rel) != 1) {
        return;
    }
    health_free(state->health);
    view_free_hosts(state->hosts, state->host_count);
    view_free_primaries(state->primaries, state->primary_count);
    free(state->zone_list);
    view_release_ground(state->ground);
    free(state);
}
