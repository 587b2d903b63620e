/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See ramps.h. The counts are always there; a target has a series for as long as it ramps, so that a
 * configuration of thousands does not cost a scrape thousands of ones. */
#include "config.h"

#include "daemon/ramps.h"

#include "base/buffer.h"

static size_t count_ramping(const struct operate_targets *targets)
{
    size_t count = 0;
    for (size_t i = 0; i < targets->count; i++) {
        count += targets->items[i].status.ramp.percent != 0;
    }
    return count;
}

void ramps_print_metrics(const struct operate_targets *targets, struct buffer *out)
{
    buffer_print(out,
                 "# HELP steerd_ramping Regions, azs and endpoints that came back and do not have all of "
                 "their weight yet.\n# TYPE steerd_ramping gauge\n");
    for (int kind = HEALTH_ENDPOINT; kind <= HEALTH_REGION; kind++) {
        buffer_print(out, "steerd_ramping{kind=\"%s\"} %zu\n", health_kind_text((enum health_kind)kind),
                     count_ramping(&targets[kind]));
    }
    buffer_print(out, "# HELP steerd_ramp_ratio How much of its weight (0 to 1) what came back has.\n"
                      "# TYPE steerd_ramp_ratio gauge\n");
    for (int kind = HEALTH_ENDPOINT; kind <= HEALTH_REGION; kind++) {
        for (size_t i = 0; i < targets[kind].count; i++) {
            const struct operate_target *target = &targets[kind].items[i];
            if (target->status.ramp.percent != 0) {
                buffer_print(out, "steerd_ramp_ratio{kind=\"%s\",name=\"%s\"} %.9g\n",
                             health_kind_text(target->kind), target->name,
                             target->status.ramp.percent / (double)HEALTH_RAMP_WHOLE);
            }
        }
    }
}
