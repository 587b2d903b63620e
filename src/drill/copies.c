/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What nobody says is not known, and never 0: in a drill from healthy a copy has a lag when an event gives it
 * one. */
#include "config.h"

#include "drill/copies.h"

/* Does the loss take this copy's source? */
static bool takes(const struct conf_topology *topology, const struct drill_cause *cause,
                  const struct conf_replication *copy)
{
    bool is_loss = cause->how == DRILL_LOST || cause->how == DRILL_FLAPPING;
    if (!is_loss || cause->what != DRILL_PLACE || cause->kind == HEALTH_ENDPOINT) {
        return false;
    }
    if (cause->kind == HEALTH_AZ) {
        return copy->of_azs && copy->from == cause->index;
    }
    return (copy->of_azs ? topology->azs[copy->from].region : copy->from) == cause->index;
}

/* Milliseconds; -1: not known, or in octets. */
static double find_live(const struct health *live, size_t lag)
{
    struct health_lag_status status;
    health_get_lag(live, lag, health_get_time(live), &status);
    return !status.is_known || status.unit == HEALTH_LAG_BYTES ? -1
           : status.unit == HEALTH_LAG_SECONDS                 ? status.value * 1000
                                                               : status.value;
}

static const char *name_region(const struct conf_topology *topology, const struct conf_replication *copy,
                               uint32_t place, struct arena *arena)
{
    uint32_t region = copy->of_azs ? topology->azs[place].region : place;
    return arena_share_text(arena, topology->regions[region].name);
}

void drill_list_copies(const struct drill_causes *causes, const struct drill_objectives *objectives,
                       const struct health *live, struct arena *arena, struct drill_report *report)
{
    const struct conf_topology *topology = causes->topology;
    struct drill_copy *copies =
        arena_alloc(arena, causes->count * topology->replication_count * sizeof *copies);
    for (size_t c = 0; c < causes->count; c++) {
        const struct drill_cause *cause = &causes->items[c];
        for (size_t i = 0; i < topology->replication_count; i++) {
            const struct conf_replication *own = &topology->replications[i];
            if (!takes(topology, cause, own)) {
                continue;
            }
            double lag_ms = drill_causes_lag(causes, (uint32_t)i, cause->at_ms);
            lag_ms = lag_ms < 0 && live != NULL ? find_live(live, i) : lag_ms;
            int64_t rpo_ms = objectives->rpo_ms != 0 ? objectives->rpo_ms
                             : own->rpo_ms != 0      ? own->rpo_ms
                                                     : topology->rpo_ms;
            copies[report->copy_count++] = (struct drill_copy){
                .from = arena_share_text(arena, own->of_azs ? topology->azs[own->from].name
                                                            : topology->regions[own->from].name),
                .to = arena_share_text(arena, own->of_azs ? topology->azs[own->to].name
                                                          : topology->regions[own->to].name),
                .lost = arena_share_text(arena, cause->text),
                .at_ms = cause->at_ms,
                .lag_ms = lag_ms < 0 ? -1 : (int64_t)lag_ms,
                .rpo_ms = rpo_ms,
                .from_region = name_region(topology, own, own->from, arena),
                .to_region = name_region(topology, own, own->to, arena)};
        }
    }
    report->copies = copies;
}
