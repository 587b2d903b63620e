/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "daemon/holds.h"

#include "daemon/metrics_kept.h"

#include <stdio.h>

const char *holds_write_rules(const struct health *health, uint64_t rules, char text[HOLDS_TEXT_SIZE])
{
    size_t len = 0;
    for (size_t i = 0; i < health_count_guards(health) && len < HOLDS_TEXT_SIZE; i++) {
        if ((rules >> i & 1) != 0) {
            int more = snprintf(text + len, HOLDS_TEXT_SIZE - len, "%s%s", len == 0 ? "" : ", ",
                                health_get_guard_name(health, i));
            len += (size_t)more;
        }
    }
    return len == 0 ? NULL : text;
}

/* "data slowly", as rules release takes them. */
static void print_region(const struct health *health, const struct health_hold_status *status,
                         struct buffer *out)
{
    const char *between = "";
    buffer_print(out, "steerd_region_held{region=\"%s\",rules=\"", status->region);
    for (size_t i = 0; i < health_count_guards(health); i++) {
        if ((status->rules >> i & 1) != 0) {
            buffer_print(out, "%s%s", between, health_get_guard_name(health, i));
            between = " ";
        }
    }
    buffer_add_text(out, "\"} 1\n");
}

void holds_print_metrics(const struct view *view, struct buffer *out)
{
    size_t count = view->health == NULL ? 0 : health_count_guards(view->health);
    if (count == 0) {
        return;
    }
    print_head(out, "steerd_holds", "gauge",
               "Regions in which a safety rule keeps answers that would leave.");
    for (size_t i = 0; i < count; i++) {
        buffer_print(out, "steerd_holds{rule=\"%s\"} %zu\n", health_get_guard_name(view->health, i),
                     health_count_holds(view->health, i));
    }
    print_head(out, "steerd_region_held", "gauge",
               "1 for each region in which safety rules keep answers that would leave.");
    for (uint32_t i = 0; i < health_count(view->health, HEALTH_REGION); i++) {
        struct health_hold_status status;
        (void)health_get_hold(view->health, i, &status);
        if (status.is_held) {
            print_region(view->health, &status, out);
        }
    }
}
