/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Copies of data as the health machine and the prober see them. */
#include "config.h"

#include "view/view.h"

#include "base/memory.h"
#include "view/compile_internal.h"

struct health_lags_plan compile_lags(const struct conf_topology *topology)
{
    static const enum health_stage stages[CONF_STAGES] = {
        [CONF_STAGE_UNKNOWN] = HEALTH_STAGE_UNKNOWN,
        [CONF_STAGE_START] = HEALTH_STAGE_START,
        [CONF_STAGE_FULL] = HEALTH_STAGE_FULL,
        [CONF_STAGE_REAL_TIME] = HEALTH_STAGE_REAL_TIME,
    };
    struct health_lag_plan *items = memory_alloc_array(topology->replication_count, sizeof *items);
    for (size_t i = 0; i < topology->replication_count; i++) {
        const struct conf_replication *pair = &topology->replications[i];
        items[i] = (struct health_lag_plan){
            .kind = pair->of_azs ? HEALTH_AZ : HEALTH_REGION,
            .from = pair->from,
            .to = pair->to,
            .stage = stages[pair->stage],
            .rpo_ms = pair->rpo_ms != 0 ? pair->rpo_ms : topology->rpo_ms,
            .max_age_ms = pair->max_age_ms,
            .hold_ms = pair->hold_ms,
            .is_asked = pair->is_asked,
        };
    }
    return (struct health_lags_plan){items, topology->replication_count};
}

size_t view_count_asked(const struct view *view)
{
    size_t count = 0;
    for (size_t i = 0; view->topology != NULL && i < view->topology->replication_count; i++) {
        count += view->topology->replications[i].is_asked;
    }
    return count;
}

size_t view_find_asked(const struct view *view, size_t asked)
{
    size_t at = 0;
    while (!view->topology->replications[at].is_asked || asked-- != 0) {
        at++;
    }
    return at;
}
