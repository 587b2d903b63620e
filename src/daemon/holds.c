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
}
