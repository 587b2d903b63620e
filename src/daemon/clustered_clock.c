/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Nodes whose clocks differ: an override that lasts for a length is to last so long on each of them, but its
 * times are by the clock of the node where it was given. How old an order is, which no clock says, tells by
 * how much this node's clock is ahead of that one; where that is not known, the beats of that node tell. */
#include "config.h"

#include "daemon/clustered_inside.h"

#include "daemon/override_json.h"
#include "daemon/server.h"

#include <stdlib.h>
#include <string.h>

enum { LEAD_MS = 2000 }; /* less is what clocks differ by, and what it takes to be told */

int64_t clustered_find_lead(const struct clustered *clustered, const char *value, const char *name,
                            int64_t at_ms)
{
    const struct server *server = clustered->server;
    const struct override_clock own = {server->boot, server->clock_offset_ms};
    const struct cluster_node *node = name == NULL ? NULL : clustered_find_node(clustered, name);
    int64_t step_ms = override_find_step(value, &own);
    if (step_ms != 0 || node == NULL || strcmp(name, clustered->node) == 0) {
        return step_ms;
    }
    int64_t lead_ms = llabs(node->ahead_ms) > LEAD_MS ? -node->ahead_ms : 0;
    int64_t age_ms = clock_wall_ms(&server->clock) - (at_ms + lead_ms);
    return age_ms < -LEAD_MS ? lead_ms + age_ms : lead_ms;
}

/* Of all of them: they were given at once. */
static int64_t find_ops_lead(const struct clustered *clustered, const struct store_op *ops, size_t count,
                             const char *node, int64_t at_ms)
{
    int64_t lead_ms = 0;
    for (size_t i = 0; i < count && lead_ms == 0; i++) {
        bool has_times = ops[i].value != NULL && strcmp(ops[i].kind, "override") == 0;
        lead_ms = has_times ? clustered_find_lead(clustered, ops[i].value, node, at_ms) : 0;
    }
    return lead_ms;
}

int64_t clustered_find_told_lead(const struct clustered *clustered, const struct cluster_pending *pending)
{
    const struct clock *clock = &clustered->server->clock;
    const struct cluster_entry entry = {.provisional_since_ms = pending->since_ms,
                                        .provisional_ms = clock_now_ms(clock) - pending->born_ms + 1,
                                        .after_ms = clock_now_ms(clock)};
    return pending->born_ms != 0
               ? cluster_find_clock_lead(&entry, clock_now_ms(clock), clock_wall_ms(clock))
               : find_ops_lead(clustered, pending->ops, pending->op_count, pending->node, pending->since_ms);
}

static bool knows_clock(const struct clustered *clustered, const char *name)
{
    const struct cluster_node *node = clustered_find_node(clustered, name);
    return strcmp(name, clustered->node) == 0 || (node != NULL && node->ahead_count >= CLUSTER_AHEADS);
}

int64_t clustered_find_entry_lead(const struct clustered *clustered, const struct cluster_entry *entry)
{
    const struct clock *clock = &clustered->server->clock;
    const struct cluster_pending *told = cluster_find_pending(clustered->cluster, entry->mark);
    const char *node = cluster_entry_origin(entry);
    int64_t now_ms = clock_now_ms(clock);
    bool has_age = entry->after_ms != 0 && entry->provisional_ms != 0;
    if (entry->provisional_since_ms != 0 && told != NULL && told->born_ms != 0) {
        return clustered_find_told_lead(clustered, told);
    }
    if (entry->provisional_since_ms == 0 ||
        (has_age && (now_ms - entry->after_ms <= LEAD_MS || !knows_clock(clustered, node)))) {
        return cluster_find_clock_lead(entry, now_ms, clock_wall_ms(clock));
    }
    return find_ops_lead(clustered, entry->ops, entry->op_count, node, entry->provisional_since_ms);
}
